package outbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/job/run"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// receiver takes webhooks, and answers with the status that it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex // guards what follows
	status []int      // one for each request; then 200
	got    []string   // IDs of notices
	arrive chan struct{}
}

func receive(t *testing.T, status ...int) *receiver {
	t.Helper()
	r := &receiver{status: status, arrive: make(chan struct{}, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, q.Header.Get("Idempotency-Key"))
		if len(r.status) > 0 {
			w.WriteHeader(r.status[0])
			r.status = r.status[1:]
		}
		_, _ = w.Write([]byte("seen"))
		r.arrive <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

// ways writes the file of one way to the receiver, with routes.
func ways(t *testing.T, address, routes string) outbox.Settings {
	t.Helper()
	folder := t.TempDir()
	secret, file := filepath.Join(folder, "secret"), filepath.Join(folder, "ways.yaml")
	text := fmt.Sprintf("ways:\n  - {name: desk, notifier: webhook, settings: {url: '%s'}, secret_files: {secret: %s}}\n%s", address, secret, routes)
	for path, text := range map[string]string{secret: strings.Repeat("s", 32), file: text} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return outbox.Settings{Ways: file}
}

func open(t *testing.T, c outbox.Settings, s *store.Store) *outbox.Outbox {
	t.Helper()
	o, err := outbox.Open(c, time.Now, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func put(t *testing.T, s *store.Store, o *outbox.Outbox, n notify.Notice) {
	t.Helper()
	if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return o.Put(ctx, tx, n) }); err != nil {
		t.Fatal(err)
	}
}

var notice = notify.Notice{ID: "NO-1", Topic: "root-unexplained", Severity: rootkeep.Critical, Title: "Root signed in", At: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}

// told are the deliveries in the ledger: kind, attempt, and what was answered.
func told(t *testing.T, s *store.Store) []string {
	t.Helper()
	out := []string{}
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := entries.List(ctx, r, entries.Filter{Type: "notice."})
		for _, e := range list {
			payloads, err := entries.Payloads(ctx, r, e.N)
			if err != nil {
				return err
			}
			var d struct {
				Way     string
				Attempt int
				Answer  string
				Error   string
				Notice  notify.Notice
			}
			if err := json.Unmarshal(payloads[0].Data, &d); err != nil {
				return err
			}
			out = append(out, fmt.Sprintf("%s %s by %s, attempt %d: %s%s", e.Type, d.Notice.ID, d.Way, d.Attempt, d.Answer, d.Error))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// handle runs the attempts of the only job until it is over or as often as is said.
func handle(t *testing.T, s *store.Store, o *outbox.Outbox, attempts int) error {
	t.Helper()
	var list []*job.Job
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		list, err = jobs.List(ctx, r, jobs.Filter{Kind: outbox.Kind, Limit: 10})
		return err
	})
	if err != nil || len(list) != 1 {
		t.Fatalf("got %d jobs, %v, want one", len(list), err)
	}
	for n := 1; ; n++ {
		list[0].Attempt = n
		err := o.Jobs().Handler.Handle(t.Context(), list[0], func(string) {})
		if err == nil || job.IsPermanent(err) || n == attempts {
			return err
		}
	}
}

func TestANoticeIsSentAndItsEvidenceKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := receive(t, http.StatusBadGateway, http.StatusTooManyRequests)
		o := open(t, ways(t, r.URL, ""), s)
		put(t, s, o, notice)
		put(t, s, o, notice) // told twice, it is one
		if err := handle(t, s, o, 5); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"NO-1", "NO-1", "NO-1"}, r.got); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"notice.sent NO-1 by desk, attempt 3: HTTP 200: seen"}, told(t, s)); diff != "" {
			t.Errorf("ledger (-want +got):\n%s", diff)
		}
	})
}

func TestALetterThatNobodyTakesIsDeadAndSaidSo(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		tries  int
		want   string
	}{
		{"a refusal ends it at once", http.StatusForbidden, 1, "attempt 1: HTTP 403: seenit answered HTTP 403: seen"},
		{"a receiver that is down is tried to the end", http.StatusServiceUnavailable, notify.MostAttempts, "attempt 12: HTTP 503: seenit answered HTTP 503: seen"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
			var status []int
			for range 20 {
				status = append(status, test.status)
			}
			r := receive(t, status...)
			o := open(t, ways(t, r.URL, ""), s)
			put(t, s, o, notice)
			if err := handle(t, s, o, 20); !job.IsPermanent(err) {
				t.Errorf("got %v, want the job dead", err)
			}
			if len(r.got) != test.tries {
				t.Errorf("got %d requests, want %d", len(r.got), test.tries)
			}
			if diff := cmp.Diff([]string{"notice.failed NO-1 by desk, " + test.want}, told(t, s)); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWayThatIsConfiguredNoMoreLeavesADeadLetter(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	put(t, s, open(t, ways(t, "http://localhost:1", ""), s), notice)
	if err := handle(t, s, open(t, outbox.Settings{}, s), 1); !job.IsPermanent(err) || !strings.Contains(err.Error(), "way desk is not configured") {
		t.Errorf("got %v, want the job dead, and the way named", err)
	}
	if got := told(t, s); len(got) != 1 || !strings.HasPrefix(got[0], "notice.failed") {
		t.Errorf("got %v, want one failure in the ledger", got)
	}
}

func TestRoutesSayWhatIsSent(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	o := open(t, ways(t, "http://localhost:1", "routes: [{topics: [root-override], ways: [desk]}]\n"), s)
	put(t, s, o, notice)
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := jobs.List(ctx, r, jobs.Filter{Kind: outbox.Kind, Limit: 10})
		if len(list) != 0 {
			t.Errorf("got %d jobs for a topic of no route, want none", len(list))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The runner of jobs sends what was put, when it is woken.
func TestTheRunnerSends(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	r := receive(t)
	o := open(t, ways(t, r.URL, ""), s)
	runner, err := run.New(run.Config{Keeper: jobs.Keeper{Store: s}, Kinds: o.Kinds(), Owner: "one", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); runner.Run(ctx) }()
	put(t, s, o, notice)
	runner.Wake()
	select {
	case <-r.arrive:
	case <-time.After(time.Minute):
		t.Error("nothing was sent within a minute")
	}
	stop()
	<-ended
	if len(r.got) != 1 || r.got[0] != "NO-1" {
		t.Errorf("got %v, want the notice once", r.got)
	}
}

// What keeps a message for a thread hears that the test is over: a pager would go on about it.
func TestATrialEnds(t *testing.T) {
	r := receive(t)
	o := open(t, ways(t, r.URL, ""), nil)
	n := outbox.Trial(time.Now(), "")
	if answer, err := o.Try(t.Context(), "desk", n); err != nil || answer != "HTTP 200: seen" {
		t.Errorf("got %q, %v", answer, err)
	}
	if len(r.got) != 2 || r.got[0] != n.ID || r.got[1] == n.ID {
		t.Errorf("got %v, want the test %s and another notice, that it is over", r.got, n.ID)
	}
	r = receive(t, http.StatusOK, http.StatusForbidden)
	o = open(t, ways(t, r.URL, ""), nil)
	if _, err := o.Try(t.Context(), "desk", n); err == nil || !strings.Contains(err.Error(), "not that it is over") {
		t.Errorf("got %v, want that it took the test alone", err)
	}
}

func TestATrial(t *testing.T) {
	r := receive(t)
	o := open(t, ways(t, r.URL, ""), nil)
	if answer, err := o.Try(t.Context(), "desk", outbox.Trial(time.Now(), "")); err != nil || answer != "HTTP 200: seen" {
		t.Errorf("got %q, %v", answer, err)
	}
	if _, err := o.Try(t.Context(), "pager", outbox.Trial(time.Now(), "")); err == nil || !strings.Contains(err.Error(), `way "pager"`) {
		t.Errorf("got %v, want the way named", err)
	}
}
