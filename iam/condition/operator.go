package condition

import "strings"

// Set is the modifier of an operator for keys with several values.
type Set uint8

// Set modifiers.
const (
	Single       Set = iota // no modifier: the key has one value
	ForAllValues            // every value in the request passes
	ForAnyValue             // some value in the request passes
)

// Family is what an operator compares.
type Family uint8

// Families of operators.
const (
	StringEquals Family = iota
	StringEqualsIgnoreCase
	StringLike
	NumericEquals
	NumericLess
	NumericLessEquals
	NumericGreater
	NumericGreaterEquals
	DateEquals
	DateLess
	DateLessEquals
	DateGreater
	DateGreaterEquals
	Bool
	Binary
	IPAddress
	ARN
	Null
)

// Operator is a condition operator with its modifiers. Negated operators, such as
// StringNotLike, are the opposite of their family.
type Operator struct {
	Family   Family
	Set      Set
	Negated  bool
	IfExists bool
}

// operators are the 27 names in lower case.
func base(lower string) (Family, bool, bool) {
	switch lower {
	case "stringequals":
		return StringEquals, false, true
	case "stringnotequals":
		return StringEquals, true, true
	case "stringequalsignorecase":
		return StringEqualsIgnoreCase, false, true
	case "stringnotequalsignorecase":
		return StringEqualsIgnoreCase, true, true
	case "stringlike":
		return StringLike, false, true
	case "stringnotlike":
		return StringLike, true, true
	case "numericequals":
		return NumericEquals, false, true
	case "numericnotequals":
		return NumericEquals, true, true
	case "numericlessthan":
		return NumericLess, false, true
	case "numericlessthanequals":
		return NumericLessEquals, false, true
	case "numericgreaterthan":
		return NumericGreater, false, true
	case "numericgreaterthanequals":
		return NumericGreaterEquals, false, true
	case "bool":
		return Bool, false, true
	case "binaryequals":
		return Binary, false, true
	case "ipaddress":
		return IPAddress, false, true
	case "notipaddress":
		return IPAddress, true, true
	case "arnequals", "arnlike":
		return ARN, false, true
	case "arnnotequals", "arnnotlike":
		return ARN, true, true
	case "null":
		return Null, false, true
	}
	return dateOperator(lower)
}

func dateOperator(lower string) (Family, bool, bool) {
	switch lower {
	case "dateequals":
		return DateEquals, false, true
	case "datenotequals":
		return DateEquals, true, true
	case "datelessthan":
		return DateLess, false, true
	case "datelessthanequals":
		return DateLessEquals, false, true
	case "dategreaterthan":
		return DateGreater, false, true
	case "dategreaterthanequals":
		return DateGreaterEquals, false, true
	}
	return 0, false, false
}

// ParseOperator reads a name such as ForAnyValue:StringLikeIfExists. Case does not
// count. Null takes no IfExists: AWS refuses it (NULL_WITH_IF_EXISTS).
func ParseOperator(name string) (Operator, bool) {
	var op Operator
	lower := strings.ToLower(name)
	if rest, ok := strings.CutPrefix(lower, "forallvalues:"); ok {
		op.Set, lower = ForAllValues, rest
	} else if rest, ok := strings.CutPrefix(lower, "foranyvalue:"); ok {
		op.Set, lower = ForAnyValue, rest
	}
	lower, op.IfExists = strings.CutSuffix(lower, "ifexists")
	var ok bool
	op.Family, op.Negated, ok = base(lower)
	return op, ok && !(op.Family == Null && op.IfExists)
}

// Variables says whether the operator's values may hold policy variables: strings,
// ARNs and Booleans do, numbers, dates, addresses, binary and Null do not.
func (o Operator) Variables() bool {
	switch o.Family {
	case StringEquals, StringEqualsIgnoreCase, StringLike, ARN, Bool:
		return true
	}
	return false
}

// Wildcards says whether * and ? in the operator's values are special.
func (o Operator) Wildcards() bool { return o.Family == StringLike || o.Family == ARN }
