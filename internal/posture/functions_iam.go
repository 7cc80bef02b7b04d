package posture

import (
	"cmp"
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
	adapter types.Adapter
	papers  map[*facts.Document]ref.Val // what is written, by the first document of its holder
	limited map[*facts.Document]ref.Val // the same, of what is limited

	// Of the expression at hand:
	said    []string               // what answers rest on
	reasons map[string][]facts.Gap // of unknowns, by the attribute that they name
}

var iamType = cel.OpaqueType("iam")

func newAuthority(s *facts.Snapshot, documents *permission.Documents, adapter types.Adapter) *authority {
	return &authority{Account: documents.Account(s), adapter: adapter, papers: map[*facts.Document]ref.Val{}, limited: map[*facts.Document]ref.Val{}}
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
	if len(list) == 0 {
		return noTexts
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
	add := func(name string, result *cel.Type, do cel.OverloadOpt, args ...*cel.Type) {
		id := "iam_" + name
		for _, t := range args {
			id += "_" + strings.ToLower(strings.TrimPrefix(t.TypeName(), "facts."))
		}
		out = append(out, cel.Function(name, cel.MemberOverload(id, append([]*cel.Type{iamType}, args...), result, do)))
	}
	out = append(out, cel.Variable("iam", iamType))
	addHolders(add)
	addDocuments(add)
	addTrust(add)
	return out
}

// adder declares a function of iam.
type adder func(name string, result *cel.Type, do cel.OverloadOpt, args ...*cel.Type)

// of is a function of one argument: CEL needs no list of arguments for it.
func of(do func(a *authority, v ref.Val) ref.Val) cel.OverloadOpt {
	return cel.BinaryBinding(func(who, v ref.Val) ref.Val {
		a, ok := who.(*authority)
		if !ok {
			return types.MaybeNoSuchOverloadErr(who)
		}
		return do(a, v)
	})
}

// ofMany is a function of several.
func ofMany(do func(a *authority, v []ref.Val) ref.Val) cel.OverloadOpt {
	return cel.FunctionBinding(func(all ...ref.Val) ref.Val {
		a, ok := all[0].(*authority)
		if !ok {
			return types.MaybeNoSuchOverloadErr(all[0])
		}
		return do(a, all[1:])
	})
}

// addHolders declares what is asked of users, roles, groups and managed policies.
func addHolders(add adder) {
	user, role, group, policy := object[facts.User](), object[facts.Role](), object[facts.Group](), object[facts.Policy]()
	add("administrator", cel.BoolType, of(func(a *authority, v ref.Val) ref.Val { return a.answer(a.UserHolds(as[facts.User](v))) }), user)
	add("administrator", cel.BoolType, of(func(a *authority, v ref.Val) ref.Val { return a.answer(a.RoleHolds(as[facts.Role](v))) }), role)
	add("administrator", cel.BoolType, of(func(a *authority, v ref.Val) ref.Val { return a.answer(a.GroupHolds(as[facts.Group](v))) }), group)
	add("locked", cel.BoolType, of(func(a *authority, v ref.Val) ref.Val { return a.answer(a.Locked(as[facts.User](v))) }), user)
	add("privileged", cel.BoolType, of(func(a *authority, v ref.Val) ref.Val { return a.answer(a.Privileged(as[facts.User](v))) }), user)
	add("escalates", cel.BoolType, of(func(a *authority, v ref.Val) ref.Val { return a.answer(a.Escalates(as[facts.User](v).ARN)) }), user)
	add("escalates", cel.BoolType, of(func(a *authority, v ref.Val) ref.Val { return a.answer(a.Escalates(as[facts.Role](v).ARN)) }), role)
	add("loose_assume_root", texts, of(func(a *authority, v ref.Val) ref.Val {
		levels, err := native[facts.PolicyLevel](v)
		if err != nil {
			return types.WrapErr(err)
		}
		return a.list(a.LooseAssumeRoot(levels))
	}), cel.ListType(object[facts.PolicyLevel]()))
	add("assume_root_as", texts, ofMany(func(a *authority, v []ref.Val) ref.Val {
		levels, err := native[facts.PolicyLevel](v[0])
		tasks, other := textsOf(v[2])
		if err = cmp.Or(err, other); err != nil {
			return types.WrapErr(err)
		}
		return a.list(a.AssumeRootAs(levels, string(v[1].(types.String)), tasks))
	}), cel.ListType(object[facts.PolicyLevel]()), cel.StringType, texts)
	for _, t := range []*cel.Type{user, role, group, policy} {
		add("written", documents, of(func(a *authority, v ref.Val) ref.Val { return a.written(v) }), t)
		add("limited", documents, of(func(a *authority, v ref.Val) ref.Val { return a.limit(v) }), t)
	}
}

// written are the documents of a holder that the account has written: of a managed
// policy its text unless it is AWS's own, of users, groups and roles the inline ones.
func (a *authority) written(holder ref.Val) ref.Val {
	h := holderOf(holder)
	if gaps := a.Lacks(h.arn, h.facts...); len(gaps) > 0 {
		return a.unknown(permission.Answer{Gaps: gaps})
	}
	return h.remembered(a.papers, func() (out []ref.Val) {
		for i := range h.written {
			out = append(out, a.adapter.NativeToValue(&h.written[i]))
		}
		return out
	})
}

// limit leaves out of what is written the documents that make their holder
// administrator: they fail for that, once. A managed policy that is attached to nobody
// does not, so that nothing of it is left out.
func (a *authority) limit(holder ref.Val) ref.Val {
	written := a.written(holder)
	all, ok := written.(traits.Lister)
	if !ok {
		return written // unknown, with reasons of this expression alone
	}
	if holder.Type().TypeName() == "facts.Policy" {
		p := as[facts.Policy](holder)
		if gaps := a.Lacks(p.ARN, "policies.attachments"); len(gaps) > 0 {
			return a.unknown(permission.Answer{Gaps: gaps})
		}
		if p.Attachments == 0 {
			return written
		}
	}
	h := holderOf(holder)
	return h.remembered(a.limited, func() (out []ref.Val) {
		for i := types.Int(0); i < all.Size().(types.Int); i++ {
			d := all.Get(i)
			if x := as[facts.Document](d); a.Grants(x.Name, x.Text).Truth != iam.True {
				out = append(out, d)
			}
		}
		return out
	})
}

// carrier is who or what has documents.
type carrier struct {
	arn     string
	facts   []string        // that tell what is written
	key     *facts.Document // the first of written, nil for none
	written []facts.Document
}

// Facts that tell what is written, by who has it.
var (
	ofPolicy = []string{"policies.aws", "policies.document"}
	ofUser   = []string{"users.inline_policies"}
	ofGroup  = []string{"groups.inline_policies"}
	ofRole   = []string{"roles.inline_policies"}
)

func holderOf(v ref.Val) (out carrier) {
	switch v.Type().TypeName() {
	case "facts.Policy":
		p := as[facts.Policy](v)
		if p.AWS {
			return carrier{arn: p.ARN, facts: ofPolicy}
		}
		return carrier{p.ARN, ofPolicy, &p.Document, []facts.Document{p.Document}}
	case "facts.User":
		u := as[facts.User](v)
		out = carrier{arn: u.ARN, facts: ofUser, written: u.InlinePolicies}
	case "facts.Group":
		g := as[facts.Group](v)
		out = carrier{arn: g.ARN, facts: ofGroup, written: g.InlinePolicies}
	case "facts.Role":
		r := as[facts.Role](v)
		out = carrier{arn: r.ARN, facts: ofRole, written: r.InlinePolicies}
	}
	if len(out.written) > 0 {
		out.key = &out.written[0]
	}
	return out
}

// The empty lists of documents and of texts.
var (
	none    = types.NewRefValList(types.DefaultTypeAdapter, nil)
	noTexts = types.NewStringList(types.DefaultTypeAdapter, nil)
)

// remembered is a list about the documents that is worked out once.
func (c *carrier) remembered(known map[*facts.Document]ref.Val, work func() []ref.Val) ref.Val {
	if c.key == nil {
		return none
	}
	out, ok := known[c.key]
	if !ok {
		out = types.NewRefValList(types.DefaultTypeAdapter, work())
		known[c.key] = out
	}
	return out
}

// addDocuments declares what is asked of one document.
func addDocuments(add adder) {
	document := object[facts.Document]()
	add("administrator", cel.BoolType, of(func(a *authority, v ref.Val) ref.Val {
		d := as[facts.Document](v)
		return a.answer(a.Grants(d.Name, d.Text))
	}), document)
	allows := ofMany(func(a *authority, v []ref.Val) ref.Val {
		d := as[facts.Document](v[0])
		var absent []string
		if len(v) > 3 {
			var err error
			if absent, err = textsOf(v[3]); err != nil {
				return types.WrapErr(err)
			}
		}
		return a.answer(a.Allows(d.Name, d.Text, string(v[1].(types.String)), string(v[2].(types.String)), absent))
	})
	add("allows", cel.BoolType, allows, document, cel.StringType, cel.StringType)
	add("allows", cel.BoolType, allows, document, cel.StringType, cel.StringType, texts)
	for _, part := range []string{permission.Inverted, permission.Services, permission.Keys, permission.Codes} {
		add(part, texts, of(func(a *authority, v ref.Val) ref.Val {
			d := as[facts.Document](v)
			return a.list(a.List(part, d.Name, d.Text))
		}), document)
	}
}

// addTrust declares what is asked of the trust policy of a role.
func addTrust(add adder) {
	role := object[facts.Role]()
	add("anyone", cel.BoolType, of(func(a *authority, v ref.Val) ref.Val { return a.answer(a.Anyone(as[facts.Role](v))) }), role)
	add("outside", texts, of(func(a *authority, v ref.Val) ref.Val { return a.list(a.Outside(as[facts.Role](v))) }), role)
	add("tied", cel.BoolType, ofMany(func(a *authority, v []ref.Val) ref.Val {
		return a.answer(a.Tied(as[facts.Role](v[0]), string(v[1].(types.String))))
	}), role, cel.StringType)
	add("bare", cel.BoolType, ofMany(func(a *authority, v []ref.Val) ref.Val {
		return a.answer(a.Bare(as[facts.Role](v[0]), string(v[1].(types.String))))
	}), role, cel.StringType)
	add("trusted_services", texts, of(func(a *authority, v ref.Val) ref.Val { return a.list(a.Services(as[facts.Role](v))) }), role)
	add("deputy", cel.BoolType, ofTexts((*authority).Deputy), role, texts)
	add("nameless", cel.BoolType, ofTexts((*authority).Nameless), role, texts)
}

// ofTexts is a question about a role and a list of texts.
func ofTexts(do func(*authority, *facts.Role, []string) permission.Answer) cel.OverloadOpt {
	return ofMany(func(a *authority, v []ref.Val) ref.Val {
		list, err := textsOf(v[1])
		if err != nil {
			return types.WrapErr(err)
		}
		return a.answer(do(a, as[facts.Role](v[0]), list))
	})
}

// textsOf are the texts of a list. A parameter is such a list in Go already.
func textsOf(v ref.Val) ([]string, error) {
	if list, ok := v.Value().([]string); ok {
		return list, nil
	}
	list, err := v.ConvertToNative(reflect.TypeFor[[]string]())
	if err != nil {
		return nil, err
	}
	return list.([]string), nil
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
