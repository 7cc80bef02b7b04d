package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
)

// counted are the events of the alerts, by rule.
func counted(t *testing.T, s *store.Store) map[string]int {
	t.Helper()
	out := map[string]int{}
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, _, err := alerts.List(ctx, r, sight.All(), alerts.Filter{}, "", 100)
		for _, a := range list {
			out[alert.Rule(&a.Found)] = a.Found.Count
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A server stands still until another took over and ended: what it remembers of windows is
// from before.
func TestAServerThatTakesOverAgainKnowsWhatTheOtherSaw(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		now := noon
		options := storetest.Options(t)
		options.Now = func() time.Time { return now }
		s := storetest.Open(t, address, options)
		first, a := watching(t, s, &judge{})
		second, b := watching(t, s, &judge{})
		second.config.Owner = "b"
		for i, take := range []func() error{
			func() error { return first.take(t.Context(), a, object("0", signIns(1), "0")) },
			func() error { return second.take(t.Context(), b, object("1", signIns(2), "1")) },
			func() error { return first.take(t.Context(), a, object("2", signIns(3), "2")) },
		} {
			if err := take(); err != nil {
				t.Fatal(i, err)
			}
			now = now.Add(lease + time.Second)
		}
		if diff := cmp.Diff(map[string]int{"root-signs-in-again": 3}, counted(t, s)); diff != "" {
			t.Errorf("events of the alerts (-want +got):\n%s", diff)
		}
	})
}

func TestAClockThatRanAheadKeepsNoSource(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		now := noon.Add(48 * time.Hour)
		options := storetest.Options(t)
		options.Now = func() time.Time { return now }
		s := storetest.Open(t, address, options)
		first, a := watching(t, s, &judge{})
		second, b := watching(t, s, &judge{})
		second.config.Owner = "b"
		if err := first.take(t.Context(), a, object("0", signIns(1), "0")); err != nil {
			t.Fatal(err)
		}
		now = noon
		if err := second.take(t.Context(), b, object("1", signIns(2), "1")); err != nil {
			t.Errorf("got %v once the clock was set back, want the source taken over", err)
		}
		now = now.Add(time.Second)
		if err := first.take(t.Context(), a, object("1", signIns(2), "1")); !errors.Is(err, errElsewhere) {
			t.Errorf("got %v, want the source the other's", err)
		}
	})
}

// The newest entry of the ledger lies ahead: alerts, those of findings among them, are told by the
// clock, by which they escalate.
func TestAClockThatRanAheadPutsNoAlertOff(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		now := noon.Add(48 * time.Hour)
		options := storetest.Options(t)
		options.Now = func() time.Time { return now }
		s := storetest.Open(t, address, options)
		if err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error { return tx.Record("test.done", "it", "system") }); err != nil {
			t.Fatal(err)
		}
		now = noon
		w, src := watching(t, s, &judge{})
		if err := w.take(t.Context(), src, object("0", signIns(3), "0")); err != nil {
			t.Fatal(err)
		}
		f := alert.Sighting{Key: "finding/1", Heard: noon, Alert: rootkeep.Alert{
			ID: "AL-1", Level: rootkeep.High, Kind: alert.FindingKind, Account: "111122223333", Count: 1, First: noon, Last: noon, Rules: []rootkeep.RuleHit{{Name: "guardduty/Recon:EC2/Portscan"}},
		}}
		if err := w.commit(t.Context(), &parcel{source: src, mark: []byte("1"), found: []alert.Sighting{f}}); err != nil {
			t.Fatal(err)
		}
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			list, _, err := alerts.List(ctx, r, sight.All(), alerts.Filter{}, "", 100)
			for _, a := range list {
				if !a.Told.Equal(noon) || !a.Due.Equal(noon.Add(time.Hour)) {
					t.Errorf("alert of %s: got told %s, due %s, want told at noon, due an hour later", alert.Rule(&a.Found), a.Told, a.Due)
				}
			}
			if len(list) != 2 {
				t.Errorf("got %d alerts, want 2", len(list))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestARecordThatDetectionsCannotReadStopsNothing(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	part := &parcel{source: src, mark: []byte("1"), records: []detector.Record{{Object: "poison", Raw: []byte(`{"eventID":`)}}}
	for i := range 3 {
		one := strings.TrimSuffix(strings.TrimPrefix(signIns(i+1), `{"Records":[`), `]}`)
		part.records = append(part.records, detector.Record{Object: "good", Raw: []byte(one[strings.LastIndex(one, `{"eventVersion"`):])})
	}
	if err := w.commit(t.Context(), part); err != nil {
		t.Fatal(err)
	}
	mark, _, skipped := state(t, s)
	if st := w.Status()[0]; mark != "1" || len(skipped) != 1 || !strings.HasPrefix(st.Latest, "poison: not-json") {
		t.Errorf("got mark %q, %v skipped, last %q, want the record named and left", mark, skipped, st.Latest)
	}
	if diff := cmp.Diff(map[string]int{"root-signs-in-again": 3}, counted(t, s)); diff != "" {
		t.Errorf("events of the alerts (-want +got):\n%s", diff)
	}
}

func TestASourceThatOnlyFailsBecomesSilent(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	src.began = noon
	for minute := range 11 {
		w.config.Now = func() time.Time { return noon.Add(time.Duration(minute) * time.Minute) }
		if err := w.turn(t.Context(), src); err == nil || !strings.Contains(err.Error(), "not run here") {
			t.Fatalf("got %v, want the source's error", err)
		}
	}
	w.config.Now = func() time.Time { return noon.Add(unheard) }
	if got := src.worries(w.config.Now()); len(got) != 1 || got[0].Rule != silentRule {
		t.Errorf("got %+v, want it told as silent", got)
	}
}

func TestOneChangeKeepsWhatItCanInItsTime(t *testing.T) {
	var c counter
	for range 10 {
		c.waiting = append(c.waiting, &parcel{records: make([]detector.Record, atOnce)})
	}
	var sizes []int
	for len(c.waiting) > 0 {
		sizes = append(sizes, len(c.next()))
	}
	if got := fmt.Sprint(sizes); got != "[4 4 2]" {
		t.Errorf("got changes of %s parcels, want [4 4 2]", got)
	}
}

// A flow that is never empty is handled up to a moment once what was published up to then is.
func TestAFlowIsHandledThoughMoreComes(t *testing.T) {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	var tide tide
	for i, step := range []struct {
		first, last uint64
		want        time.Time
	}{
		{1, 10, time.Time{}}, {5, 20, time.Time{}}, {11, 30, at(0)}, {30, 40, at(0)}, {31, 50, at(2)}, {51, 50, at(5)}, {51, 60, at(5)}, {52, 61, at(5)},
	} {
		tide.rise(live.Reach{Time: at(i), Whole: at(i)}, &flow.Waiting{First: step.first, Last: step.last})
		if !tide.handled.Time.Equal(step.want) || !tide.handled.Whole.Equal(step.want) {
			t.Errorf("step %d: got handled up to %v, want %v", i, tide.handled, step.want)
		}
	}
}

func TestTheClockOfAnotherProcessMovesNoTime(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	for complete, want := range map[time.Time]time.Time{noon.Add(-time.Hour): noon.Add(-time.Hour), noon.Add(48 * time.Hour): noon} {
		var got live.Reach
		err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			if err := rootlog.KeepHealth(ctx, tx, "b", []rootlog.Health{{Source: src.Name(), Complete: complete}}); err != nil {
				return err
			}
			got, err = w.completed(ctx, &tx.Reader)
			return err
		})
		if err != nil || !got.Time.Equal(want) || !got.Whole.Equal(want) {
			t.Errorf("complete up to %v by another process: got %v, %v, want %v", complete, got, err, want)
		}
	}
}

// cursed is an object at which rootkeep fails.
type cursed struct{}

func (cursed) Read([]byte) (int, error) { panic("index out of range") }
func (cursed) Close() error             { return nil }

func TestAnObjectAtWhichRootkeepFailsIsLeft(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	d := object("cursed", "", "1")
	d.Input.Open = func() (io.ReadCloser, error) { return cursed{}, nil }
	for n := range tries {
		if err := w.take(t.Context(), src, d); (err == nil) != (n == tries-1) {
			t.Errorf("try %d: got %v", n+1, err)
		}
	}
	if err := w.take(t.Context(), src, object("good", signIns(1), "2")); err != nil {
		t.Fatal(err)
	}
	mark, events, skipped := state(t, s)
	if st := w.Status()[0]; mark != "2" || events != 1 || len(skipped) != 1 || !strings.Contains(st.Latest, "index out of range") {
		t.Errorf("got mark %q, %d events, %v skipped, last %q, want the object named and left", mark, events, skipped, st.Latest)
	}
}

// Five sign-ins without an event ID lie in one object, two of them the same to the byte. The
// server dies while it reads them, and reads all of them again.
func TestEventsWithoutAnIDCountOnceThoughTheirObjectIsReadAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		text := strings.ReplaceAll(signIns(5), `"eventID":"e-`, `"requestID":"e-`)
		text = strings.Replace(text, `"e-4"`, `"e-3"`, 1)
		for i := range 3 {
			w, src := watching(t, s, &judge{})
			if err := w.take(t.Context(), src, object("logs/a.json", text, fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(map[string]int{"root-signs-in-again": 5}, counted(t, s)); diff != "" {
			t.Errorf("events of the alerts (-want +got):\n%s", diff)
		}
		w, src := watching(t, s, &judge{})
		if err := w.take(t.Context(), src, object("logs/b.json", text, "b")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{"root-signs-in-again": 10}, counted(t, s)); diff != "" {
			t.Errorf("with another object, as a hunt over both (-want +got):\n%s", diff)
		}
	})
}

func TestAnObjectOfNoEventsIsLeft(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	nothing := strings.Repeat("{},", 2*mostHollow)
	whole := strings.TrimSuffix(signIns(1), "]}")
	if err := w.take(t.Context(), src, object("hollow", whole+","+nothing+"5]}", "1")); err != nil {
		t.Fatal(err)
	}
	mark, events, skipped := state(t, s)
	if st := w.Status()[0]; mark != "1" || events != 1 || len(skipped) != 1 || !strings.Contains(st.Latest, "have no eventName; the rest is not read") {
		t.Errorf("got mark %q, %d events, %v skipped, last %q, want what came before, and the object named", mark, events, skipped, st.Latest)
	}
}
