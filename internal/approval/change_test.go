package approval_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
)

func TestWhatIsNoPlan(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"an object", `{"a":1,"b":[{"a":"<"},null,{"a":{}}]}`, ""},
		{"the same name in objects beside each other", `[{"a":1},{"a":1}]`, "one JSON object"},
		{"the same name within", `{"a":{"a":1},"b":{"a":2}}`, ""},
		{"nothing", ``, "one JSON object"},
		{"a list", `[]`, "one JSON object"},
		{"a text", `"{}"`, "one JSON object"},
		{"two objects", `{}{}`, "plan: "},
		{"an object that does not end", `{"a":`, "plan: "},
		{"space", `{"a": 1}`, "space"},
		{"a line end behind it", "{}\n", "space"},
		{"a member twice", `{"a":1,"a":2}`, `"a" twice`},
		{"a member twice, written otherwise", `{"a":1,"\u0061":2}`, `"a" twice`},
		{"a member twice, deep", `{"x":[{"y":{"a":[],"b":0,"a":{}}}]}`, `"a" twice`},
		{"a member twice, around an object", `{"a":{"b":1},"a":2}`, `"a" twice`},
		{"bytes that are no UTF-8", "{\"a\":\"\xff\"}", "UTF-8"},
		{"values within values", `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "nest deeper"},
		{"more than a megabyte", `{"a":"` + strings.Repeat("x", approval.MaxPlan) + `"}`, "at most 1048576"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := approval.CheckPlan([]byte(tt.text))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

// FuzzCheckPlan holds what is taken to one reading: decoded and written again, no member
// is lost.
func FuzzCheckPlan(f *testing.F) {
	for _, seed := range []string{`{"a":1,"a":2}`, `{"a":{"b":[1,2,{"c":null}]},"d":"\u2028<>&"}`, `{}`, `{"a":-0.0e10}`, `{"\ud800":1,"\ud801":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if approval.CheckPlan(text) != nil {
			return
		}
		var v map[string]any
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("taken, and no object: %v", err)
		}
		if got, want := members(v), strings.Count(stripped(string(text)), `:`); got != want {
			t.Errorf("got %d members of %d", got, want)
		}
	})
}

// stripped is JSON without its texts.
func stripped(s string) string {
	var out strings.Builder
	within := false
	for i := 0; i < len(s); i++ {
		switch {
		case within && s[i] == '\\':
			i++
		case s[i] == '"':
			within = !within
		case !within:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

func members(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			n += 1 + members(e)
		}
	case []any:
		for _, e := range v {
			n += members(e)
		}
	}
	return n
}

func TestPoliciesOfChanges(t *testing.T) {
	approvals := func(b *approval.Book, id, account string) int {
		t.Helper()
		p, err := b.At(id, rootkeep.AccountID(account))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, q := range p.Require {
			n += q.Count
		}
		return n
	}
	usual, err := approval.NewBook(approval.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range approval.Classes() {
		want := 1
		if c == approval.Organization || c == approval.Root {
			want = 2
		}
		if got := approvals(usual, c.Policy(approval.Ordinary), "111122223333"); got != want {
			t.Errorf("%s: got %d approvals by default, want %d", c, got, want)
		}
		if got := approvals(usual, c.Policy(approval.Final), "111122223333"); got != 2 {
			t.Errorf("%s that is final: got %d approvals by default, want 2", c, got)
		}
	}
	rule := func(id string, n int, accounts ...string) approval.Rule {
		return approval.Rule{ID: id, Version: 1, Require: []approval.Want{{Group: approval.Approvers, Count: n}}, Accounts: accounts}
	}
	b, err := approval.NewBook(approval.Configuration{Policies: []approval.Rule{
		rule("change-logging", 2), rule("change-logging", 1, "111122223333"), rule("change-logging-final", 3, "444455556666", "111122223333"), rule("exception", 2, "444455556666"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id, account string
		want        int
	}{
		{"change-logging", "111122223333", 1}, {"change-logging", "444455556666", 2}, {"change-logging-final", "111122223333", 3}, {"change-logging-final", "999988887777", 2},
		{"exception", "444455556666", 2}, {"exception", "111122223333", 1}, {"change-root", "111122223333", 2},
	} {
		if got := approvals(b, tt.id, tt.account); got != tt.want {
			t.Errorf("%s at %s: got %d approvals, want %d", tt.id, tt.account, got, tt.want)
		}
	}
	for _, tt := range []struct {
		name  string
		rules []approval.Rule
		want  string
	}{
		{"two for all accounts", []approval.Rule{rule("change-logging", 1), rule("change-logging", 2)}, "change-logging twice"},
		{"two for one account", []approval.Rule{rule("change-logging", 1, "111122223333"), rule("change-logging", 2, "444455556666", "111122223333")}, "twice for account 111122223333"},
		{"one account twice", []approval.Rule{rule("change-logging", 1, "111122223333", "111122223333")}, "twice for account"},
		{"what is no account", []approval.Rule{rule("change-logging", 1, "production")}, "production"},
		{"a class that is none", []approval.Rule{rule("change-network", 1)}, "change-root-final"},
		{"a final change that needs less", []approval.Rule{rule("change-logging", 3)}, "change-logging-final, which is for what cannot be undone, only 2 everywhere"},
		{"a final change that needs less at one account", []approval.Rule{rule("change-logging", 3, "111122223333")}, "only 2 at account 111122223333"},
		{"a final change that needs nobody", []approval.Rule{rule("change-logging-final", 0)}, "want 1 or more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := approval.NewBook(approval.Configuration{Policies: tt.rules}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
