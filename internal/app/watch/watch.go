// Package watch is the watching server: live sources go in; their events of root users are
// kept, judged and become cases while they happen. A source that is silent, or cannot read
// something, is told to people as well: what nobody sees is not known to be harmless.
package watch

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// Judge gives events that arrived their verdicts, and opens cases: access.Judge does.
type Judge func(context.Context, *store.Tx, rootlog.Touched) (*access.Changes, error)

// Alerts takes in how sources stand and what other services find, and has people told:
// alerts.Desk does.
type Alerts interface {
	Apply(ctx context.Context, tx *store.Tx, now time.Time, list []alert.Sighting) error
	Sources(ctx context.Context, tx *store.Tx, now time.Time, names []string, worries []alerts.Worry) error
	EndSources(ctx context.Context, tx *store.Tx, now time.Time, names []string, reason string) error
}

// Config says what is watched.
type Config struct {
	Sources []sources.Config
	Store   *store.Store
	Judge   Judge
	// Detector has the detections.
	Detector *detector.Detector
	// Flow takes what detections need to the processes that share them; nil: this one has
	// all of it.
	Flow   *flow.Flow
	Alerts Alerts
	Outbox *outbox.Outbox
	Owner  string // name of this server, unlike any other's
	Link   string // address of the console
	Now    func() time.Time
	Log    *slog.Logger
}

// Watcher reads live sources.
type Watcher struct {
	config  Config
	sources []*source
	intake  *reconcile.Intake
	fields  *cloudtrail.Fields
	none    *cloudtrail.Fields
	hands   sync.Pool      // of hand
	part    *detector.Part // of the detections; nil if the flow has them
	counter counter
	matches matches // since it was last said how the sources stand
}

// source is one that is read, with what became of its objects.
type source struct {
	live.Source
	config sources.Config
	// Of the goroutine that reads it; a source that shares its deliveries has none.
	mark    []byte // up to which it was read
	covered []byte // of the parcel that counted last what was read
	early   early

	mu        sync.Mutex     // guards what follows
	line      *line          // of this reading; nil: a delivery is kept before the next one is read. Set by the goroutine that reads
	kept      time.Time      // when the mark of objects without events was last kept
	stumbles  map[string]int // how often objects could not be read to their end
	entries   []time.Time    // of objects that were skipped, in the ledger
	began     time.Time
	elsewhere bool // another server reads it
	skipped   int
	skippedAt time.Time // the last of them
	last      string    // its name, and why
	broken    error     // why it ended the last time
	ended     time.Time
	parcels   int64            // that were kept
	added     rootlog.Totals   // what was read and is in no parcel yet
	large     map[*reading]int // objects that take several turns, with the records that were read
	heldUp    bool             // by the store, since it was last said
	behind    time.Time        // since when it is, by the last check
}

func (s *source) behindSince() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behind
}

// keptOne counts a parcel that was kept.
func (s *source) keptOne() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parcels++
}

// noted takes in what was kept of how the source stands.
func (s *source) noted(h *rootlog.Health) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = h.Behind
}

// New makes a watcher. Nothing is read yet.
func New(c Config) (*Watcher, error) {
	if c.Store == nil || c.Judge == nil || c.Detector == nil || c.Alerts == nil || c.Outbox == nil || c.Owner == "" || c.Now == nil {
		return nil, errors.New("watch: store, judge, detector, alerts, outbox, name of the server and clock are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	w := &Watcher{config: c}
	w.hands.New = w.newHand
	if c.Flow == nil {
		w.part = c.Detector.Part(0, 1)
	}
	var err error
	if w.intake, err = reconcile.NewIntake(); err != nil {
		return nil, err
	}
	if w.fields, err = cloudtrail.CompileFields(w.intake.Fields()); err != nil {
		return nil, err
	}
	if w.none, err = cloudtrail.CompileFields(nil); err != nil {
		return nil, err
	}
	for i := range c.Sources {
		opened, err := c.Sources[i].Open(c.Now)
		if err != nil {
			return nil, err
		}
		w.sources = append(w.sources, &source{Source: opened, config: c.Sources[i], stumbles: map[string]int{}, early: early{}})
	}
	return w, nil
}

const (
	firstCheck   = 3 * time.Second // whoever looks at once learns that the sources are read
	checkEvery   = 30 * time.Second
	firstPause   = time.Second // before a source is read again that ended
	longestPause = time.Minute
)

// Run watches until the context ends.
func (w *Watcher) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer func() {
		all.Wait()
		w.leave(ctx)
	}()
	for _, s := range w.sources {
		s.begin(w.config.Now())
		all.Go(func() { w.follow(ctx, s) })
	}
	all.Go(func() { w.detect(ctx) })
	for wait := firstCheck; ; wait = checkEvery {
		if pause(ctx, wait) != nil {
			return nil
		}
		if err := w.check(ctx); err != nil && ctx.Err() == nil {
			w.config.Log.Error("check the live sources", "error", err) // the next check tries again
		}
	}
}

// leave lets another server have the detections at once.
func (w *Watcher) leave(ctx context.Context) {
	if w.part == nil {
		if err := w.leaveHealth(ctx); err != nil {
			w.config.Log.Error("take back how the live sources stand; others see it in time", "error", err)
		}
		return
	}
	if err := w.release(ctx, Detections); err != nil {
		w.config.Log.Error("let the detections go", "error", err)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follow reads one source from where it was left, again after each failure: of the store,
// or of the source itself.
func (w *Watcher) follow(ctx context.Context, s *source) {
	wait := firstPause
	for {
		begun := w.config.Now()
		err := w.turn(ctx, s)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errElsewhere) {
			s.mu.Lock()
			s.elsewhere = true
			s.mu.Unlock()
			if pause(ctx, lease/3) != nil {
				return
			}
			continue
		}
		s.fail(err, w.config.Now())
		w.config.Log.Error("read a live source; it is read again", "source", s.Name(), "error", err)
		if w.config.Now().Sub(begun) > longestPause {
			wait = firstPause // it worked for long
		}
		if pause(ctx, wait) != nil {
			return
		}
		wait = min(2*wait, longestPause)
	}
}

func (w *Watcher) goOn(ctx context.Context, s *source) error {
	if err := s.restore(ctx, w); err != nil {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	if one, ok := s.Source.(live.Marked); ok && one.Marked() {
		s.lineUp(stop)
	}
	err := s.Run(reading, s.mark, func(ctx context.Context, d live.Delivery) error { return w.take(ctx, s, d) })
	if s.line != nil {
		err = cmp.Or(s.line.wait(), err) // what was not kept is why the source ended
	}
	if err == nil {
		err = errors.New("the source ended")
	}
	return err
}

// restore has the source go on where it was left.
func (s *source) restore(ctx context.Context, w *Watcher) error {
	return w.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		mark, err := rootlog.Mark(ctx, r, s.Name())
		if err == nil {
			s.resume(mark)
		}
		return err
	})
}

func (s *source) lineUp(stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line = s.line.next(s.Health().Complete, stop)
}

// complete is up to when all that happened was read and kept.
func (s *source) complete() time.Time {
	read := s.Health().Complete
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.line == nil {
		return read
	}
	return s.line.complete(read)
}

func (s *source) begin(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began = now
}

func (s *source) fail(err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken, s.ended = err, now
}

// Status is how a source stands.
type Status struct {
	live.Health
	Elsewhere bool      // another server reads it: this one knows nothing of it
	Skipped   int       // objects that were skipped since the start: they could not be read
	SkippedAt time.Time // when the last of them was
	Latest    string    // its name, and why

	began   time.Time // when this server began to read it
	behind  time.Time
	parcels int64
}

// Status says how each source stands.
func (w *Watcher) Status() []Status {
	var out []Status
	for _, s := range w.sources {
		out = append(out, s.status())
	}
	return out
}

func (s *source) status() Status {
	out := Status{Health: s.Health()}
	out.Complete = s.complete()
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Elsewhere, out.began, out.behind, out.parcels = s.elsewhere, s.began, s.behind, s.parcels
	out.Skipped, out.SkippedAt, out.Latest = s.skipped, s.skippedAt, s.last
	if s.broken != nil && !out.Heard.After(s.ended) { // it has not been read since
		out.Fault = s.broken.Error()
	}
	return out
}
