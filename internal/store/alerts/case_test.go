package alerts_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// failedSignIns keeps failed sign-ins of root, which are a case of medium severity.
func failedSignIns(t *testing.T, s *store.Store, ids ...string) {
	t.Helper()
	arrive(t, s, reconcile.Event{RootUse: rootkeep.RootUse{Kind: rootkeep.RootFailedSignIn, Source: "signin.amazonaws.com", Name: "ConsoleLogin"}}, ids)
}

// attempts is the alert of sign-ins of root that failed.
func attempts(key string, level rootkeep.Severity, count int, change ...func(*alert.Sighting)) alert.Sighting {
	return sighting(key, "root-signin-failures", level, count, append(change, func(s *alert.Sighting) {
		s.Kind, s.Actor = "correlation", rootkeep.Actor{Type: "Root", Principal: "root of 111122223333"}
	})...)
}

func TestACaseTellsOfNoMoreThanItsSeverity(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		failedSignIns(t, s, "e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9", "e10")
		c := theCase(t, s)
		if c.Severity != rootkeep.Medium {
			t.Fatalf("got a case of severity %s, want medium", c.Severity)
		}
		same(t, "an attempt is told by the case", apply(t, s, k, at(0), attempts("one", rootkeep.Medium, 1)))
		same(t, "five are more", apply(t, s, k, at(0), attempts("five", rootkeep.High, 5)), "AL-FIVE opened")
		same(t, "ten escalate", apply(t, s, k, at(time.Second), attempts("five", rootkeep.Critical, 10, escalated)), "AL-FIVE escalated")
		same(t, "the second threshold at once, of a rule that is no more severe", apply(t, s, k, at(time.Second), attempts("ten", rootkeep.Medium, 10, escalated)), "AL-TEN opened")
		if a := read(t, s, "AL-FIVE"); a.Case != c.ID || a.Muted != "" {
			t.Errorf("got case %q, muted by %q, want %s and told", a.Case, a.Muted, c.ID)
		}
		closed(t, s, c.ID, at(time.Minute))
		tend(t, s, k, at(2*time.Minute))
		for _, id := range []string{"AL-ONE", "AL-FIVE", "AL-TEN"} {
			if a := read(t, s, id); a.State != alert.Closed || !strings.HasPrefix(a.Reason, "case "+c.ID) {
				t.Errorf("%s: got %s, %q, want it closed with its case", id, a.State, a.Reason)
			}
		}
	})
}

func closed(t *testing.T, s *store.Store, id string, now time.Time) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.ExecOne(ctx, `UPDATE incident SET state = 'closed', closed = $2 WHERE id = $1`, id, store.Micros(now))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestACaseThatNobodyTakesEscalates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		arrives(t, s, "e1", "e2")
		key := sighting("key", "root-key-made", rootkeep.High, 1, func(s *alert.Sighting) { s.Actor = rootkeep.Actor{Type: "Root", Principal: "root of 111122223333"} })
		same(t, "the case tells of both", apply(t, s, k, at(0), session("e1", "e2"), key))
		same(t, "before it is due", tend(t, s, k, at(14*time.Minute)))
		got := tend(t, s, k, at(15*time.Minute))
		if len(got) != 1 || !strings.HasSuffix(got[0], " escalated") {
			t.Fatalf("after a quarter of an hour, the time of critical ones: got %v, want one of the two", got)
		}
		same(t, "the other one stays with the case", tend(t, s, k, at(16*time.Minute)))
		same(t, "again", tend(t, s, k, at(30*time.Minute)), got...)
		id, _, _ := strings.Cut(got[0], " ")
		a := read(t, s, id)
		if i := slices.IndexFunc(a.History, func(l alert.Line) bool { return l.Act == alert.Escalated }); i < 0 || !strings.Contains(a.History[i].About, a.Case) {
			t.Errorf("got the history %v, want an escalation that names %s", a.History, a.Case)
		}
	})
}

func TestACaseThatSomebodyHasDoesNotEscalate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		arrives(t, s, "e1", "e2")
		apply(t, s, k, at(0), session("e1", "e2"))
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.ExecOne(ctx, `UPDATE incident SET owner = 'PE-1' WHERE id = $1`, theCase(t, s).ID)
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "somebody has the case", tend(t, s, k, at(time.Hour)))
		if a := read(t, s, "AL-R"); !a.Due.IsZero() || a.Muted != alert.ByCase {
			t.Errorf("got due %v, muted by %q, want never, by its case", a.Due, a.Muted)
		}
	})
}

// A case that is opened again is nobody's, and escalates whatever was done before it was closed.
func TestACaseThatIsOpenedAgainEscalates(t *testing.T) {
	for _, test := range []struct {
		name  string
		grown bool // its alert holds the event that opened the case again
		late  time.Duration
	}{
		{"its alert has what happened", true, 2 * time.Minute},
		{"its alert had it before the case did, and ended with it", false, 3 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				k := keeper(t)
				arrives(t, s, "e1", "e2")
				c := theCase(t, s)
				same(t, "the case tells of it", apply(t, s, k, at(0), session("e1", "e2")))
				took := func(state string) {
					t.Helper()
					err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						return tx.ExecOne(ctx, `UPDATE incident SET owner = 'PE-1', state = $2, closed = $3, reason = '' WHERE id = $1`, c.ID, state, store.Micros(at(time.Minute)))
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				took("closed")
				tend(t, s, k, at(time.Minute))
				if a := read(t, s, "AL-R"); a.State != alert.Closed {
					t.Fatalf("got %s, want it closed with its case", a.State)
				}
				if test.grown {
					apply(t, s, k, at(2*time.Minute), session("e1", "e2", "e3"))
				}
				arrives(t, s, "e1", "e2", "e3")
				if again := theCase(t, s); again.State != "open" || again.Owner != "" {
					t.Fatalf("got the case %s, with %q, want it open and nobody's", again.State, again.Owner)
				}
				same(t, "it is told by the case", tend(t, s, k, at(3*time.Minute)))
				a := read(t, s, "AL-R")
				if a.State != alert.New || a.Muted != alert.ByCase || !a.Due.Equal(at(test.late+15*time.Minute)) {
					t.Errorf("got %s, muted by %q, due %v, want it new with its case, and due in a quarter of an hour", a.State, a.Muted, a.Due)
				}
				same(t, "nobody takes it", tend(t, s, k, at(20*time.Minute)), "AL-R escalated")
			})
		})
	}
}

// What a case tells of escalates with it, whatever somebody put it off for, or took back.
func TestWhatACaseTellsOfEscalatesAgain(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(context.Context, *store.Tx, *alerts.Desk, people.Actor, *alerts.Alert) error
	}{
		{"an acknowledgement is taken back", func(ctx context.Context, tx *store.Tx, d *alerts.Desk, by people.Actor, a *alerts.Alert) error {
			a, err := d.Acknowledge(ctx, tx, by, a.ID, a.Revision, "")
			if err == nil {
				_, err = d.Reopen(ctx, tx, by, a.ID, a.Revision, "it is not mine")
			}
			return err
		}},
		{"a snooze is over", func(ctx context.Context, tx *store.Tx, d *alerts.Desk, by people.Actor, a *alerts.Alert) error {
			_, err := d.Snooze(ctx, tx, by, a.ID, a.Revision, at(time.Minute), "later")
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				k := keeper(t)
				ann := someone(t, s, "Ann", everywhere)
				arrives(t, s, "e1", "e2")
				low := session("e1", "e2")
				low.Level = rootkeep.Low
				same(t, "the case tells of it", apply(t, s, k, at(0), low))
				a := read(t, s, "AL-R")
				err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
					return test.do(ctx, tx, &alerts.Desk{Keeper: k}, ann, a)
				})
				if err != nil {
					t.Fatal(err)
				}
				same(t, "it is the case's", tend(t, s, k, at(2*time.Minute)))
				if a := read(t, s, "AL-R"); a.State != alert.New || a.Muted != alert.ByCase {
					t.Fatalf("got %s, muted by %q, want it new, by its case", a.State, a.Muted)
				}
				same(t, "nobody takes it", tend(t, s, k, at(time.Hour)), "AL-R escalated")
			})
		})
	}
}

// An alert that escalated because nobody took its case ends with that, and is new again with it.
func TestAnAlertThatEscalatedIsNewAgainWithItsCase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		arrives(t, s, "e1", "e2")
		apply(t, s, k, at(0), session("e1", "e2"))
		same(t, "nobody takes it", tend(t, s, k, at(15*time.Minute)), "AL-R escalated")
		closed(t, s, theCase(t, s).ID, at(20*time.Minute))
		same(t, "it ends with its case", tend(t, s, k, at(20*time.Minute)), "AL-R closed")
		arrives(t, s, "e1", "e2", "e3")
		same(t, "the case is open again", tend(t, s, k, at(21*time.Minute)), "AL-R reopened")
		same(t, "once", tend(t, s, k, at(22*time.Minute)))
		same(t, "nobody takes it again", tend(t, s, k, at(40*time.Minute)), "AL-R escalated")
	})
}

// A rule that is put on trial while a case tells of its alert: nothing is due until it counts.
func TestARuleOfACaseIsPutOnTrial(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		arrives(t, s, "e1", "e2", "e3", "e4")
		apply(t, s, k, at(0), session("e1", "e2"))
		trial := session("e1", "e2", "e3")
		trial.DryRun = true
		apply(t, s, k, at(time.Minute), trial)
		for _, after := range []time.Duration{20 * time.Minute, 21 * time.Minute} {
			same(t, "on trial", tend(t, s, k, at(after)))
		}
		a := read(t, s, "AL-R")
		if a.Muted != alert.ByDryRun || !a.Due.IsZero() {
			t.Errorf("got muted by %q, due %v, want on trial, never", a.Muted, a.Due)
		}
		same(t, "history", acts(a), "opened", "linked")
		same(t, "it counts", apply(t, s, k, at(30*time.Minute), session("e1", "e2", "e3", "e4")))
		same(t, "nobody takes it", tend(t, s, k, at(45*time.Minute)), "AL-R escalated")
	})
}
