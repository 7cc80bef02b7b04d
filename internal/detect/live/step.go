package live

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/internal/wire"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// settled is up to where time is settled.
type settled struct {
	time  int64
	whole int64 // for silence
}

// of is up to where it is for windows of a way.
func (t settled) of(w *way) int64 {
	if w.silent {
		return t.whole
	}
	return t.time
}

func (e *Engine) settledNow() settled { return settled{e.settled(e.now), e.settled(e.whole)} }

// step is one Step at work.
type step struct {
	e               *Engine
	before, settled settled // up to where time was settled, and is now
	found           map[string][]byte
	seen            map[string]copies
	met             map[string]int64 // when those of seen that are new or changed came
	runs            map[string]*runs
	windows         map[string]*window
	lost            []string // keys of due rows that cannot be read
}

// Step judges what was observed since the last one, and settles what is due. Neither time of
// its reach goes back: an earlier one counts as the last.
func (e *Engine) Step(ctx context.Context, reach Reach) (Changes, error) {
	if err := e.start(ctx); err != nil {
		return Changes{}, err
	}
	s := &step{
		e: e, before: e.settledNow(), found: map[string][]byte{}, seen: map[string]copies{}, met: map[string]int64{},
		runs: map[string]*runs{}, windows: map[string]*window{},
	}
	now, whole := e.now, e.whole
	e.now = max(e.now, reach.Time.Unix())
	e.whole = max(e.whole, min(reach.Whole.Unix(), e.now))
	moved := e.now > now || e.whole > whole
	s.settled = e.settledNow()
	for _, do := range []func(context.Context) error{s.take, s.wake, s.judge} {
		if err := do(ctx); err != nil {
			return Changes{}, err
		}
	}
	return e.finish(moved), nil
}

// finish hands the changes over.
func (e *Engine) finish(moved bool) Changes {
	if e.learnt {
		w := wire.NewWriter(ownVersion)
		e.sifter.Learnt().Write(w)
		e.changes.Rows = append(e.changes.Rows, Row{Key: e.inventoryKey(), Data: w.Bytes(), Until: never, Due: never})
	}
	if len(e.changes.Rows) > 0 && moved || len(e.changes.Stale) > 0 {
		e.changes.Rows = append(e.changes.Rows, e.ownRow())
	}
	for _, v := range e.volume {
		e.changes.Volume = append(e.changes.Volume, *v)
	}
	slices.SortFunc(e.changes.Volume, func(a, b Volume) int { return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Rule, b.Rule)) })
	out := e.changes
	e.changes, e.learnt = Changes{}, false
	e.waiting, e.size = nil, 0
	clear(e.volume)
	e.sifter.Renew()
	return out
}

// count is the volume of a rule around time t, or now for events without a time.
func (e *Engine) count(rule string, t int64) *Volume {
	if t == span.Untimed {
		t = e.now
	}
	k := volumeKey{rule, t - ((t%3600)+3600)%3600}
	v := e.volume[k]
	if v == nil {
		v = &Volume{Rule: rule, Hour: k.hour}
		e.volume[k] = v
	}
	return v
}

// take puts what was observed into its groups.
func (s *step) take(ctx context.Context) error {
	keys := map[string]bool{}
	for i := range s.e.waiting {
		p := &s.e.waiting[i]
		for j := range p.shares {
			if row := p.shares[j].row; row != "" {
				keys[row] = true
			}
			if key := p.seenKey(&p.shares[j]); key != "" {
				keys[key] = true
			}
		}
	}
	if err := s.find(ctx, slices.Sorted(maps.Keys(keys))); err != nil {
		return err
	}
	for i := range s.e.waiting {
		s.takeOne(&s.e.waiting[i])
	}
	s.keepSeen()
	return nil
}

// find loads rows.
func (s *step) find(ctx context.Context, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	rows, err := s.e.load(ctx, keys)
	if err != nil {
		return err
	}
	maps.Copy(s.found, rows)
	return nil
}

func (s *step) takeOne(p *pending) {
	counted, altered, late := false, false, false
	for i := range p.shares {
		one := &p.shares[i]
		fresh, other := s.fresh(p, one)
		if !fresh {
			continue
		}
		counted, altered = true, altered || other
		late = late || one.way != nil && one.row == p.first && p.late(s.before)
		for _, rule := range one.rules {
			s.e.changes.Matches++
			s.e.count(s.e.ruleName(rule), p.Time).Matches++
		}
		switch {
		case one.runs != nil:
			s.runsOf(one).Merge(one.runs)
		case one.way == nil:
		case p.Time <= s.before.of(one.way): // no window takes it any more
		default:
			s.windowOf(one.way, one.window.Key()).Merge(one.window)
		}
	}
	for what, n := range map[*int]bool{&s.e.changes.Duplicates: !counted, &s.e.changes.Altered: altered, &s.e.changes.Late: late} {
		if n {
			*what++
		}
	}
}

// wake looks at windows whose silence has lasted. It goes on behind those that the last step
// looked at: rows that another engine owns stay due, and must not keep this one from its own.
func (s *step) wake(ctx context.Context) error {
	if s.e.woken == "" && s.e.whole <= s.e.looked && s.e.soonest > s.e.whole {
		return nil // nothing has become due since
	}
	const portion, most = 500, 10_000 // rows; the rest is for the next step
	for range most / portion {
		keys, err := s.e.options.Due(ctx, s.e.whole, s.e.woken, portion) // a silence alone is due
		if err != nil {
			return fmt.Errorf("find due rows of detections: %w", err)
		}
		if len(keys) == 0 {
			s.e.woken, s.e.looked, s.e.soonest = "", s.e.whole, never
			return nil
		}
		s.e.woken = keys[len(keys)-1]
		if err := s.wakeAll(ctx, keys); err != nil {
			return err
		}
	}
	return nil
}

// wakeAll takes up the windows of due rows that are this engine's.
func (s *step) wakeAll(ctx context.Context, keys []string) error {
	keys = slices.DeleteFunc(keys, func(key string) bool { return s.windows[key] != nil || s.e.ways.wayOf(key) == nil })
	if err := s.find(ctx, keys); err != nil {
		return err
	}
	for _, key := range keys {
		w := s.e.ways.wayOf(key)
		if g := s.readWindow(key, w); g == nil {
			s.lost = append(s.lost, key)
		} else if s.e.owns(w.hash(s.e.pack, g.Key())) {
			s.windows[key] = g
		}
	}
	return nil
}

// judge looks at every group that was touched: inner windows before those they feed.
func (s *step) judge(ctx context.Context) error {
	for _, key := range slices.Sorted(maps.Keys(s.runs)) {
		s.settleRuns(s.runs[key])
	}
	for depth := s.e.ways.depth; depth >= 0; depth-- {
		var these []*window
		for _, key := range slices.Sorted(maps.Keys(s.windows)) {
			if g := s.windows[key]; g.way.depth == depth {
				g.firings = g.Preview(s.settled.of(g.way))
				these = append(these, g)
			}
		}
		if depth > 0 {
			if err := s.feed(ctx, these); err != nil {
				return err
			}
		}
		for _, g := range these {
			if depth == 0 {
				s.tellWindow(g)
			}
			s.settleWindow(g)
		}
	}
	for _, key := range s.lost {
		if s.windows[key] == nil {
			s.drop(key, s.found[key]) // or it would be due for ever
		}
	}
	return nil
}

// feed gives the firings of inner windows to the outer ones.
func (s *step) feed(ctx context.Context, inner []*window) error {
	var feeding []*window
	var keys []string
	for _, g := range inner {
		now := slices.ContainsFunc(g.firings, func(f correlate.Firing) bool { return f.Feeds(g.Settled()) })
		if !now && !g.feeds {
			continue
		}
		g.feeds = now
		feeding = append(feeding, g)
		if key := g.way.outer.row(s.outerGroup(g)); s.windows[key] == nil {
			keys = append(keys, key)
		}
	}
	if err := s.find(ctx, keys); err != nil {
		return err
	}
	for _, g := range feeding {
		s.windowOf(g.way.outer, s.outerGroup(g)).Chain(g.way.input, g.Group, g.firings)
	}
	return nil
}

func (s *step) outerGroup(g *window) string {
	return correlate.Through(s.e.pack.Set.Correlations()[g.way.outer.correlation], g.way.input, g.Key())
}

// keep stores a row unless it is as it was.
func (s *step) keep(before []byte, row Row) {
	s.e.rows.put(row.Key, row.Data)
	if !bytes.Equal(before, row.Data) {
		s.remember(row)
	}
}

func (s *step) remember(row Row) {
	s.e.changes.Rows, s.e.soonest = append(s.e.changes.Rows, row), min(s.e.soonest, row.Due)
}

// drop forgets a row if there is one.
func (s *step) drop(key string, before []byte) {
	s.e.rows.drop(key)
	if before != nil {
		s.remember(Row{Key: key, Until: never, Due: never})
	}
}

// unreadable says that a row does not count: state that nobody can read must not keep
// what comes from being judged.
func (s *step) unreadable(key string, err error) {
	s.e.changes.Notices = append(s.e.changes.Notices, fmt.Sprintf("row %s of detections could not be read and begins anew: %v", key, err))
}
