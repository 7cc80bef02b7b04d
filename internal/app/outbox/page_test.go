package outbox_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web/notices"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

func page(t *testing.T, s *site) *webtest.Server {
	t.Helper()
	area, err := notices.Area(notices.Config{Store: s.store, Desk: outbox.Desk{Outbox: s.box}})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	actors["local"] = webtest.Person("local", time.Now(), people.Grant{Role: people.Responder, Scope: "account:111122223333"})
	return webtest.Serve(t, s.store, actors, area)
}

func TestThePageOfNotices(t *testing.T) {
	eachSite(t, "quiet: [{below: high, hours: {from: '20:00', to: '07:00', zone: Europe/Berlin}}]\n", func(t *testing.T, s *site) {
		w := page(t, s)
		if got := w.Get("responder", "/notices"); got.Status != http.StatusOK || !strings.Contains(got.Body, "Everything arrived") || !strings.Contains(got.Body, "Nothing is held back") {
			t.Errorf("got %d %s", got.Status, got.Body)
		}
		s.is(http.StatusForbidden)
		for id, severity := range map[string]rootkeep.Severity{"NO-1": rootkeep.High, "NO-2": rootkeep.Low} {
			put(t, s.store, s.box, notify.Notice{ID: id, Topic: "alert", Severity: severity, Title: id + " <img src=x onerror=alert(1)>\x1b[2J", At: s.now()})
		}
		s.work()
		got := w.Get("responder", "/notices")
		for _, want := range []string{"slack: " + s.URL, "NO-1 &lt;img", "NO-2 &lt;img", "HTTP 403", "/again", "Send a test"} {
			if !strings.Contains(got.Body, want) {
				t.Errorf("the page has no %q", want)
			}
		}
		if strings.Contains(got.Body, "<img src=x") || strings.Contains(got.Body, "\x1b") || strings.Contains(got.Body, "xoxb-") {
			t.Errorf("got %s, want no text that acts, and no secret", got.Body)
		}
		if got := w.Get("auditor", "/notices"); got.Status != http.StatusOK || !strings.Contains(got.Body, "HTTP 403") || strings.Contains(got.Body, "/again") || strings.Contains(got.Body, "/jobs/") || strings.Contains(got.Body, "Send a test") {
			t.Errorf("an auditor: got %d %s, want the page without what changes something", got.Status, got.Body)
		}
		if dead, sent := strings.Index(got.Body, "What nobody took"), strings.Index(got.Body, "What was sent"); dead < 0 || dead > sent {
			t.Error("what nobody took stands below what was sent, want it first")
		}
		numbers := w.Get("viewer", "/metrics").Body
		for _, want := range []string{`rootkeep_notices_not_taken{way="room"} 1`, `rootkeep_notices_held{way="room"} 1`, `rootkeep_notices_failures_total{way="room"} 1`, `rootkeep_notices_waiting{way="room"} 0`} {
			if !strings.Contains(numbers, want) {
				t.Errorf("the numbers have no %s", want)
			}
		}
		dead := letters(t, w, "dead")
		if held := letters(t, w, "held"); len(held) != 1 || held[0].Notice != "NO-2" || len(dead) != 1 || dead[0].Notice != "NO-1" || dead[0].Attempt != 1 {
			t.Fatalf("got %+v dead, %+v held", dead, held)
		}
		if got := w.Form("responder", "/notices/ways/room/test", nil); got.Status != http.StatusSeeOther {
			t.Errorf("a test that fails: %d %s", got.Status, got.Body)
		}
		s.is(0)
		if got := w.JSON("operator", "POST", "/api/v1/notices/ways/room/test", ""); got.Status != http.StatusOK || !strings.Contains(got.Body, `"taken":true`) {
			t.Errorf("a test: %d %s", got.Status, got.Body)
		}
		if got := w.Form("responder", "/notices/letters/"+dead[0].ID+"/again", nil); got.Status != http.StatusSeeOther {
			t.Errorf("again: %d %s", got.Status, got.Body)
		}
		s.want("again", s.work(), []string{"room/NO-1 done"})
		if sent := letters(t, w, "sent"); len(sent) != 1 || sent[0].Notice != "NO-1" || sent[0].Taken.IsZero() {
			t.Errorf("got %+v sent, want the one that was taken, with when", sent)
		}
		if got := w.Get("responder", "/notices"); !strings.Contains(got.Body, "What was sent, the newest first") || strings.Contains(got.Body, "<img src=x") {
			t.Errorf("got %s, want what was sent", got.Body)
		}
		if got := w.JSON("operator", "POST", "/api/v1/notices/letters/"+dead[0].ID+"/again", ""); got.Status != http.StatusConflict {
			t.Errorf("again what was sent: %d", got.Status)
		}
	})
}

func letters(t *testing.T, w *webtest.Server, state string) []client.NoticeLetter {
	t.Helper()
	got := w.Get("operator", "/api/v1/notices/letters?state="+state)
	var p client.Page[client.NoticeLetter]
	if err := json.Unmarshal([]byte(got.Body), &p); err != nil || got.Status != http.StatusOK {
		t.Fatalf("%s: %d %s, %v", state, got.Status, got.Body, err)
	}
	return p.Items
}

func TestWhoMayLookAfterNotices(t *testing.T) {
	s := &site{t: t, room: newRoom(t), clock: &clock{at: time.Now()}, store: webtest.Store(t)}
	s.box = open(t, ways(t, s.URL, ""), s.store)
	w := page(t, s)
	for _, test := range []struct {
		name, actor, method, path string
		want                      int
	}{
		{"an auditor looks", "auditor", "GET", "/api/v1/notices/letters", 200},
		{"an auditor tests", "auditor", "POST", "/api/v1/notices/ways/desk/test", 403},
		{"an auditor sends again", "auditor", "POST", "/api/v1/notices/letters/JO-1/again", 403},
		{"a viewer looks", "viewer", "GET", "/api/v1/notices/ways", 403},
		{"a viewer tests", "viewer", "POST", "/api/v1/notices/ways/desk/test", 403},
		{"the responder of one account", "local", "GET", "/api/v1/notices/letters", 403},
		{"the responder of one account tests", "local", "POST", "/api/v1/notices/ways/desk/test", 403},
		{"the responder of one account sends again", "local", "POST", "/api/v1/notices/letters/JO-1/again", 403},
		{"nobody", "", "GET", "/api/v1/notices/ways", 401},
		{"a way that is none", "operator", "POST", "/api/v1/notices/ways/pager/test", 404},
		{"a letter that is none", "operator", "POST", "/api/v1/notices/letters/JO-1/again", 404},
		{"a list that is none", "operator", "GET", "/api/v1/notices/letters?state=lost", 422},
	} {
		if got := w.JSON(test.actor, test.method, test.path, ""); got.Status != test.want {
			t.Errorf("%s: got %d %s, want %d", test.name, got.Status, got.Body, test.want)
		}
	}
	var n int
	err := s.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		return r.Row(ctx, `SELECT COUNT(*) FROM job`).Scan(&n)
	})
	if err != nil || n != 0 {
		t.Errorf("got %d jobs, %v, want none", n, err)
	}
}
