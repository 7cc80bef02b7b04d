package posture

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// textFunctions help details to say what was seen:
//
//   - few(texts) joins a list with commas, the first five and how many more there are;
//     of an empty list it is "none".
func textFunctions() []cel.EnvOption {
	return []cel.EnvOption{cel.Function("few", cel.Overload("few_strings", []*cel.Type{cel.ListType(cel.StringType)}, cel.StringType, cel.UnaryBinding(few)))}
}

func few(v ref.Val) ref.Val {
	texts, err := native[string](v)
	if err != nil {
		return types.WrapErr(err)
	}
	const most = 5
	if len(texts) == 0 {
		return types.String("none")
	}
	if len(texts) <= most {
		return types.String(strings.Join(texts, ", "))
	}
	return types.String(fmt.Sprintf("%s and %d more", strings.Join(texts[:most], ", "), len(texts)-most))
}

// unknownFunctions let expressions say what they do not know:
//
//   - undecided(reason) is never true and never false: a finding that hangs on it is
//     unknown, for that reason;
//   - known_or(fact, other) is the fact if it is known, and otherwise the other.
func unknownFunctions() []cel.EnvOption {
	any := cel.TypeParamType("T")
	return []cel.EnvOption{
		cel.Function("undecided", cel.Overload("undecided_string", []*cel.Type{cel.StringType}, cel.BoolType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			reason, ok := v.Value().(string)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			return undecided(reason)
		}))),
		cel.Function("known_or", cel.Overload("known_or_any", []*cel.Type{any, any}, any, cel.OverloadIsNonStrict(), cel.BinaryBinding(knownOr))),
	}
}

// undecided is a value that nobody can know, with the reason where CEL keeps the name
// of an attribute; see named.
func undecided(reason string) ref.Val {
	return types.NewUnknown(0, types.NewAttributeTrail(reason))
}

// knownOr keeps the reasons of both if neither is known.
func knownOr(fact, other ref.Val) ref.Val {
	if !types.IsUnknown(fact) {
		return fact
	}
	if both, ok := types.MaybeMergeUnknowns(other, fact.(*types.Unknown)); ok && types.IsUnknown(other) {
		return both
	}
	return other
}
