package alerts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
)

// round is one call that takes sightings in, or sees to what time does.
type round struct {
	*Keeper
	tx      *store.Tx
	now     time.Time
	known   map[string]*Alert // by key
	active  []*alert.Suppression
	hid     map[*alert.Suppression]int
	storms  map[stormKey]*storm
	changes Changes
}

func (k *Keeper) begin(ctx context.Context, tx *store.Tx, now time.Time) (*round, error) {
	active, err := active(ctx, &tx.Reader, now)
	return &round{Keeper: k, tx: tx, now: moment(now), known: map[string]*Alert{}, active: active, hid: map[*alert.Suppression]int{}, storms: map[stormKey]*storm{}}, err
}

// Apply takes in what the detection of live events sees, in its order, and gives what people
// have to be told. The same sighting twice changes nothing.
func (k *Keeper) Apply(ctx context.Context, tx *store.Tx, now time.Time, list []alert.Sighting) (*Changes, error) {
	r, err := k.begin(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	if err := r.load(ctx, list); err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	for i := range list {
		if err := r.take(ctx, &list[i]); err != nil {
			return nil, fmt.Errorf("take alert %s: %w", store.Kept(list[i].Key, short), err)
		}
	}
	return r.end(ctx)
}

// load reads what is known of the alerts, and of those that they absorb.
func (r *round) load(ctx context.Context, list []alert.Sighting) error {
	var keys []string
	for i := range list {
		list[i].Key, list[i].Alert = kept(list[i].Key), bounded(list[i].Alert)
		keys = append(keys, list[i].Key)
		for n := range list[i].Absorbed {
			list[i].Absorbed[n] = kept(list[i].Absorbed[n])
			keys = append(keys, list[i].Absorbed[n])
		}
	}
	slices.Sort(keys)
	found, err := find(ctx, &r.tx.Reader, "a.key", slices.DeleteFunc(slices.Compact(keys), func(k string) bool { return k == "" }))
	for _, a := range found {
		r.known[a.Key] = a
	}
	return err
}

// kept is a key that fits into an index: one that is long is known by its hash.
func kept(key string) string {
	if len(key) > short {
		return idOf("key", key)
	}
	return store.Kept(key, short)
}

// end writes what was counted over the whole round.
func (r *round) end(ctx context.Context) (*Changes, error) {
	for _, s := range r.active {
		if n := r.hid[s]; n > 0 {
			if _, err := r.tx.Exec(ctx, `UPDATE suppression SET hidden = hidden + $2, last = $3 WHERE id = $1`, s.ID, int64(n), store.Micros(r.now)); err != nil {
				return nil, fmt.Errorf("count suppression %s: %w", s.ID, err)
			}
		}
	}
	return &r.changes, r.keepStorms(ctx)
}

// take takes one sighting in.
func (r *round) take(ctx context.Context, s *alert.Sighting) error {
	a := r.known[s.Key]
	switch {
	case s.Key == "":
		return fmt.Errorf("a sighting without a key: %w", alert.ErrInvalid)
	case s.Gone:
		return r.withdraw(ctx, a)
	case s.Over != "":
		return r.finish(ctx, a, s)
	case a != nil && a.Stale(s):
		return nil
	case a == nil:
		return r.open(ctx, s)
	}
	use, err := useOf(ctx, &r.tx.Reader, &s.Alert)
	if err != nil {
		return err
	}
	trial := a.Muted == alert.ByDryRun && !s.DryRun
	if use.explained && a.ByExplanation() {
		if a.Found.Count == s.Count {
			return nil
		}
		a.Extend(s) // one more event of a session that is explained is no news
		return a.keep(ctx, r.tx)
	}
	if !a.Grow(s, r.now) && !trial && len(s.Absorbed) == 0 {
		return nil
	}
	return r.settle(ctx, a, s, use)
}

func (r *round) withdraw(ctx context.Context, a *Alert) error {
	if a == nil || !a.End(alert.Withdrawn, r.now) {
		return nil
	}
	r.tell(a)
	return a.keep(ctx, r.tx)
}

// finish closes the alert of a finding that is over. One that nobody knows is no news: each
// check that passes is such a finding.
func (r *round) finish(ctx context.Context, a *Alert, s *alert.Sighting) error {
	if a == nil || a.Stale(s) || !a.Finish(s, r.now) {
		return nil
	}
	r.tell(a)
	return a.keep(ctx, r.tx)
}

// open opens the alert of a sighting. One that hunts told of is that alert, and is told now.
func (r *round) open(ctx context.Context, s *alert.Sighting) error {
	use, err := useOf(ctx, &r.tx.Reader, &s.Alert)
	if err != nil {
		return err
	}
	id := store.Kept(s.ID, short)
	taken, err := find(ctx, &r.tx.Reader, "a.id", []string{id})
	if err != nil {
		return err
	}
	var a *Alert
	switch {
	case id != "" && len(taken) == 0:
		a = &Alert{Alert: *alert.Open(s, id, r.now), Revision: 1, fresh: true}
	case id != "" && taken[0].Key == "":
		a = taken[0]
		a.Key, a.Muted = s.Key, ""
		if s.DryRun {
			a.Muted = alert.ByDryRun
		}
		a.Extend(s)
		const about = "live events show what a hunt had found"
		if !a.Again(about, r.now) { // what was said of it was said of the hunt's
			a.Say(alert.Opened, alert.System, about, r.now)
		}
	default:
		a = &Alert{Alert: *alert.Open(s, idOf("key", s.Key), r.now), Revision: 1, fresh: true}
	}
	r.known[s.Key] = a
	return r.settle(ctx, a, s, use)
}

// settle says who has to be told of an alert that changed, and keeps it.
func (r *round) settle(ctx context.Context, a *Alert, s *alert.Sighting, use use) error {
	if err := r.absorb(ctx, a, s.Absorbed); err != nil {
		return err
	}
	r.link(a, use)
	unmuted := r.mute(a, s.DryRun)
	if err := r.announce(ctx, a, unmuted); err != nil {
		return err
	}
	return a.keep(ctx, r.tx)
}

// absorb closes the alerts that a late event joined into this one.
func (r *round) absorb(ctx context.Context, a *Alert, keys []string) error {
	for _, key := range keys {
		from := r.known[key]
		if from == nil || from == a {
			continue
		}
		if !from.End(alert.PartOf(a.ID), r.now) {
			continue
		}
		a.Inherit(&from.Alert)
		r.tell(from)
		if err := from.keep(ctx, r.tx); err != nil {
			return err
		}
	}
	return nil
}

// mute says whether anybody is told of the alert, and is true if somebody is that was not.
// One that was told stays so.
func (r *round) mute(a *Alert, dryRun bool) (unmuted bool) {
	was := a.Muted
	if was == "" && !a.Told.IsZero() {
		return false
	}
	if was == alert.ByStorm && last(a) != alert.Escalated {
		return false
	}
	a.Muted, a.MutedBy = "", ""
	switch s := alert.Suppressed(&a.Found, r.active, r.guarded); {
	case dryRun:
		a.Muted = alert.ByDryRun
	case s != nil:
		a.Muted, a.MutedBy = alert.BySuppression, s.ID
		if was != alert.BySuppression {
			r.hid[s]++
		}
	case a.Case != "":
		a.Muted = alert.ByCase
	}
	return a.Muted == "" && was != ""
}

// last is the last act of this round, "" if there was none.
func last(a *Alert) alert.Act {
	if len(a.History) == a.had {
		return ""
	}
	return a.History[len(a.History)-1].Act
}

// loud are acts that people are told of with a message of their own.
var loud = []alert.Act{alert.Opened, alert.Reopened, alert.Woken, alert.Escalated}

// announce has people told of what is new of an alert, by itself or as part of a storm.
func (r *round) announce(ctx context.Context, a *Alert, unmuted bool) error {
	if a.State != alert.New || a.Muted != "" {
		r.tell(a)
		return nil
	}
	act := last(a)
	if !slices.Contains(loud, act) {
		if !unmuted {
			return nil
		}
		act = alert.Opened
	}
	breaks, err := r.breaks(ctx, a)
	if err != nil {
		return err
	}
	if breaks {
		return r.join(ctx, a)
	}
	a.Told, a.Due = r.now, r.policy.DueOf(&a.Alert, r.now)
	r.changes.Alerts = append(r.changes.Alerts, Change{a, act, alert.System})
	return nil
}

// tell has the message of an alert that was told brought up to date, once it ended.
func (r *round) tell(a *Alert) {
	if !a.Told.IsZero() && a.Muted == "" && last(a) == alert.Ended {
		r.changes.Alerts = append(r.changes.Alerts, Change{a, alert.Ended, alert.System})
	}
}

// leading is the rule and the level by which an alert belongs to a storm.
func leading(f *rootkeep.Alert) stormKey { return stormKey{store.Kept(alert.Rule(f), short), f.Level} }
