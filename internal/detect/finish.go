package detect

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// Finish puts the workers' shares together. The workers must be idle and are
// used up.
func (h *Hunt) Finish(workers []*Worker) (*Result, error) {
	watched := inventory.NewIndex(h.options.Inventory)
	for _, w := range workers {
		watched.Merge(w.inventory)
	}
	if err := h.settle(workers, watched); err != nil {
		return nil, err
	}
	for _, w := range workers {
		w.close()
	}
	h.forget(workers)
	windows := workers[0].correlator
	for _, w := range workers[1:] {
		windows.Merge(w.correlator)
	}
	res := &Result{Totals: totals(workers), Notices: []string{}}
	var places []*tally.Places
	for _, w := range workers {
		places = append(places, &w.places)
	}
	res.Places, res.Hours = tally.Sum(places)
	res.Totals.First, res.Totals.Last = tally.Period(res.Places)
	names := &tally.Names{}
	res.Alerts, res.Sessions = h.alerts(mergeGroups(workers, names), names)
	res.Alerts = append(res.Alerts, h.firings(windows.Flush(h.end(res)))...)
	slices.SortFunc(res.Alerts, func(a, b rootkeep.Alert) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), a.First.Compare(b.First), cmp.Compare(a.ID, b.ID))
	})
	for _, w := range workers {
		res.Altered = append(res.Altered, w.altered...)
	}
	slices.SortFunc(res.Altered, func(a, b rootkeep.Event) int { return span.CompareEvents(&a, &b) })
	res.Notices = append(h.notices(workers, watched), h.windowNotices(windows)...)
	return res, nil
}

// forget gives the set of IDs back, the largest thing in memory, before the report
// is built in the room that it took.
func (h *Hunt) forget(workers []*Worker) {
	const large = 1 << 17 // events
	h.seen = nil
	for _, w := range workers {
		w.batch = nil
	}
	if totals(workers).Events >= large {
		runtime.GC() // of its own accord it would wait until the heap has grown
	}
}

// settle decides about the records whose rules ask for a watched resource.
func (h *Hunt) settle(workers []*Worker, watched *inventory.Index) error {
	fields, err := cloudtrail.CompileFields(h.Fields())
	if err != nil {
		return err
	}
	given := inventory.NewIndex(h.options.Inventory)
	for _, w := range workers {
		reader := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: derivedFields})
		w.NewReader()
		for _, d := range w.deferred {
			rec, err := reader.One(d.raw)
			if err != nil {
				return fmt.Errorf("%s at byte %d: read again: %w", d.file, d.offset, err)
			}
			rec.Offset = d.offset
			w.again(rec, d.file, watched, given)
		}
		w.deferred = nil
	}
	return nil
}

// again judges a deferred record, with what is watched now known.
func (w *Worker) again(rec *cloudtrail.Record, file string, watched, given *inventory.Index) {
	w.begin(rec, file)
	w.match(rec.View)
	w.leaveUnwatched(watched, given)
	if len(w.matched) > 0 {
		w.take(rec.View)
	}
}

// leaveUnwatched drops the matches of rules on watched resources that the record does
// not touch.
func (w *Worker) leaveUnwatched(watched, given *inventory.Index) {
	w.matched = slices.DeleteFunc(w.matched, func(n int32) bool {
		ask := w.hunt.pack.rules[n].Watched
		if ask == nil {
			return false
		}
		name := string(w.view.Text(ask.number))
		if ask.Unless {
			// What the input itself set up is no proof that it is ours: only the
			// user's list is, and without one nobody can tell.
			return name == "" || !given.Lists(ask.Kind) || given.Has(ask.Kind, name)
		}
		return !watched.Has(ask.Kind, name)
	})
}

// end is up to where silence can be judged: the end of the asked period, but not
// beyond the events that there are.
func (h *Hunt) end(res *Result) int64 {
	if !h.options.Observed.IsZero() {
		return h.options.Observed.Unix()
	}
	return min(h.until, tally.End(res.Hours, res.Totals.Events), res.Totals.Last.Unix())
}

func totals(workers []*Worker) Totals {
	var t Totals
	for _, w := range workers {
		t.Events += w.totals.Events
		t.Duplicates += w.totals.Duplicates
		t.Altered += w.totals.Altered
		t.Before += w.totals.Before
		t.Outside += w.totals.Outside
		t.Untimed += w.totals.Untimed
		t.Matches += w.totals.Matches
		t.Scans += w.totals.Scans
		if a := w.totals.Approximate; a != "" && (t.Approximate == "" || a < t.Approximate) {
			t.Approximate = a
		}
	}
	return t
}

// group is what all workers together counted of one group.
type group struct {
	GroupKey
	span.Spans
}

// mergeGroups joins what the workers counted under their own numbers. The texts of
// the groups are then those of names.
func mergeGroups(workers []*Worker, names *tally.Names) []*group {
	all := map[GroupKey]*group{}
	var out []*group
	for _, w := range workers {
		to := names.Merge(&w.names)
		for k, runs := range w.groups {
			for _, run := range runs.Runs {
				run.Renumber(&w.names, to)
			}
			joint := w.keyOf(k)
			g, ok := all[joint]
			if !ok {
				g = &group{GroupKey: joint}
				all[joint] = g
				out = append(out, g)
			}
			g.Merge(runs)
		}
		w.groups = nil
	}
	return out
}

// notices say what could not be judged.
func (h *Hunt) notices(workers []*Worker, watched *inventory.Index) []string {
	var out []string
	if !h.options.Atlas.Located() {
		out = append(out, "no geography: countries and networks by AS number were not judged; hint: --geoip FILE with a MaxMind-format database")
	}
	if watched.Len() == 0 {
		out = append(out, "no watched resources are known, so detections on log buckets, keys and topics stayed quiet; hint: --inventory FILE")
	}
	if n := totals(workers).Scans; n > 0 {
		out = append(out, fmt.Sprintf("%d events are explained by sessions of rootkeep's own scans and raised no alert", n))
	}
	if h.room.Load() < 0 {
		out = append(out, fmt.Sprintf("the alerts' groups took more than %d MB: from then on matches of new callers or times were counted together as (others), and named no further values; hint: a shorter period or fewer rules", maxGroups>>20))
	}
	if n := h.within.dropped.Load(); n > 0 {
		out = append(out, fmt.Sprintf("%d records that may touch watched resources were not judged: more than %d MB of them waited for the inventory; hint: a shorter period", n, maxDeferred>>20))
	}
	if n := h.before.dropped.Load(); n > 0 {
		out = append(out, fmt.Sprintf("%d records from before the period that may touch watched resources were not learned from: more than %d MB of them waited for the inventory", n, maxEarly>>20))
	}
	return out
}

func (h *Hunt) windowNotices(c *correlate.Correlator) []string {
	var out []string
	if n := c.Learning(); n > 0 {
		notice := fmt.Sprintf("%d first-seen baselines are still learning: the input is shorter than their learning time, so a first sight in them raised no alert", n)
		if from := h.options.ReadFrom; !from.IsZero() {
			notice += fmt.Sprintf("; because of --since, no log delivered before %s was read from buckets for them; hint: --since the learning time of 7 or 14 days earlier", from.UTC().Format(time.DateOnly))
		}
		out = append(out, notice)
	}
	for _, s := range c.Saturated() {
		out = append(out, h.pack.SaturationNotice(s))
	}
	return out
}

// SaturationNotice says that a first-seen baseline is full.
func (p *Pack) SaturationNotice(s correlate.Saturation) string {
	header := &p.Set.Correlations()[s.Correlation].Header
	return fmt.Sprintf("%s: too many distinct values for %s; later first sights there raised no alert", RuleName(header), strings.Join(s.Group, ", "))
}
