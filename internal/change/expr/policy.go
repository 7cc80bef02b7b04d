package expr

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
)

// policyFunctions put policies together and ask what they come to:
//
//   - merge(policy, statements) is the policy with the statements; those of the same Sid
//     are replaced. Of null it is a new policy of version 2012-10-17.
//   - without(policy, sids) is the policy without the statements of these Sids, null if
//     none is left.
//   - statements(policy) lists its statements, also where one stands without a list.
//   - several(value) is a list: of one thing, of what it lists already, of null none.
//   - decide(policies, request) evaluates as package iam does. policies has lists of
//     documents under identity, boundary, resource, and under scps a list for each level;
//     request has action, resource, principal (an ARN), resource_account and context (a
//     map of texts or lists of texts; an empty list says that the request does not have
//     the key, of keys that are not named nothing is known). The answer has outcome, such as allowed or
//     implicitly denied, and statement, the Sid or number of the one that decided.
func policyFunctions() []cel.EnvOption {
	dyn := cel.DynType
	binary := func(name string, do func(a, b any) (any, error)) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_dyn_dyn", []*cel.Type{dyn, dyn}, dyn, cel.BinaryBinding(func(l, r ref.Val) ref.Val {
			a, err := plain(l)
			if err != nil {
				return result(nil, err)
			}
			b, err := plain(r)
			if err != nil {
				return result(nil, err)
			}
			return result(do(a, b))
		})))
	}
	unary := func(name string, do func(any) (any, error)) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_dyn", []*cel.Type{dyn}, dyn, cel.UnaryBinding(func(v ref.Val) ref.Val {
			p, err := plain(v)
			if err != nil {
				return result(nil, err)
			}
			return result(do(p))
		})))
	}
	return []cel.EnvOption{unary("statements", listed), unary("several", several), binary("merge", merge), binary("without", without), binary("decide", decide)}
}

// statements lists the statements of a policy: one alone stands without a list.
func statements(policy map[string]any) ([]any, error) {
	switch s := policy["Statement"].(type) {
	case nil:
		return nil, nil
	case []any:
		return slices.Clone(s), nil
	case map[string]any:
		return []any{s}, nil
	default:
		return nil, fmt.Errorf("a policy whose Statement is %T", s)
	}
}

// listed is statements, as expressions call it.
func listed(policy any) (any, error) {
	p, ok := policy.(map[string]any)
	if !ok && policy != nil {
		return nil, fmt.Errorf("statements(%T): want a policy", policy)
	}
	all, err := statements(p)
	return append([]any{}, all...), err
}

// several is what a policy may write as one thing or as a list.
func several(v any) (any, error) {
	switch x := v.(type) {
	case nil:
		return []any{}, nil
	case []any:
		return x, nil
	}
	return []any{v}, nil
}

func sid(statement any) string {
	m, _ := statement.(map[string]any)
	s, _ := m["Sid"].(string)
	return s
}

func merge(policy, more any) (any, error) {
	if policy == nil {
		policy = map[string]any{"Version": "2012-10-17"}
	}
	p, ok := policy.(map[string]any)
	add, listed := more.([]any)
	if !ok || !listed {
		return nil, fmt.Errorf("merge(%T, %T): want a policy and a list of statements", policy, more)
	}
	all, err := statements(p)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, s := range slices.Backward(all) { // the first of a Sid is the one that is replaced
		at[sid(s)] = i
	}
	for _, s := range add {
		id := sid(s)
		if id == "" {
			return nil, fmt.Errorf("merge: a statement without Sid")
		}
		if i, ok := at[id]; ok {
			all[i] = s
			continue
		}
		at[id] = len(all)
		all = append(all, s)
	}
	return withStatements(p, all), nil
}

func withStatements(p map[string]any, all []any) map[string]any {
	out := map[string]any{}
	for k, v := range p {
		out[k] = v
	}
	out["Statement"] = all
	return out
}

func without(policy, sids any) (any, error) {
	if policy == nil {
		return nil, nil
	}
	p, ok := policy.(map[string]any)
	gone, listed := sids.([]any)
	if !ok || !listed {
		return nil, fmt.Errorf("without(%T, %T): want a policy and a list of texts", policy, sids)
	}
	all, err := statements(p)
	if err != nil {
		return nil, err
	}
	named := map[string]bool{}
	for _, id := range gone {
		if text, ok := id.(string); ok && text != "" {
			named[text] = true
		}
	}
	all = slices.DeleteFunc(all, func(s any) bool { return named[sid(s)] })
	if len(all) == 0 {
		return nil, nil
	}
	return withStatements(p, all), nil
}

// maxRequest bounds what decide is asked, bytes: each pattern of the policies is held to it.
const maxRequest = 16 << 10

// decide evaluates a request over policies that are not in force yet.
func decide(policies, request any) (any, error) {
	p, ok := policies.(map[string]any)
	q, asked := request.(map[string]any)
	if !ok || !asked {
		return nil, fmt.Errorf("decide(%T, %T): want two maps", policies, request)
	}
	ps, err := readPolicies(p)
	if err != nil {
		return nil, err
	}
	r, err := readRequest(q)
	if err != nil {
		return nil, err
	}
	d, err := iam.Evaluate(r, ps)
	if err != nil {
		return nil, err
	}
	statement := ""
	if d.Statement.Policy != nil {
		statement = d.Statement.String()
	}
	return map[string]any{"outcome": d.Outcome.String(), "statement": statement}, nil
}

func readPolicies(p map[string]any) (out iam.Policies, err error) {
	for name, v := range p {
		switch name {
		case "identity":
			out.Identity, err = documents(name, v)
		case "boundary":
			out.Boundary, err = documents(name, v)
		case "resource":
			out.Resource, err = documents(name, v)
		case "scps":
			levels, ok := v.([]any)
			if !ok {
				return out, fmt.Errorf("decide: scps are %T, want a list of levels", v)
			}
			out.SCPs = [][]*iam.Policy{}
			for i, l := range levels {
				list, err := documents(fmt.Sprintf("scps %d", i+1), l)
				if err != nil {
					return out, err
				}
				out.SCPs = append(out.SCPs, list)
			}
		default:
			return out, fmt.Errorf("decide: policies have no %q, only identity, boundary, resource, scps", name)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func documents(name string, v any) ([]*iam.Policy, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("decide: %s is %T, want a list of policies", name, v)
	}
	out := []*iam.Policy{}
	for i, doc := range list {
		text, err := Encode(doc)
		if err == nil && len(text) > maxText {
			err = fmt.Errorf("decide: %s %d has %d bytes, at most %d", name, i+1, len(text), maxText)
		}
		if err != nil {
			return nil, err
		}
		p, err := iam.Parse(fmt.Sprintf("%s %d", name, i+1), text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func readRequest(q map[string]any) (*iam.Request, error) {
	text := func(name string) string { s, _ := q[name].(string); return s }
	if words, err := Encode(q); err != nil || len(words) > maxRequest {
		return nil, errors.Join(err, fmt.Errorf("decide: a request of %d bytes, at most %d", len(words), maxRequest))
	}
	r := &iam.Request{Action: text("action"), Resource: text("resource"), ResourceAccount: rootkeep.AccountID(text("resource_account"))}
	if p := text("principal"); p != "" {
		var err error
		if r.Principal, err = iam.ParsePrincipal(p); err != nil {
			return nil, err
		}
	}
	context := map[string][]string{}
	given, _ := q["context"].(map[string]any)
	for key, v := range given {
		switch x := v.(type) {
		case string:
			context[key] = []string{x}
		case []any:
			context[key] = []string{} // none at all: the request does not have the key
			for _, e := range x {
				s, ok := e.(string)
				if !ok {
					return nil, fmt.Errorf("decide: context %s holds %T", key, e)
				}
				context[key] = append(context[key], s)
			}
		default:
			return nil, fmt.Errorf("decide: context %s is %T, want a text or texts", key, v)
		}
	}
	r.Context = iam.PartialContext(context)
	return r, nil
}
