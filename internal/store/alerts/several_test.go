package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

const another = rootkeep.AccountID("444455556666")

// several makes a sighting one about two accounts.
func several(s *alert.Sighting) {
	s.Account, s.Accounts, s.Several = "", []rootkeep.AccountID{account, another}, true
}

// What comes to be about several accounts is nobody's who works at one of them, hidden by no
// suppression of one, and of the tags of all.
func TestAnAlertComesToBeAboutSeveral(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := tagging(t)
		d := &alerts.Desk{Keeper: k}
		scope := people.Scope("account:" + string(account))
		bob := someone(t, s, "Bob", people.Grant{Role: people.Responder, Scope: scope})
		hide(t, s, d, bob)
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO account (id, name, alias, path, scan, taken, tried, problem, risk, summary) VALUES ('444455556666', '', '', '["r-ab12","ou-ab12-c3d4e5f6"]', '', 0, 0, '', 0, '{}')`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "while it is of one account", apply(t, s, k, at(0), sighting("a", "spray", rootkeep.High, 11)))
		if a := read(t, s, "AL-A"); a.Muted != alert.BySuppression {
			t.Errorf("muted: got %q, want %q", a.Muted, alert.BySuppression)
		}
		same(t, "once it is of several", apply(t, s, k, at(time.Minute), sighting("a", "spray", rootkeep.High, 19, several)), "AL-A opened")
		a := read(t, s, "AL-A")
		if got, want := strings.Join(a.Tags, " "), "attack.persistence attack.spray guide prod web"; got != want {
			t.Errorf("tags: got %q, want %q", got, want)
		}
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := d.Close(ctx, tx, bob, "AL-A", a.Revision, "mine alone")
			return err
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("closing it for one account: got %v, want that there is none", err)
		}
	})
}

func TestAnAlertOfRootInSeveralAccountsIsToldBesideTheCase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		mine := func(s *alert.Sighting) { s.Account = another }
		apply(t, s, k, at(0), sighting("a", "root-failures", rootkeep.High, 5, mine))
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE alert SET incident = 'CS-1', muted = 'case', told = 0 WHERE id = 'AL-A'`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "of several", apply(t, s, k, at(time.Minute), sighting("a", "root-failures", rootkeep.Informational, 9, several)), "AL-A opened")
	})
}

// A hunt over more logs finds more accounts in an alert, one over fewer finds fewer.
func TestHuntsFindMoreAndFewerAccountsInAnAlert(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		hunted := func(found alert.Sighting) error {
			return s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return alerts.Hunted(ctx, tx, []rootkeep.Alert{found.Alert})
			})
		}
		elsewhere := func(s *alert.Sighting) { s.Account = "999999999999" }
		for _, step := range []struct {
			name  string
			found alert.Sighting
			other bool
			count int
		}{
			{"of one account", sighting("a", "spray", rootkeep.High, 11), false, 11},
			{"of several, this one among them", sighting("a", "spray", rootkeep.High, 19, several), false, 19},
			{"of one of them, which says less", sighting("a", "spray", rootkeep.High, 30), false, 19},
			{"of an account that is none of them", sighting("a", "spray", rootkeep.High, 40, elsewhere), true, 19},
		} {
			if err := hunted(step.found); errors.Is(err, alerts.ErrOther) != step.other || err != nil && !step.other {
				t.Fatalf("%s: got %v, want refused %v", step.name, err, step.other)
			}
			if got := read(t, s, "AL-A").Found.Count; got != step.count {
				t.Errorf("%s: got %d events, want %d", step.name, got, step.count)
			}
		}
	})
}

// hide suppresses the rule in the account.
func hide(t *testing.T, s *store.Store, d *alerts.Desk, actor people.Actor) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := d.Suppress(ctx, tx, actor, alert.Suppression{
			Reason: "known", Expires: tx.Now().Add(48 * time.Hour), Owner: actor.ID, Scope: alert.Scope{Rule: "spray", Account: account},
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What is done with the case of one account is said of that one: an alert that came to be about
// several goes on by itself.
func TestTheCaseOfOneAccountDoesNotEndAnAlertAboutSeveral(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		failedSignIns(t, s, "e1", "e2", "e3", "e4", "e5")
		c := theCase(t, s)
		same(t, "of one account", apply(t, s, k, at(0), attempts("a", rootkeep.High, 5)), "AL-A opened")
		if a := read(t, s, "AL-A"); a.Case != c.ID {
			t.Fatalf("got case %q, want %s", a.Case, c.ID)
		}
		apply(t, s, k, at(time.Minute), attempts("a", rootkeep.High, 19, several))
		if a := read(t, s, "AL-A"); a.Case != "" || a.State != alert.New {
			t.Errorf("got case %q, %s, want none, new", a.Case, a.State)
		}
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.ExecOne(ctx, `UPDATE incident SET owner = 'PE-1' WHERE id = $1`, c.ID)
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "somebody has the case of the one account", tend(t, s, k, at(3*time.Hour)), "AL-A escalated")
		closed(t, s, c.ID, at(3*time.Hour))
		tend(t, s, k, at(3*time.Hour+time.Minute))
		if a := read(t, s, "AL-A"); a.State != alert.New {
			t.Errorf("got %s, %q, want it new: the case of one account is closed", a.State, a.Reason)
		}
	})
}

// Who acknowledged an alert knew of one account: that it is about others is told, to whom they
// are, and not for each of thousands.
func TestAnAlertThatSpreadsIsToldAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		d := &alerts.Desk{Keeper: k}
		bob := someone(t, s, "Bob", people.Grant{Role: people.Responder, Scope: people.Scope("account:" + string(account))})
		ann := someone(t, s, "Ann", everywhere)
		take := func(who people.Actor) {
			t.Helper()
			revision := read(t, s, "AL-A").Revision
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := d.Acknowledge(ctx, tx, who, "AL-A", revision, "mine")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		of := func(n, omitted int) alert.Sighting {
			x := sighting("a", "spray", rootkeep.High, 100+n+omitted, several)
			for i := range n - 2 {
				x.Accounts = append(x.Accounts, rootkeep.AccountID(fmt.Sprintf("7000000000%02d", i)))
			}
			x.AccountsOmitted = omitted
			return x
		}
		same(t, "of one account", apply(t, s, k, at(0), sighting("a", "spray", rootkeep.High, 11)), "AL-A opened")
		take(bob)
		same(t, "of two", apply(t, s, k, at(time.Minute), of(2, 0)), "AL-A reopened")
		if a := read(t, s, "AL-A"); a.State != alert.New || a.Owner != "" || a.Due.IsZero() {
			t.Errorf("got %s, with %q, due %v, want it new, nobody's, and due", a.State, a.Owner, a.Due)
		}
		same(t, "history", acts(read(t, s, "AL-A")), "opened", "acknowledged", "assigned", "reopened")
		due := read(t, s, "AL-A").Due
		same(t, "of three, before anybody looks", apply(t, s, k, at(2*time.Minute), of(3, 0)), "AL-A opened")
		if a := read(t, s, "AL-A"); !a.Due.Equal(due) {
			t.Errorf("got due %v, want %v as before: what spreads escalates no later", a.Due, due)
		}
		take(ann)
		same(t, "of more than it names", apply(t, s, k, at(3*time.Minute), of(64, 1)), "AL-A reopened")
		take(ann)
		if a := read(t, s, "AL-A"); a.Owner != ann.ID {
			t.Errorf("got it with %q, want with Ann, who works everywhere", a.Owner)
		}
		other := of(64, 900)
		other.Accounts[2] = "600000000000"
		same(t, "of a thousand", apply(t, s, k, at(4*time.Minute), other))
		if a := read(t, s, "AL-A"); a.State != alert.Acknowledged {
			t.Errorf("got %s, want it acknowledged as it was", a.State)
		}
	})
}

// One more account is told of an alert that somebody has, who keeps it until it is of twice as
// many.
func TestAnAlertThatSomebodyHasSpreads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		d := &alerts.Desk{Keeper: k}
		ann := someone(t, s, "Ann", everywhere)
		apply(t, s, k, at(0), sighting("a", "spray", rootkeep.High, 11, several))
		revision := read(t, s, "AL-A").Revision
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := d.Acknowledge(ctx, tx, ann, "AL-A", revision, "mine")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []alert.State{alert.Acknowledged, alert.New} {
			x := sighting("a", "spray", rootkeep.High, 12+i, several)
			x.Accounts = append(x.Accounts, []rootkeep.AccountID{"700000000001", "700000000002"}[:i+1]...)
			if got := apply(t, s, k, at(time.Minute), x); len(got) != 1 {
				t.Errorf("of %d accounts: got %v told, want one message", 3+i, got)
			}
			if a := read(t, s, "AL-A"); a.State != want || a.Owner != ann.ID || a.Due.IsZero() != (want == alert.Acknowledged) {
				t.Errorf("of %d accounts: got %s, with %q, due %v, want %s, with Ann", 3+i, a.State, a.Owner, a.Due, want)
			}
		}
	})
}

// A list by account has what is about it among others, and what may be.
func TestAlertsAreListedByEachOfTheirAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		const third = rootkeep.AccountID("777788889999")
		omitting := func(x *alert.Sighting) { several(x); x.AccountsOmitted = 3 }
		with := func(x *alert.Sighting) { several(x); x.Accounts = append(x.Accounts, third) }
		listed := func(what string, by rootkeep.AccountID, want ...string) {
			t.Helper()
			var got []string
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				list, _, err := alerts.List(ctx, r, sight.All(), alerts.Filter{Account: by}, "", 10)
				got = []string{}
				for _, a := range list {
					got = append(got, a.ID)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			same(t, what, got, want...)
		}
		apply(t, s, k, at(0), sighting("a", "spray", rootkeep.High, 11), sighting("b", "other", rootkeep.High, 11, several))
		listed("the only one of A, one of B", account, "AL-A", "AL-B")
		listed("one of B", another, "AL-B")
		listed("of neither", third)
		apply(t, s, k, at(time.Minute), sighting("a", "spray", rootkeep.High, 12, several), sighting("b", "other", rootkeep.High, 12, with))
		listed("A spread", another, "AL-A", "AL-B")
		listed("B spread", third, "AL-B")
		apply(t, s, k, at(2*time.Minute), sighting("a", "spray", rootkeep.High, 13, omitting))
		listed("A may be about everything", third, "AL-A", "AL-B")
		listed("nobody's", "000000000000", "AL-A")
	})
}
