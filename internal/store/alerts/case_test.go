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
	"github.com/rootkeep/rootkeep/internal/store"
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
