// Package condition judges the Condition element of AWS policies: operators,
// their modifiers, and policy variables, over a request context that may be known
// only in part. Every answer is three-valued; what is not known never becomes true.
//
// Source: IAM User Guide, "IAM JSON policy elements: Condition operators",
// "Set operators for multivalued context keys", "Variables and tags".
package condition

// Truth is a value of Kleene's three-valued logic, in rising order.
type Truth uint8

// The three values.
const (
	False Truth = iota
	Unknown
	True
)

// Is turns a certain answer into a Truth.
func Is(b bool) Truth {
	if b {
		return True
	}
	return False
}

// And is true when both are.
func (t Truth) And(u Truth) Truth { return min(t, u) }

// Or is true when one is.
func (t Truth) Or(u Truth) Truth { return max(t, u) }

// Not turns true and false about.
func (t Truth) Not() Truth { return True - t }

// String is the lower-case word.
func (t Truth) String() string { return [...]string{"false", "unknown", "true"}[min(t, True)] }
