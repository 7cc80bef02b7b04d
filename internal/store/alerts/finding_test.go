package alerts_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// found is a finding of GuardDuty, as it is heard some time after noon.
func found(kind string, count int, heard time.Duration, change ...func(*alert.Sighting)) alert.Sighting {
	s := sighting("finding/1", "guardduty/"+kind, rootkeep.Medium, count, change...)
	s.Kind, s.Heard, s.Last = alert.FindingKind, at(heard), at(heard)
	return s
}

func over(s *alert.Sighting) { s.Over = "archived in GuardDuty" }

func ofRoot(s *alert.Sighting) {
	s.Level, s.Actor = rootkeep.High, rootkeep.Actor{Type: "Root", Principal: "root of 111122223333"}
}

const anomaly = "Discovery:IAMUser/AnomalousBehavior"

func TestAFindingEndsWhereItWasFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		same(t, "what passed before anybody knew of it", apply(t, s, k, at(0), found(anomaly, 1, 0, over)))
		apply(t, s, k, at(time.Minute), found(anomaly, 2, time.Minute))
		same(t, "the same again", apply(t, s, k, at(2*time.Minute), found(anomaly, 2, time.Minute)))
		apply(t, s, k, at(3*time.Minute), found(anomaly, 1, 30*time.Second)) // older: it came late
		a := read(t, s, "AL-FINDING/1")
		if a.Found.Count != 2 || a.State != alert.New {
			t.Errorf("got %d events, %s, want 2, new", a.Found.Count, a.State)
		}
		apply(t, s, k, at(5*time.Minute), found(anomaly, 2, 4*time.Minute, over))
		a = read(t, s, a.ID)
		if a.State != alert.Closed || a.Reason != "over: archived in GuardDuty" || !a.Closed.Equal(at(5*time.Minute)) {
			t.Errorf("got %s, %q at %s, want it closed when that was heard", a.State, a.Reason, a.Closed)
		}
		apply(t, s, k, at(6*time.Minute), found(anomaly, 2, 3*time.Minute)) // sent before that
		if a = read(t, s, a.ID); a.State != alert.Closed {
			t.Errorf("got %s by what is older, want it closed", a.State)
		}
		apply(t, s, k, at(8*time.Minute), found(anomaly, 2, 7*time.Minute))
		same(t, "it is back", acts(read(t, s, a.ID)), "opened", "closed", "reopened")
	})
}

// Security Hub changes the workflow of a finding without its time: what was sent last holds,
// in whatever order it comes, and of what was sent at once what came last.
func TestAFindingWhoseTimeStays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		for i, step := range []struct {
			name  string
			sent  time.Duration
			over  bool
			state alert.State
			lines string
		}{
			{"new", time.Minute, false, alert.New, "opened"},
			{"resolved", 2 * time.Minute, true, alert.Closed, "opened closed"},
			{"new again, at the same moment", 2 * time.Minute, false, alert.New, "opened closed reopened"},
			{"resolved before that, and late", 90 * time.Second, true, alert.New, "opened closed reopened"},
			{"notified", 4 * time.Minute, false, alert.New, "opened closed reopened"},
			{"resolved before that", 3 * time.Minute, true, alert.New, "opened closed reopened"},
			{"resolved", 5 * time.Minute, true, alert.Closed, "opened closed reopened closed"},
			{"archived as well", 7 * time.Minute, true, alert.Closed, "opened closed reopened closed"},
			{"new before that", 6 * time.Minute, false, alert.Closed, "opened closed reopened closed"},
			{"new after it", 8 * time.Minute, false, alert.New, "opened closed reopened closed reopened"},
			{"resolved, by a clock that is a day ahead", 24 * time.Hour, true, alert.Closed, "opened closed reopened closed reopened closed"},
			{"new, by one that is right", 30 * time.Minute, false, alert.New, "opened closed reopened closed reopened closed reopened"},
		} {
			f := found(anomaly, 1, 0)
			if step.over {
				over(&f)
			}
			now := at(10*time.Minute + time.Duration(i)*time.Second)
			f.Heard = at(step.sent)
			apply(t, s, k, now, f)
			a := read(t, s, "AL-FINDING/1")
			if got := strings.Join(acts(a), " "); a.State != step.state || got != step.lines {
				t.Fatalf("%s: got %s, %s, want %s, %s", step.name, a.State, got, step.state, step.lines)
			}
			if a.State == alert.Closed && a.Closed.Before(a.Opened) {
				t.Errorf("%s: got it closed at %v, before it was opened at %v", step.name, a.Closed, a.Opened)
			}
		}
	})
}

func TestAFindingAboutRootJoinsTheCaseOfItsUse(t *testing.T) {
	for _, test := range []struct {
		name, kind string
		want       alert.State // once the use is explained
	}{
		{"that root was used is explained by a request", "Policy:IAMUser/RootCredentialUsage", alert.Closed},
		{"where root came from is not", "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B", alert.New},
	} {
		storetest.Each(t, func(t *testing.T, s *store.Store) {
			k := keeper(t)
			arrives(t, s, "e1")
			f := found(test.kind, 1, 0, ofRoot)
			f.First, f.Last = at(-2*time.Hour), at(0)
			same(t, "the case tells of it", apply(t, s, k, at(0), f))
			a, c := read(t, s, "AL-FINDING/1"), theCase(t, s)
			if a.Case != c.ID || a.Muted != alert.ByCase || a.Verdict != rootkeep.Unexplained {
				t.Errorf("%s: got case %q, muted by %q, verdict %s, want case %s", test.name, a.Case, a.Muted, a.Verdict, c.ID)
			}
			ruled(t, s, rootkeep.Explained, "RR-1", "e1")
			tend(t, s, k, at(time.Minute))
			if a := read(t, s, a.ID); a.State != test.want {
				t.Errorf("%s: got %s, want %s", test.name, a.State, test.want)
			}
		})
	}
}

// A finding may be suppressed where it is named; what it turns into later may not be hidden.
func TestAFindingThatIsSuppressed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		d := &alerts.Desk{Keeper: k}
		ann := someone(t, s, "Ann", everywhere)
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := d.Suppress(ctx, tx, ann, alert.Suppression{
				Reason: "the honeypot", Expires: tx.Now().Add(24 * time.Hour), Scope: alert.Scope{Rule: "guardduty/" + anomaly, Account: account},
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "nobody is told", apply(t, s, k, at(0), found(anomaly, 1, 0)))
		if a := read(t, s, "AL-FINDING/1"); a.Muted != alert.BySuppression {
			t.Errorf("got muted by %q, want the suppression", a.Muted)
		}
		other := found("Recon:IAMUser/TorIPCaller", 1, 0)
		other.Key, other.ID = "finding/2", "AL-FINDING/2"
		same(t, "another type is told", apply(t, s, k, at(time.Minute), other), "AL-FINDING/2 opened")
	})
}

// Findings that ended before it was kept when the service said so end no less: an older copy
// that was still on its way does not open them.
func TestAFindingThatEndedWithoutATime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		came, ended := found(anomaly, 1, 0), found(anomaly, 1, 0, over)
		came.Heard, ended.Heard = time.Time{}, time.Time{}
		apply(t, s, k, at(0), came)
		apply(t, s, k, at(10*time.Minute), ended)
		for i, step := range []struct {
			name  string
			heard time.Duration
			state alert.State
		}{
			{"sent before it ended", 9 * time.Minute, alert.Closed},
			{"sent after it ended", 11 * time.Minute, alert.New},
		} {
			f := found(anomaly, 1, 0)
			f.Heard = at(step.heard)
			apply(t, s, k, at(12*time.Minute+time.Duration(i)*time.Second), f)
			if a := read(t, s, "AL-FINDING/1"); a.State != step.state {
				t.Errorf("%s: got %s, %q, want %s", step.name, a.State, a.Reason, step.state)
			}
		}
	})
}

func TestAClockThatIsSetBackUndoesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		d := &alerts.Desk{Keeper: k}
		ann := someone(t, s, "Ann", everywhere)
		apply(t, s, k, at(0), found(anomaly, 1, -10*time.Minute))
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			made, err := d.Suppress(ctx, tx, ann, alert.Suppression{Reason: "known", Expires: tx.Now().Add(24 * time.Hour), Scope: alert.Scope{Rule: "spray"}})
			if err != nil {
				return err
			}
			return tx.ExecOne(ctx, `UPDATE suppression SET expires = $2 WHERE id = $1`, made.ID, store.Micros(at(-time.Hour)))
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "a suppression that had expired", apply(t, s, k, at(-48*time.Hour), sighting("a", "spray", rootkeep.High, 1)), "AL-A opened")
		apply(t, s, k, at(-48*time.Hour), found(anomaly, 2, -5*time.Minute))
		if a := read(t, s, "AL-FINDING/1"); a.Found.Count != 2 {
			t.Errorf("got %d events of a finding, want 2: it is newer than what is known", a.Found.Count)
		}
	})
}

// Whoever closed a finding did so of what it was then: a check that passed meanwhile and fails
// again has the same ID and as many events.
func TestAFindingThatSomebodyClosedComesBackAfterItWasOver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := alert.Default()
		p.Storm.Most = 1
		k, err := alerts.New(p, guarded)
		if err != nil {
			t.Fatal(err)
		}
		d := &alerts.Desk{Keeper: k}
		ann := someone(t, s, "Ann", everywhere)
		check := func(key string, heard time.Duration, change ...func(*alert.Sighting)) alert.Sighting {
			x := sighting(key, "securityhub/IAM.1", rootkeep.High, 1, change...)
			x.Kind, x.Heard, x.Last = alert.FindingKind, at(heard), at(0)
			return x
		}
		closed := func(id string) {
			t.Helper()
			revision := read(t, s, id).Revision
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := d.Close(ctx, tx, ann, id, revision, "mended")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		same(t, "one, and a storm", apply(t, s, k, at(0), check("a", 0), check("b", 0)), "AL-A opened", "storm of 1 opened")
		closed("AL-A")
		closed(read(t, s, "AL-B").MutedBy)
		same(t, "the same finding again", apply(t, s, k, at(time.Hour), check("a", time.Hour), check("b", time.Hour)))
		same(t, "the checks pass", apply(t, s, k, at(2*time.Hour), check("a", 2*time.Hour, over), check("b", 2*time.Hour, over)))
		same(t, "what was sent before that", apply(t, s, k, at(3*time.Hour), check("a", time.Hour), check("b", time.Hour)))
		same(t, "the check of one fails", apply(t, s, k, at(400*time.Hour), check("a", 400*time.Hour)), "AL-A reopened")
		same(t, "and that of the member of the storm, later", apply(t, s, k, at(500*time.Hour), check("b", 500*time.Hour)), "AL-B reopened")
		closed("AL-A")
		same(t, "the same again, closed while it holds", apply(t, s, k, at(501*time.Hour), check("a", 501*time.Hour)))
	})
}
