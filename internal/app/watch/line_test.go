package watch

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// tape is a source with so many objects, each with a sign-in of its own, that is complete once
// the last was taken, and waits then.
type tape struct {
	most int

	mu     sync.Mutex // guards what follows
	read   time.Time
	begins []string      // marks that it was run from
	over   chan struct{} // told once with each end of the tape
}

func (r *tape) Name() string { return "trail" }
func (r *tape) Marked() bool { return true }
func (r *tape) Health() live.Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	return live.Health{Source: "trail", Complete: r.read}
}

func (r *tape) Run(ctx context.Context, mark []byte, take func(context.Context, live.Delivery) error) error {
	r.mu.Lock()
	r.begins = append(r.begins, string(mark))
	r.mu.Unlock()
	next := 0
	if len(mark) > 0 {
		last, err := strconv.Atoi(string(mark))
		if err != nil {
			return err
		}
		next = last + 1
	}
	for ; next < r.most; next++ {
		text := strings.ReplaceAll(signIns(1), `"e-0"`, fmt.Sprintf(`"e-%d"`, next))
		if err := take(ctx, object(fmt.Sprint(next), text, fmt.Sprint(next))); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.read = r.read.Add(time.Hour)
	r.mu.Unlock()
	r.over <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

// A change that fails is noticed though nothing more comes, and nothing behind it is kept: the
// source is read again from the mark before.
func TestWhatIsReadAheadIsKeptInOrder(t *testing.T) {
	const objects = 40
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w, src := watching(t, s, &judge{})
		refused := errors.New("not to be judged now")
		refuse := true
		w.config.Judge = func(ctx context.Context, tx *store.Tx, _ rootlog.Touched) (*access.Changes, error) {
			var events int
			err := tx.Row(ctx, `SELECT count(*) FROM root_event`).Scan(&events)
			if err == nil && events > objects/2 && refuse {
				err = refused
			}
			return &access.Changes{}, err
		}
		r := &tape{most: objects, read: noon, over: make(chan struct{}, 2)}
		src.Source = r
		if err := w.goOn(t.Context(), src); !errors.Is(err, refused) {
			t.Fatalf("got %v, want that a change was refused", err)
		}
		mark, events, _ := state(t, s)
		if mark != fmt.Sprint(events-1) || events == 0 || events > objects/2 {
			t.Fatalf("got mark %q with %d events, want what stands before the first that was refused", mark, events)
		}
		if got := src.complete(); !got.Equal(noon) {
			t.Errorf("got complete up to %v while some was not kept, want %v as before", got, noon)
		}
		refuse = false
		select {
		case <-r.over: // the first reading came to the end of the tape before it was stopped
		default:
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- w.goOn(ctx, src) }()
		<-r.over
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if last, all, _ := state(t, s); last != fmt.Sprint(objects-1) || all != objects {
			t.Errorf("got mark %q with %d events, want all", last, all)
		}
		if len(r.begins) != 2 || r.begins[1] != mark {
			t.Errorf("read from %q, want the second time from %q", r.begins, mark)
		}
	})
}

func TestASourceIsCompleteWhenAllOfItIsKept(t *testing.T) {
	one, two, three := noon.Add(time.Hour), noon.Add(2*time.Hour), noon.Add(3*time.Hour)
	stopped := 0
	var l *line
	l = l.next(noon, func() { stopped++ })
	same := func(step string, read, want time.Time) {
		t.Helper()
		if got := l.complete(read); !got.Equal(want) {
			t.Errorf("%s: got %v, want %v", step, got, want)
		}
	}
	var parcels []*parcel
	add := func(read time.Time) {
		t.Helper()
		p := &parcel{source: &source{}}
		if err := l.add(t.Context(), p, read, idle); err != nil {
			t.Fatal(err)
		}
		parcels = append(parcels, p)
	}
	same("nothing is ahead", one, one)
	add(one)
	add(one)
	same("two are ahead", two, one)
	l.left(parcels[0])
	same("one is ahead", two, one)
	l.left(parcels[1])
	same("all is kept", two, two)
	add(two)
	l.fail(errors.New("refused"))
	l.left(parcels[2])
	same("one was not kept", three, two)
	if err := l.add(t.Context(), &parcel{}, three, idle); err == nil || err.Error() != "refused" || stopped != 1 {
		t.Errorf("got %v and %d ends of the reading, want that no more is taken", err, stopped)
	}
	l = l.next(three, func() {})
	same("nothing was read since", three, two)
	same("all was read since", three.Add(time.Second), three.Add(time.Second))
}

func TestAStoreThatIsSlowerHoldsItsSourceUp(t *testing.T) {
	l := (*line)(nil).next(noon, func() {})
	first := &parcel{size: bytesAtOnce}
	if err := l.add(t.Context(), first, noon, idle); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := l.add(ctx, &parcel{}, noon, idle); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that there is no room", err)
	}
	l.left(first)
	if err := l.add(t.Context(), &parcel{}, noon, idle); err != nil {
		t.Errorf("got %v, want room", err)
	}
}

// letting is Alerts during whose work another server lets a source go.
type letting struct {
	Alerts
	source, owner string
}

func (l letting) Apply(ctx context.Context, tx *store.Tx, _ time.Time, _ []alert.Sighting) error {
	return rootlog.Release(ctx, tx, l.source, l.owner)
}

// Of two parcels in one change the first finds its source with another server, and the second
// no more.
func TestNothingIsKeptBehindWhatWasElsewhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w, src := watching(t, s, &judge{})
		w.config.Alerts = letting{w.config.Alerts, "trail", "b"}
		err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, _, err := rootlog.Hold(ctx, tx, "trail", "b", lease)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		first, second := &parcel{source: src, mark: []byte("1")}, &parcel{source: src, mark: []byte("2")}
		between := &parcel{source: &source{Source: &named{stub{}, "beside"}}, found: []alert.Sighting{{}}}
		w.keep(t.Context(), []*parcel{first, between, second})
		if !errors.Is(first.err, errElsewhere) || between.err != nil || !errors.Is(second.err, errElsewhere) {
			t.Errorf("got %v, %v and %v, want that what is between alone was kept", first.err, between.err, second.err)
		}
		if mark, _, _ := state(t, s); mark != "" {
			t.Errorf("got mark %q, want none", mark)
		}
	})
}

// idle has nothing to do while a line is full.
func idle() bool { return false }
