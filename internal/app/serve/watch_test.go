package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	cases "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// post is a notice that the receiver of webhooks got.
type post struct {
	notify.Notice
	at time.Time
}

// guarded is a server that watches a folder and tells a receiver of webhooks.
type guarded struct {
	*house
	folder string
	posts  chan post
	stop   func()
}

// guard starts the roles jobs and watch over the store of a house.
func guard(t *testing.T) *guarded {
	t.Helper()
	return guardAt(t, time.Now)
}

// guardAt is guard with another clock; sources are watched by that of the machine, which
// files have their times from.
func guardAt(t *testing.T, now func() time.Time) *guarded {
	t.Helper()
	g := &guarded{folder: filepath.Join(t.TempDir(), "logs"), posts: make(chan post, 100)}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notify.Notice
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &n); err != nil {
			t.Error(err)
		}
		g.posts <- post{n, time.Now()}
	}))
	t.Cleanup(receiver.Close)
	secret := write(t, filepath.Join(t.TempDir(), "secret"), strings.Repeat("s", 32))
	write(t, filepath.Join(g.folder, "README"), "")
	if err := errors.Join(os.Chmod(secret, 0o600), os.Remove(filepath.Join(g.folder, "README"))); err != nil {
		t.Fatal(err)
	}
	c := Settings{
		Watch:  Watch{Sources: write(t, filepath.Join(t.TempDir(), "sources.yaml"), fmt.Sprintf("sources: [{name: trail, folder: %s, days: 30}]\n", g.folder))},
		Notify: outbox.Settings{Ways: write(t, filepath.Join(t.TempDir(), "ways.yaml"), fmt.Sprintf("ways: [{name: desk, notifier: webhook, settings: {url: '%s'}, secret_files: {secret: %s}}]\n", receiver.URL, secret))},
	}
	g.house = dwell(t, c, now)
	g.stop = g.start(t)
	return g
}

func (g *guarded) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, r := range roles() {
		if r.name == "web" || !slices.Contains(g.settings.Roles, r.name) {
			continue
		}
		h := *g.house
		if r.name == watchRole {
			h.deps = &deps{settings: g.settings, store: g.store, keys: g.keys, log: g.log, now: time.Now}
		}
		all.Go(func() {
			if err := r.run(ctx, &h); err != nil {
				t.Error(err)
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(stop)
	return stop
}

// seen reads what the store has: cases, and events.
func (g *guarded) seen(t *testing.T) (list []*incident.Case, events []*rootlog.Event) {
	t.Helper()
	err := g.store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		if list, err = incident.List(ctx, r, sight.All(), incident.Filter{Limit: 50}); err != nil {
			return err
		}
		events, err = rootlog.Events(ctx, r, sight.All(), rootlog.EventFilter{Limit: 50})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, events
}

// letters counts the notices that were put.
func (g *guarded) letters(t *testing.T) int {
	t.Helper()
	var list []*job.Job
	err := g.store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		list, err = storejobs.List(ctx, r, storejobs.Filter{Kind: outbox.Kind, Limit: 50})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// wait gives the next notice of a topic.
func (g *guarded) wait(t *testing.T, topic string) post {
	t.Helper()
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	for {
		select {
		case p := <-g.posts:
			if p.Topic == topic {
				return p
			}
		case <-limit.C:
			t.Fatalf("no notice of the topic %s", topic)
		}
	}
}

// late is longer than a busy machine takes to tell of what has arrived, and shorter than
// what is looked at once a minute.
const late = 30 * time.Second

// An unexplained sign-in of root is a case and a notice within seconds of its arrival.
func TestAnUnexplainedSignInIsToldWithinSeconds(t *testing.T) {
	g := guard(t)
	write(t, filepath.Join(g.folder, "a", "log.json"), rootSignIn)
	arrived := time.Now()
	p := g.wait(t, "root-unexplained")
	if took := p.at.Sub(arrived); took > late {
		t.Errorf("got the notice %v after the object, want it within seconds", took)
	}
	list, events := g.seen(t)
	if len(list) != 1 || list[0].State != cases.Open || len(events) != 1 || events[0].Verdict != rootkeep.Unexplained {
		t.Fatalf("got %d cases, %d events, want an open case of one unexplained event", len(list), len(events))
	}
	if p.Subject != list[0].ID || p.Account != "111122223333" || !strings.Contains(p.Text, "ConsoleLogin") || !strings.HasSuffix(p.Link, "/incidents/"+list[0].ID) || p.Severity < rootkeep.High {
		t.Errorf("got notice %+v of case %s", p.Notice, list[0].ID)
	}
	g.stop()

	// The same event once more, in another object and by a server that starts again: it is
	// counted, and no other notice is made of it. The one that was on its way when the
	// server stopped may come twice, with its ID.
	write(t, filepath.Join(g.folder, "b", "log.json"), strings.ReplaceAll(rootSignIn, "\n", " \n"))
	write(t, filepath.Join(g.folder, "b", "other.json"), strings.ReplaceAll(strings.ReplaceAll(rootSignIn, "111122223333", "444455556666"), "000000000001", "000000000002"))
	g.stop = g.start(t)
	next := g.wait(t, "root-unexplained")
	if next.ID == p.ID {
		next = g.wait(t, "root-unexplained")
	}
	if next.Account != "444455556666" {
		t.Errorf("got notice %s of %s, want one of the other account", next.ID, next.Account)
	}
	if list, events := g.seen(t); len(list) != 2 || len(events) != 2 || events[0].Delivered+events[1].Delivered != 3 {
		t.Errorf("got %d cases of %d events, want two of each, and three deliveries", len(list), len(events))
	}
	if n := g.letters(t); n != 2 {
		t.Errorf("got %d notices, want one for each case", n)
	}
}

func TestAnObjectThatCannotBeReadIsNamedAndSkipped(t *testing.T) {
	g := guard(t)
	write(t, filepath.Join(g.folder, "bad.json"), "no log\x1b[2J")
	write(t, filepath.Join(g.folder, "later.json"), rootSignIn)
	g.wait(t, "root-unexplained")
	g.stop()
	err := g.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := entries.List(ctx, r, entries.Filter{Type: "source.skipped"})
		if err != nil || len(list) != 1 || list[0].Subject != "trail" {
			t.Fatalf("got %v, %v, want one entry of source trail", list, err)
		}
		payloads, err := entries.Payloads(ctx, r, list[0].N)
		if err == nil && !strings.Contains(string(payloads[0].Data), `"object":"bad.json"`) {
			t.Errorf("got %s, want the object named", payloads[0].Data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
