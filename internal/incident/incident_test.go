package incident_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/lot"
)

var now = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

func finding() incident.Finding {
	return incident.Finding{
		Cause: "root 111122223333 console", Severity: rootkeep.High, Account: "111122223333", Title: "Unexplained use of root",
		Parties: []string{"PE-1", "", "PE-1"}, Events: 2, About: "2 events not covered",
	}
}

func acts(c *incident.Case) []incident.Act {
	var out []incident.Act
	for _, l := range c.History {
		out = append(out, l.Act)
	}
	return out
}

func TestACaseGoesItsWay(t *testing.T) {
	c := incident.New(finding(), now)
	if c.ID != incident.ID(finding().Cause) || !strings.HasPrefix(c.ID, "CS-") || len(c.ID) != 19 {
		t.Errorf("ID: got %q, want that of the cause", c.ID)
	}
	if err := c.Close("done", "PE-2", now); !errors.Is(err, incident.ErrState) {
		t.Errorf("close a case that nobody has: got %v, want ErrState", err)
	}
	if err := c.Assign("PE-2", "PE-3", now); err != nil {
		t.Fatal(err)
	}
	if err := c.Close("done", "PE-1", now); !errors.Is(err, incident.ErrParty) {
		t.Errorf("close by who took part: got %v, want ErrParty", err)
	}
	if err := c.Close(" ", "PE-2", now); !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("close without a reason: got %v, want ErrInvalid", err)
	}
	if err := c.Close("it was a test of the alarm", "PE-2", now); err != nil || c.State != incident.Closed || c.Reason == "" {
		t.Fatalf("close: got %+v, %v", c, err)
	}
	if err := c.Assign("PE-3", "PE-2", now); !errors.Is(err, incident.ErrState) {
		t.Errorf("assign a closed case: got %v, want ErrState", err)
	}
	if err := c.Note("seen in the log of the firewall too", "PE-2", now); err != nil {
		t.Errorf("note on a closed case: %v", err)
	}
	if !c.Take(incident.Finding{Cause: c.Cause, Events: 1, About: "1 event not covered"}, now) || c.State != incident.Open || c.Events != 3 || c.Reason != "" {
		t.Errorf("one more event: got %+v, want it open again, with 3 events", c)
	}
	if at, had := c.Reopening(); c.Owner != "" || !at.Equal(now) || had != "PE-2" {
		t.Errorf("got owner %q, opened again %v, with %q until then, want nobody, now, and PE-2", c.Owner, at, had)
	}
	want := []incident.Act{incident.Opened, incident.Assigned, incident.Ended, incident.Noted, incident.Reopened}
	if diff := cmp.Diff(want, acts(c)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	later := now.Add(time.Hour)
	if !c.Explain("explained", later) || !c.Again("it does not hold any more", later) {
		t.Fatalf("got %+v, want it closed and open again", c)
	}
	if at, had := c.Reopening(); !at.Equal(later) || had != "" {
		t.Errorf("opened a third time: got %v, with %q until then, want an hour later, and nobody", at, had)
	}
}

func TestWhatIsToldAgainChangesNothing(t *testing.T) {
	c := incident.New(finding(), now)
	before := *c
	again := finding()
	again.Events = 0
	if c.Take(again, now.Add(time.Hour)) {
		t.Error("the same finding changed the case")
	}
	if diff := cmp.Diff(&before, c); diff != "" {
		t.Errorf("case (-before +after):\n%s", diff)
	}
}

func TestAnExplanationClosesWhatNobodyHas(t *testing.T) {
	for _, tt := range []struct {
		name  string
		owner string
		want  incident.State
	}{{"nobody has it", "", incident.Closed}, {"somebody has it, and closes it", "PE-2", incident.Open}} {
		t.Run(tt.name, func(t *testing.T) {
			c := incident.New(finding(), now)
			if tt.owner != "" {
				if err := c.Assign(tt.owner, "PE-3", now); err != nil {
					t.Fatal(err)
				}
			}
			if !c.Explain("explained by what arrived later", now) || c.State != tt.want {
				t.Errorf("got %s, want %s", c.State, tt.want)
			}
			if got := acts(c); !strings.Contains(strings.Join(words(got), " "), "explained") {
				t.Errorf("history: got %v, want a line that says so", got)
			}
			if c.Explain("again", now) != (tt.want == incident.Open) {
				t.Error("a case that is closed was explained again")
			}
			if c.Again("it does not hold any more", now) != (tt.want == incident.Closed) || c.State != incident.Open {
				t.Errorf("once the explanation falls: got %s, want open", c.State)
			}
		})
	}
}

func words(acts []incident.Act) []string {
	var out []string
	for _, a := range acts {
		out = append(out, string(a))
	}
	return out
}

func TestPeopleDoNotWriteWithoutEnd(t *testing.T) {
	c := incident.New(finding(), now)
	for range 5000 {
		c.Take(incident.Finding{Events: 1, About: "1 event not covered"}, now)
	}
	if err := c.Note("events without end", "PE-2", now); err != nil {
		t.Errorf("a note after 5,000 lines of rootkeep's own: %v", err)
	}
	if err := c.Assign("PE-2", "PE-3", now); err != nil {
		t.Fatal(err)
	}
	for range 998 {
		if err := c.Note("more", "PE-2", now); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Note("more", "PE-2", now); !errors.Is(err, incident.ErrInvalid) {
		t.Errorf("the thousandth and first line: got %v, want ErrInvalid", err)
	}
	if err := c.Assign("PE-3", "PE-2", now); !errors.Is(err, incident.ErrInvalid) || c.Owner != "PE-2" {
		t.Errorf("assign it then: got %v, owner %s, want ErrInvalid, and PE-2", err, c.Owner)
	}
	if err := c.Close("enough", "PE-2", now); err != nil {
		t.Errorf("close it: %v", err)
	}
}

// TestStateAndHistoryAgree does acts of any kind in any order: the state is what the
// history tells, and no act leaves the case without a line.
func TestStateAndHistoryAgree(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		c := incident.New(finding(), now)
		for range rapid.IntRange(1, 30).Draw(t, "acts") {
			had, before := len(c.History), c.State
			changed := true
			switch rapid.IntRange(0, 6).Draw(t, "act") {
			case 0:
				changed = c.Take(incident.Finding{Events: rapid.IntRange(0, 2).Draw(t, "events"), Severity: rootkeep.Severity(rapid.IntRange(0, 4).Draw(t, "severity"))}, now)
			case 1:
				changed = c.Explain("explained", now)
			case 2:
				changed = c.Again("again", now)
			case 3:
				changed = c.Assign(rapid.SampledFrom([]string{"PE-2", "PE-3"}).Draw(t, "owner"), "PE-4", now) == nil
			case 4:
				changed = c.Note("a note", "PE-2", now) == nil
			case 5:
				changed = c.Close("a reason", rapid.SampledFrom([]string{"PE-1", "PE-2"}).Draw(t, "by"), now) == nil
			case 6:
				c.Tell("something happened", now)
			}
			if changed == (len(c.History) == had) {
				t.Fatalf("changed %v, with %d lines after %d", changed, len(c.History), had)
			}
			state := before
			for _, l := range c.History[had:] {
				switch l.Act {
				case incident.Ended:
					state = incident.Closed
				case incident.Reopened:
					state = incident.Open
				}
				if l.Act == incident.Ended && l.By == "PE-1" {
					t.Fatal("closed by who took part")
				}
			}
			if c.State != state || (c.State == incident.Closed) != (c.Reason != "") || (c.State == incident.Closed) == c.Closed.IsZero() {
				t.Fatalf("got %+v, want the state %s that its history tells", c, state)
			}
		}
	})
}
