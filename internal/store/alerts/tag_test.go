package alerts_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// tagging is a keeper whose policy tags the account of sightings and a unit, and whose rules
// have tags.
func tagging(t *testing.T) *alerts.Keeper {
	t.Helper()
	p := alert.Default()
	p.Storm.Most = 2
	p.Tags = map[string]alert.Tagging{"prod": {Accounts: []rootkeep.AccountID{account}}, "web": {Units: []string{"ou-ab12-c3d4e5f6"}}}
	k, err := alerts.New(p, guarded)
	if err != nil {
		t.Fatal(err)
	}
	k.Tags = func(rule string) []string { return []string{"attack." + rule, "guide", "No Tag"} }
	return k
}

func TestAlertsHaveTagsFromTheStart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := tagging(t)
		d := &alerts.Desk{Keeper: k}
		ann := someone(t, s, "Ann", everywhere)
		tags := func(what, id, want string) {
			t.Helper()
			if got := strings.Join(read(t, s, id).Tags, " "); got != want {
				t.Errorf("%s: got tags %q, want %q", what, got, want)
			}
		}
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO account (id, name, alias, path, scan, taken, tried, problem, risk, summary) VALUES ('444455556666', '', '', '["r-ab12","ou-ab12-c3d4e5f6"]', '', 0, 0, '', 0, '{}')`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := func(s *alert.Sighting) { s.Account = "444455556666" }
		apply(t, s, k, at(0), sighting("a", "t1", rootkeep.Low, 1), sighting("b", "t2", rootkeep.Low, 1, elsewhere))
		tags("by account", "AL-A", "attack.persistence attack.t1 guide prod")
		tags("by unit", "AL-B", "attack.persistence attack.t2 guide web")
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := d.Tag(ctx, tx, ann, "AL-A", read(t, s, "AL-A").Revision, []string{"known"}, []string{"guide", "prod"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, k, at(time.Minute), sighting("a", "t1", rootkeep.Low, 3))
		tags("what people took off stays off", "AL-A", "attack.persistence attack.t1 known")
		more := func(s *alert.Sighting) { s.Rules = append(s.Rules, rootkeep.RuleHit{Name: "t9"}) }
		apply(t, s, k, at(2*time.Minute), sighting("a", "t1", rootkeep.Low, 4, more))
		tags("another rule brings its own", "AL-A", "attack.persistence attack.t1 attack.t9 guide known")
		several := func(accounts ...rootkeep.AccountID) func(*alert.Sighting) {
			return func(s *alert.Sighting) { s.Account, s.Accounts = "", accounts }
		}
		apply(t, s, k, at(3*time.Minute), sighting("c", "t3", rootkeep.Low, 2, several("444455556666", "777788889999")))
		tags("by one of its accounts", "AL-C", "attack.persistence attack.t3 guide web")
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := d.Tag(ctx, tx, ann, "AL-C", read(t, s, "AL-C").Revision, nil, []string{"web"})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, k, at(4*time.Minute), sighting("c", "t3", rootkeep.Low, 3, several(account, "444455556666", "777788889999")))
		tags("another account brings its own", "AL-C", "attack.persistence attack.t3 guide prod")
	})
}

// A storm goes where its members would have gone.
func TestAStormHasTheTagsOfItsMembers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := tagging(t)
		var list []alert.Sighting
		for i := range 4 {
			list = append(list, sighting(fmt.Sprint(i), "t1", rootkeep.Low, 1))
		}
		apply(t, s, k, at(0), list...)
		storm := read(t, s, read(t, s, "AL-3").MutedBy)
		if got := strings.Join(storm.Tags, " "); got != "attack.persistence attack.t1 guide prod" {
			t.Errorf("got tags %q of the storm", got)
		}
	})
}

func TestTagsThatAreGivenLeaveRoom(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("t%02d", i))
	}
	a := &alert.Alert{Tags: []string{"own"}}
	if a.Give(append(many[:23:23], "own", "No Tag")); a.Untagged {
		t.Error("got an alert without room for what is no tag, or is there")
	}
	if a.Give(many); len(a.Tags) != alert.MostGiven || a.Tags[0] != "own" || !a.Untagged {
		t.Errorf("got %d tags, no room %v, want %d and the one that was there", len(a.Tags), a.Untagged, alert.MostGiven)
	}
}

// A session that is explained grows quietly: what it grows by has its tags, for when it is
// explained no more.
func TestAnExplainedAlertGetsTheTagsOfItsRules(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := tagging(t)
		arrives(t, s, "e1", "e2")
		ruled(t, s, rootkeep.Explained, "RR-1", "e1", "e2")
		apply(t, s, k, at(0), session("e1"))
		more := session("e1", "e2")
		more.Rules = append(more.Rules, rootkeep.RuleHit{Name: "root-key"})
		apply(t, s, k, at(time.Minute), more)
		apply(t, s, k, at(2*time.Minute), more)
		a := read(t, s, "AL-R")
		if got, want := strings.Join(a.Tags, " "), "attack.persistence attack.root-activity attack.root-key guide prod"; a.State != alert.Closed || got != want {
			t.Errorf("got %s, with the tags %q, want it closed, with %q", a.State, got, want)
		}
	})
}
