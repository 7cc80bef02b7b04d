package watch

import (
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

func TestHowFarWasRead(t *testing.T) {
	at := func(hours int) time.Time { return noon.Add(time.Duration(hours) * time.Hour) }
	good := rootlog.Health{Complete: at(0)}
	for _, test := range []struct {
		name        string
		all         []rootlog.Health
		time, whole time.Time
	}{
		{"no source", nil, time.Time{}, time.Time{}},
		{"all are well", []rootlog.Health{good, {Complete: at(-1)}}, at(-1), at(-1)},
		{"one was never read", []rootlog.Health{good, {}}, time.Time{}, time.Time{}},
		{"one is behind", []rootlog.Health{good, {Complete: at(-23), Behind: at(-23)}}, at(-23), at(-23)},
		{"one is behind for too long", []rootlog.Health{good, {Complete: at(-99), Behind: at(-24)}}, at(-24), at(-99)},
		{"one never completed, and that for too long", []rootlog.Health{good, {Behind: at(-24)}}, at(-24), time.Time{}},
		{"one reads a long backlog since an hour", []rootlog.Health{good, {Complete: at(-99), Behind: at(-1)}}, at(-99), at(-99)},
		{"of two that are behind one is for too long", []rootlog.Health{{Complete: at(-50), Behind: at(-2)}, {Complete: at(-99), Behind: at(-30)}}, at(-50), at(-99)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := reachOf(test.all, noon); !got.Time.Equal(test.time) || !got.Whole.Equal(test.whole) {
				t.Errorf("got %v, want time up to %v and all up to %v", got, test.time, test.whole)
			}
		})
	}
}

// A place of a source refuses for ever. Processes come and go meanwhile; nobody reads it for a
// while, and what comes then is waited for anew.
func TestTimeGoesOnWithoutASourceThatNeverCompletes(t *testing.T) {
	now := noon
	options := storetest.Options(t)
	options.Now = func() time.Time { return now }
	s := storetest.Open(t, storetest.SQLite(t), options)
	stuck := func() (*Watcher, *source) {
		w, src := watching(t, s, &judge{})
		w.config.Now = options.Now
		src.Source, src.began = &stub{live.Health{Complete: noon.Add(-time.Hour), Fault: "eu-west-3 is denied"}}, now
		return w, src
	}
	w, src := stuck()
	check := func(d time.Duration) {
		t.Helper()
		for end := now.Add(d); now.Before(end); {
			now = now.Add(5 * time.Minute)
			src.Source.(*stub).health.Heard, src.Source.(*stub).health.Last = now, now
			if err := w.check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	check(12 * time.Hour)
	w, src = stuck() // another process, at once
	check(11 * time.Hour)
	if got := w.complete(); !got.Time.Equal(noon.Add(-time.Hour)) {
		t.Errorf("got time up to %v after 23 hours, want it held", got.Time)
	}
	check(2 * time.Hour)
	if got := w.complete(); !got.Time.Equal(now.Add(-rootlog.LongestHold)) || !got.Whole.Equal(noon.Add(-time.Hour)) {
		t.Errorf("got %v after 25 hours, want time a day behind and all up to where it stuck", got)
	}
	if got := src.worries(now); len(got) != 1 || !strings.Contains(got[0].Title, "go on without") || !strings.Contains(got[0].Text, "eu-west-3 is denied") || !strings.Contains(got[0].Text, "No silence is told") {
		t.Errorf("got %+v, want that detections go on without it, what that means, and why", got)
	}
	now = now.Add(time.Hour) // nobody reads it
	w, src = stuck()
	check(10 * time.Minute)
	if got := w.complete(); !got.Time.Equal(noon.Add(-time.Hour)) {
		t.Errorf("got time up to %v once it is read again, want the backlog waited for", got.Time)
	}
	for range 30 { // each round takes an hour
		src.Source.(*stub).health.Complete = now.Add(-time.Hour)
		check(time.Hour)
	}
	if got := w.complete(); src.behindSince().IsZero() || !got.Time.Equal(got.Whole) {
		t.Errorf("got %v of a source that comes on, behind since %v, want it waited for", got, src.behindSince())
	}
	src.Source.(*stub).health.Complete = now
	check(5 * time.Minute)
	if got := src.behindSince(); !got.IsZero() {
		t.Errorf("got behind since %v of a source that completed", got)
	}
}
