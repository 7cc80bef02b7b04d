package posture

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/permission"
)

// authority is the variable iam of expressions: its functions judge policies of the
// snapshot at hand. What cannot be decided is an unknown of CEL, so that the result is
// unknown unless something else settles it.
type authority struct {
	*permission.Account
	limited map[string]ref.Val // by the holder's ARN

	// Of the expression at hand:
	said    []string               // what answers rest on
	reasons map[string][]facts.Gap // of unknowns, by the attribute that they name
}

var iamType = cel.OpaqueType("iam")

func newAuthority(s *facts.Snapshot) *authority {
	return &authority{Account: permission.Of(s), limited: map[string]ref.Val{}}
}

// begin forgets the expression before.
func (a *authority) begin() { a.said, a.reasons = nil, nil }

// maxSaid bounds the sentences of one finding.
const maxSaid = 3

// because joins what the answers of an expression rest on.
func (a *authority) because() string {
	said := slices.Compact(slices.Sorted(slices.Values(a.said)))
	if more := len(said) - maxSaid; more > 0 {
		said = append(said[:maxSaid], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(said, "; ")
}

// answer is an answer as CEL's value.
func (a *authority) answer(x permission.Answer) ref.Val {
	if x.Truth == iam.Unknown {
		return a.unknown(x)
	}
	if x.Why != "" {
		a.said = append(a.said, x.Why)
	}
	return types.Bool(x.Truth == iam.True)
}

// list is a list of texts as CEL's value, unless the answer is that it is not known.
func (a *authority) list(list []string, x permission.Answer) ref.Val {
	if x.Truth == iam.Unknown {
		return a.unknown(x)
	}
	return types.NewStringList(types.DefaultTypeAdapter, list)
}

func (a *authority) unknown(x permission.Answer) ref.Val {
	gaps := x.Gaps
	if x.Why != "" {
		gaps = append(slices.Clip(gaps), facts.Gap{Reason: x.Why})
	}
	if a.reasons == nil {
		a.reasons = map[string][]facts.Gap{}
	}
	n := len(a.reasons) + 1
	name := fmt.Sprint("iam#", n) // no attribute of an expression has such a name
	a.reasons[name] = gaps
	// Numbers of expressions are positive: these cannot meet them.
	return types.NewUnknown(int64(-n), types.NewAttributeTrail(name))
}

// as is an element of facts in an argument.
func as[T any](v ref.Val) *T {
	switch x := v.Value().(type) {
	case *T:
		return x
	case T:
		return &x
	}
	return new(T)
}

func object[T any]() *cel.Type { return cel.ObjectType("facts." + reflect.TypeFor[T]().Name()) }

var (
	texts     = cel.ListType(cel.StringType)
	documents = cel.ListType(object[facts.Document]())
)

// iamFunctions are the functions of the variable iam; docs/scan.md lists them.
func iamFunctions() []cel.EnvOption {
	var out []cel.EnvOption
	add := func(name string, result *cel.Type, do func(a *authority, args []ref.Val) ref.Val, args ...*cel.Type) {
		id := "iam_" + name
		for _, t := range args {
			id += "_" + strings.ToLower(strings.TrimPrefix(t.TypeName(), "facts."))
		}
		call := func(all ...ref.Val) ref.Val {
			a, ok := all[0].(*authority)
			if !ok {
				return types.MaybeNoSuchOverloadErr(all[0])
			}
			return do(a, all[1:])
		}
		out = append(out, cel.Function(name, cel.MemberOverload(id, append([]*cel.Type{iamType}, args...), result, cel.FunctionBinding(call))))
	}
	out = append(out, cel.Variable("iam", iamType))
	addHolders(add)
	addDocuments(add)
	addTrust(add)
	return out
}

// adder declares a function of iam.
type adder func(name string, result *cel.Type, do func(a *authority, args []ref.Val) ref.Val, args ...*cel.Type)

// addHolders declares what is asked of users, roles, groups and managed policies.
func addHolders(add adder) {
	user, role, group, policy := object[facts.User](), object[facts.Role](), object[facts.Group](), object[facts.Policy]()
	add("administrator", cel.BoolType, func(a *authority, v []ref.Val) ref.Val { return a.answer(a.UserHolds(as[facts.User](v[0]))) }, user)
	add("administrator", cel.BoolType, func(a *authority, v []ref.Val) ref.Val { return a.answer(a.RoleHolds(as[facts.Role](v[0]))) }, role)
	add("administrator", cel.BoolType, func(a *authority, v []ref.Val) ref.Val { return a.answer(a.GroupHolds(as[facts.Group](v[0]))) }, group)
	add("privileged", cel.BoolType, func(a *authority, v []ref.Val) ref.Val { return a.answer(a.Privileged(as[facts.User](v[0]))) }, user)
	add("escalates", cel.BoolType, func(a *authority, v []ref.Val) ref.Val { return a.answer(a.Escalates(as[facts.User](v[0]).ARN)) }, user)
	add("escalates", cel.BoolType, func(a *authority, v []ref.Val) ref.Val { return a.answer(a.Escalates(as[facts.Role](v[0]).ARN)) }, role)
	add("loose_assume_root", texts, func(a *authority, v []ref.Val) ref.Val {
		levels, err := native[facts.PolicyLevel](v[0])
		if err != nil {
			return types.WrapErr(err)
		}
		return a.list(a.LooseAssumeRoot(levels))
	}, cel.ListType(object[facts.PolicyLevel]()))
	for _, t := range []*cel.Type{user, role, group, policy} {
		add("written", documents, func(a *authority, v []ref.Val) ref.Val { return a.written(v[0]) }, t)
		add("limited", documents, func(a *authority, v []ref.Val) ref.Val { return a.limit(v[0]) }, t)
	}
}

// written are the documents of a holder that the account has written: of a managed
// policy its text unless it is AWS's own, of users, groups and roles the inline ones.
func (a *authority) written(holder ref.Val) ref.Val {
	var arn, field string
	switch t := holder.Type().TypeName(); t {
	case "facts.Policy":
		p := as[facts.Policy](holder)
		if gaps := a.Lacks(p.ARN, "policies.aws", "policies.document"); len(gaps) > 0 {
			return a.unknown(permission.Answer{Gaps: gaps})
		}
		if p.AWS {
			return types.NewRefValList(types.DefaultTypeAdapter, nil)
		}
		return types.NewRefValList(types.DefaultTypeAdapter, []ref.Val{holder.(traits.Indexer).Get(types.String("document"))})
	case "facts.User":
		arn, field = as[facts.User](holder).ARN, "users"
	case "facts.Group":
		arn, field = as[facts.Group](holder).ARN, "groups"
	case "facts.Role":
		arn, field = as[facts.Role](holder).ARN, "roles"
	}
	if gaps := a.Lacks(arn, field+".inline_policies"); len(gaps) > 0 {
		return a.unknown(permission.Answer{Gaps: gaps})
	}
	return holder.(traits.Indexer).Get(types.String("inline_policies"))
}

// limit leaves out of what is written the documents that make their holder
// administrator: they fail for that, once. A managed policy that is attached to nobody
// does not, so that nothing of it is left out.
func (a *authority) limit(holder ref.Val) ref.Val {
	key := fmt.Sprint(holder.(traits.Indexer).Get(types.String("arn")).Value())
	if known, ok := a.limited[key]; ok {
		return known
	}
	all := a.written(holder)
	list, ok := all.(traits.Lister)
	if !ok {
		return all // unknown, with reasons of this expression alone
	}
	if holder.Type().TypeName() == "facts.Policy" {
		p := as[facts.Policy](holder)
		if gaps := a.Lacks(p.ARN, "policies.attachments"); len(gaps) > 0 {
			return a.unknown(permission.Answer{Gaps: gaps})
		}
		if p.Attachments == 0 {
			return all
		}
	}
	var rest []ref.Val
	for i := types.Int(0); i < list.Size().(types.Int); i++ {
		d := list.Get(i)
		if x := as[facts.Document](d); a.Grants(x.Name, x.Text).Truth != iam.True {
			rest = append(rest, d)
		}
	}
	a.limited[key] = types.NewRefValList(types.DefaultTypeAdapter, rest)
	return a.limited[key]
}

// addDocuments declares what is asked of one document.
func addDocuments(add adder) {
	document := object[facts.Document]()
	add("administrator", cel.BoolType, func(a *authority, v []ref.Val) ref.Val {
		d := as[facts.Document](v[0])
		return a.answer(a.Grants(d.Name, d.Text))
	}, document)
	allows := func(a *authority, v []ref.Val) ref.Val {
		d := as[facts.Document](v[0])
		var absent []string
		if len(v) > 3 {
			list, err := v[3].ConvertToNative(reflect.TypeFor[[]string]())
			if err != nil {
				return types.WrapErr(err)
			}
			absent = list.([]string)
		}
		return a.answer(a.Allows(d.Name, d.Text, string(v[1].(types.String)), string(v[2].(types.String)), absent))
	}
	add("allows", cel.BoolType, allows, document, cel.StringType, cel.StringType)
	add("allows", cel.BoolType, allows, document, cel.StringType, cel.StringType, texts)
	for _, part := range []string{permission.Inverted, permission.Services, permission.Keys, permission.Codes} {
		add(part, texts, func(a *authority, v []ref.Val) ref.Val {
			d := as[facts.Document](v[0])
			return a.list(a.List(part, d.Name, d.Text))
		}, document)
	}
}

// addTrust declares what is asked of the trust policy of a role.
func addTrust(add adder) {
	role := object[facts.Role]()
	add("anyone", cel.BoolType, func(a *authority, v []ref.Val) ref.Val { return a.answer(a.Anyone(as[facts.Role](v[0]))) }, role)
	add("outside", texts, func(a *authority, v []ref.Val) ref.Val { return a.list(a.Outside(as[facts.Role](v[0]))) }, role)
	add("tied", cel.BoolType, func(a *authority, v []ref.Val) ref.Val {
		return a.answer(a.Tied(as[facts.Role](v[0]), string(v[1].(types.String))))
	}, role, cel.StringType)
	add("bare", cel.BoolType, func(a *authority, v []ref.Val) ref.Val {
		return a.answer(a.Bare(as[facts.Role](v[0]), string(v[1].(types.String))))
	}, role, cel.StringType)
	add("trusted_services", texts, func(a *authority, v []ref.Val) ref.Val { return a.list(a.Services(as[facts.Role](v[0]))) }, role)
	add("deputy", cel.BoolType, func(a *authority, v []ref.Val) ref.Val {
		services, err := v[1].ConvertToNative(reflect.TypeFor[[]string]())
		if err != nil {
			return types.WrapErr(err)
		}
		return a.answer(a.Deputy(as[facts.Role](v[0]), services.([]string)))
	}, role, texts)
}

// The methods that make authority a value of CEL, which only its functions look into.

// ConvertToNative refuses: there is nothing to convert.
func (a *authority) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("iam is no %s", t)
}

// ConvertToType refuses.
func (a *authority) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("iam is no %s", t.TypeName())
}

// Equal says whether it is the same.
func (a *authority) Equal(other ref.Val) ref.Val { return types.Bool(ref.Val(a) == other) }

// Type is its type in expressions.
func (a *authority) Type() ref.Type { return iamType }

// Value is the authority itself.
func (a *authority) Value() any { return a }
