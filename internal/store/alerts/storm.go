package alerts

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
)

// StormKind is the kind of an alert that stands for many.
const StormKind = "storm"

// stormKey tells storms apart: those of one rule never take in alerts that another one
// leads, nor alerts of another level.
type stormKey struct {
	rule  string
	level rootkeep.Severity
}

// storm is one that grows in a round.
type storm struct {
	*Alert
	before  int      // alerts that it stood for
	brought []string // by alerts of this round: accounts, tags and what else no notice of it had
}

// mostAccounts are named by a storm: all who are told by account hear of one that has more.
const mostAccounts = rootkeep.MaxAlertAccounts

// breaks says whether so many alerts of the rule and the level were told within the time of
// a storm that this one is not told by itself. One that crossed its second threshold is, as
// long as not so many that did were.
func (r *round) breaks(ctx context.Context, a *Alert) (bool, error) {
	if a.Found.Kind == StormKind || a.Found.Kind == SourceKind || a.Found.Kind == LossKind {
		return false, nil
	}
	key := leading(&a.Found)
	const where = ` WHERE a.rule = $1 AND a.level = $2 AND a.told > $3 AND a.told <= $6 AND a.kind <> $4 AND a.id <> $5`
	args := []any{key.rule, int64(key.level), store.Micros(r.now.Add(-r.policy.Storm.Within)), StormKind, a.ID, store.Micros(r.now.Add(r.policy.Storm.Within))}
	told := 0
	err := r.tx.Row(ctx, `SELECT COUNT(*) FROM alert a`+where, args...).Scan(&told)
	if err != nil {
		return false, fmt.Errorf("count alerts of rule %s: %w", key.rule, err)
	}
	if !r.policy.Storm.Breaks(told) || !alert.Crossed(&a.Found) || r.crossed[key] {
		return r.policy.Storm.Breaks(told), nil
	}
	list, err := query(ctx, &r.tx.Reader, where, args...)
	if err != nil {
		return false, fmt.Errorf("read alerts of rule %s: %w", key.rule, err)
	}
	list = slices.DeleteFunc(list, func(a *Alert) bool { return !alert.Crossed(&a.Found) })
	r.crossed[key] = r.policy.Storm.Breaks(len(list)) // in one round no fewer were told
	return r.crossed[key], nil
}

// join makes an alert part of the storm of its rule, which is the one that is told.
func (r *round) join(ctx context.Context, a *Alert) error {
	key := leading(&a.Found)
	s := r.storms[key]
	if s == nil {
		found, err := r.storm(ctx, key, a)
		if err != nil {
			return err
		}
		s = &storm{Alert: found, before: found.Found.Count}
		r.storms[key] = s
	}
	f := &s.Found
	if a.storm != s.ID {
		f.Count++
	}
	a.Muted, a.MutedBy, a.Due, a.storm = alert.ByStorm, s.ID, time.Time{}, s.ID
	f.Rules[0].Count = f.Count
	f.Last, f.Title = r.now, fmt.Sprintf("Storm: %d further alerts of %s", f.Count, key.rule)
	s.spread(&a.Found)
	if !s.Urgent && alert.Never(&a.Found, r.guarded) != "" {
		s.Urgent, s.brought = true, append(s.brought, "one that may not be suppressed")
	}
	had, bare := slices.Clone(s.Tags), s.Untagged
	s.Give(a.Tags)
	if s.Untagged = s.Untagged || a.Untagged; s.Untagged && !bare {
		s.brought = append(s.brought, "tags for which it has no room")
	}
	for _, tag := range s.Tags {
		if !slices.Contains(had, tag) {
			s.brought = append(s.brought, "tag "+tag)
		}
	}
	return nil
}

// spread takes the accounts of a member in: routes take the storm where they take its members.
func (s *storm) spread(m *rootkeep.Alert) {
	f, omitted := &s.Found, m.AccountsOmitted > 0
	named := alert.Accounts(f)
	for _, id := range alert.Accounts(m) {
		switch i, had := slices.BinarySearch(named, id); {
		case had:
		case len(named) < mostAccounts:
			named = slices.Insert(slices.Clone(named), i, id)
			s.brought = append(s.brought, "account "+string(id))
		default:
			omitted = true
		}
	}
	if omitted {
		if f.AccountsOmitted == 0 {
			s.brought = append(s.brought, "accounts that it does not name")
		}
		f.AccountsOmitted++
	}
	if f.Account != m.Account || len(named) > 1 || omitted {
		f.Account, f.Accounts = "", named
	}
}

// storm finds the storm that is going on, or begins one: its row has to be there before
// those of its members name it.
func (r *round) storm(ctx context.Context, key stormKey, first *Alert) (*Alert, error) {
	list, err := query(ctx, &r.tx.Reader, ` WHERE a.kind = $1 AND a.rule = $2 AND a.level = $3 AND a.state <> 'closed' AND a.last > $4 ORDER BY a.last DESC LIMIT 1`,
		StormKind, key.rule, int64(key.level), store.Micros(r.now.Add(-r.policy.Storm.Within)))
	if err != nil {
		return nil, fmt.Errorf("look for a storm of rule %s: %w", key.rule, err)
	}
	if len(list) > 0 {
		return list[0], nil
	}
	hit := rootkeep.RuleHit{Name: key.rule, Title: first.Found.Title, Level: key.level}
	if len(first.Found.Rules) > 0 {
		hit = first.Found.Rules[0]
	}
	id := idOf("storm", key.rule, key.level.String(), r.now.Format(time.RFC3339Nano))
	s := &alert.Sighting{Key: "storm " + id, Alert: rootkeep.Alert{
		ID: id, Level: key.level, Title: "Storm of alerts of " + key.rule, Kind: StormKind, State: "open", Account: first.Found.Account, Tactic: first.Found.Tactic,
		Rules: []rootkeep.RuleHit{hit}, First: r.now, Last: r.now, Opens: first.Found.Opens,
	}}
	a := &Alert{Alert: *alert.Open(s, id, r.now), Revision: 1, fresh: true}
	a.Found.Rules[0].Level = key.level
	a.History[0].About = fmt.Sprintf("more than %d alerts of %s, level %s, within %v: further ones are counted here", r.policy.Storm.Most, key.rule, key.level, r.policy.Storm.Within)
	return a, nil
}

// keepStorms writes the storms of the round. A storm is told when it begins, each time that it
// doubles, and when its members brought an account or a tag, of which it has so many at most, or
// the first that may not be suppressed.
func (r *round) keepStorms(ctx context.Context) error {
	order := func(a, b stormKey) int { return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.level, b.level)) }
	for _, key := range slices.SortedFunc(maps.Keys(r.storms), order) {
		s := r.storms[key]
		switch {
		case s.fresh:
			s.Told, s.Due = r.now, r.policy.DueOf(&s.Alert.Alert, 0, r.now)
			r.changes.Alerts = append(r.changes.Alerts, Change{Alert: s.Alert, Act: alert.Opened, By: alert.System, First: true})
		case len(s.brought) > 0 || bits.Len(uint(s.Found.Count)) > bits.Len(uint(s.before)):
			if err := r.swell(ctx, s); err != nil {
				return err
			}
		}
		if err := s.keep(ctx, r.tx); err != nil {
			return err
		}
	}
	return nil
}

// swell has people told of a storm that grew. One that came to be about others is seen to as an
// alert is that spreads.
func (r *round) swell(ctx context.Context, s *storm) error {
	act, wider := alert.Grown, len(s.Alert.brought()) > 0
	if wider {
		if err := r.disown(ctx, s.Alert); err != nil {
			return err
		}
	}
	if wider && s.doubled() && s.Again(s.grown(), r.now) {
		act, s.Due = alert.Reopened, r.policy.DueOf(&s.Alert.Alert, 0, r.now)
	} else {
		s.Say(alert.Grown, alert.System, s.grown(), r.now)
	}
	s.Told = r.now
	r.changes.Alerts = append(r.changes.Alerts, Change{Alert: s.Alert, Act: act, By: alert.System})
	return nil
}

// grown is how many a storm stands for, and what is new of it.
func (s *storm) grown() string {
	out := fmt.Sprintf("%d alerts by now", s.Found.Count)
	if len(s.brought) > 0 {
		out += ", with " + some(s.brought)
	}
	return out
}
