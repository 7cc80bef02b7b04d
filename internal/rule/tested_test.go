package rule_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/rule"
)

func TestWithoutCases(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"at the end", "id: x\ncases:\n  - {name: a}\n  - name: b\n    want: c\n", "id: x\n\n\n\n\n"},
		{"another key follows", "cases:\n- a\n# a remark\n\n- b\nid: x\n", "\n\n\n\n\nid: x\n"},
		{"a key of another name", "cases_of: 1\nmore:\n  cases:\n  - a\n", "cases_of: 1\nmore:\n  cases:\n  - a\n"},
		{"in a text of several lines", "why: >-\n  cases:\n  - a\nid: x\n", "why: >-\n  cases:\n  - a\nid: x\n"},
		{"on the line of the key", "cases: [{name: a}]\nid: x", "cases: [{name: a}]\nid: x"},
		{"no line end", "id: x\ncases:\n  - a", "id: x\n\n"},
		{"carriage returns", "cases:\r\n  - a\r\nid: x\r\n", "\n\nid: x\r\n"},
		{"nothing", "", ""},
	} {
		if got := string(rule.WithoutCases([]byte(c.text))); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
