package watch

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// queued is a source that several processes read.
type queued struct{ stub }

func (q *queued) Shared() bool { return true }

// alertsOf are the alerts of a store, with their states and reasons.
func alertsOf(t *testing.T, s *store.Store) (out []string) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		out, err = store.Texts(ctx, r, `SELECT rule || ' ' || state || ' ' || reason FROM alert ORDER BY rule, state`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func healthOf(t *testing.T, s *store.Store) (out []rootlog.Health) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		out, err = rootlog.HealthOf(ctx, r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Two processes read a queue, and one of them cannot read a bucket: the other neither hides
// that nor ends the alert about it.
func TestAFaultOfOneProcessIsTheSourcesFault(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		well, ill := live.Health{Source: "trail", Heard: noon, Last: noon, Complete: noon}, live.Health{Source: "trail", Heard: noon, Last: noon, Complete: noon, Fault: "bucket x is denied"}
		process := func(owner string, h live.Health) *Watcher {
			w, src := watching(t, s, &judge{})
			w.part, w.config.Owner, src.Source, src.began = nil, owner, &queued{stub{h}}, noon.Add(-time.Hour)
			return w
		}
		first, second := process("host-a", ill), process("host-b", well)
		check := func(list ...*Watcher) {
			t.Helper()
			for _, w := range list {
				if err := w.check(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		check(first, second, second, first, second)
		if h := healthOf(t, s)[0]; h.Fault != "host-a: bucket x is denied" || len(h.Processes) != 2 {
			t.Errorf("got %+v, want the fault with the name of its process", h)
		}
		if diff := cmp.Diff([]string{"source-fault new "}, alertsOf(t, s)); diff != "" {
			t.Errorf("alerts (-want +got):\n%s", diff)
		}
		first.sources[0].Source = &queued{stub{well}}
		check(first, second)
		if diff := cmp.Diff([]string{"source-fault closed the source trail is well again"}, alertsOf(t, s)); diff != "" {
			t.Errorf("once both are well (-want +got):\n%s", diff)
		}
		if err := second.leaveHealth(t.Context()); err != nil {
			t.Fatal(err)
		}
		if h := healthOf(t, s)[0]; len(h.Processes) != 1 || h.Processes[0].Name != "host-a" {
			t.Errorf("got %+v after the second stopped, want the first alone", h.Processes)
		}
	})
}

// A source is taken out of the settings while an alert about it is open.
func TestASourceThatIsTakenOutEndsWithItsAlert(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		now := noon
		options := storetest.Options(t)
		options.Now = func() time.Time { return now }
		s := storetest.Open(t, address, options)
		w, src := watching(t, s, &judge{})
		w.config.Now = options.Now
		src.Source, src.began = &named{name: "old", stub: stub{live.Health{Source: "old", Heard: noon.Add(-time.Hour)}}}, noon.Add(-time.Hour)
		if err := w.check(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, _ := watching(t, s, &judge{})
		after.config.Now = options.Now
		after.sources[0].Source, after.sources[0].began = &stub{live.Health{Heard: noon}}, noon
		check := func() {
			t.Helper()
			if err := after.check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		check()
		if diff := cmp.Diff([]string{"source-silent new "}, alertsOf(t, s)); diff != "" {
			t.Errorf("while another process may read it (-want +got):\n%s", diff)
		}
		now = now.Add(endAfter)
		check()
		check()
		if diff := cmp.Diff([]string{"source-silent closed the source old: taken out of the settings"}, alertsOf(t, s)); diff != "" {
			t.Errorf("alerts (-want +got):\n%s", diff)
		}
		known := healthOf(t, s)
		i := slices.IndexFunc(known, func(h rootlog.Health) bool { return h.Source == "old" })
		if i < 0 || known[i].Reason != takenOut || !known[i].Ended.Equal(now) {
			t.Errorf("got %+v, want it ended with its reason", known)
		}
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			told, err := entries.List(ctx, r, entries.Filter{Type: "source.ended", Limit: 10})
			if len(told) != 1 || told[0].Subject != "old" {
				t.Errorf("got %+v in the ledger, want that it ended, once", told)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { // as a process does that has the settings of before
			return after.config.Alerts.Sources(ctx, tx, now, []string{"old"}, []alerts.Worry{{Rule: silentRule, Source: "old", Since: now, Title: "Nobody reads it"}})
		})
		if err == nil {
			err = EndTakenOut(t.Context(), s, after.config.Alerts, []string{"trail"}, now)
		}
		if got := alertsOf(t, s); err != nil || len(got) != 2 || strings.Contains(strings.Join(got, ""), " new ") {
			t.Errorf("got %q, %v, want what was told after its end closed too", got, err)
		}
		now = now.Add(keepEnded)
		if err := EndTakenOut(t.Context(), s, after.config.Alerts, []string{"trail"}, now); err != nil {
			t.Fatal(err)
		}
		if known := healthOf(t, s); len(known) != 1 {
			t.Errorf("got %+v a month later, want the end forgotten", known)
		}
		if err := w.check(t.Context()); err != nil { // it is put back
			t.Fatal(err)
		}
		if known := healthOf(t, s); !known[0].Ended.IsZero() {
			t.Errorf("got %+v of a source that is read again", known[0])
		}
	})
}

// A server begins anew while a source is silent: that it has not looked yet mends nothing.
func TestAServerThatBeginsAnewEndsNoSilence(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	for _, step := range []struct {
		name   string
		health live.Health
		began  time.Time
		want   string
	}{
		{"nothing comes", live.Health{Heard: noon, Last: noon.Add(-7 * time.Hour)}, noon.Add(-8 * time.Hour), "source-silent new "},
		{"another server, that has heard nothing", live.Health{}, noon, "source-silent new "},
		{"it answers", live.Health{Heard: noon}, noon, "source-silent new "},
		{"it brings something", live.Health{Heard: noon, Last: noon}, noon, "source-silent new "},
		{"it brought all that was there", live.Health{Heard: noon, Last: noon, Complete: noon}, noon, "source-silent closed the source trail is well again"},
	} {
		w, src := watching(t, s, &judge{})
		src.Source, src.began = &stub{step.health}, step.began
		if err := w.check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{step.want}, alertsOf(t, s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

// A server begins anew while something cannot be read: it has to come to that itself first.
func TestAServerThatBeginsAnewEndsNoFault(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	for _, step := range []struct {
		name   string
		health live.Health
		began  time.Time
		want   string
	}{
		{"a place is denied", live.Health{Heard: noon, Last: noon, Fault: "denied"}, noon, "source-fault new "},
		{"another server, that has heard nothing", live.Health{}, noon, "source-fault new "},
		{"another place answers it", live.Health{Heard: noon}, noon, "source-fault new "},
		{"it is denied as well", live.Health{Heard: noon, Fault: "denied"}, noon, "source-fault new "},
		{"one that has a long backlog", live.Health{Heard: noon}, noon.Add(-unheard), "source-fault closed the source trail is well again"},
	} {
		w, src := watching(t, s, &judge{})
		src.Source, src.began = &stub{step.health}, step.began
		if err := w.check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{step.want}, alertsOf(t, s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

// A server waits beside another one, which tells of a fault and ends; the fault is mended.
func TestAServerThatTakesOverEndsWhatTheOtherTold(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	first, a := watching(t, s, &judge{})
	second, b := watching(t, s, &judge{})
	a.Source, a.began = &stub{live.Health{Heard: noon, Last: noon, Fault: "denied"}}, noon
	b.Source, b.began, b.elsewhere = &stub{live.Health{Heard: noon, Last: noon, Complete: noon}}, noon, true
	for i, want := range []string{"source-fault new ", "source-fault closed the source trail is well again"} {
		list := []*Watcher{second, first, second}
		if i == 1 {
			b.elsewhere, list = false, []*Watcher{second}
		}
		for _, w := range list {
			if err := w.check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{want}, alertsOf(t, s)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
