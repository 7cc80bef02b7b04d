package posture

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/permission"
)

// organizationFunctions are what expressions may ask of the policies of an organization:
//
//   - account is the number of the account, "" if no source says which it is;
//   - open_actions(scps, account, who, actions, regions) lists the actions that service
//     control policies let who do in some of the Regions, with MFA or without;
//   - shut_actions(...) lists those that they deny in some of them, with MFA or without;
//   - home_regions(regions) are those that calls of IAM and Organizations name, one for
//     each partition that the Regions are in. Of no Region it is unknown.
//
// who is root (with a password or a key), assumed-root (a session of sts:AssumeRoot) or
// role (a role without tags that no policy knows by name). An action may be followed by
// a space and the ARN that it is about, in which ${region}, ${account} and ${partition}
// are filled in. Where the policies do not decide, for what they ask of a request or
// because one cannot be parsed, the list is unknown, unless another action is certain.
func organizationFunctions() []cel.EnvOption {
	texts := cel.ListType(cel.StringType)
	arguments := []*cel.Type{cel.ListType(cel.ObjectType("facts.PolicyLevel")), cel.StringType, cel.StringType, texts, texts}
	return []cel.EnvOption{
		cel.Variable("account", cel.StringType),
		cel.Function("open_actions", cel.Overload("open_actions_scps", arguments, texts, cel.FunctionBinding(bySCPs(iam.True)))),
		cel.Function("shut_actions", cel.Overload("shut_actions_scps", arguments, texts, cel.FunctionBinding(bySCPs(iam.False)))),
		cel.Function("home_regions", cel.Overload("home_regions_list", []*cel.Type{texts}, texts, cel.UnaryBinding(homeRegions))),
	}
}

// native gives the Go slice behind a list of CEL.
func native[T any](v ref.Val) ([]T, error) {
	if list, ok := v.Value().([]T); ok {
		return list, nil
	}
	list, err := v.ConvertToNative(reflect.TypeFor[[]T]())
	if err != nil {
		return nil, err
	}
	return list.([]T), nil
}

// bySCPs lists the actions that are allowed, or denied, for certain.
func bySCPs(want iam.Truth) func(...ref.Val) ref.Val {
	return func(args ...ref.Val) ref.Val {
		levels, err := native[facts.PolicyLevel](args[0])
		if err != nil {
			return types.WrapErr(err)
		}
		actions, err := native[string](args[3])
		if err != nil {
			return types.WrapErr(err)
		}
		regions, err := native[string](args[4])
		if err != nil {
			return types.WrapErr(err)
		}
		q, err := newLimits(levels, args[1].Value().(string), args[2].Value().(string))
		if err != nil {
			return undecided(err.Error())
		}
		out, unsure := []string{}, ""
		for _, action := range actions {
			switch got, why := q.anywhere(action, regions, want); {
			case got == want:
				out = append(out, action)
			case got == iam.Unknown && unsure == "":
				unsure = why
			}
		}
		if len(out) == 0 && unsure != "" {
			return undecided(unsure)
		}
		return types.NewStringList(types.DefaultTypeAdapter, out)
	}
}

// limits are the service control policies of an account, to be asked as one caller.
type limits struct {
	set       *iam.Set
	account   rootkeep.AccountID
	principal iam.Principal
	known     map[string][]string // of the request's context, beside the Region and MFA
	mfa       [][]string          // values of aws:MultiFactorAuthPresent that the caller may have
}

// ordinary is the name of a role that no policy makes an exception for.
const ordinary = "rootkeep-asks-for-an-ordinary-role"

func newLimits(levels []facts.PolicyLevel, account, who string) (*limits, error) {
	id, err := rootkeep.ParseAccountID(account)
	if err != nil {
		return nil, fmt.Errorf("the account that the policies are about: %w", err)
	}
	q := &limits{account: id, mfa: [][]string{{"true"}, {"false"}}}
	policies := iam.Policies{Identity: []*iam.Policy{everything}, SCPs: permission.Levels(levels, iam.SCP)}
	if q.set, err = iam.NewSet(policies); err != nil {
		return nil, err
	}
	// A call that the caller makes itself, not a service for it.
	q.known = map[string][]string{
		"aws:AssumedRoot": nil, "aws:username": nil, "aws:PrincipalServiceName": nil, "aws:PrincipalServiceNamesList": nil, "aws:ViaAWSService": {"false"},
		"aws:CalledVia": nil, "aws:CalledViaFirst": nil, "aws:CalledViaLast": nil, "aws:SourceArn": nil, "aws:SourceAccount": nil,
	}
	switch who {
	case "role":
		q.principal = iam.Principal{Kind: iam.Role, Account: id, Name: ordinary}
	case "root":
		q.principal = iam.Principal{Kind: iam.Root, Account: id}
		q.mfa = append(q.mfa, nil) // a long-term key says nothing of MFA
	case "assumed-root":
		q.principal = iam.Principal{Kind: iam.Root, Account: id}
		q.known["aws:AssumedRoot"], q.mfa = []string{"true"}, [][]string{{"false"}}
	default:
		return nil, fmt.Errorf("caller %q: want root, assumed-root or role", who)
	}
	return q, nil
}

// everything allows all, so that the policies above it decide.
var everything = func() *iam.Policy {
	p, err := iam.Parse("everything", []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`))
	if err != nil {
		panic("posture: " + err.Error()) // the text above is a policy; every test of this package compiles it
	}
	return p
}()

// anywhere says whether some Region and kind of sign-in has the wanted answer: True for
// allowed. Unknown comes with what it hangs on.
func (q *limits) anywhere(action string, regions []string, want iam.Truth) (iam.Truth, string) {
	got, why := want.Not(), ""
	for _, region := range regions {
		for _, mfa := range q.mfa {
			request := q.request(action, region, mfa)
			d := q.set.Decide(request)
			switch {
			case d.Outcome == iam.Conditional && got != iam.Unknown:
				residual := q.set.Residual(request)
				got, why = iam.Unknown, fmt.Sprintf("whether service control policies deny %s in %s hangs on %s", request.Action, region, bounded(residual.String()))
			case d.Outcome != iam.Conditional && d.Allowed() == (want == iam.True):
				return want, ""
			}
		}
	}
	return got, why
}

func (q *limits) request(action, region string, mfa []string) *iam.Request {
	name, resource, found := strings.Cut(action, " ")
	if !found {
		resource = "*"
	}
	partition := partitionOf(region)
	resource = strings.NewReplacer("${region}", region, "${account}", string(q.account), "${partition}", partition).Replace(resource)
	who := q.principal
	who.ARN = "arn:" + partition + ":iam::" + string(q.account) + ":root"
	if who.Kind == iam.Role {
		who.ARN = strings.TrimSuffix(who.ARN, "root") + "role/" + who.Name
	}
	values := who.ContextKeys()
	for key, known := range q.known {
		values[key] = known
	}
	values["aws:RequestedRegion"], values["aws:MultiFactorAuthPresent"] = []string{region}, mfa
	return &iam.Request{Action: name, Resource: resource, ResourceAccount: q.account, Principal: who, Context: iam.PartialContext(values).Close("aws:PrincipalTag/")}
}

// partitionOf is the partition of AWS that a Region is in.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// homeRegions are what aws:RequestedRegion is in calls of global services.
func homeRegions(v ref.Val) ref.Val {
	regions, err := native[string](v)
	if err != nil {
		return types.WrapErr(err)
	}
	if len(regions) == 0 {
		return undecided("no Region tells which partition the account is in")
	}
	homes := map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
	var out []string
	for _, r := range regions {
		if home := homes[partitionOf(r)]; !slices.Contains(out, home) {
			out = append(out, home)
		}
	}
	return types.NewStringList(types.DefaultTypeAdapter, out)
}

// bounded cuts text that policies make long.
func bounded(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
