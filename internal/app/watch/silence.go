package watch

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// unheard is how long what is behind a source may not answer before somebody is told.
const unheard = rootlog.Unheard

// check keeps how the sources stand, has alerts tell of those that are silent, or cannot
// read something, and ends those that the settings do not name any more.
func (w *Watcher) check(ctx context.Context) error {
	known, err := w.keepHealth(ctx)
	if err != nil {
		return err
	}
	var open []string // sources that alerts are about, whoever told of them
	err = w.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		open, err = alerts.OpenSources(ctx, r)
		return err
	})
	if err != nil {
		return err
	}
	now := w.config.Now()
	var worries []alerts.Worry
	var names []string
	for _, s := range w.sources {
		st := s.status()
		if st.Elsewhere { // who reads it says how it stands, and tells
			continue
		}
		knows := st.knows(now)
		if h := byName(known, s.Name()); h != nil {
			st = joined(h)
		}
		if list := s.worriesOf(&st, now); len(list) > 0 || knows {
			names, worries = append(names, s.Name()), append(worries, list...)
		}
	}
	if len(worries) > 0 || slices.ContainsFunc(names, func(name string) bool { return slices.Contains(open, name) }) {
		err = w.config.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			return w.config.Alerts.Sources(ctx, tx, now, names, worries)
		})
		if err != nil {
			return err
		}
	}
	if len(endings(known, w.names(), now)) > 0 {
		if err := EndTakenOut(ctx, w.config.Store, w.config.Alerts, w.names(), now); err != nil {
			return err
		}
	}
	w.config.Outbox.Wake()
	return nil
}

// together says that several processes read the source at once.
func (w *Watcher) together(s *source) bool { return w.part == nil && s.shared() }

func (w *Watcher) names() []string {
	var out []string
	for _, s := range w.sources {
		out = append(out, s.Name())
	}
	return out
}

func indexOf(known []rootlog.Health, source string) int {
	return slices.IndexFunc(known, func(h rootlog.Health) bool { return h.Source == source })
}

func byName(known []rootlog.Health, source string) *rootlog.Health {
	if i := indexOf(known, source); i >= 0 {
		return &known[i]
	}
	return nil
}

// keepHealth says for other processes how the sources stand that this one reads, and gives how
// all stand by what all processes say.
func (w *Watcher) keepHealth(ctx context.Context) (known []rootlog.Health, err error) {
	var mine []rootlog.Health
	var of []*source
	most := w.matches.most()
	w.matches.renew()
	for _, s := range w.sources {
		if st := s.status(); !st.Elsewhere {
			h := st.kept()
			h.Source, h.Shared, h.Parcels, h.Busy = s.Name(), w.together(s), st.parcels, s.busy(most)
			if s.shared() { // of others a parcel counts it, with their mark
				h.Added = s.claim()
			}
			h.Every, h.Quiet = time.Duration(s.config.Every), s.config.Silence()
			mine, of = append(mine, h), append(of, s)
		}
	}
	now := w.config.Now()
	err = w.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := rootlog.HealthOf(ctx, &tx.Reader)
		if err != nil {
			return err
		}
		for i, s := range of {
			goOn(&mine[i], byName(before, s.Name()), time.Duration(s.config.Every), now)
		}
		if err := rootlog.KeepHealth(ctx, tx, w.config.Owner, mine); err != nil {
			return err
		}
		known, err = rootlog.HealthOf(ctx, &tx.Reader)
		return err
	})
	for i, s := range of {
		if err == nil {
			s.noted(&mine[i])
		} else {
			s.count(mine[i].Added)
		}
	}
	if err != nil {
		return nil, err
	}
	return known, nil
}

// leaveHealth takes back what this process said of sources that others read as well.
func (w *Watcher) leaveHealth(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), lease/3)
	defer stop()
	return w.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error { return rootlog.LeaveHealth(ctx, tx, w.config.Owner) })
}

// kept is the health for other processes.
func (s *Status) kept() rootlog.Health {
	out := rootlog.Health{
		Began: s.began, Heard: s.Heard, Last: s.Last, Complete: s.Complete, Delay: s.Delay, Fault: s.Fault, Gap: s.Gap,
		Skipped: s.Skipped, SkippedAt: s.SkippedAt, Latest: s.Latest,
	}
	for _, p := range s.Places {
		out.Places = append(out.Places, rootlog.Place(p))
	}
	return out
}

// joined is how a source stands by what all processes say that read it.
func joined(h *rootlog.Health) Status {
	return Status{
		Health:  live.Health{Source: h.Source, Heard: h.Heard, Last: h.Last, Complete: h.Complete, Delay: h.Delay, Fault: h.Fault, Gap: h.Gap},
		Skipped: h.Skipped, SkippedAt: h.SkippedAt, Latest: h.Latest, began: h.Began, behind: h.Behind,
	}
}

// TellUnwatched has alerts tell of the live sources of a file that no process reads any more.
func TellUnwatched(ctx context.Context, s *store.Store, a Alerts, file string, now time.Time) error {
	list, err := sources.Read(file)
	if err != nil {
		return err
	}
	var known []rootlog.Health
	err = s.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		known, err = rootlog.HealthOf(ctx, r)
		return err
	})
	worries := unwatched(list, known, now)
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
func unwatched(list []sources.Config, known []rootlog.Health, now time.Time) []alerts.Worry {
	var out []alerts.Worry
	for _, h := range known {
		configured := slices.ContainsFunc(list, func(s sources.Config) bool { return s.Name == h.Source })
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

// worries are what somebody has to be told of a source that this process reads alone.
func (s *source) worries(now time.Time) []alerts.Worry {
	st := s.status()
	return s.worriesOf(&st, now)
}

// worriesOf are what somebody has to be told of how the source stands. The same silence has
// one beginning; a fault comes and goes, and is one within a day.
func (s *source) worriesOf(st *Status, now time.Time) []alerts.Worry {
	var out []alerts.Worry
	worry := func(rule string, level rootkeep.Severity, since time.Time, title, body string) *alerts.Worry {
		out = append(out, alerts.Worry{Rule: rule, Source: s.Name(), Level: level, Since: since, Title: title, Text: body})
		return &out[len(out)-1]
	}
	if st.Elsewhere {
		return nil // who reads it tells
	}
	heard, last := later(st.Heard, st.began), later(st.Last, st.began)
	switch silence := s.config.Silence(); {
	case now.Sub(heard) >= unheard+time.Duration(s.config.Every):
		worry(silentRule, rootkeep.High, heard, "The live source "+s.Name()+" does not answer",
			strings.TrimSpace("It last answered at "+text.Stamp(heard)+". Until it does, uses of root users are not seen by it.\n"+st.Fault))
		if st.left(now) {
			out[0].Text += "\n" + st.goesOn()
		}
	case silence > 0 && now.Sub(last) >= silence:
		worry(silentRule, rootkeep.High, last, "The live source "+s.Name()+" brings nothing any more",
			"It brought the last object at "+text.Stamp(last)+". A trail that was stopped, or a copy that does not run, looks like this; so does an account in which nothing happens.")
	case st.left(now):
		worry(faultRule, rootkeep.High, st.behind, "Detections go on without the live source "+s.Name(), strings.TrimSpace(st.goesOn()+"\n"+st.Fault))
	case st.Fault != "":
		worry(faultRule, rootkeep.Medium, now, "The live source "+s.Name()+" cannot read something", st.Fault).Daily = true
	}
	if st.Skipped > 0 && now.Sub(st.SkippedAt) < 24*time.Hour { // once for each day on which some were
		w := worry(faultRule, rootkeep.Medium, st.SkippedAt, "Objects of the live source "+s.Name()+" were skipped", "What they held is not known. The last one: "+st.Latest)
		w.Daily, w.Loss = true, true
	}
	return out
}

// knows says that this process has asked for all that there is or, of what takes long, did so for
// a while: until then, that it found nothing wrong ends no alert.
func (s *Status) knows(now time.Time) bool {
	return !s.Heard.IsZero() && (!s.Complete.IsZero() || now.Sub(s.began) >= unheard)
}

// left says that detections wait no more for the source.
func (s *Status) left(now time.Time) bool {
	return (&rootlog.Health{Behind: s.behind}).LeftBehind(now)
}

func (s *Status) goesOn() string {
	return "Not everything that was there was delivered by it since " + text.Stamp(s.behind) + ", and detections wait for it no more. What it brings of the time before alerts by itself, and is in no window. " +
		"No silence is told meanwhile, of any account: what the source would have brought is not known. Hint: mend what cannot be read, or take it out of the file of the sources."
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
