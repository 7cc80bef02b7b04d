package watch

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// totalsOf are what the source brought, as the store has it.
func totalsOf(t *testing.T, s *store.Store) (out rootlog.Totals) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		all, err := rootlog.Holders(ctx, r)
		out = all["trail"].Totals
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatASourceBroughtIsCountedOverAllItsProcesses(t *testing.T) {
	for name, source := range map[string]live.Source{"one process reads it": &stub{}, "several read it": &queued{}} {
		t.Run(name, func(t *testing.T) {
			s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
			for n := range 2 {
				w, src := watching(t, s, &judge{})
				src.Source = source
				for i, text := range []string{signIns(3), signIns(1) + "{", `{"Records":[{"a":}]}`} {
					if err := w.take(t.Context(), src, object("o"+text[:3], text, fmt.Sprint(n, i))); err != nil {
						t.Fatal(err)
					}
				}
				for range 2 {
					if err := w.check(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got, want := totalsOf(t, s), (rootlog.Totals{Objects: 6, Records: 8, Unreadable: 4, Undecodable: 2}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// hollowTape is a tape of which every second object has no event: nothing has their marks kept
// but what comes behind them.
type hollowTape struct{ *tape }

func (h hollowTape) Run(ctx context.Context, mark []byte, take func(context.Context, live.Delivery) error) error {
	return h.tape.Run(ctx, mark, func(ctx context.Context, d live.Delivery) error {
		if n := len(d.Mark); d.Mark[n-1]%2 == 1 {
			d = object(d.Input.Name, `{"Records":[]}`, string(d.Mark))
		}
		if err := take(ctx, d); err != nil || d.Input.Name != fmt.Sprint(h.most-1) {
			return err
		}
		return take(ctx, live.Delivery{Source: "trail", Arrived: noon, Mark: d.Mark})
	})
}

// A server ends in the midst of a source: what it had read and not kept is read by the next
// one, and counts once. While it works the figures are those of what is kept.
func TestWhatIsReadAgainCountsOnce(t *testing.T) {
	const objects = 60
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		killed := errors.New("killed")
		for kept := 7; ; kept += 13 {
			w, src := watching(t, s, &judge{}) // knows nothing of the one before
			w.config.Judge = func(ctx context.Context, tx *store.Tx, _ rootlog.Touched) (*access.Changes, error) {
				var events int
				err := tx.Row(ctx, `SELECT count(*) FROM root_event`).Scan(&events)
				if err == nil && events > kept {
					err = killed
				}
				return &access.Changes{}, err
			}
			src.Source = hollowTape{&tape{most: objects, read: noon, over: make(chan struct{}, 1)}}
			ctx, stop := context.WithCancel(t.Context())
			tape := src.Source.(hollowTape).tape
			ended := make(chan error)
			go func() { ended <- w.goOn(ctx, src) }()
			var err error
			select {
			case err = <-ended:
			case <-tape.over: // all was taken, which is not kept yet perhaps
				stop()
				err = <-ended
			}
			stop()
			mark, events, _ := state(t, s)
			covered := 0
			if mark != "" {
				if _, err := fmt.Sscan(mark, &covered); err != nil {
					t.Fatal(err)
				}
				covered++
			}
			if got := totalsOf(t, s); got.Objects != int64(covered) || got.Records != int64(events) {
				t.Fatalf("up to %d events: got %+v, want the %d objects up to the mark %q, with %d records", kept, got, covered, mark, events)
			}
			if covered == objects {
				return
			}
			if !errors.Is(err, killed) && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
	})
}

// Deliveries that carry the mark of the round before are counted with the mark that ends the
// round: a server that ends before has them again.
func TestARoundThatIsCutOffCountsOnce(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	round := func(end bool) {
		w, src := watching(t, s, &judge{})
		if err := src.restore(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := w.take(t.Context(), src, object(fmt.Sprint(i), signIns(1), string(src.mark))); err != nil {
				t.Fatal(err)
			}
		}
		if end {
			if err := w.take(t.Context(), src, live.Delivery{Source: "trail", Arrived: noon, Mark: []byte(string(src.mark) + "next")}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, step := range []struct {
		end  bool
		want int64
	}{{false, 0}, {true, 3}, {false, 3}, {true, 6}} {
		round(step.end)
		if got := totalsOf(t, s); got.Objects != step.want || got.Records != step.want {
			t.Errorf("after round %d: got %+v, want %d objects with a record each", i+1, got, step.want)
		}
	}
}

// A piece of a large object has a mark behind objects without events: it counts them.
func TestAPieceCountsWhatItsMarkIsBehind(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	killed := errors.New("killed")
	for _, kill := range []bool{true, false} {
		w, src := watching(t, s, &judge{})
		w.config.Judge = func(ctx context.Context, tx *store.Tx, _ rootlog.Touched) (*access.Changes, error) {
			var events int
			err := tx.Row(ctx, `SELECT count(*) FROM root_event`).Scan(&events)
			if err == nil && kill && events > atOnce {
				err = killed
			}
			return &access.Changes{}, err
		}
		if err := src.restore(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		src.lineUp(func() {})
		for i := range 4 {
			mark, text := fmt.Sprint(i), `{"Records":[]}`
			if mark <= string(src.mark) {
				continue
			}
			if i == 3 {
				text = signIns(atOnce + 200)
			}
			if err := w.take(t.Context(), src, object(mark, text, mark)); err != nil && !errors.Is(err, killed) {
				t.Fatal(err)
			}
		}
		if err := src.line.wait(); (err != nil) != kill {
			t.Errorf("got %v", err)
		}
		mark, _, _ := state(t, s)
		if got, want := totalsOf(t, s).Objects, map[string]int64{"2": 3, "3": 4}[mark]; got != want || want == 0 {
			t.Errorf("got %d objects with the mark %q, want %d", got, mark, want)
		}
	}
}
