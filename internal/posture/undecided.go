package posture

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

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
