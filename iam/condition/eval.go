package condition

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/pattern"
)

// Test is one operator with one key and its values: the smallest part of a
// Condition element.
type Test struct {
	Operator Operator
	Name     string   // the operator as written
	Key      string   // the key as written
	Values   []string // the values as written

	key     string // lower case
	hash    uint64 // of key
	values  []value
	denies  bool
	literal bool
	unread  bool
}

// Unread is the test of a statement that could not be read: whatever the request
// is, it may hold or not.
func Unread(what string, m Meaning) Test {
	return Test{Name: what, unread: true, denies: m.Denies}
}

// Leaf is the test as a part of a residual condition.
func (t *Test) Leaf() Leaf {
	if t.unread && t.denies {
		return Leaf{Unread: t.Name, Effect: "Deny"}
	}
	if t.unread {
		return Leaf{Unread: t.Name, Effect: "Allow"}
	}
	return Leaf{Operator: t.Name, Key: t.Key, Values: t.Values}
}

// Meaning is what a Test takes from its policy and statement.
type Meaning struct {
	Variables bool // the policy is of version 2012-10-17
	// Denies says that the statement's effect is Deny. Where AWS's documentation
	// does not say what a comparison gives, the answer is the one that grants less:
	// false in an Allow, true in a Deny. See docs/iam-differences.md.
	Denies bool
	// Literal takes the page on IfExists at its word against the page on
	// ForAnyValue: with both, an absent key makes the test true.
	Literal bool
}

// NewTest prepares a test. The error names an operator that AWS does not know, or
// a number or boolean for Null that is none.
func NewTest(operator, key string, values []string, m Meaning) (Test, error) {
	op, ok := ParseOperator(operator)
	if !ok {
		return Test{}, fmt.Errorf("condition operator %q: AWS has none of this name", operator)
	}
	t := Test{Operator: op, Name: operator, Key: key, Values: values, key: strings.ToLower(key), hash: hashOf(strings.ToLower(key)), denies: m.Denies, literal: m.Literal}
	for _, v := range values {
		if op.Family == Null && !isBool(v) {
			return Test{}, fmt.Errorf("condition %q on %q: value %q, want true or false", operator, key, v)
		}
		t.values = append(t.values, newValue(op, v, m.Variables && op.Variables()))
	}
	return t, nil
}

// LowerKey is the context key in lower case.
func (t *Test) LowerKey() string { return t.key }

// VariableKeys are the context keys that the values refer to, in lower case.
func (t *Test) VariableKeys() []string {
	var out []string
	for i := range t.values {
		for _, token := range t.values[i].pattern.Tokens() {
			if token.Kind == pattern.Variable {
				out = append(out, token.Text)
			}
		}
	}
	return out
}

// Eval judges the test.
func (t *Test) Eval(c *Context) Truth {
	if t.unread {
		return Unknown
	}
	got, there := c.lookup(t.key, t.hash)
	switch {
	case t.Operator.Family == Null:
		return t.null(there)
	case there == Unknown:
		return t.unknown()
	case there == False:
		return t.absent()
	case len(t.values) == 0:
		return False
	case t.Operator.Set != Single:
		return t.set(got, c)
	case len(got) == 1:
		return t.one(got[0], c)
	}
	// One value is expected and several are there: AWS documents set operators for
	// this and leaves the rest open.
	if !t.denies {
		return False
	}
	return t.any(got, c).Or(t.all(got, c))
}

// null judges whether the key is absent. ForAllValues makes it always true and
// ForAnyValue always false, as the page on set operators says.
func (t *Test) null(there Truth) Truth {
	switch {
	case t.Operator.Set == ForAllValues:
		return True
	case t.Operator.Set == ForAnyValue:
		return False
	}
	out := False
	for i := range t.values {
		if strings.EqualFold(t.values[i].text, "true") {
			out = out.Or(there.Not())
		} else {
			out = out.Or(there)
		}
	}
	if len(t.values) > 1 && there == Unknown && t.bothWays() {
		return True
	}
	return out
}

// bothWays says whether a Null test lists true and false.
func (t *Test) bothWays() bool {
	yes, no := false, false
	for i := range t.values {
		if strings.EqualFold(t.values[i].text, "true") {
			yes = true
		} else {
			no = true
		}
	}
	return yes && no
}

func (t *Test) unknown() Truth {
	if len(t.values) == 0 && !t.Operator.IfExists && t.Operator.Set != ForAllValues {
		return False // whatever the key is
	}
	return Unknown
}

func (t *Test) absent() Truth {
	switch {
	case t.Operator.Set == ForAllValues:
		return True
	case t.Operator.Set == ForAnyValue && t.Operator.IfExists:
		return Is(t.denies || t.literal) // two rules of the documentation contradict each other
	case t.Operator.Set == ForAnyValue:
		return False
	case t.Operator.IfExists:
		return True
	}
	return Is(t.Operator.Negated && len(t.values) > 0)
}

// set judges all values of the request. A single empty text is "an empty data set"
// by the older documentation and a value by the newer.
func (t *Test) set(got []string, c *Context) Truth {
	empty := len(got) == 1 && got[0] == ""
	if t.Operator.Set == ForAllValues {
		if empty && t.denies {
			return True
		}
		return t.all(got, c)
	}
	if empty && !t.denies {
		return False
	}
	return t.any(got, c)
}

func (t *Test) all(got []string, c *Context) Truth {
	out := True
	for _, g := range got {
		if out = out.And(t.one(g, c)); out == False {
			break
		}
	}
	return out
}

func (t *Test) any(got []string, c *Context) Truth {
	out := False
	for _, g := range got {
		if out = out.Or(t.one(g, c)); out == True {
			break
		}
	}
	return out
}

// one judges one value of the request by all values of the policy: it must be like
// one of them, or for a negated operator like none.
func (t *Test) one(got string, c *Context) Truth {
	found := False
	open := false
	for i := range t.values {
		switch t.values[i].compare(t.Operator, got, c) {
		case equals:
			return Is(!t.Operator.Negated)
		case unknown:
			found = Unknown
		case incomparable:
			open = true
			if t.denies && !t.Operator.Negated && t.values[i].likely(t.Operator, got) {
				return True
			}
		}
	}
	if !t.Operator.Negated {
		return found
	}
	if open && !t.denies {
		return False
	}
	return found.Not()
}

// likely reads a malformed ARN pattern, such as "*", as a plain pattern.
func (v *value) likely(op Operator, got string) bool {
	return op.Family == ARN && v.pattern.Match(got)
}
