package watch

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// unheard is how long what is behind a source may not answer, once it was to be asked
// again, before somebody is told.
const unheard = 10 * time.Minute

// check keeps how the sources stand, and has alerts tell of those that are silent, or cannot
// read something.
func (w *Watcher) check(ctx context.Context) error {
	var worries []alerts.Worry
	var names []string
	var health []rootlog.Health
	for _, s := range w.sources {
		st := s.status()
		if !st.Elsewhere { // who reads it says how it stands, and tells
			health = append(health, st.kept())
			names, worries = append(names, s.Name()), append(worries, s.worries(w.config.Now())...)
		}
	}
	change := w.config.Store.Touch
	if w.worried || len(worries) > 0 {
		change = w.config.Store.Update // alerts are for the ledger
	}
	err := change(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := rootlog.KeepHealth(ctx, tx, health); err != nil || !w.worried && len(worries) == 0 {
			return err
		}
		return w.config.Alerts.Sources(ctx, tx, w.config.Now(), names, worries)
	})
	if err == nil {
		w.worried = len(worries) > 0
		w.config.Outbox.Wake()
	}
	return err
}

// kept is the health for other processes.
func (s *Status) kept() rootlog.Health {
	out := rootlog.Health{
		Source: s.Source, Heard: s.Heard, Last: s.Last, Complete: s.Complete, Delay: s.Delay, Fault: s.Fault, Gap: s.Gap, Skipped: s.Skipped, Latest: s.Latest,
	}
	for _, p := range s.Places {
		out.Places = append(out.Places, rootlog.Place(p))
	}
	return out
}

// TellUnwatched has alerts tell of the live sources of a file that no process reads any more.
func TellUnwatched(ctx context.Context, s *store.Store, a Alerts, file string, now time.Time) error {
	sources, err := ReadSources(file)
	if err != nil {
		return err
	}
	var known []rootlog.Health
	err = s.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		known, err = rootlog.HealthOf(ctx, r)
		return err
	})
	worries := unwatched(sources, known, now)
	if err != nil || len(worries) == 0 {
		return err
	}
	var names []string
	for _, w := range worries {
		names = append(names, w.Source)
	}
	return s.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return a.Sources(ctx, tx, now, names, worries) })
}

// unwatched are the worries about sources that no process reads any more: whoever read them
// would have said how they stand, however bad that is. It is for another process to tell.
func unwatched(sources []SourceConfig, known []rootlog.Health, now time.Time) []alerts.Worry {
	var out []alerts.Worry
	for _, h := range known {
		configured := slices.ContainsFunc(sources, func(s SourceConfig) bool { return s.Name == h.Source })
		if away := now.Sub(h.Noted); configured && away >= unheard {
			out = append(out, alerts.Worry{
				Rule: silentRule, Source: h.Source, Level: rootkeep.High, Since: h.Noted, Title: "Nobody reads the live source " + h.Source,
				Text: "The server that watches last said at " + text.Stamp(h.Noted) + " how it stands. Until one does again, uses of root users are not seen by it. Hint: rootkeep serve --role watch",
			})
		}
	}
	return out
}

// The rules of alerts about sources, which are topics of notices too.
const (
	silentRule = "source-silent"
	faultRule  = "source-fault"
)

// worries are what somebody has to be told of a source. The same silence has one beginning,
// and so has the same fault within a day.
func (s *source) worries(now time.Time) []alerts.Worry {
	st := s.status()
	var out []alerts.Worry
	worry := func(rule string, level rootkeep.Severity, since time.Time, title, body string) *alerts.Worry {
		out = append(out, alerts.Worry{Rule: rule, Source: s.Name(), Level: level, Since: since, Title: title, Text: body})
		return &out[len(out)-1]
	}
	if st.Elsewhere {
		return nil // who reads it tells
	}
	heard, last := later(st.Heard, st.began), later(st.Last, st.began)
	switch silence := s.config.silence(); {
	case now.Sub(heard) >= unheard+time.Duration(s.config.Every):
		worry(silentRule, rootkeep.High, heard, "The live source "+s.Name()+" does not answer",
			strings.TrimSpace("It last answered at "+text.Stamp(heard)+". Until it does, uses of root users are not seen by it.\n"+st.Fault))
	case silence > 0 && now.Sub(last) >= silence:
		worry(silentRule, rootkeep.High, last, "The live source "+s.Name()+" brings nothing any more",
			"It brought the last object at "+text.Stamp(last)+". A trail that was stopped, or a copy that does not run, looks like this; so does an account in which nothing happens.")
	case st.Fault != "":
		worry(faultRule, rootkeep.Medium, now.UTC().Truncate(24*time.Hour), "The live source "+s.Name()+" cannot read something", st.Fault)
	}
	if st.Skipped > 0 && now.Sub(st.SkippedAt) < 24*time.Hour { // once for each day on which some were
		worry(faultRule, rootkeep.Medium, st.SkippedAt.UTC().Truncate(24*time.Hour), "Objects of the live source "+s.Name()+" were skipped",
			"What they held is not known. The last one: "+st.Latest).Loss = true
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
