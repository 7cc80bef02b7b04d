package live

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// pending is a record that rules matched, until the next step.
type pending struct {
	detect.Sifted
	place  string // that tells it apart, of a record without an event ID; "" if nothing does
	shares []share
	ways   []*way // of all of its windows, whoever owns them
	first  string // row of the first of these: whoever owns that counts whether the record is late
}

// share is what a record adds to one group: to a group of alerts, or to a window. One
// without either only counts.
type share struct {
	row   string // key of the group's row
	hash  uint64
	rules []int32 // whose matches are counted here

	group detect.GroupKey
	runs  *span.Spans // of one event; nil for a window

	way    *way
	window *correlate.Group // of one event
}

// shareBytes is about what one takes with its event.
const shareBytes = 2 << 10

// Observe takes a record of an object, of the groups that the engine owns. It keeps
// nothing of rec. Nothing is judged before Step. number is which of the object's records it
// is, from 1, or 0 if nobody knows: of a record without an event ID it tells whether it comes
// again.
func (e *Engine) Observe(ctx context.Context, rec *cloudtrail.Record, object string, number int64) error {
	if err := e.start(ctx); err != nil {
		return err
	}
	e.changes.Events++
	e.learnt = e.sifter.Teaches(rec) || e.learnt
	sifted, ok := e.sifter.Sift(rec, object, false)
	e.changes.Scans += e.sifter.Scans()
	if !ok {
		return nil
	}
	p := pending{Sifted: sifted, shares: e.shares(&sifted)}
	if p.ID == "" && number > 0 {
		p.place = digest("place", object, strconv.FormatInt(number, 10), string(rec.Raw))
	}
	for i := range p.shares {
		if one := &p.shares[i]; one.way != nil {
			p.ways, p.first = append(p.ways, one.way), cmp.Or(p.first, one.row)
		}
	}
	p.shares = slices.DeleteFunc(p.shares, func(s share) bool { return !e.owns(s.hash) })
	if len(p.shares) > 0 {
		e.waiting = append(e.waiting, p)
		e.size += shareBytes * len(p.shares)
	}
	return nil
}

// late says whether the record came too late for one of its windows.
func (p *pending) late(before settled) bool {
	return slices.ContainsFunc(p.ways, func(w *way) bool { return p.Time <= before.of(w) })
}

// shares takes what the record that was sifted last adds to groups.
func (e *Engine) shares(sifted *detect.Sifted) []share {
	var all []share
	e.sifter.Groups(func(k detect.GroupKey, runs *span.Spans) {
		texts := []string{"group", k.Tactic, fmt.Sprint(k.Session, k.Trial), k.Who}
		all = append(all, share{row: "g/" + digest(texts...), hash: hashOf(texts...), group: k, runs: runs})
	})
	e.sifter.Windows(func(g *correlate.Group) {
		for _, w := range e.ways.of[g.Correlation()] {
			all = append(all, share{row: w.row(g.Key()), hash: w.hash(e.pack, g.Key()), way: w, window: g})
		}
	})
	slices.SortFunc(all, func(a, b share) int { return strings.Compare(a.row, b.row) })
	if len(all) == 0 { // it lacks what its windows count
		all = append(all, share{hash: hashOf("event", sifted.Account, sifted.ID)})
	}
	for _, rule := range sifted.Rules {
		home := &all[e.home(all, rule)]
		home.rules = append(home.rules, rule)
	}
	return all
}

// home is the share that a match is counted with, so that it is once, whoever owns the
// groups: that of the rule's own alert, of a window it feeds, or any.
func (e *Engine) home(shares []share, rule int32) int {
	i := slices.IndexFunc(shares, func(s share) bool {
		return s.runs != nil && slices.ContainsFunc(s.runs.Runs[0].Rules, func(c span.RuleCount) bool { return c.Rule == rule })
	})
	if i < 0 {
		i = slices.IndexFunc(shares, func(s share) bool { return s.way != nil && e.takes(s.way, rule) })
	}
	return max(i, 0)
}

// takes says that the rule feeds a way's correlation.
func (e *Engine) takes(w *way, rule int32) bool {
	for _, in := range e.pack.Set.Correlations()[w.correlation].Inputs {
		if in.Rule == int(rule) {
			return true
		}
	}
	return false
}
