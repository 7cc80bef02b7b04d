package posture

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

// alertFunctions are what controls of alarms and topics ask beside comparisons.
//
//	filter_error(pattern)                 why the pattern of a metric filter cannot be read, "" if it can
//	open_to_anyone(arn, policy, actions)  whether a resource's policy lets any account do one of the actions
//
// What cannot be decided is an error, and the finding unknown.
var alertFunctions = []cel.EnvOption{
	cel.Function("filter_error", cel.Overload("filter_error_string", []*cel.Type{cel.StringType}, cel.StringType, cel.UnaryBinding(filterError))),
	cel.Function("open_to_anyone", cel.Overload("open_to_anyone_string_string_list", []*cel.Type{cel.StringType, cel.StringType, cel.ListType(cel.StringType)},
		cel.BoolType, cel.FunctionBinding(openToAnyone))),
}

func filterError(v ref.Val) ref.Val {
	text, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if _, err := filterpattern.Parse(string(text)); err != nil {
		return types.String(err.Error())
	}
	return types.String("")
}

// stranger is the root user of an account that AWS gives to nobody, so that only what
// is open to any account is open to it.
const stranger = "000000000000"

func openToAnyone(args ...ref.Val) ref.Val {
	arn, ok := args[0].(types.String)
	text, ok2 := args[1].(types.String)
	list, err := args[2].ConvertToNative(reflect.TypeFor[[]string]())
	if !ok || !ok2 || err != nil {
		return types.MaybeNoSuchOverloadErr(args[0])
	}
	if text == "" {
		return types.False // without a policy its own account alone may use it
	}
	open, err := strangerMay(string(arn), string(text), list.([]string))
	if err != nil {
		return types.WrapErr(fmt.Errorf("the policy of %s cannot be read: %w", arn, err))
	}
	return types.Bool(open)
}

// strangerMay says whether the policy lets the stranger do one of the actions. A
// condition that hangs on something other than who asks counts if it ties the statement
// to fixed values, as it does for S3's meaning of public.
func strangerMay(arn, text string, actions []string) (bool, error) {
	p, err := iam.Parse("policy", []byte(text))
	if err != nil {
		return false, err
	}
	set, err := iam.NewSet(iam.Policies{Resource: []*iam.Policy{p}})
	if err != nil {
		return false, err
	}
	who, err := iam.ParsePrincipal("arn:aws:iam::" + stranger + ":root")
	if err != nil {
		return false, err
	}
	context := iam.PartialContext(who.ContextKeys()).With("aws:SourceOwner", stranger).With("aws:SourceAccount", stranger)
	for _, absent := range []string{"aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:SourceArn"} {
		context = context.With(absent)
	}
	for _, action := range actions {
		d := set.Decide(&iam.Request{Action: action, Resource: arn, Principal: who, Context: context})
		if d.Outcome == iam.Allowed || d.Outcome == iam.Conditional && iam.Public(p) {
			return true, nil
		}
	}
	return false, nil
}
