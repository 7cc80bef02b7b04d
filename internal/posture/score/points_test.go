package score_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/posture/score"
)

func TestPoints(t *testing.T) {
	f := func(control string, s rootkeep.Severity, status rootkeep.Status) rootkeep.Finding {
		return rootkeep.Finding{Control: control, Severity: s, Status: status, Account: "111122223333"}
	}
	other := f("a", rootkeep.High, rootkeep.Fail)
	other.Account = "444455556666"
	for _, c := range []struct {
		name string
		list []rootkeep.Finding
		want int
	}{
		{"nothing applies", []rootkeep.Finding{f("a", rootkeep.High, rootkeep.NotApplicable)}, 0},
		{"all passes", []rootkeep.Finding{f("a", rootkeep.High, rootkeep.Pass), f("b", rootkeep.Low, rootkeep.Pass)}, 100},
		{"a critical failure outweighs seven low passes", append(failing("x", rootkeep.Critical, 1), f("b", rootkeep.Low, rootkeep.Pass)), 11},
		{"one resource that fails fails the control", []rootkeep.Finding{f("a", rootkeep.High, rootkeep.Pass), f("a", rootkeep.High, rootkeep.Fail), f("b", rootkeep.High, rootkeep.Pass)}, 50},
		{"accounts count by themselves", []rootkeep.Finding{f("a", rootkeep.High, rootkeep.Pass), other}, 50},
		{"what is not known is no pass", []rootkeep.Finding{f("a", rootkeep.High, rootkeep.Unknown), f("b", rootkeep.High, rootkeep.Pass)}, 50},
		{"what is accepted is no pass", []rootkeep.Finding{f("a", rootkeep.High, rootkeep.Excepted), f("b", rootkeep.High, rootkeep.Pass)}, 50},
		{"informational failures do not count", []rootkeep.Finding{f("a", rootkeep.Informational, rootkeep.Fail), f("b", rootkeep.Low, rootkeep.Pass)}, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := score.Points(c.list); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestHeld(t *testing.T) {
	f := func(control string, s rootkeep.Severity, status rootkeep.Status, account rootkeep.AccountID) rootkeep.Finding {
		return rootkeep.Finding{Control: control, Severity: s, Status: status, Account: account}
	}
	list := []rootkeep.Finding{
		f("a", rootkeep.High, rootkeep.Fail, "111122223333"), f("a", rootkeep.High, rootkeep.Fail, "111122223333"), f("a", rootkeep.High, rootkeep.Unknown, "444455556666"),
		f("b", rootkeep.Critical, rootkeep.Pass, "111122223333"), f("c", rootkeep.Informational, rootkeep.Fail, "111122223333"), f("d", rootkeep.Critical, rootkeep.NotApplicable, "111122223333"),
	}
	if d := cmp.Diff(map[string]int{"a": 5000, "c": 0}, score.Held(list)); d != "" {
		t.Error(d)
	}
	if got := score.Points(list); got != 50 {
		t.Errorf("got %d points, want 50: what is held back and what is not are 100", got)
	}
	if got := score.Held(nil); len(got) != 0 {
		t.Errorf("got %v of nothing", got)
	}
}
