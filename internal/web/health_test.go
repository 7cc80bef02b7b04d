package web_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web"
)

// TestReadyWithAClockThatJumped tells a clock that is wrong from one that was put right: a
// step turns the clock, or has another server write, whose clock is another.
func TestReadyWithAClockThatJumped(t *testing.T) {
	start := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	now := start
	o := storetest.Options(t)
	o.Now = func() time.Time { return now }
	s := storetest.Open(t, storetest.SQLite(t), o)
	server, err := web.New(web.Config{URL: &url.URL{Scheme: "http", Host: "localhost"}, Store: s, Now: o.Now})
	if err != nil {
		t.Fatal(err)
	}
	write := func(at time.Time) {
		t.Helper()
		back := now
		now = at
		if err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error { return tx.Record("test.written", "TE-1", "system") }); err != nil {
			t.Fatal(err)
		}
		now = back
	}
	year := start.AddDate(1, 0, 0)
	for _, step := range []struct {
		name  string
		at    time.Time // of the clock
		write time.Time // of the clock of who writes an entry before the probe; zero for nobody
		want  int
	}{
		{"an empty ledger", start, time.Time{}, 200},
		{"a clock that is right", start, start, 200},
		{"one that ran ahead by a year", year, year, 200},
		{"and was set back: which of both is wrong is not known", start, time.Time{}, 503},
		{"nor a minute later", start.Add(time.Minute), time.Time{}, 503},
		{"our own entries have the time of the newest, and tell nothing", start.Add(time.Minute), start.Add(time.Minute), 503},
		{"after two minutes in which nobody's clock was there", start.Add(2 * time.Minute), time.Time{}, 200},
		{"and from then on", start.Add(time.Hour), start.Add(time.Hour), 200},
		{"another server writes with that clock: ours is wrong", start.Add(time.Hour), year.Add(time.Hour), 503},
		{"as long as it does", start.Add(time.Hour + 3*time.Minute), year.Add(time.Hour + 3*time.Minute), 503},
		{"a jump further back begins the watch anew", start, time.Time{}, 503},
		{"until it stands still too", start.Add(2 * time.Minute), time.Time{}, 200},
		{"the clock is there at last", year.Add(2 * time.Hour), time.Time{}, 200},
		{"and was set back once more", start.Add(time.Hour), time.Time{}, 503},
		{"a minute is no fault", year.Add(time.Hour + 2*time.Minute), time.Time{}, 200},
	} {
		t.Run(step.name, func(t *testing.T) {
			if now = step.at; !step.write.IsZero() {
				write(step.write)
			}
			w := httptest.NewRecorder()
			server.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/readyz", nil))
			if w.Code != step.want || strings.Contains(w.Body.String(), "clock") {
				t.Errorf("got %d %q, want %d without a reason", w.Code, w.Body, step.want)
			}
		})
	}
}
