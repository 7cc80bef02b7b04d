package form

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/known"
)

// Test is one condition: a key, its operator, and what it is compared with.
type Test struct {
	Name   string // of the key, as written
	Op     condition.Operator
	Values []string
}

// Exclude says why two conditions of one statement cannot hold together, or nothing.
func Exclude(a, b Test) string {
	for _, p := range [][2]Test{{a, b}, {b, a}} {
		x, y := p[0], p[1]
		same := strings.EqualFold(x.Name, y.Name)
		absent := x.Op.Family == condition.Null && x.one("true")
		mfaOff := strings.EqualFold(x.Name, "aws:MultiFactorAuthPresent") && x.Op.Family == condition.Bool && x.one("false")
		needed := y.Op.Family != condition.Null && !y.Op.Negated && !y.Op.IfExists
		switch {
		case absent && same && needed && y.Op.Set != condition.ForAllValues:
			return fmt.Sprintf("%s is to be absent and to have a value", x.Name)
		case mfaOff && strings.EqualFold(y.Name, "aws:MultiFactorAuthAge") && needed:
			return "aws:MultiFactorAuthAge exists only where aws:MultiFactorAuthPresent is true"
		case same && before(x, y):
			return fmt.Sprintf("the bounds of %s leave nothing between them", x.Name)
		case same && x.oneOf() && !y.Op.IfExists && y.noneOf() && subset(x, y):
			return fmt.Sprintf("%s is to be and not to be the same value", x.Name)
		}
	}
	return ""
}

// TiesRequest says whether a key, compared with a value that is not just a wildcard,
// says who may ask.
func (t Test) TiesRequest() bool {
	if t.Op.Family == condition.Null {
		return false
	}
	for _, v := range t.Values {
		if strings.Trim(v, "*") == "" || v == "0.0.0.0/0" || v == "::/0" {
			return false
		}
	}
	return known.TiesRequest(strings.ToLower(t.Name))
}

// OpenStart says whether some value starts with a wildcard.
func (t Test) OpenStart() bool {
	for _, v := range t.Values {
		if t.Op.Wildcards() && strings.IndexAny(v, "*?") == 0 {
			return true
		}
	}
	return false
}

func (t Test) one(value string) bool {
	return len(t.Values) == 1 && strings.EqualFold(t.Values[0], value)
}

func (t Test) oneOf() bool {
	return t.Op.Family == condition.StringEquals && !t.Op.Negated && t.Op.Set == condition.Single && !t.Op.IfExists
}

func (t Test) noneOf() bool {
	return t.Op.Family == condition.StringEquals && t.Op.Negated && t.Op.Set == condition.Single
}

func subset(x, y Test) bool {
	for _, v := range x.Values {
		if !slices.Contains(y.Values, v) || strings.Contains(v, "${") {
			return false
		}
	}
	return len(x.Values) > 0
}

// before says whether x is a lower bound that lies at or above the upper bound y.
func before(x, y Test) bool {
	lowest, ok := x.bound(condition.NumericGreater, condition.NumericGreaterEquals, condition.DateGreater, condition.DateGreaterEquals)
	highest, ok2 := y.bound(condition.NumericLess, condition.NumericLessEquals, condition.DateLess, condition.DateLessEquals)
	if !ok || !ok2 || x.Op.IfExists || y.Op.IfExists {
		return false
	}
	inclusive := (x.Op.Family == condition.NumericGreaterEquals || x.Op.Family == condition.DateGreaterEquals) &&
		(y.Op.Family == condition.NumericLessEquals || y.Op.Family == condition.DateLessEquals)
	return lowest > highest || lowest == highest && !inclusive
}

// bound is the number or time of a comparison with a single value.
func (t Test) bound(families ...condition.Family) (float64, bool) {
	if !slices.Contains(families, t.Op.Family) || len(t.Values) != 1 {
		return 0, false
	}
	if t.Op.Family <= condition.NumericGreaterEquals {
		n, err := strconv.ParseFloat(t.Values[0], 64)
		return n, err == nil
	}
	when, ok := Date(t.Values[0])
	return float64(when.Unix()), ok
}
