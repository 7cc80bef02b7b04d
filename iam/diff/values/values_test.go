package values_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/diff/values"
	"github.com/rootkeep/rootkeep/iam/pattern"
	"github.com/rootkeep/rootkeep/internal/lot"
)

func test(t *rapid.T, operator, key string, list []string, denies bool) values.Test {
	c, err := condition.NewTest(operator, key, list, condition.Meaning{Variables: true, Denies: denies})
	if err != nil {
		t.Fatal(err)
	}
	out := values.Test{Test: &c, Context: &iam.Context{}}
	for _, v := range list {
		p := pattern.Parse(v, pattern.Syntax{Wildcards: c.Operator.Wildcards()})
		out.Tokens, out.Absent = append(out.Tokens, p.Tokens()), append(out.Absent, false)
	}
	return out
}

// TestNoRequestIsOutsideTheClasses draws conditions on one key and a request: some
// class must be judged like it by all of them.
func TestNoRequestIsOutsideTheClasses(t *testing.T) {
	for _, c := range []struct {
		name, key string
		operators []string
		policy    []string
		request   []string
	}{
		{"texts", "aws:username", []string{"StringEquals", "StringNotEqualsIfExists", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "Bool", "ArnLike", "ArnNotEquals"},
			[]string{"a", "A*", "*b", "?", "*", "true", "False", "a:*:c:d:e:*", "a:*", ""}, []string{"a", "A", "ab", "b", "", "TRUE", "false", "a:b:c:d:e:f", "a:b:x:d:e:f", "a:b", "ä", "*"}},
		{"several texts", "aws:TagKeys", []string{"ForAllValues:StringEquals", "ForAnyValue:StringLike", "ForAnyValue:StringNotEquals", "ForAllValues:StringNotLikeIfExists", "StringEquals", "ForAnyValue:StringEqualsIfExists"},
			[]string{"a", "b", "a*", "*", ""}, []string{"a", "b", "ab", "", "c"}},
		{"numbers", "x:n", []string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThanIfExists", "NumericGreaterThanEquals"},
			[]string{"1", "1.0", "-3", "1e308", "2.5", "x"}, []string{"1", "0", "-3", "-4", "1.5", "2.5", "3", "1e307", "1.7e308", "x", "1e999"}},
		{"dates", "aws:CurrentTime", []string{"DateEquals", "DateNotEquals", "DateLessThan", "DateGreaterThanEquals", "DateLessThanEqualsIfExists"},
			[]string{"2026-01-01", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00+02:00", "1767225601", "99999999999", "x"}, []string{"2025-12-31", "2026-01-01", "2026-03-01", "2026-05-31T22:00:00Z", "2027-01-01", "1767225601", "199999999999", "x"}},
		{"addresses", "aws:SourceIp", []string{"IpAddress", "NotIpAddress", "IpAddressIfExists"},
			[]string{"10.0.0.0/8", "10.0.0.0/9", "10.1.2.3", "0.0.0.0/0", "2001:db8::/32", "::/0", "x"}, []string{"10.0.0.1", "10.200.0.0", "10.1.2.3", "11.0.0.0", "255.255.255.255", "2001:db8::1", "::1", "x"}},
		{"bytes", "x:b", []string{"BinaryEquals"}, []string{"QQ==", "MA==", "!"}, []string{"QQ==", "MA==", "MQ==", "Qg==", "!", ""}},
		{"several of a key that the table does not have", "x:s", []string{"ForAnyValue:NumericEquals", "ForAllValues:NumericLessThan", "NumericNotEquals"}, []string{"1", "2"}, []string{"0", "1", "2", "3", "x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			lot.Check(t, func(t *rapid.T) {
				var tests []values.Test
				several := c.key == "aws:TagKeys"
				for range rapid.IntRange(1, 4).Draw(t, "tests") {
					operator := rapid.SampledFrom(append(c.operators, "Null")).Draw(t, "operator")
					list := rapid.SliceOfN(rapid.SampledFrom(c.policy), 0, 3).Draw(t, "values")
					if operator == "Null" {
						list = []string{rapid.SampledFrom([]string{"true", "false"}).Draw(t, "absent")}
					}
					if operator[0] == 'F' {
						several = true
					}
					tests = append(tests, test(t, operator, c.key, list, rapid.Bool().Draw(t, "denies")))
				}
				cells, complete := values.Cells(c.key, tests, nil)
				if !complete {
					t.Fatal("got too many classes for four tests")
				}
				most := 1
				if several {
					most = 3
				}
				request := rapid.SliceOfN(rapid.SampledFrom(c.request), 0, most).Draw(t, "request")
				want := values.Truths(c.key, tests, request)
				for _, cell := range cells {
					if values.Truths(c.key, tests, cell) == want {
						return
					}
				}
				t.Fatalf("%q: got no class that is judged %s, of %q", request, want, cells)
			})
		})
	}
}
