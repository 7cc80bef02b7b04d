package alerts

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

// The kinds of alerts about live sources.
const (
	SourceKind = "source" // ends by itself once the source is well
	LossKind   = "loss"   // something was not read, and somebody has to say what that means
)

// Worry is something that is wrong with a live source.
type Worry struct {
	Rule    string             // source-silent or source-fault
	Source  string             // its name
	Account rootkeep.AccountID // that it is about, "" if it is about the whole source
	Region  rootkeep.Region
	Level   rootkeep.Severity
	Since   time.Time // when it began: the same worry has the same, unless it is
	Daily   bool      // one for each day on which it was seen, then
	Title   string
	Text    string
	Loss    bool // something was not read: that the source is well again does not mend it
}

// key tells one silence from the next, and what was lost from what cannot be read.
func (w *Worry) key() string {
	since := w.Since.UTC()
	if w.Daily {
		since = since.Truncate(24 * time.Hour)
	}
	parts := []string{"source", w.what(), since.Format(time.RFC3339)}
	if w.Loss {
		parts = append(parts, LossKind) // beside a fault of the same day
	}
	return idOf(parts...)
}

// Sources takes in how the live sources of a name stand: each worry is an alert, one for as
// long as it lasts, and an alert about one of them that nobody worries about any more ends by
// itself. A source that is not named is left alone: somebody else speaks for it.
func (k *Keeper) Sources(ctx context.Context, tx *store.Tx, now time.Time, names []string, worries []Worry) (*Changes, error) {
	r, err := k.begin(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	open, err := openSources(ctx, &tx.Reader, names)
	if err != nil {
		return nil, err
	}
	list := make([]alert.Sighting, len(worries))
	for i := range worries {
		list[i] = worries[i].sighting()
		if a := open[worries[i].what()]; a != nil && !worries[i].Loss {
			list[i].Key = a.Key
			delete(open, worries[i].what())
		}
	}
	if err := r.load(ctx, list); err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	for i := range list {
		take, a := r.take, r.known[list[i].Key]
		if a != nil {
			list[i].First = a.Found.First
			if !worries[i].Loss || list[i].Last.Before(a.Found.Last) {
				list[i].Last = a.Found.Last // what lasts does not grow
			}
		}
		if a != nil && (a.back(r.now) || worries[i].Loss && a.lost(&list[i], r.now)) {
			take = func(ctx context.Context, s *alert.Sighting) error { return r.settle(ctx, a, s, use{}) }
		}
		if err := take(ctx, &list[i]); err != nil {
			return nil, fmt.Errorf("take an alert about source %s: %w", worries[i].Source, err)
		}
	}
	if err := r.endSources(ctx, open, func(source string) string { return "the source " + source + wellAgain }); err != nil {
		return nil, err
	}
	return r.end(ctx)
}

// EndSources ends the alerts about sources that are no more. What was lost of them stays for a
// person: that a source is gone does not mend it.
func (k *Keeper) EndSources(ctx context.Context, tx *store.Tx, now time.Time, names []string, reason string) (*Changes, error) {
	r, err := k.begin(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	open, err := openSources(ctx, &tx.Reader, names)
	if err == nil {
		err = r.endSources(ctx, open, func(source string) string { return "the source " + source + ": " + reason })
	}
	if err != nil {
		return nil, err
	}
	return r.end(ctx)
}

// endSources ends alerts about sources, for a reason by the source's name.
func (r *round) endSources(ctx context.Context, open map[string]*Alert, reason func(source string) string) error {
	for _, what := range slices.Sorted(maps.Keys(open)) {
		a := open[what]
		a.End(reason(a.Found.Actor.Principal), r.now)
		r.tell(a)
		if err := a.keep(ctx, r.tx); err != nil {
			return err
		}
	}
	return nil
}

const (
	wellAgain = " is well again"
	backAfter = time.Hour // what comes and goes every minute is told no more often
)

// back opens an alert that ended by itself when its source was well, and is true if it did.
func (a *Alert) back(now time.Time) bool {
	return a.State == alert.Closed && strings.HasSuffix(a.Reason, wellAgain) && !a.Decided.Equal(a.Closed) && now.Sub(a.Closed) >= backAfter && a.Again("it is wrong again", now)
}

// lost opens an alert about what was skipped that somebody closed before more was, and is true
// if it did.
func (a *Alert) lost(s *alert.Sighting, now time.Time) bool {
	if a.State != alert.Closed || !s.Last.After(a.Closed) {
		return false
	}
	a.Extend(s)
	return a.Again("more was skipped after it was closed ("+a.Reason+")", now)
}

// openSources are the alerts about sources that end by themselves, by what they are about.
func openSources(ctx context.Context, r *store.Reader, names []string) (map[string]*Alert, error) {
	var w clause.Where
	w.And("a.kind = ?", SourceKind)
	w.And("a.state <> ?", string(alert.Closed))
	clause.In(&w, "a.principal", names)
	list, err := query(ctx, r, w.String(), w.Args...)
	if err != nil {
		return nil, fmt.Errorf("read alerts about sources: %w", err)
	}
	out := map[string]*Alert{}
	for _, a := range list {
		worry := Worry{Rule: alert.Rule(&a.Found), Source: a.Found.Actor.Principal, Account: a.Found.Account}
		if len(a.Found.Regions) > 0 {
			worry.Region = a.Found.Regions[0]
		}
		out[worry.what()] = a
	}
	return out, nil
}

// OpenSources are the names of the sources about which alerts are open that end by themselves.
func OpenSources(ctx context.Context, r *store.Reader) ([]string, error) {
	out, err := store.Texts(ctx, r, `SELECT DISTINCT principal FROM alert WHERE kind = $1 AND state <> $2 ORDER BY principal`, SourceKind, string(alert.Closed))
	if err != nil {
		return nil, fmt.Errorf("read of which sources alerts tell: %w", err)
	}
	return out, nil
}

// what is what the worry is about: two with the same, at the same time, are one.
func (w *Worry) what() string {
	return strings.Join([]string{w.Rule, w.Source, string(w.Account), string(w.Region)}, "\x1f")
}

// sighting is the worry as an alert. It does not grow while it lasts.
func (w *Worry) sighting() alert.Sighting {
	kind := SourceKind
	if w.Loss {
		kind = LossKind
	}
	f := rootkeep.Alert{
		ID: w.key(), Level: w.Level, Title: w.Title, Kind: kind, State: "open", Account: w.Account, Actor: rootkeep.Actor{Principal: w.Source}, Tactic: "defense-evasion",
		Rules: []rootkeep.RuleHit{{Name: w.Rule, Title: w.Title, Level: w.Level, Count: 1}}, First: w.Since, Last: w.Since, Count: 1,
	}
	if w.Region != "" {
		f.Regions = []rootkeep.Region{w.Region}
	}
	if w.Text != "" {
		f.Notes = []string{w.Text}
	}
	return alert.Sighting{Key: w.key(), Alert: f}
}
