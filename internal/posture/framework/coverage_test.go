package framework_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/rule"
)

const (
	fail, pass       = rootkeep.Fail, rootkeep.Pass
	unknown          = rootkeep.Unknown
	excepted, absent = rootkeep.Excepted, rootkeep.NotApplicable
)

// found makes the findings of two controls, A and B, one account each status.
func found(a, b []rootkeep.Status) []rootkeep.Finding {
	var out []rootkeep.Finding
	for id, list := range map[string][]rootkeep.Status{"A": a, "B": b} {
		for i, s := range list {
			out = append(out, rootkeep.Finding{Control: id, Account: rootkeep.AccountID(fmt.Sprintf("%012d", i)), Status: s})
		}
	}
	return out
}

func TestAClauseIsWhatItsControlsComeToInAllAccounts(t *testing.T) {
	const both = "  - {clause: \"1\", title: One, controls: [A, B], basis: ours, why: Because.}\n"
	type statuses = []rootkeep.Status
	for _, c := range []struct {
		name string
		rows string
		a, b statuses
		want framework.Status
	}{
		{"all pass everywhere", both, statuses{pass, pass}, statuses{pass, pass}, framework.Pass},
		{"one account fails", both, statuses{pass, pass}, statuses{pass, fail}, framework.Fail},
		{"one is not known", both, statuses{pass, unknown}, statuses{pass}, framework.Unknown},
		{"a failure counts before what is not known", both, statuses{unknown}, statuses{fail}, framework.Fail},
		{"an exception does not pass", both, statuses{pass}, statuses{excepted}, framework.Excepted},
		{"what does not apply takes nothing from a pass", both, statuses{absent}, statuses{pass, absent}, framework.Pass},
		{"a control without resources does not apply", both, nil, statuses{pass}, framework.Pass},
		{"nothing applies", both, statuses{absent}, nil, framework.NotApplicable},
		{"no control", "  - {clause: \"1\", title: One, controls: []}\n", statuses{pass}, statuses{pass}, framework.NotCovered},
		{"a control that was not judged", "  - {clause: \"1\", title: One, controls: [A, C], basis: published}\n", statuses{pass}, nil, framework.Unknown},
		{"a part passes", "  - {clause: \"1\", title: One, controls: [A], basis: ours, why: Because., part: the rest}\n", statuses{pass}, nil, framework.Partial},
		{"a part fails", "  - {clause: \"1\", title: One, controls: [A], basis: ours, why: Because., part: the rest}\n", statuses{fail}, nil, framework.Fail},
		{"a part does not apply, the rest may", "  - {clause: \"1\", title: One, controls: [A], basis: ours, why: Because., part: the rest}\n", statuses{absent}, nil, framework.NotCovered},
		{"the worst of two bases", "  - {clause: \"1\", title: One, controls: [A], basis: published}\n  - {clause: \"1\", controls: [B], basis: ours, why: Because.}\n", statuses{pass}, statuses{unknown}, framework.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, problems := load(head + "clauses:\n" + c.rows)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			got := all[0].Cover(framework.Judge([]string{"A", "B"}, found(c.a, c.b), 0))
			if len(got.Clauses) != 1 || got.Clauses[0].Status != c.want || got.Counts[c.want] != 1 {
				t.Errorf("got %+v, want one clause: %s", got.Clauses, c.want)
			}
		})
	}
}

func TestACoverageSaysWhoMapsAndHowOftenItFails(t *testing.T) {
	all, problems := load(head + `clauses:
  - {clause: "1", title: One, controls: [A], basis: published}
  - {clause: "1", controls: [B], basis: ours, why: Because.}
  - {clause: "2", title: Two, controls: [], why: Nobody can tell.}
`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := all[0].Cover(framework.Judge([]string{"A", "B"}, found([]rootkeep.Status{fail, fail, unknown}, []rootkeep.Status{pass}), 0)).Clauses
	want := []framework.Clause{
		{Clause: "1", Title: "One", Status: framework.Fail, Mappings: []framework.Mapping{
			{Basis: framework.Published, Source: "Our handbook", Status: framework.Fail, Controls: []framework.Answer{{Control: "A", Status: framework.Fail, Fail: 2, Unknown: 1}}},
			{Basis: framework.Ours, Why: "Because.", Status: framework.Pass, Controls: []framework.Answer{{Control: "B", Status: framework.Pass}}},
		}},
		{Clause: "2", Title: "Two", Status: framework.NotCovered, Why: "Nobody can tell.", Mappings: []framework.Mapping{}},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got (-), want (+)\n%s", diff)
	}
}

func TestAnAccountThatWasNotReadPassesNothing(t *testing.T) {
	all, problems := load(head + "clauses:\n  - {clause: \"1\", title: One, controls: [A], basis: published}\n  - {clause: \"2\", title: Two, controls: [B], basis: published}\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := all[0].Cover(framework.Judge([]string{"A", "B"}, found([]rootkeep.Status{pass}, []rootkeep.Status{fail}), 2))
	if a, b := got.Clauses[0], got.Clauses[1]; a.Status != framework.Unknown || a.Mappings[0].Controls[0].Unknown != 2 || b.Status != framework.Fail {
		t.Errorf("got %+v, want the pass unknown for two accounts and the failure kept", got.Clauses)
	}
}

// Whatever the findings are, a clause passes only if no finding of its controls is a
// failure, an exception or unknown, and something passes.
func TestAPassIsNeverMoreThanItsFindings(t *testing.T) {
	all, problems := load(head + "clauses:\n  - {clause: \"1\", title: One, controls: [A, B], basis: published}\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	random := rand.New(rand.NewPCG(1, 2))
	some := func() []rootkeep.Status {
		list := make([]rootkeep.Status, random.IntN(4))
		for i := range list {
			list[i] = []rootkeep.Status{pass, pass, pass, absent, unknown, fail, excepted}[random.IntN(7)]
		}
		return list
	}
	passed := 0
	for range 2000 {
		a, b := some(), some()
		both := slices.Concat(a, b)
		want := slices.Contains(both, pass) && !slices.ContainsFunc(both, func(s rootkeep.Status) bool { return s != pass && s != absent })
		got := all[0].Cover(framework.Judge([]string{"A", "B"}, found(a, b), 0)).Clauses[0].Status
		if (got == framework.Pass) != want {
			t.Fatalf("%v and %v: got %s, want pass %t", a, b, got, want)
		}
		if want {
			passed++
		}
	}
	if passed == 0 {
		t.Error("no case passed: the property was not tested")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(head + "clauses:\n  - {clause: \"1\", title: One, controls: [A], basis: published}\n  - {clause: \"1\", controls: [B], basis: ours, why: Because., part: rest}\n")
	f.Add(head + "through: mine\nclauses:\n  - {clause: \"1\", title: One, controls: []}\n")
	f.Add(head + "clauses: &a [*a]\n")
	f.Add("clauses: [1, [2], {3: 4}, null]")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		all, problems := load(text, "A", "B")
		if len(all)+len(problems) != 1 {
			t.Fatalf("got %d frameworks and %d problems, want one of them", len(all), len(problems))
		}
		resolved, problems := framework.Resolve(all)
		for _, f := range resolved {
			if got := f.Cover(framework.Judge(nil, nil, 0)); len(got.Clauses) == 0 {
				t.Errorf("a framework without clauses was loaded: %v", problems)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, problems := framework.Load(nil, rule.Source{FS: content.Files, Dir: "frameworks"}); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
