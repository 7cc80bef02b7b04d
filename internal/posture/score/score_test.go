package score_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/score"
)

func guide(t *testing.T) *score.Scorecard {
	t.Helper()
	c, err := score.Load(content.Files, "scorecards/guide.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTheGuideRestsOnTheWholeCatalogue holds the scorecard to the ranges of controls
// that rootkeep has: each decides some item, and no item rests on one that is not to be.
func TestTheGuideRestsOnTheWholeCatalogue(t *testing.T) {
	catalogue := map[string]bool{}
	for group, last := range map[string]int{"RT": 28, "AC": 8, "OR": 7, "IU": 20, "PW": 9, "PO": 19, "CT": 26, "MF": 15, "AL": 11, "CO": 8, "SH": 9, "GD": 5, "AA": 4, "PL": 10} {
		for n := 1; n <= last; n++ {
			catalogue[fmt.Sprintf("%s-%02d", group, n)] = true
		}
	}
	catalogue["PO-28"], catalogue["GD-11"], catalogue["GD-12"] = true, true, true
	named := map[string]bool{}
	items := 0
	for _, l := range guide(t).Levels {
		for _, item := range l.Items {
			items++
			for _, id := range item.Controls {
				named[id] = true
			}
		}
	}
	if diff := cmp.Diff(catalogue, named); diff != "" {
		t.Errorf("controls (-catalogue +scorecard):\n%s", diff)
	}
	if items != 11 {
		t.Errorf("got %d items, want the 11 of the guide", items)
	}
}

func card(t *testing.T, controls string) *score.Scorecard {
	t.Helper()
	text := "{id: x, kind: scorecard, title: T, source: s, levels: [{id: l, title: L, items: [{id: i, text: I, controls: " + controls + "}]}]}"
	c, err := score.Load(fstest.MapFS{"x.yaml": {Data: []byte(text)}}, "x.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnItemIsDoneOnlyIfEverythingSaysSo(t *testing.T) {
	const pass, fail, unknown, none, excepted = rootkeep.Pass, rootkeep.Fail, rootkeep.Unknown, rootkeep.NotApplicable, rootkeep.Excepted
	for _, c := range []struct {
		name string
		a, b []rootkeep.Status
		want string
	}{
		{"both pass", []rootkeep.Status{pass}, []rootkeep.Status{pass}, score.Done},
		{"one passes and the other does not apply", []rootkeep.Status{pass}, []rootkeep.Status{none}, score.Done},
		{"one passes and the other found nothing", []rootkeep.Status{pass}, []rootkeep.Status{}, score.Done},
		{"one of many resources fails", []rootkeep.Status{pass, fail, pass}, []rootkeep.Status{pass}, score.NotDone},
		{"a failure goes before what is unknown", []rootkeep.Status{unknown}, []rootkeep.Status{fail}, score.NotDone},
		{"an exception is not done", []rootkeep.Status{excepted, pass}, []rootkeep.Status{pass}, score.NotDone},
		{"one resource is unknown", []rootkeep.Status{pass, unknown}, []rootkeep.Status{pass}, score.Unknown},
		{"a control was not judged", []rootkeep.Status{pass}, nil, score.Unknown},
		{"nothing applies", []rootkeep.Status{none}, []rootkeep.Status{}, score.NotApplicable},
		{"nothing was judged", nil, nil, score.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			var findings []rootkeep.Finding
			var judged []string
			for id, statuses := range map[string][]rootkeep.Status{"A-01": c.a, "A-02": c.b} {
				if statuses != nil {
					judged = append(judged, id)
				}
				for _, s := range statuses {
					findings = append(findings, rootkeep.Finding{Control: id, Status: s})
				}
			}
			l := card(t, "[A-01..A-02]").Of(findings, judged, false).Levels[0]
			if got := l.Items[0].State; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if n := l.Done + l.NotDone + l.Unknown + l.NotApplicable; n != 1 {
				t.Errorf("got a count of %d, want 1", n)
			}
		})
	}
}

func TestBadScorecardsAreRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a range backwards", "{id: x, kind: scorecard, title: T, levels: [{id: l, title: L, items: [{id: i, text: I, controls: [RT-04..RT-01]}]}]}", `range "RT-04..RT-01"`},
		{"a range over two groups", "{id: x, kind: scorecard, title: T, levels: [{id: l, title: L, items: [{id: i, text: I, controls: [RT-04..PO-09]}]}]}", "two IDs of one group"},
		{"a control twice", "{id: x, kind: scorecard, title: T, levels: [{id: l, title: L, items: [{id: i, text: I, controls: [A-1, A-1]}]}]}", "control A-1 twice"},
		{"an item twice", "{id: x, kind: scorecard, title: T, levels: [{id: l, title: L, items: [{id: i, text: I, controls: [A-1]}, {id: i, text: I, controls: [A-1]}]}]}", `item "i": want an id of its own`},
		{"an unknown key", "{id: x, kind: scorecard, grade: A}", "x.yaml:1:26: unknown field"},
		{"another kind", "{id: x, kind: quiz}", "want kind: scorecard"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := score.Load(fstest.MapFS{"x.yaml": {Data: []byte(c.text)}}, "x.yaml")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// failing makes n failures of a control.
func failing(id string, s rootkeep.Severity, n int) []rootkeep.Finding {
	var out []rootkeep.Finding
	for i := range n {
		out = append(out, rootkeep.Finding{Control: id, Severity: s, Status: rootkeep.Fail, Account: rootkeep.AccountID(fmt.Sprintf("%012d", i%2)), Resource: fmt.Sprint(i)})
	}
	return out
}

func TestThePlanPutsRiskPerEffortFirst(t *testing.T) {
	controls := map[string]*posture.Control{
		"quick-high": {Fix: posture.Fix{Effort: "minutes"}}, "slow-critical": {Fix: posture.Fix{Effort: "days"}}, "quick-critical": {Fix: posture.Fix{Effort: "minutes", Console: "Do it."}},
		"many-medium": {Fix: posture.Fix{Effort: "minutes"}}, "low": {Fix: posture.Fix{Effort: "minutes"}},
	}
	list := slices.Concat(failing("low", rootkeep.Low, 900), failing("many-medium", rootkeep.Medium, 723), failing("slow-critical", rootkeep.Critical, 1),
		failing("quick-high", rootkeep.High, 1), failing("quick-critical", rootkeep.Critical, 1), failing("unsaid", rootkeep.Medium, 1),
		[]rootkeep.Finding{{Control: "accepted", Severity: rootkeep.Critical, Status: rootkeep.Excepted}, {Control: "unread", Severity: rootkeep.Critical}})
	var got []string
	for _, f := range score.Plan(list, controls) {
		got = append(got, fmt.Sprintf("%s %d/%d %s %d", f.Control, f.Failing, f.Accounts, f.Effort, f.Worth))
	}
	want := []string{
		"quick-critical 1/1 minutes 4000", "quick-high 1/1 minutes 400", "many-medium 723/2 minutes 395", "slow-critical 1/1 days 63", "low 900/2 minutes 40", "unsaid 1/1 hours 3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// More failures never make a fix worth less, and never lift it over the next severity.
func TestFailuresCountTenfoldAtMost(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	last := 0
	for _, n := range []int{1, 2, 5, 10, 100, 1000 + r.IntN(5000)} {
		got := score.Plan(slices.Concat(failing("m", rootkeep.Medium, n), failing("h", rootkeep.High, 1)), nil)
		i := slices.IndexFunc(got, func(f score.Fix) bool { return f.Control == "m" })
		if got[i].Worth < last || got[0].Control != "h" {
			t.Errorf("%d failures: got %+v", n, got)
		}
		last = got[i].Worth
	}
}
