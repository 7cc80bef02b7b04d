package outbox

import (
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	asked "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	cases "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func TestNoticesOfRequests(t *testing.T) {
	for _, test := range []struct {
		name    string
		state   access.State
		overrun time.Time
		want    string // topic
	}{
		{"one that waits", access.Requested, time.Time{}, "approval-wanted"},
		{"one that was approved", access.Approved, time.Time{}, ""},
		{"a session that runs", access.Open, time.Time{}, ""},
		{"a session that nobody closed in time", access.Closing, noon, "root-overrun"},
		{"a session that somebody closed in time", access.Closing, time.Time{}, ""},
		{"one that was closed late, and is over", access.Closed, noon, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := &access.Request{ID: "RR-1", State: test.state, Overrun: test.overrun, Begins: noon, Due: noon, Revision: 3,
				Matter: &approvals.Matter{Version: approvals.Version{Request: &approval.Request{Account: "111122223333"}}},
				Asked:  &asked.Request{Accounts: []rootkeep.AccountID{"111122223333"}, Task: "close-account", Justification: "why\x1b[2J", From: noon, Until: noon.Add(time.Hour)}}
			n := ofRequest(x, "https://rootkeep.example.com/")
			if test.want == "" {
				if n != nil {
					t.Errorf("got %+v, want nobody told", n)
				}
				return
			}
			if n == nil || n.Topic != test.want || n.Link != "https://rootkeep.example.com/root/RR-1" || strings.Contains(n.Text, "\x1b") || !strings.Contains(n.Text, "close-account") {
				t.Fatalf("got %+v, want %s", n, test.want)
			}
			x.Revision++ // an approval, an answer
			if again := ofRequest(x, ""); again.ID != n.ID {
				t.Errorf("got ID %s of the same request, want %s again", again.ID, n.ID)
			}
			x.Asked.Justification, x.Overrun = "another", x.Overrun.Add(time.Hour)
			if other := ofRequest(x, ""); other.ID == n.ID {
				t.Error("got the same ID of a request that was edited, want another")
			}
		})
	}
}

func TestNoticesOfCases(t *testing.T) {
	c := &incident.Case{Case: cases.Case{ID: "CS-1", Cause: "session x", Severity: rootkeep.High, Account: "111122223333", Title: "Root", Events: 12, Opened: noon,
		History: []cases.Line{{Act: cases.Opened, At: noon, By: "system", About: "opened"}}}}
	e := &rootlog.Event{Judged: reconcile.Judged{Event: reconcile.Event{RootUse: rootkeep.RootUse{Name: "ConsoleLogin\x1b", Time: noon, Address: "198.51.100.9"}}, Verdict: rootkeep.Unexplained, Why: "nothing covers it"}}
	first := ofCase(c, []*rootlog.Event{e}, "https://rootkeep.example.com")
	if first.Topic != "root-unexplained" || !strings.Contains(first.Text, `ConsoleLogin\x1b`) || !strings.Contains(first.Text, "and 11 earlier events") || first.Link != "https://rootkeep.example.com/incidents/CS-1" {
		t.Errorf("got %+v", first)
	}
	c.Events++
	c.History = append(c.History, cases.Line{Act: cases.Added, At: noon.Add(time.Minute)})
	if again := ofCase(c, nil, ""); again.ID != first.ID {
		t.Error("got another ID when an event was added, want the same")
	}
	c.Severity = rootkeep.Critical
	worse := ofCase(c, nil, "")
	c.History = append(c.History, cases.Line{Act: cases.Reopened, At: noon.Add(time.Hour)})
	if reopened := ofCase(c, nil, ""); worse.ID == first.ID || reopened.ID == worse.ID {
		t.Error("got the same ID of a case that is worse, or opened again, want another")
	}
	c.Cause = overridden + "RR-1"
	if o := ofCase(c, nil, ""); o.Topic != "root-override" || o.Text == "" {
		t.Errorf("got %+v, want the topic root-override, and what happened", o)
	}
}
