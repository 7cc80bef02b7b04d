package posture

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// concealFunction is conceals(filter, type): whether a filter of GuardDuty findings
// matches a finding of a type about the root user, or those of them that its further
// criteria name. What cannot be judged is an error, so that the control is unknown.
var concealFunction = cel.Function("conceals", cel.Overload("conceals_filter_string",
	[]*cel.Type{cel.ObjectType("facts.Filter"), cel.StringType}, cel.BoolType, cel.BinaryBinding(conceals)))

func conceals(filter, kind ref.Val) ref.Val {
	native, err := filter.ConvertToNative(reflect.TypeFor[facts.Filter]())
	f, ok := native.(facts.Filter)
	if err != nil || !ok {
		return types.MaybeNoSuchOverloadErr(filter)
	}
	open := ""
	for _, c := range f.Criteria {
		holds, err := canHold(c, string(kind.(types.String)))
		switch {
		case err != nil:
			open = err.Error()
		case !holds:
			return types.False
		}
	}
	if open != "" {
		return types.NewErr("filter %s: %s", f.Name, open)
	}
	return types.True
}

// rootFinding is what a finding about the root user has in the fields that tell it from
// others: GuardDuty User Guide, "Finding details", "IAM finding types", and "Severity
// levels", where Low is 1.0 to 3.9.
var rootFinding = map[string][]string{
	"severity": low(), "service.archived": {"false"}, "resource.resourceType": {"AccessKey"}, "service.action.actionType": {"AWS_API_CALL"},
	"resource.accessKeyDetails.userType": {"Root"}, "resource.accessKeyDetails.userName": {"Root", "root"},
}

func low() []string {
	var out []string
	for tenth := 10; tenth < 40; tenth++ {
		out = append(out, strconv.FormatFloat(float64(tenth)/10, 'f', -1, 64))
	}
	return out
}

// anyValue are fields, or what they are below, where a finding about the root user may
// have whatever the call had.
var anyValue = []string{
	"id", "accountId", "region", "updatedAt", "service.count", "resource.accessKeyDetails.accessKeyId", "resource.accessKeyDetails.principalId", "service.action.awsApiCallAction.",
}

// noValue are fields that it does not have: those of other resources and of other
// kinds of action.
var noValue = []string{
	"resource.instanceDetails.", "resource.s3BucketDetails.", "resource.eksClusterDetails.", "resource.kubernetesDetails.", "resource.containerDetails.", "resource.ecsClusterDetails.",
	"resource.rdsDbInstanceDetails.", "resource.rdsDbUserDetails.", "resource.lambdaDetails.", "resource.ebsVolumeDetails.", "service.action.networkConnectionAction.",
	"service.action.portProbeAction.", "service.action.dnsRequestAction.", "service.action.kubernetesApiCallAction.", "service.action.rdsLoginAttemptAction.",
	"service.runtimeDetails.", "service.ebsVolumeScanDetails.",
}

// canHold says whether a criterion holds for some finding of a type about the root user.
func canHold(c facts.Criterion, kind string) (bool, error) {
	values, fixed := rootFinding[c.Field]
	switch {
	case c.Field == "type":
		values = []string{kind}
	case fixed:
	case below(c.Field, anyValue):
		if len(c.Equals) == 0 {
			return true, nil
		}
		values = c.Equals
	case below(c.Field, noValue) && len(c.Equals)+len(c.Matches)+len(c.Bounds) > 0:
		return false, nil
	default:
		return false, fmt.Errorf("whether a finding about the root user has %s cannot be told", c.Field)
	}
	var err error
	holds := slices.ContainsFunc(values, func(v string) bool {
		ok, problem := accepts(c, v)
		if problem != nil {
			err = problem
		}
		return ok
	})
	if holds {
		err = nil
	}
	return holds, err
}

func below(field string, list []string) bool {
	return slices.ContainsFunc(list, func(p string) bool {
		return field == p || strings.HasSuffix(p, ".") && strings.HasPrefix(field, p)
	})
}

// accepts judges one value by one criterion.
func accepts(c facts.Criterion, value string) (bool, error) {
	is := func(v string) bool { return v == value || sameNumber(v, value) }
	like, err := wildIn(c.Matches, value)
	unlike, err2 := wildIn(c.NotMatches, value)
	switch {
	case cmp.Or(err, err2) != nil:
		return false, fmt.Errorf("%s: %w", c.Field, cmp.Or(err, err2))
	case len(c.Equals) > 0 && !slices.ContainsFunc(c.Equals, is), slices.ContainsFunc(c.NotEquals, is), len(c.Matches) > 0 && !like, unlike:
		return false, nil
	}
	for _, b := range c.Bounds {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return false, fmt.Errorf("%s %s %d: %q is no number", c.Field, b.Operator, b.Value, value)
		}
		limit := float64(b.Value)
		good, ok := map[string]bool{"gt": n > limit, "gte": n >= limit, "lt": n < limit, "lte": n <= limit}[b.Operator]
		switch {
		case !ok:
			return false, fmt.Errorf("%s: operator %q is not known", c.Field, b.Operator)
		case !good:
			return false, nil
		}
	}
	return true, nil
}

// sameNumber lets severity 2 be 2.0.
func sameNumber(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err == nil && err2 == nil && x == y
}

var wildcards = strings.NewReplacer(`\*`, `.*`, `\?`, `.`)

// wild matches * for any text and ? for any character, in time linear in the text.
func wild(pattern, text string) (bool, error) {
	re, err := regexp.Compile(`(?s)^` + wildcards.Replace(regexp.QuoteMeta(pattern)) + `$`)
	return err == nil && re.MatchString(text), err
}

// wildIn says whether one of the patterns matches.
func wildIn(patterns []string, text string) (bool, error) {
	for _, p := range patterns {
		if ok, err := wild(p, text); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}
