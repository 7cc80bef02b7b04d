package alerts

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
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
	crossed map[stormKey]bool // so many were told that crossed a second threshold that further ones are not
	changes Changes
}

func (k *Keeper) begin(ctx context.Context, tx *store.Tx, now time.Time) (*round, error) {
	active, err := active(ctx, &tx.Reader, later(now, tx.Now()))
	return &round{Keeper: k, tx: tx, now: moment(now), known: map[string]*Alert{}, active: active, hid: map[*alert.Suppression]int{}, storms: map[stormKey]*storm{}, crossed: map[stormKey]bool{}}, err
}

// later is the later of the time by the clock and that of the ledger: with a clock that was set
// back no suppression hides again that had expired, and no finding is older than what is known.
func later(now, ledger time.Time) time.Time {
	if now.Before(ledger) {
		return ledger
	}
	return now
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
		if most := later(r.now, r.tx.Now()); list[i].Heard.After(most) {
			list[i].Heard = most // or by a clock that is wrong nothing would be later
		}
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
		if err := r.tag(ctx, a); err != nil {
			return err
		}
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
		a.Key, a.Muted, a.ruled = s.Key, "", nil // its rules are new here
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
	if err := r.tag(ctx, a); err != nil {
		return err
	}
	r.link(a, use)
	unmuted := r.mute(a, s.DryRun)
	if err := r.spread(ctx, a); err != nil {
		return err
	}
	if err := r.announce(ctx, a, unmuted); err != nil {
		return err
	}
	return a.keep(ctx, r.tx)
}

// spread sees to an alert that is about an account that it was not about. It is told to whom
// that account is, also if it was told before; whoever acknowledged or snoozed it did so when it
// was of one account, or of half as many. An owner who does not work there has it no more.
func (r *round) spread(ctx context.Context, a *Alert) error {
	brought := a.brought()
	if a.fresh || len(brought) == 0 {
		return nil
	}
	if err := r.disown(ctx, a); err != nil {
		return err
	}
	about := "it is about further ones: " + some(brought)
	switch {
	case a.Muted != "" || slices.Contains(loud, last(a)): // it is not told, or is anyway
	case (a.doubled() || a.Told.IsZero() || a.State == alert.Closed) && a.Again(about, r.now):
	case !a.Told.IsZero():
		a.Say(alert.Grown, alert.System, about, r.now)
	}
	return nil
}

// doubled says whether the alert is about twice as many accounts as when it was read, or about
// several and was not.
func (a *Alert) doubled() bool {
	return bits.Len(uint(len(alert.Accounts(&a.Found)))) > bits.Len(uint(len(a.of)))
}

// disown takes the alert from an owner who may not work at it any more.
func (r *round) disown(ctx context.Context, a *Alert) error {
	if a.Owner == "" {
		return nil
	}
	to, err := activePerson(ctx, &r.tx.Reader, a.Owner)
	if err == nil {
		err = may(ctx, &r.tx.Reader, to, a.Found.Account)
	}
	if errors.Is(err, ErrNotAllowed) || errors.Is(err, alert.ErrInvalid) {
		a.Say(alert.Assigned, alert.System, "nobody: "+a.Owner+" does not work at all of its accounts", r.now)
		a.Owner, err = "", nil
	}
	return err
}

// some are the first of a list, for people.
func some(list []string) string {
	const shown = 10
	out := strings.Join(list[:min(len(list), shown)], ", ")
	if more := len(list) - shown; more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// tag gives an alert the tags of its accounts, of its tactic and of its rules: of the accounts
// and the rules that it has not had before, so that what people took off stays off.
func (r *round) tag(ctx context.Context, a *Alert) error {
	f := &a.Found
	var tags []string
	for _, account := range alert.Accounts(f) {
		if len(a.ruled) > 0 && slices.Contains(a.of, account) {
			continue
		}
		var at people.Place
		if r.policy.ByUnit() {
			var err error
			if at, err = placeOf(ctx, &r.tx.Reader, account); err != nil {
				return err
			}
		}
		tags = append(tags, r.policy.TagsOf(account, at.Path)...)
	}
	if len(a.ruled) == 0 && f.Tactic != "" {
		tags = append(tags, "attack."+f.Tactic)
	}
	for i := range f.Rules {
		if name := f.Rules[i].Name; r.Tags != nil && !slices.Contains(a.ruled, name) {
			tags = append(tags, r.Tags(name)...)
		}
	}
	a.Give(tags)
	return nil
}

// mute says whether anybody is told of the alert, and is true if somebody is that was not.
// One that was told stays so. A case tells of its alerts as long as it is as severe: ten
// sign-ins of root that failed are more than the case of any that failed. It is of one account:
// an alert about several is told by itself. What a case tells of is due as it would be, and what
// nobody is told of never is.
func (r *round) mute(a *Alert, dryRun bool) (unmuted bool) {
	was := a.Muted
	if was == "" && !a.Told.IsZero() {
		return false
	}
	// A member of a storm is one until it is more than the storm told of.
	if act := last(a); was == alert.ByStorm && act != alert.Escalated && act != alert.Reopened && !a.wider() && !a.heir {
		return false
	}
	a.Muted, a.MutedBy = "", ""
	switch s := alert.Suppressed(&a.Found, r.active, r.rules()); {
	case dryRun:
		a.Muted = alert.ByDryRun
	case s != nil:
		a.Muted, a.MutedBy = alert.BySuppression, s.ID
		if was != alert.BySuppression {
			r.hid[s]++
		}
	case a.Case != "" && a.Found.Account != "" && a.Found.Level <= a.grave && !alert.Crossed(&a.Found):
		a.Muted = alert.ByCase
	}
	switch {
	case a.Muted == alert.ByCase && was != alert.ByCase:
		a.Due = r.policy.DueOf(&a.Alert, a.grave, r.now)
	case a.Muted != "" && a.Muted != alert.ByCase:
		a.Due = time.Time{}
	}
	return a.Muted == "" && was != ""
}

// wider says whether the alert has an account or a tag that is not kept of it.
func (a *Alert) wider() bool {
	return len(a.Tags) > len(a.tags) || a.Untagged && !a.bare || len(a.brought()) > 0
}

// brought are the accounts that the alert is about and was not when it was read. Once it is
// about more than it names everybody is told of it who is told by account, and which of them it
// names says nothing any more.
func (a *Alert) brought() []string {
	if a.more {
		return nil
	}
	var out []string
	for _, id := range alert.Accounts(&a.Found) {
		if !slices.Contains(a.of, id) {
			out = append(out, "account "+string(id))
		}
	}
	if a.Found.AccountsOmitted > 0 {
		out = append(out, "accounts that it does not name")
	}
	return out
}

// last is the last act of this round, "" if there was none. That a case tells of the same is
// no act by itself, nor that its owner has it no more.
func last(a *Alert) alert.Act {
	for _, l := range slices.Backward(a.History[a.had:]) {
		if l.Act != alert.Linked && l.Act != alert.Assigned {
			return l.Act
		}
	}
	return ""
}

// loud are acts that people are told of with a message of their own. So are further accounts,
// see spread, which do not keep an alert from escalating.
var loud = []alert.Act{alert.Opened, alert.Reopened, alert.Woken, alert.Escalated}

// announce has people told of what is new of an alert, by itself or as part of a storm: of one
// that was told, or that somebody had put off, by itself, and of one that such an alert became
// part of. One that opens again is part of a storm as a new one is, unless somebody has it, or
// ever decided anything about it.
func (r *round) announce(ctx context.Context, a *Alert, unmuted bool) error {
	act := last(a)
	if act == alert.Woken && a.Muted == alert.ByStorm {
		a.Muted, a.MutedBy = "", ""
	}
	if a.State == alert.New && a.Muted == alert.ByCase && a.Due.IsZero() && slices.Contains(loud, act) {
		a.Due = r.policy.DueOf(&a.Alert, a.grave, r.now)
	}
	if act == alert.Grown {
		if a.Told = r.now; a.Due.IsZero() {
			a.Due = r.policy.DueOf(&a.Alert, a.grave, r.now)
		}
		r.changes.Alerts = append(r.changes.Alerts, Change{Alert: a, Act: alert.Opened, By: alert.System})
		return nil
	}
	if a.State != alert.New || a.Muted != "" {
		r.tell(a)
		return nil
	}
	if !slices.Contains(loud, act) {
		if !unmuted {
			return nil
		}
		act = alert.Opened
	}
	first := a.Told.IsZero()
	if !a.heir && (first && act != alert.Woken || act == alert.Reopened && a.Owner == "" && a.Decided.IsZero()) {
		breaks, err := r.breaks(ctx, a)
		if err != nil {
			return err
		}
		if breaks {
			return r.join(ctx, a)
		}
	}
	a.Told, a.Due = r.now, r.policy.DueOf(&a.Alert, a.grave, r.now)
	r.changes.Alerts = append(r.changes.Alerts, Change{Alert: a, Act: act, By: alert.System, First: first, Spread: !a.fresh && len(a.brought()) > 0})
	return nil
}

// tell has the message of an alert that was told brought up to date, once it ended.
func (r *round) tell(a *Alert) {
	if !a.Told.IsZero() && a.Muted == "" && last(a) == alert.Ended {
		r.changes.Alerts = append(r.changes.Alerts, Change{Alert: a, Act: alert.Ended, By: alert.System})
	}
}

// leading is the rule and the level by which an alert belongs to a storm.
func leading(f *rootkeep.Alert) stormKey { return stormKey{store.Kept(alert.Rule(f), short), f.Level} }
