package alerts_test

import (
	"context"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// What people were told of goes on in the alert that it is part of, also where a storm had told
// of that: Y, which was told, becomes part of X.
func TestWhatWasToldGoesOnInAnother(t *testing.T) {
	everyone := people.Everywhere
	one := func(key string, count int, change ...func(*alert.Sighting)) alert.Sighting {
		return sighting(key, "spray", rootkeep.High, count, change...)
	}
	critical := func(s *alert.Sighting) { s.Level = rootkeep.Critical }
	for _, test := range []struct {
		name  string
		most  int // that are told before there is a storm
		fresh bool
		scope people.Scope            // where Bob works, who acknowledges Y; "" if nobody does
		x     []func(*alert.Sighting) // how it is from the start
		grown []func(*alert.Sighting)
		want  []string
		state alert.State
		bobs  bool
	}{
		{name: "nobody has it", most: 1, want: []string{"AL-Y closed", "AL-X opened"}, state: alert.New},
		{name: "nobody has it, and X is new", most: 1, fresh: true, want: []string{"AL-Y closed", "AL-X opened"}, state: alert.New},
		{name: "Bob has it", most: 1, scope: everyone, want: []string{"AL-Y closed"}, state: alert.Acknowledged, bobs: true},
		{name: "Bob has it, and X is new", most: 1, fresh: true, scope: everyone, want: []string{"AL-Y closed"}, state: alert.Acknowledged, bobs: true},
		{name: "Bob has it, and X is more", most: 1, scope: everyone, grown: []func(*alert.Sighting){critical}, want: []string{"AL-Y closed", "AL-X escalated"}, state: alert.New, bobs: true},
		{name: "Bob has it, and X is of further accounts", most: 1, scope: everyone, x: []func(*alert.Sighting){several}, want: []string{"AL-Y closed", "AL-X opened"}, state: alert.New, bobs: true},
		{name: "Bob has it, who does not work at X", most: 1, scope: "account:111122223333", x: []func(*alert.Sighting){several}, want: []string{"AL-Y closed", "AL-X opened"}, state: alert.New},
		{name: "so, and X was told too", most: 9, scope: "account:111122223333", x: []func(*alert.Sighting){several}, want: []string{"AL-Y closed"}, state: alert.New},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				p := alert.Default()
				p.Storm.Most = test.most
				k, err := alerts.New(p, guarded)
				if err != nil {
					t.Fatal(err)
				}
				d := &alerts.Desk{Keeper: k}
				apply(t, s, k, at(0), one("y", 3))
				if !test.fresh {
					apply(t, s, k, at(time.Second), one("x", 2, test.x...))
				}
				owner := ""
				if test.scope != "" {
					bob := someone(t, s, "Bob", people.Grant{Role: people.Responder, Scope: test.scope})
					y := read(t, s, "AL-Y")
					err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						_, err := d.Acknowledge(ctx, tx, bob, y.ID, y.Revision, "")
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
					if test.bobs {
						owner = bob.ID
					}
				}
				joined := one("x", 6, append(test.x, test.grown...)...)
				joined.Absorbed = []string{"y"}
				same(t, "told", apply(t, s, k, at(time.Minute), joined), test.want...)
				x := read(t, s, "AL-X")
				if x.State != test.state || x.Muted != "" || x.Told.IsZero() || x.Owner != owner || x.Due.IsZero() != (test.state == alert.Acknowledged) {
					t.Errorf("got X %s, muted by %q, told %v, due %v, with %q, want it %s, told by itself, with %q", x.State, x.Muted, x.Told, x.Due, x.Owner, test.state, owner)
				}
				same(t, "again", apply(t, s, k, at(2*time.Minute), joined))
			})
		})
	}
}
