package notify

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// to is a way by a shipped notifier to an address on this machine.
func to(t *testing.T, n *Notifier, address string) *Post {
	t.Helper()
	settings := map[string]Secret{}
	for name := range n.Settings {
		settings[name] = NewSecret(strings.Repeat("x", max(16, n.Settings[name].Least)))
	}
	settings["url"] = NewSecret(address)
	p, err := NewPost("way", n, settings, nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// taking is the answer with which a notifier's receiver takes a notice.
func taking(t *testing.T, n *Notifier) AnswerCase {
	t.Helper()
	for _, a := range n.Answers {
		if a.Want == taken {
			return a
		}
	}
	t.Fatalf("%s: no answer that is taken", n.ID)
	return AnswerCase{}
}

// What each shipped notifier makes of receivers that answer as nobody should. The status alone
// counts for webhook, whose receiver is the operator's own.
func TestReceiversThatLie(t *testing.T) {
	list, problems := LoadNotifiers(rule.Source{FS: content.Files, Dir: "notifiers"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	notice := Notice{ID: "NO-1", Topic: "alert", Severity: rootkeep.High, Title: "t", At: time.Unix(0, 0), Link: "https://rootkeep.example.com/alerts/AL-1", Thread: "AL-1", Subject: "AL-1"}
	for _, n := range list {
		yes := taking(t, n)
		byStatus := n.ID == "webhook" || n.ID == "teams" || n.ID == "ocsf" // an empty answer is a usual one
		for name, test := range map[string]struct {
			answer http.HandlerFunc
			taken  bool
		}{
			"as it should": {func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(yes.Status)
				_, _ = io.WriteString(w, yes.Body)
			}, true},
			"the page of a proxy": {func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(yes.Status)
				if yes.Status != http.StatusNoContent {
					_, _ = io.WriteString(w, "<!doctype html><html>Sign in to go on</html>")
				}
			}, n.ID == "webhook"},
			"an answer that breaks off": {func(w http.ResponseWriter, _ *http.Request) {
				if yes.Status != http.StatusNoContent {
					w.Header().Set("Content-Length", "1000")
				}
				w.WriteHeader(yes.Status)
				_, _ = io.WriteString(w, `{"ok":`)
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}, n.ID == "webhook"},
			"nothing":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(yes.Status) }, byStatus},
			"a redirect":       {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, false},
			"an error of HTTP": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, false},
			"without end": {func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusOK)
				for range 1000 {
					if _, err := io.WriteString(w, strings.Repeat("y", 10_000)); err != nil {
						return
					}
				}
			}, byStatus},
		} {
			server := httptest.NewServer(test.answer)
			answer, err := to(t, n, server.URL).Send(t.Context(), notice)
			server.Close()
			if (err == nil) != test.taken || len(answer) > 2<<10 || err != nil && len(err.Error()) > 2<<10 {
				t.Errorf("%s, %s: got %v with %d bytes, want taken %v", n.ID, name, err, len(answer), test.taken)
			}
		}
	}
}

// A receiver that takes the request and says nothing, or no more, is given up, and tried again.
func TestReceiversThatHang(t *testing.T) {
	list, problems := LoadNotifiers(rule.Source{FS: content.Files, Dir: "notifiers"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, n := range list {
		for _, begun := range []bool{false, true} {
			got := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if begun {
					w.WriteHeader(taking(t, n).Status)
					_, _ = io.WriteString(w, `{"ok":`)
					_ = http.NewResponseController(w).Flush()
				}
				_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that nobody waits any more
				close(got)
				<-r.Context().Done()
			}))
			ctx, stop := context.WithCancel(t.Context())
			go func() {
				<-got
				stop() // in place of the time that an attempt has
			}()
			_, err := to(t, n, server.URL).Send(ctx, Notice{ID: "NO-1", Severity: rootkeep.High, Title: "t", At: time.Unix(0, 0)})
			stop()
			server.Close()
			if n.Success.byStatus() && begun {
				continue // its status has said yes
			}
			if err == nil || IsFinal(err) {
				t.Errorf("%s, an answer that has begun %v: got %v, want it tried again", n.ID, begun, err)
			}
		}
	}
}

func TestAnAttemptHasAnEnd(t *testing.T) {
	n := &Notifier{ID: "x"}
	p, err := NewPost("way", n, nil, nil, time.Now)
	if err != nil || p.client.Timeout <= 0 || p.client.Timeout > time.Minute {
		t.Errorf("got %v, %v, want a bound of a minute at most", p.client.Timeout, err)
	}
}
