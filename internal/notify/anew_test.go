package notify_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify"
)

// A pager that fails in between leaves no page open, and no notice that somebody took an alert
// rings it.
func TestNoPageIsLeftOpen(t *testing.T) {
	type step struct {
		id, topic, action string
		severity          rootkeep.Severity
		fails             string // the request that the receiver does not answer as it should
		status            int    // that it answers then
	}
	const medium, high = rootkeep.Medium, rootkeep.High
	open := step{"NO-1", "alert", "open", medium, "", 0}
	for _, test := range []struct {
		name  string
		steps []step
		was   notify.Memory
		want  []string
	}{
		{"the former is closed by the next attempt", []step{open, {"NO-2", "alert-escalated", "update", high, "resolve AL-1", 429}, {"NO-2", "alert-escalated", "update", high, "", 0}}, nil,
			[]string{"trigger AL-1", "trigger AL-1.NO-2", "resolve AL-1 429", "resolve AL-1"}},
		{"somebody takes it before the former is closed", []step{open, {"NO-2", "alert-escalated", "update", high, "resolve AL-1", 429}, {"NO-3", "alert-handled", "update", high, "", 0}, {"NO-4", "alert-handled", "close", high, "", 0}}, nil,
			[]string{"trigger AL-1", "trigger AL-1.NO-2", "resolve AL-1 429", "acknowledge AL-1.NO-2", "resolve AL-1", "resolve AL-1.NO-2"}},
		{"it is closed before the former is", []step{open, {"NO-2", "alert-escalated", "update", high, "resolve AL-1", 429}, {"NO-3", "alert-handled", "close", high, "", 0}}, nil,
			[]string{"trigger AL-1", "trigger AL-1.NO-2", "resolve AL-1 429", "resolve AL-1", "resolve AL-1.NO-2"}},
		{"the former is not closed for good", []step{open, {"NO-2", "alert-escalated", "update", high, "resolve AL-1", 400}, {"NO-3", "alert-handled", "close", high, "", 0}}, nil,
			[]string{"trigger AL-1", "trigger AL-1.NO-2", "resolve AL-1 400", "resolve AL-1", "resolve AL-1.NO-2"}},
		{"one of two is closed", []step{open, {"NO-2", "alert-escalated", "update", high, "resolve AL-1", 429}, {"NO-3", "alert-handled", "close", high, "resolve AL-1", 429}, {"NO-3", "alert-handled", "close", high, "", 0}}, nil,
			[]string{"trigger AL-1", "trigger AL-1.NO-2", "resolve AL-1 429", "resolve AL-1 429", "resolve AL-1.NO-2", "resolve AL-1"}},
		{"it took the notice and did not say so, and somebody takes the alert", []step{open, {"NO-2", "alert-escalated", "update", high, "trigger AL-1.NO-2", 504}, {"NO-3", "alert-handled", "update", high, "", 0}, {"NO-4", "alert-handled", "close", high, "", 0}}, nil,
			[]string{"trigger AL-1", "trigger AL-1.NO-2 504", "acknowledge AL-1", "resolve AL-1.NO-2", "resolve AL-1"}},
		{"it took the notice and did not say so, and is told again", []step{open, {"NO-2", "alert-escalated", "update", high, "trigger AL-1.NO-2", 504}, {"NO-2", "alert-escalated", "update", high, "", 0}, {"NO-3", "alert-handled", "close", high, "", 0}}, nil,
			[]string{"trigger AL-1", "trigger AL-1.NO-2 504", "trigger AL-1.NO-2", "resolve AL-1", "resolve AL-1.NO-2"}},
		{"somebody takes what it was told as less severe", []step{open, {"NO-2", "alert-handled", "update", high, "", 0}}, nil,
			[]string{"trigger AL-1", "acknowledge AL-1"}},
		{"opened again before it is closed there", []step{open, {"NO-2", "alert-handled", "close", medium, "resolve AL-1", 429}, {"NO-3", "alert", "open", medium, "", 0}}, nil,
			[]string{"trigger AL-1", "resolve AL-1 429", "trigger AL-1.NO-3", "resolve AL-1"}},
		{"nobody remembers how severe it was told, and it escalates", []step{{"NO-2", "alert-escalated", "update", high, "", 0}, {"NO-3", "alert-handled", "close", high, "", 0}}, notify.Memory{},
			[]string{"trigger AL-1.NO-2", "resolve AL-1", "resolve AL-1.NO-2"}},
		{"nobody remembers how severe it was told, and the notice fails", []step{{"NO-2", "alert-escalated", "update", high, "trigger AL-1.NO-2", 503}, {"NO-2", "alert-escalated", "update", high, "", 0}}, notify.Memory{},
			[]string{"trigger AL-1.NO-2 503", "trigger AL-1.NO-2", "resolve AL-1"}},
		{"nobody remembers how severe it was told, and it changes", []step{{"NO-2", "alert-storm", "update", high, "", 0}}, notify.Memory{},
			[]string{"trigger AL-1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			var failing step
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var body map[string]any
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					t.Error(err)
				}
				asked, status := fmt.Sprint(body["event_action"], " ", body["dedup_key"]), http.StatusAccepted
				if asked == failing.fails {
					status = failing.status
					asked = fmt.Sprint(asked, " ", status)
				}
				got = append(got, asked)
				w.WriteHeader(status)
				_, _ = io.WriteString(w, `{"status":"success"}`)
			}))
			defer server.Close()
			p, err := notify.NewPost("way", shipped(t, "pagerduty"), map[string]notify.Secret{"url": notify.NewSecret(server.URL), "routing_key": notify.NewSecret(strings.Repeat("a", 32))}, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			m := test.was
			for _, failing = range test.steps {
				n := notify.Notice{ID: failing.id, Topic: failing.topic, Action: failing.action, Severity: failing.severity, Title: "t", Thread: "AL-1", At: moment}
				_, learned, err := p.Change(t.Context(), n, m)
				if (err == nil) != (failing.fails == "") || err != nil && notify.IsFinal(err) != (failing.status == 400) {
					t.Fatalf("%s: got %v, want it to fail as %q did", failing.id, err, failing.fails)
				}
				if learned != nil {
					m = learned
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
