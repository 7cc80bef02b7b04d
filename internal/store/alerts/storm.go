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
	before int // alerts that it stood for
}

// breaks says whether so many alerts of the rule and the level were told within the time of
// a storm that this one is not told by itself.
func (r *round) breaks(ctx context.Context, a *Alert) (bool, error) {
	if a.Found.Kind == StormKind || a.Found.Kind == SourceKind || a.Found.Kind == LossKind {
		return false, nil
	}
	key := leading(&a.Found)
	told := 0
	err := r.tx.Row(ctx, `SELECT COUNT(*) FROM alert WHERE rule = $1 AND level = $2 AND told > $3 AND kind <> $4 AND id <> $5`,
		key.rule, int64(key.level), store.Micros(r.now.Add(-r.policy.Storm.Within)), StormKind, a.ID).Scan(&told)
	if err != nil {
		return false, fmt.Errorf("count alerts of rule %s: %w", key.rule, err)
	}
	return r.policy.Storm.Breaks(told), nil
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
		s = &storm{found, found.Found.Count}
		r.storms[key] = s
	}
	a.Muted, a.MutedBy, a.Due = alert.ByStorm, s.ID, time.Time{}
	f := &s.Found
	f.Count++
	f.Rules[0].Count = f.Count
	f.Last, f.Title = r.now, fmt.Sprintf("Storm: %d further alerts of %s", f.Count, key.rule)
	if f.Account != a.Found.Account {
		f.Account = ""
	}
	return nil
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

// keepStorms writes the storms of the round. A storm is told when it begins, and each time
// that it doubles.
func (r *round) keepStorms(ctx context.Context) error {
	order := func(a, b stormKey) int { return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.level, b.level)) }
	for _, key := range slices.SortedFunc(maps.Keys(r.storms), order) {
		s := r.storms[key]
		switch {
		case s.fresh:
			s.Told, s.Due = r.now, r.policy.DueOf(&s.Alert.Alert, r.now)
			r.changes.Alerts = append(r.changes.Alerts, Change{s.Alert, alert.Opened, alert.System})
		case bits.Len(uint(s.Found.Count)) > bits.Len(uint(s.before)):
			s.Say(alert.Grown, alert.System, fmt.Sprintf("%d alerts by now", s.Found.Count), r.now)
			s.Told = r.now
			r.changes.Alerts = append(r.changes.Alerts, Change{s.Alert, alert.Grown, alert.System})
		}
		if err := s.keep(ctx, r.tx); err != nil {
			return err
		}
	}
	return nil
}
