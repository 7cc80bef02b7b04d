package outbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify"
)

// What a pager took of a notice that failed is remembered: a newer notice, which goes in its
// place, finds the page that stands, and closes the one that was to be closed.
func TestWhatAPagerTookOfANoticeThatFailed(t *testing.T) {
	var got []string
	fails := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		asked, status := fmt.Sprint(body["event_action"], " ", body["dedup_key"]), http.StatusAccepted
		if got = append(got, asked); asked == fails {
			status = http.StatusTooManyRequests
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"status":"success"}`)
	}))
	defer server.Close()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("a", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	pager := fmt.Sprintf("  - {name: pager, notifier: pagerduty, settings: {url: '%s'}, secret_files: {routing_key: %s}}\nroutes: [{ways: [pager]}]\n", server.URL, key)
	eachSite(t, pager, func(t *testing.T, s *site) {
		got = nil
		tell := func(id, topic, action string, severity rootkeep.Severity) {
			t.Helper()
			put(t, s.store, s.box, notify.Notice{ID: id, Topic: topic, Severity: severity, Title: id, Thread: "AL-1", Action: action, At: s.now()})
		}
		tell("NO-1", "alert", "open", rootkeep.Medium)
		s.work()
		fails = "resolve AL-1"
		tell("NO-2", "alert-escalated", "update", rootkeep.High)
		s.want("the former is not closed", s.work(), []string{"pager/NO-2 waiting"})
		fails = ""
		tell("NO-3", "alert-handled", "update", rootkeep.High)
		s.want("somebody takes it", s.work(), []string{"pager/NO-3 done"})
		s.pass(time.Hour)
		s.want("the older one is overtaken", s.work(), []string{"pager/NO-2 done"})
		tell("NO-4", "alert-handled", "close", rootkeep.High)
		s.work()
		s.want("calls", got, []string{"trigger AL-1", "trigger AL-1.NO-2", "resolve AL-1", "acknowledge AL-1.NO-2", "resolve AL-1", "resolve AL-1.NO-2"})
	})
}
