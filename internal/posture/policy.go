package posture

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// policyFunctions are what expressions may ask of the text of a policy. One that is
// no policy makes the answer unknown; an empty text is no policy that anybody wrote:
// it allows and denies nothing.
//
//	decide(policy, principal, action, resource, context) is what a resource's policy
//	  says to a request: allowed, explicitly_denied or implicitly_denied. The principal is an ARN, a service such as cloudtrail.amazonaws.com, or "*" for
//	  nobody in particular; a key that the context lacks is not in the request.
//	open_to_all(policy) says whether it is public in the sense of S3 Block Public Access.
//	beyond(policy, actions, tied) lists the actions, in the policy's own words, that it
//	  allows beyond the given ones, whatever other policies say. Each of tied is an
//	  action, a key and a value: it may be allowed where StringEquals demands that, or
//	  StringLike if the value has a wildcard. A fourth word is the only resource that it
//	  may be allowed on.
func policyFunctions() []cel.EnvOption {
	text, texts := cel.StringType, cel.ListType(cel.StringType)
	return []cel.EnvOption{
		cel.Function("decide", cel.Overload("decide_policy", []*cel.Type{text, text, text, text, cel.MapType(text, text)}, text, cel.FunctionBinding(decide))),
		cel.Function("open_to_all", cel.Overload("open_to_all_policy", []*cel.Type{text}, cel.BoolType, cel.UnaryBinding(openToAll))),
		cel.Function("beyond", cel.Overload("beyond_policy", []*cel.Type{text, texts, texts}, texts, cel.FunctionBinding(beyond))),
	}
}

// parsed reads a policy from CEL; nil for an empty text.
func parsed(v ref.Val) (*iam.Policy, error) {
	text, ok := v.(types.String)
	if !ok || text == "" {
		return nil, nil
	}
	p, err := iam.Parse("policy", []byte(text))
	if err != nil {
		return nil, fmt.Errorf("a policy that cannot be read: %w", err)
	}
	return p, nil
}

func decide(args ...ref.Val) ref.Val {
	p, err := parsed(args[0])
	if err != nil {
		return types.WrapErr(err)
	}
	principal, err := iam.ParsePrincipal(fmt.Sprint(args[1].Value()))
	if err != nil {
		return types.WrapErr(err)
	}
	var policies iam.Policies
	if p != nil {
		policies.Resource = []*iam.Policy{p}
	}
	given, err := args[4].ConvertToNative(reflect.TypeFor[map[string]string]())
	if err != nil {
		return types.WrapErr(err)
	}
	keys := principal.ContextKeys()
	for k, v := range given.(map[string]string) {
		keys[k] = []string{v}
	}
	d, err := iam.Evaluate(&iam.Request{
		Action: fmt.Sprint(args[2].Value()), Resource: fmt.Sprint(args[3].Value()), Principal: principal, Context: iam.NewContext(keys),
	}, policies)
	switch {
	case err != nil:
		return types.WrapErr(err)
	case d.Outcome == iam.Conditional:
		return types.NewErr("whether the policy allows %v hangs on what is not known", args[2].Value())
	}
	return types.String(d.Outcome.String())
}

func openToAll(v ref.Val) ref.Val {
	p, err := parsed(v)
	switch {
	case err != nil:
		return types.WrapErr(err)
	case p == nil:
		return types.False
	}
	return types.Bool(iam.Public(p))
}

// beyond looks at Allow statements alone. A pattern with a wildcard is beyond a list of
// names, as AWS adds actions; so is everything that NotAction leaves.
func beyond(args ...ref.Val) ref.Val {
	p, err := parsed(args[0])
	if err != nil {
		return types.WrapErr(err)
	}
	var lists [2][]string
	for i := range lists {
		list, err := args[1+i].ConvertToNative(reflect.TypeFor[[]string]())
		if err != nil {
			return types.WrapErr(err)
		}
		lists[i] = list.([]string)
	}
	out := []string{}
	if p != nil {
		for i := range p.Document.Statements {
			out = append(out, extra(&p.Document.Statements[i], lists[0], lists[1])...)
		}
	}
	return types.DefaultTypeAdapter.NativeToValue(out)
}

// extra lists the actions that one statement allows beyond the given ones.
func extra(s *policy.Statement, names, tied []string) []string {
	switch {
	case s.Denies():
		return nil
	case s.Action == nil:
		return []string{"all but " + strings.Join(s.NotAction.Values(), ", ")}
	}
	return slices.DeleteFunc(s.Action.Values(), func(action string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, action) }) ||
			slices.ContainsFunc(tied, func(t string) bool {
				f := strings.Fields(t)
				return (len(f) == 3 || len(f) == 4 && s.Resource != nil && slices.Equal(s.Resource.Values(), f[3:])) &&
					strings.EqualFold(f[0], action) && demands(s.Condition, f[1], f[2])
			})
	})
}

// demands says whether a condition holds for this one value of the key alone.
func demands(c *policy.Condition, key, value string) bool {
	if c == nil {
		return false
	}
	operator := "StringEquals"
	if strings.Contains(value, "*") {
		operator = "StringLike"
	}
	for _, b := range c.Blocks {
		for _, k := range b.Keys {
			if b.Operator.Value == operator && strings.EqualFold(k.Key.Value, key) && slices.Equal(k.Values.Values(), []string{value}) {
				return true
			}
		}
	}
	return false
}
