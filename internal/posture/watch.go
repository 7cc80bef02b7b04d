package posture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/alarm"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Watch asks for proof that a person hears of each of the events and of none of the
// others: see package alarm. With links or routes it asks about a part of the proof, and
// does not apply where no way comes to these links.
type Watch struct {
	Events []rule.Patch  `yaml:"events"` // that must be heard of
	Others []rule.Patch  `yaml:"others"` // that must not
	Routes []alarm.Route `yaml:"routes"` // metric-filter, event-rule, log-alarm; empty: any of them
	Links  []string      `yaml:"links"`  // in a row, of parses, matches, fed, watched, fires, acts, publishes, heard; empty: all

	watch alarm.Watch
	from  alarm.Link // links before it are another control's
	to    alarm.Link
}

// build makes the events from the base events.
func (w *Watch) build(bases rule.Bases) error {
	if len(w.Events) == 0 || len(w.Others) == 0 {
		return fmt.Errorf("watch: want events and others")
	}
	for _, r := range w.Routes {
		if !slices.Contains(alarm.Routes(), r) {
			return fmt.Errorf("watch: route %q: want one of %v", r, alarm.Routes())
		}
	}
	w.from, w.to = alarm.None, alarm.Heard
	for i, name := range w.Links {
		link, err := alarm.ParseLink(name)
		switch {
		case err != nil:
			return fmt.Errorf("watch: %w", err)
		case i == 0:
			w.from = link
		case link != w.to+1:
			return fmt.Errorf("watch: link %s does not follow %s", name, w.Links[i-1])
		}
		w.to = link
	}
	for _, list := range []struct {
		patches []rule.Patch
		to      *[]alarm.Sample
	}{{w.Events, &w.watch.Events}, {w.Others, &w.watch.Others}} {
		for _, p := range list.patches {
			event, err := p.Apply(bases)
			if err != nil {
				return fmt.Errorf("watch: %w", err)
			}
			service, _, _ := strings.Cut(fmt.Sprint(event["eventSource"]), ".")
			sample, err := alarm.NewSample(fmt.Sprintf("%s:%v (%s)", service, event["eventName"], p.Base), event)
			if err != nil {
				return fmt.Errorf("watch: %w", err)
			}
			*list.to = append(*list.to, sample)
		}
	}
	return nil
}

// takes says whether the watch is about a route.
func (w *Watch) takes(r alarm.Route) bool { return len(w.Routes) == 0 || slices.Contains(w.Routes, r) }

// watch judges a control with a Watch: one way that holds is enough, whatever else was
// not read. A failure is said only if nothing that was not read could hide a way, and
// tells of the way that goes furthest.
func (j *judge) watch(c *Control) rootkeep.Finding {
	if j.prover == nil {
		j.prover = alarm.New(j.snapshot, j.Peer)
	}
	f := j.start(c, place{resource: j.root})
	w := c.Watch
	proof := j.prover.Prove(&w.watch)
	var best, part alarm.Way
	var gaps []facts.Gap
	var reasons []string
	for _, way := range proof.Ways {
		switch {
		case !w.takes(way.Route):
		case way.Truth == alarm.True && way.Link >= w.to:
			f.Status, f.Detail = rootkeep.Pass, way.Says
			return f.Finding
		case way.Link >= w.to:
			part = way // it may break later, which is another control's
		case way.Truth == alarm.Unknown:
			gaps, reasons = append(gaps, way.Gaps...), append(reasons, way.Says)
		case best.Says == "" || way.Link > best.Link:
			best = way
		}
	}
	if part.Says != "" {
		f.Status, f.Detail = rootkeep.Pass, part.Says
		return f.Finding
	}
	for _, r := range alarm.Routes() {
		if w.takes(r) {
			gaps = append(gaps, proof.Gaps[r]...)
		}
	}
	return f.settle(w, best, gaps, reasons)
}

// settle decides where no way holds.
func (f *pending) settle(w *Watch, best alarm.Way, gaps []facts.Gap, reasons []string) rootkeep.Finding {
	partial := len(w.Links) > 0 || len(w.Routes) > 0
	switch {
	case len(gaps)+len(reasons) > 0:
		f.lack(gaps)
		if best.Says != "" {
			reasons = append(reasons, "of what was read: "+best.Says)
		}
		f.Missing = append(f.Missing, reasons...)
		slices.Sort(f.Missing)
		f.Missing = slices.Compact(f.Missing)
	case partial && (best.Says == "" || best.Link+1 < w.from):
		f.Status, f.Detail = rootkeep.NotApplicable, best.Says
	case best.Says == "":
		f.Status, f.Detail = rootkeep.Fail, "no metric filter, no rule of EventBridge and no log alarm matches these events"
	default:
		f.Status, f.Detail = rootkeep.Fail, best.Says
	}
	return f.Finding
}
