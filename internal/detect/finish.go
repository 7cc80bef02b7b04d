package detect

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
)

// Finish puts the workers' shares together. The workers must be idle and are
// used up.
func (h *Hunt) Finish(ctx context.Context, workers []*Worker) *Result {
	inventory := h.inventory(workers)
	for _, w := range workers {
		w.settle(ctx, inventory)
	}
	lead := workers[0]
	for _, w := range workers[1:] {
		lead.correlator.Merge(w.correlator)
	}
	res := &Result{Notices: []string{}}
	res.Totals = totals(workers)
	res.Places, res.Hours = placesOf(workers)
	if n := len(res.Places); n > 0 {
		res.Totals.First, res.Totals.Last = period(res.Places)
	}
	res.Alerts, res.Sessions = h.group(mergeHits(workers))
	res.Alerts = append(res.Alerts, h.firings(lead.correlator.Flush(h.end(res)))...)
	slices.SortFunc(res.Alerts, func(a, b rootkeep.Alert) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), a.First.Compare(b.First), cmp.Compare(a.ID, b.ID))
	})
	res.Notices = append(res.Notices, h.notices(workers, inventory)...)
	if n := lead.correlator.Learning(); n > 0 {
		res.Notices = append(res.Notices, fmt.Sprintf("%d first-seen baselines are still learning: the input is shorter than their learning time, so a first sight in them raised no alert", n))
	}
	for _, s := range lead.correlator.Saturated() {
		c := h.pack.Set.Correlations()[s.Correlation]
		res.Notices = append(res.Notices, fmt.Sprintf("%s: too many distinct values for %s; later first sights there raised no alert", ruleName(&c.Header), strings.Join(s.Group, ", ")))
	}
	return res
}

// end is up to where silence can be judged: the end of the asked period, or the
// last event.
func (h *Hunt) end(res *Result) int64 {
	if h.until != math.MaxInt64 {
		return h.until
	}
	return res.Totals.Last.Unix()
}

func (h *Hunt) inventory(workers []*Worker) Inventory {
	all := Inventory{}
	all.merge(h.options.Inventory)
	for _, w := range workers {
		all.merge(w.inventory)
	}
	return all
}

// settle decides about the records whose rules ask for a watched resource.
func (w *Worker) settle(ctx context.Context, inventory Inventory) {
	fields, err := cloudtrail.CompileFields(w.hunt.Fields())
	if err != nil {
		return // cannot be: the same fields were compiled to read the input
	}
	reader := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: derivedFields})
	w.identity = 0 // this reader numbers identities anew
	given := w.hunt.options.Inventory
	listed := func(s *settings) bool {
		name, kind := string(w.view.Text(s.Watched.number)), s.Watched.Kind
		if s.Watched.Unless {
			// What the input itself set up is no proof that it is ours: only the
			// user's list is, and without one nobody can tell.
			return name != "" && len(given[kind]) > 0 && !given.has(kind, name)
		}
		return inventory.has(kind, name)
	}
	for _, d := range w.deferred {
		in := cloudtrail.Input{Name: d.file, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(d.raw)), nil }}
		reader.Read(ctx, in, func(rec *cloudtrail.Record) error {
			rec.Offset = d.offset
			w.again(rec, d.file, listed)
			return nil
		})
	}
	w.deferred = nil
}

// again judges a deferred record by its rules on watched resources alone.
func (w *Worker) again(rec *cloudtrail.Record, file string, listed func(*settings) bool) {
	w.record, w.view, w.file = rec, rec.View, file
	rec.View.Derive = w.derive
	w.time, _ = cloudtrail.ParseTime(rec.View.Text(fTime))
	w.matched = w.matcher.Match(rec.View, w.matched[:0])
	w.matched = slices.DeleteFunc(w.matched, func(n int32) bool {
		s := &w.hunt.pack.rules[n]
		return s.Watched == nil || !listed(s)
	})
	w.take(rec.View, listed)
}

func totals(workers []*Worker) Totals {
	var t Totals
	for _, w := range workers {
		t.Events += w.totals.Events
		t.Duplicates += w.totals.Duplicates
		t.Outside += w.totals.Outside
		t.Untimed += w.totals.Untimed
		t.Matches += w.totals.Matches
		if a := w.totals.Approximate; a != "" && (t.Approximate == "" || a < t.Approximate) {
			t.Approximate = a
		}
	}
	return t
}

func period(places []Place) (first, last time.Time) {
	first, last = places[0].First, places[0].Last
	for _, p := range places {
		if p.First.Before(first) {
			first = p.First
		}
		if p.Last.After(last) {
			last = p.Last
		}
	}
	return first, last
}

// tallied is one rule's runs by one principal at one level, over all workers.
type tallied struct {
	rule      int32
	level     rootkeep.Severity
	attempt   bool
	account   string
	principal string
	runs      spans
	gap       int64
}

// mergeHits joins what the workers counted under their own numbers.
func mergeHits(workers []*Worker) []*tallied {
	type key struct {
		rule    int32
		level   rootkeep.Severity
		attempt bool
		who     string
	}
	all := map[key]*tallied{}
	for _, w := range workers {
		for hit, runs := range w.hits {
			k := key{hit.rule, hit.level, hit.attempt, w.who.list[hit.who]}
			t, ok := all[k]
			if !ok {
				account, principal, _ := strings.Cut(k.who, "\x00")
				t = &tallied{rule: hit.rule, level: hit.level, attempt: hit.attempt, account: account, principal: principal,
					gap: w.hunt.pack.rules[hit.rule].gap()}
				all[k] = t
			}
			t.runs.merge(runs, t.gap)
		}
	}
	out := make([]*tallied, 0, len(all))
	for _, t := range all {
		out = append(out, t)
	}
	return out
}

// notices say what could not be judged.
func (h *Hunt) notices(workers []*Worker, inventory Inventory) []string {
	var out []string
	if !h.options.Atlas.Located() {
		out = append(out, "no geography: countries and networks by AS number were not judged; hint: --geoip FILE with a MaxMind-format database")
	}
	if inventory.empty() {
		out = append(out, "no watched resources are known, so detections on log buckets, keys and topics stayed quiet; hint: --inventory FILE")
	}
	dropped := 0
	for _, w := range workers {
		dropped += w.dropped
	}
	if dropped > 0 {
		out = append(out, fmt.Sprintf("%d records that may touch watched resources were not judged: more than %d MB of them waited for the inventory; hint: --inventory FILE or a shorter period", dropped, maxDeferred>>20))
	}
	return out
}
