package alerts_test

import (
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
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
		if a.State != alert.Closed || a.Reason != "over: archived in GuardDuty" || !a.Closed.Equal(at(4*time.Minute)) {
			t.Errorf("got %s, %q at %s, want it closed as of when it was archived", a.State, a.Reason, a.Closed)
		}
		apply(t, s, k, at(6*time.Minute), found(anomaly, 2, 3*time.Minute)) // sent before that
		if a = read(t, s, a.ID); a.State != alert.Closed {
			t.Errorf("got %s by what is older, want it closed", a.State)
		}
		apply(t, s, k, at(8*time.Minute), found(anomaly, 2, 7*time.Minute))
		same(t, "it is back", acts(read(t, s, a.ID)), "opened", "closed", "reopened")
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
