package condition_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/internal/lot"
)

const (
	f = condition.False
	u = condition.Unknown
	y = condition.True
)

// row is one condition on the key "k" of a request: what an Allow and a Deny take
// it for. The two differ only where AWS's documentation is thin.
type row struct {
	name     string
	operator string
	values   []string
	got      []string // nil: the key is absent
	allow    condition.Truth
	deny     condition.Truth
}

func list(s ...string) []string { return s }

func same(name, operator string, values, got []string, want condition.Truth) row {
	return row{name, operator, values, got, want, want}
}

func check(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			values := map[string][]string{"other": {"red"}, "two": {"red", "blue"}, "star": {"*"}, "arn": {"arn:aws:s3:::logs"}}
			if r.got != nil {
				values["K"] = r.got
			}
			c := condition.NewContext(values)
			for _, denies := range []bool{false, true} {
				test, err := condition.NewTest(r.operator, "k", r.values, condition.Meaning{Variables: true, Denies: denies})
				if err != nil {
					t.Fatal(err)
				}
				want := r.allow
				if denies {
					want = r.deny
				}
				if got := test.Eval(&c); got != want {
					t.Errorf("%s %v against %v, denies %v: got %v, want %v", r.operator, r.values, r.got, denies, got, want)
				}
			}
		})
	}
}

func TestStrings(t *testing.T) {
	check(t, []row{
		same("equal", "StringEquals", list("red"), list("red"), y),
		same("one of several", "StringEquals", list("blue", "red"), list("red"), y),
		same("case counts", "StringEquals", list("Red"), list("red"), f),
		same("a star is a character", "StringEquals", list("r*"), list("red"), f),
		same("not equal", "StringNotEquals", list("blue"), list("red"), y),
		same("not equal to none of several", "StringNotEquals", list("blue", "red"), list("red"), f),
		same("equal without case", "StringEqualsIgnoreCase", list("RED"), list("red"), y),
		same("not equal without case", "StringNotEqualsIgnoreCase", list("RED"), list("red"), f),
		same("like with a star", "StringLike", list("r*d"), list("red"), y),
		same("like over colons and slashes", "StringLike", list("a*z"), list("a:/b\nz"), y),
		same("like with a question mark", "StringLike", list("r?d"), list("réd"), y),
		same("not like", "StringNotLike", list("b*"), list("red"), y),
		same("empty text", "StringEquals", list(""), list(""), y),
		same("operators have no case", "stringequals", list("red"), list("red"), y),
		same("binary", "BinaryEquals", list("QmluYXJ5"), list("QmluYXJ5"), y),
		same("binary of other bytes", "BinaryEquals", list("QmluYXJ5"), list("QmluYXJ6"), f),
		same("true", "Bool", list("true"), list("true"), y),
		same("true has no case", "Bool", list("True"), list("true"), y),
		same("false", "Bool", list("true"), list("false"), f),
	})
}

func TestNumbersDatesAddresses(t *testing.T) {
	check(t, []row{
		same("numbers compare as numbers", "NumericEquals", list("5.0"), list("5"), y),
		same("ten is more than nine", "NumericGreaterThan", list("9"), list("10"), y),
		same("less", "NumericLessThan", list("10"), list("9"), y),
		same("less is strict", "NumericLessThan", list("10"), list("10"), f),
		same("less or equal", "NumericLessThanEquals", list("10"), list("10"), y),
		same("greater or equal", "NumericGreaterThanEquals", list("10"), list("10"), y),
		same("not equal number", "NumericNotEquals", list("10"), list("11"), y),
		same("an infinite number is none", "NumericLessThan", list("10"), list("-inf"), f),
		{"no number in the request", "NumericNotEquals", list("10"), list("x"), f, y},
		{"no number in the policy", "NumericNotEquals", list("x"), list("10"), f, y},
		same("date with an offset", "DateEquals", list("2026-01-01T02:00:00+02:00"), list("2026-01-01T00:00:00Z"), y),
		same("date as seconds", "DateEquals", list("1767225600"), list("2026-01-01T00:00:00Z"), y),
		same("date without time", "DateEquals", list("2026-01-01"), list("2026-01-01T00:00:00Z"), y),
		same("year alone", "DateGreaterThan", list("2025"), list("2026-01-01T00:00:00Z"), y),
		same("later", "DateGreaterThan", list("2026-01-01T00:00:00Z"), list("2026-01-01T00:00:01Z"), y),
		same("later or same", "DateGreaterThanEquals", list("2026-01-01T00:00:00Z"), list("2026-01-01T00:00:00Z"), y),
		same("earlier", "DateLessThan", list("2026-01-01"), list("2025-12-31"), y),
		same("earlier or same", "DateLessThanEquals", list("2026-01-01"), list("2026-01-01"), y),
		same("another date", "DateNotEquals", list("2026-01-01"), list("2026-01-02"), y),
		{"no date", "DateNotEquals", list("2026-01-01"), list("yesterday"), f, y},
		same("address in a range", "IpAddress", list("192.0.2.0/24"), list("192.0.2.9"), y),
		same("address outside a range", "IpAddress", list("192.0.2.0/24"), list("192.0.3.9"), f),
		same("host bits do not count", "IpAddress", list("192.0.2.77/24"), list("192.0.2.9"), y),
		same("address without a length is one address", "IpAddress", list("192.0.2.9"), list("192.0.2.9"), y),
		same("address of IPv6", "IpAddress", list("2001:db8::/32"), list("2001:db8::1"), y),
		same("one address of IPv6", "IpAddress", list("2001:db8::1"), list("2001:DB8:0::1"), y),
		same("families do not mix", "NotIpAddress", list("10.0.0.1"), list("2001:db8::1"), y),
		same("not in the range", "NotIpAddress", list("10.0.0.0/8"), list("10.1.2.3"), f),
		{"no address", "NotIpAddress", list("10.0.0.0/8"), list("AWS Internal"), f, y},
	})
}

func TestARNs(t *testing.T) {
	const queue = "arn:aws:sqs:eu-west-3:111122223333:jobs"
	check(t, []row{
		same("the same", "ArnEquals", list(queue), list(queue), y),
		same("equals takes wildcards like like", "ArnEquals", list("arn:aws:sqs:*:111122223333:*"), list(queue), y),
		same("like", "ArnLike", list("arn:aws:sqs:*:*:j?bs"), list(queue), y),
		same("a star stays in its part", "ArnLike", list("arn:aws:sns:*:a:b"), list("arn:aws:sns:x:y:z:a:b"), f),
		same("a star takes colons in the last part", "ArnLike", list("arn:aws:sns:*:*:a*"), list("arn:aws:sns:r:a:a:b"), y),
		same("not like", "ArnNotLike", list("arn:aws:s3:::*"), list(queue), y),
		same("not equal", "ArnNotEquals", list(queue), list(queue), f),
		{"a pattern of one star", "ArnLike", list("*"), list(queue), f, y},
		{"no ARN in the request", "ArnNotLike", list(queue), list("x"), f, y},
		same("a variable that is an ARN", "ArnEquals", list("${arn}"), list("arn:aws:s3:::logs"), y),
		same("a variable in a part", "ArnLike", list("arn:aws:iam::*:user/${other}"), list("arn:aws:iam::1:user/red"), y),
		same("a variable's star is literal", "ArnLike", list("arn:aws:iam::1:user/${star}"), list("arn:aws:iam::1:user/red"), f),
	})
}

func TestAbsentKeys(t *testing.T) {
	check(t, []row{
		same("positive operators fail", "StringEquals", list("x"), nil, f),
		same("negated operators hold", "StringNotEquals", list("x"), nil, y),
		same("negated address operators hold", "NotIpAddress", list("10.0.0.0/8"), nil, y),
		same("IfExists holds", "StringEqualsIfExists", list("x"), nil, y),
		same("IfExists compares what is there", "StringEqualsIfExists", list("x"), list("z"), f),
		same("ForAllValues holds", "ForAllValues:StringEquals", list("x"), nil, y),
		same("ForAnyValue fails", "ForAnyValue:StringEquals", list("x"), nil, f),
		same("ForAnyValue of a negated operator fails", "ForAnyValue:StringNotEquals", list("x"), nil, f),
		{"ForAnyValue with IfExists grants less", "ForAnyValue:StringEqualsIfExists", list("x"), nil, f, y},
		same("Null true", "Null", list("true"), nil, y),
		same("Null false", "Null", list("false"), nil, f),
		same("Null true of a key that is there", "Null", list("true"), list("x"), f),
		same("Null false of a key that is there", "Null", list("false"), list("x"), y),
		same("Null with both", "Null", list("true", "false"), list("x"), y),
		same("ForAllValues Null is always true", "ForAllValues:Null", list("true"), list("x"), y),
		same("ForAnyValue Null is always false", "ForAnyValue:Null", list("true"), nil, f),
		same("an empty list in the request is absence", "Null", list("true"), list(), y),
		same("no values never match", "StringEquals", nil, list("x"), f),
		same("no values never match negated", "StringNotEquals", nil, list("x"), f),
		same("no values with IfExists match absence", "StringEqualsIfExists", nil, nil, y),
		same("no values with IfExists match nothing else", "StringEqualsIfExists", nil, list("x"), f),
		same("no values with ForAllValues match absence", "ForAllValues:StringEquals", nil, nil, y),
	})
}

func TestSeveralValues(t *testing.T) {
	check(t, []row{
		same("all are in the list", "ForAllValues:StringEquals", list("a", "b", "c"), list("a", "b"), y),
		same("one is not in the list", "ForAllValues:StringEquals", list("a"), list("a", "b"), f),
		same("all are not in the list", "ForAllValues:StringNotEquals", list("x"), list("a", "b"), y),
		same("one is in the list", "ForAllValues:StringNotEquals", list("a"), list("a", "b"), f),
		same("any is in the list", "ForAnyValue:StringEquals", list("b"), list("a", "b"), y),
		same("none is in the list", "ForAnyValue:StringEquals", list("c"), list("a", "b"), f),
		same("any is outside the list", "ForAnyValue:StringNotEquals", list("a"), list("a", "b"), y),
		same("none is outside the list", "ForAnyValue:StringNotLike", list("*"), list("a", "b"), f),
		same("a set operator takes one value", "ForAnyValue:StringEquals", list("a"), list("a"), y),
		{"one expected, several there, one matches", "StringEquals", list("a"), list("a", "b"), f, y},
		{"one expected, several there, none matches", "StringEquals", list("c"), list("a", "b"), f, f},
		{"one expected, several there, negated", "StringNotEquals", list("c"), list("a", "b"), f, y},
		{"empty text is an empty set for all", "ForAllValues:StringEquals", list("a"), list(""), f, y},
		{"empty text is an empty set for any", "ForAnyValue:StringEquals", list(""), list(""), f, y},
	})
}

func TestVariables(t *testing.T) {
	check(t, []row{
		same("a value", "StringEquals", list("${other}"), list("red"), y),
		same("a value with text around", "StringLike", list("a-${other}-*"), list("a-red-x"), y),
		same("its name has no case", "StringEquals", list("${OTHER}"), list("red"), y),
		same("without case", "StringEqualsIgnoreCase", list("${other}"), list("RED"), y),
		same("a default", "StringEquals", list("${none, 'x'}"), list("x"), y),
		same("a default without a space", "StringEquals", list("${none,'x'}"), list("x"), y),
		same("a default with a brace", "StringEquals", list("${none, 'x}'}"), list("x}"), y),
		same("a default is not for keys that are there", "StringEquals", list("${other, 'x'}"), list("x"), f),
		same("a value's star is literal", "StringLike", list("${star}"), list("red"), f),
		same("a value's star matches itself", "StringLike", list("${star}"), list("*"), y),
		same("special characters", "StringLike", list("${*}${?}${$}"), list("*?$"), y),
		same("special characters are no wildcards", "StringLike", list("${*}"), list("red"), f),
		same("without a value a positive operator fails", "StringEquals", list("${none}"), list("red"), f),
		same("without a value a negated operator holds", "StringNotEquals", list("${none}"), list("red"), y),
		same("another value of the list still counts", "StringEquals", list("${none}", "red"), list("red"), y),
		same("two values are no value", "StringEquals", list("${two}"), list("red"), f),
		same("an open brace is text", "StringEquals", list("${other"), list("${other"), y),
		same("numbers take no variables", "NumericEquals", list("${other}"), list("5"), f),
		{"Bool takes variables", "Bool", list("${other}"), list("true"), f, f},
	})
}

func TestUnknownKeys(t *testing.T) {
	c := condition.PartialContext(map[string][]string{"here": {"x"}, "gone": nil})
	for _, r := range []struct {
		name, operator, key string
		values              []string
		want                condition.Truth
	}{
		{"an unknown key", "StringEquals", "k", list("x"), u},
		{"an unknown key, negated", "StringNotEquals", "k", list("x"), u},
		{"an unknown key, IfExists", "StringEqualsIfExists", "k", list("x"), u},
		{"an unknown key, ForAllValues", "ForAllValues:StringEquals", "k", list("x"), u},
		{"an unknown key, Null", "Null", "k", list("true"), u},
		{"an unknown key, Null both ways", "Null", "k", list("true", "false"), y},
		{"an unknown key, no values", "StringEquals", "k", nil, f},
		{"a known key", "StringEquals", "HERE", list("x"), y},
		{"a key known to be absent", "StringEquals", "gone", list("x"), f},
		{"an unknown variable", "StringEquals", "here", list("${k}"), u},
		{"an unknown variable beside a match", "StringEquals", "here", list("${k}", "x"), y},
		{"an unknown variable, negated", "StringNotEquals", "here", list("${k}"), u},
		{"an unknown variable beside a match, negated", "StringNotEquals", "here", list("${k}", "x"), f},
	} {
		test, err := condition.NewTest(r.operator, r.key, r.values, condition.Meaning{Variables: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := test.Eval(&c); got != r.want {
			t.Errorf("%s: got %v, want %v", r.name, got, r.want)
		}
	}
}

func TestOperatorNames(t *testing.T) {
	for _, c := range []struct {
		name string
		want bool
	}{
		{"StringEquals", true}, {"ForAllValues:StringLikeIfExists", true}, {"forAnyValue:stringlike", true}, {"bool", true}, {"ArnNotEqualsIfExists", true},
		{"NullIfExists", false}, {"StringEqual", false}, {"ForSomeValues:StringEquals", false}, {"", false}, {"IfExists", false},
	} {
		if _, got := condition.ParseOperator(c.name); got != c.want {
			t.Errorf("operator %q: got %v, want %v", c.name, got, c.want)
		}
	}
	if _, err := condition.NewTest("Null", "k", list("maybe"), condition.Meaning{}); err == nil {
		t.Error("Null with maybe: got no error, want one")
	}
}

func TestExpressionsFold(t *testing.T) {
	a := condition.Open(condition.Leaf{Operator: "Bool", Key: "a", Values: list("true")})
	b := condition.Open(condition.Leaf{ResourceAccount: "111122223333"})
	no, yes := condition.Expr{}, condition.Yes()
	for _, c := range []struct {
		name string
		e    condition.Expr
		want string
	}{
		{"and with never", a.And(no), "never"},
		{"and with always", a.And(yes), "Bool a [true]"},
		{"or with always", a.Or(yes), "always"},
		{"or with never", no.Or(a), "Bool a [true]"},
		{"the same twice", a.And(a), "Bool a [true]"},
		{"not twice", a.Not().Not(), "Bool a [true]"},
		{"nested", a.Or(b).And(b.Not()), "(Bool a [true] or the resource belongs to account 111122223333) and not (the resource belongs to account 111122223333)"},
		{"flat", a.And(b).And(a), "Bool a [true] and the resource belongs to account 111122223333"},
	} {
		if diff := cmp.Diff(c.want, c.e.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// A Sum is the chain of And or Or, however many operands repeat.
func TestSumsAgreeWithChains(t *testing.T) {
	leaf := func(n int) condition.Expr {
		return condition.Open(condition.Leaf{Key: fmt.Sprint(n), Operator: "Bool"})
	}
	lot.Check(t, func(t *rapid.T) {
		all, any := condition.Every(), condition.Sum{}
		chainAll, chainAny := condition.Yes(), condition.Expr{}
		for range rapid.IntRange(0, 60).Draw(t, "operands") {
			e := leaf(rapid.IntRange(0, 40).Draw(t, "leaf"))
			switch rapid.IntRange(0, 60).Draw(t, "kind") {
			case 0:
				e = condition.Yes()
			case 1:
				e = condition.Expr{}
			case 2:
				e = e.And(leaf(41))
			case 3:
				e = e.Or(leaf(42)).Not()
			}
			all.Add(e)
			any.Add(e)
			chainAll, chainAny = chainAll.And(e), chainAny.Or(e)
		}
		if got := all.Expr(); !got.Equal(chainAll) {
			t.Fatalf("all: got %v, want %v", got, chainAll)
		}
		if got := any.Expr(); !got.Equal(chainAny) {
			t.Fatalf("any: got %v, want %v", got, chainAny)
		}
	})
}

// Thousands of conditions are joined in one pass: joined pair by pair, these took
// a minute.
func TestManyOperandsStayLinear(t *testing.T) {
	all := condition.Every()
	for i := range 200000 {
		all.Add(condition.Open(condition.Leaf{Key: fmt.Sprint(i), Operator: "Bool"}))
	}
	if e := all.Expr(); e.Always() || e.Never() {
		t.Errorf("got %v, want a condition", e)
	}
}
