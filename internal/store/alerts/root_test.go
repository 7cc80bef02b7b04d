package alerts_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// arrives keeps events of a session of root, and judges them: nothing covers them.
func arrives(t *testing.T, s *store.Store, ids ...string) {
	t.Helper()
	arrive(t, s, reconcile.Event{Created: at(-2 * time.Hour), RootUse: rootkeep.RootUse{Kind: rootkeep.RootCall, Source: "iam.amazonaws.com", Name: "ListUsers"}}, ids)
}

// arrive keeps events of root that are like one, and judges them.
func arrive(t *testing.T, s *store.Store, like reconcile.Event, ids []string) {
	t.Helper()
	like.Of, like.Account, like.Region, like.Address, like.Principal = account, account, "us-east-1", "192.0.2.7", "root of 111122223333"
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var list []reconcile.Event
		for i, id := range ids {
			like.ID, like.Time = id, at(-time.Hour+time.Duration(i)*time.Second)
			list = append(list, like)
		}
		touched, err := rootlog.Arrive(ctx, tx, "trail", nil, list)
		if err == nil {
			_, err = access.Judge(ctx, tx, touched)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ruled gives events another verdict, as if what explains them had arrived.
func ruled(t *testing.T, s *store.Store, v rootkeep.Verdict, request string, ids ...string) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, id := range ids {
			if err := tx.ExecOne(ctx, `UPDATE root_event SET verdict = $2, request = $3, judged = $4 WHERE event = $1`, id, string(v), request, store.Micros(tx.Now())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// session is the alert of a session of root with these events.
func session(ids ...string) alert.Sighting {
	return sighting("r", "root-activity", rootkeep.High, len(ids), func(s *alert.Sighting) {
		s.Kind, s.Actor = "session", rootkeep.Actor{Type: "Root", Principal: "root of 111122223333"}
		for _, id := range ids {
			s.Events = append(s.Events, rootkeep.Event{ID: id, Account: account})
		}
	})
}

func theCase(t *testing.T, s *store.Store) *incident.Case {
	t.Helper()
	var list []*incident.Case
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		list, err = incident.List(ctx, r, sight.All(), incident.Filter{Limit: 5})
		return err
	})
	if err != nil || len(list) != 1 {
		t.Fatalf("got %d cases, %v, want one", len(list), err)
	}
	return list[0]
}

func TestAUseOfRootIsToldOnceWithItsCase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		arrives(t, s, "e1", "e2")
		same(t, "the case tells of it", apply(t, s, k, at(0), session("e1", "e2")))
		a, c := read(t, s, "AL-R"), theCase(t, s)
		if a.Muted != alert.ByCase || a.Case != c.ID || a.Verdict != rootkeep.Unexplained || a.State != alert.New {
			t.Errorf("got muted by %q, case %s, verdict %s, %s, want by its case %s, UNEXPLAINED, new", a.Muted, a.Case, a.Verdict, a.State, c.ID)
		}
		ruled(t, s, rootkeep.Explained, "RR-1", "e1")
		same(t, "one of two is explained", tend(t, s, k, at(time.Minute)))
		if a := read(t, s, "AL-R"); a.State != alert.New || a.Verdict != rootkeep.Unexplained {
			t.Errorf("got %s, %s, want it new, with the worst verdict", a.State, a.Verdict)
		}
		ruled(t, s, rootkeep.Explained, "RR-1", "e2")
		tend(t, s, k, at(2*time.Minute))
		if a := read(t, s, "AL-R"); a.State != alert.Closed || a.Reason != "explained: every root event in it is EXPLAINED, by RR-1" {
			t.Errorf("got %s, %q, want it closed as explained", a.State, a.Reason)
		}
		ruled(t, s, rootkeep.OutOfScope, "RR-1", "e2")
		tend(t, s, k, at(3*time.Minute))
		same(t, "history", acts(read(t, s, "AL-R")), "opened", "linked", "closed", "reopened")
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE incident SET state = 'closed' WHERE id = $1`, c.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		tend(t, s, k, at(4*time.Minute))
		if a := read(t, s, "AL-R"); a.State != alert.Closed || a.Reason != "case "+c.ID+" is closed" {
			t.Errorf("got %s, %q, want it closed with its case", a.State, a.Reason)
		}
	})
}

func TestUnknownIsNotExplained(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(t *testing.T, s *store.Store) alert.Sighting
		told bool // as an alert: no case tells of it
	}{
		{"an event that was not kept", func(t *testing.T, s *store.Store) alert.Sighting {
			arrives(t, s, "e1")
			ruled(t, s, rootkeep.Explained, "RR-1", "e1")
			return session("e1", "lost")
		}, false},
		{"more events than were kept, of those that are not named", func(t *testing.T, s *store.Store) alert.Sighting {
			arrives(t, s, "e1")
			ruled(t, s, rootkeep.Explained, "RR-1", "e1")
			x := session("e1")
			x.Count = 40
			return x
		}, false},
		{"a verdict that is missing", func(t *testing.T, s *store.Store) alert.Sighting {
			arrives(t, s, "e1", "e2")
			ruled(t, s, rootkeep.Explained, "RR-1", "e1")
			ruled(t, s, "", "", "e2")
			return session("e1", "e2")
		}, false},
		{"nothing known at all", func(*testing.T, *store.Store) alert.Sighting { return session("e1") }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				k := keeper(t)
				x := test.make(t, s)
				if got := apply(t, s, k, at(0), x); (len(got) > 0) != test.told {
					t.Errorf("got %v told, want told %v", got, test.told)
				}
				tend(t, s, k, at(time.Minute))
				if a := read(t, s, "AL-R"); a.State != alert.New || a.Verdict.Harmless() {
					t.Errorf("got %s, %q, want it new, and no harmless verdict", a.State, a.Verdict)
				}
			})
		})
	}
}

func TestAnExplainedSessionIsNeverTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		arrives(t, s, "e1", "e2", "e3")
		ruled(t, s, rootkeep.Drill, "RR-2", "e1", "e2", "e3")
		for n := 1; n <= 3; n++ {
			same(t, fmt.Sprintf("%d events", n), apply(t, s, k, at(time.Duration(n)*time.Second), session([]string{"e1", "e2", "e3"}[:n]...)))
		}
		a := read(t, s, "AL-R")
		if a.State != alert.Closed || a.Found.Count != 3 || a.Request != "RR-2" {
			t.Errorf("got %s of %d events, %s, want closed, 3, RR-2", a.State, a.Found.Count, a.Request)
		}
		same(t, "one line for each step, not for each event", acts(a), "opened", "linked", "closed")
	})
}

func TestASilentSourceIsAnAlert(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		look := func(now time.Time, names []string, list ...alerts.Worry) (out []string) {
			t.Helper()
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				c, err := k.Sources(ctx, tx, now, names, list)
				if err != nil {
					return err
				}
				out = []string{}
				for _, c := range c.Alerts {
					out = append(out, c.Found.Title+" "+string(c.Act))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		both := []string{"east", "west"}
		silent := alerts.Worry{Rule: "source-silent", Source: "east", Level: rootkeep.High, Since: at(-time.Hour), Title: "East is silent", Text: "since an hour"}
		lost := alerts.Worry{Rule: "source-fault", Source: "west", Level: rootkeep.Medium, Since: at(-time.Hour), Title: "West skipped objects", Loss: true}
		same(t, "two worries", look(at(0), both, silent, lost), "East is silent opened", "West skipped objects opened")
		same(t, "the same a minute later", look(at(time.Minute), both, silent, lost))
		same(t, "somebody else's sources", look(at(time.Minute), []string{"north"}))
		same(t, "nobody acknowledges", tend(t, s, k, at(time.Hour))[:1], firstOf(t, s, "east")+" escalated")
		same(t, "it speaks again, and what was lost stays lost", look(at(2*time.Hour), both), "East is silent closed")
		silent.Since = at(3 * time.Hour)
		same(t, "silent once more", look(at(4*time.Hour), both, silent), "East is silent opened")
		same(t, "well", look(at(5*time.Hour), both), "East is silent closed")
		same(t, "it comes back within the hour", look(at(5*time.Hour+time.Minute), both, silent))
		same(t, "and stays", look(at(6*time.Hour), both, silent), "East is silent reopened")
		same(t, "the same", look(at(6*time.Hour+time.Minute), both, silent))
	})
}

// What is wrong has one alert a day, however often it comes and goes, with the times at which
// it was seen.
func TestASourceThatCannotReadSaysSince(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		noon := start.Truncate(24 * time.Hour).Add(36 * time.Hour)
		fault := alerts.Worry{Rule: "source-fault", Source: "east", Level: rootkeep.Medium, Daily: true, Title: "East cannot read something"}
		lost := fault
		lost.Loss, lost.Title = true, "Objects of east were skipped"
		of := func(kind string) *alerts.Alert {
			t.Helper()
			var ids []string
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
				ids, err = store.Texts(ctx, r, `SELECT id FROM alert WHERE kind = $1`, kind)
				return err
			})
			if err != nil || len(ids) != 1 {
				t.Fatalf("alerts of the kind %s: %v, %v, want one", kind, ids, err)
			}
			return read(t, s, ids[0])
		}
		for _, step := range []struct {
			name        string
			after       time.Duration // noon
			well        bool
			fault, lost time.Duration // until when they were seen
		}{
			{name: "the first time"},
			{name: "a minute later", after: time.Minute, lost: time.Minute},
			{name: "well", after: 2 * time.Minute, well: true, lost: time.Minute},
			{name: "back within the hour", after: 3 * time.Minute, lost: 3 * time.Minute},
			{name: "back to stay", after: 2 * time.Hour, lost: 2 * time.Hour},
			{name: "before midnight", after: 11 * time.Hour, lost: 11 * time.Hour},
		} {
			now := noon.Add(step.after)
			fault.Since, lost.Since = now, now
			list := []alerts.Worry{fault, lost}
			if step.well {
				list = nil
			}
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := k.Sources(ctx, tx, now, []string{"east"}, list)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for kind, last := range map[string]time.Duration{alerts.SourceKind: step.fault, alerts.LossKind: step.lost} {
				f := of(kind).Found
				if !f.First.Equal(noon) || !f.Last.Equal(noon.Add(last)) {
					t.Errorf("%s: got %s from %v to %v, want from %v for %v", step.name, kind, f.First, f.Last, noon, last)
				}
			}
		}
		same(t, "the fault", acts(of(alerts.SourceKind)), "opened", "closed", "reopened")
		same(t, "what was lost", acts(of(alerts.LossKind)), "opened")
	})
}

// One fault after the other is one alert while the source is not well, which says what is wrong.
func TestAnotherFaultOfASourceIsShown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		for i, text := range []string{"access denied", "access denied", "the bucket is gone"} {
			w := alerts.Worry{Rule: "source-fault", Source: "east", Level: rootkeep.Medium, Daily: true, Since: at(time.Duration(i) * time.Minute), Title: "East cannot read something", Text: text}
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := k.Sources(ctx, tx, w.Since, []string{"east"}, []alerts.Worry{w})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			a := read(t, s, firstOf(t, s, "east"))
			if got := strings.Join(a.Found.Notes, "; "); got != text || len(a.History) != 1 {
				t.Errorf("got the notes %q, history %v, want %q and one line", got, acts(a), text)
			}
		}
	})
}

// Whoever says what skipped objects mean says so of those that were skipped by then.
func TestWhatIsSkippedAfterACloseIsTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		d := &alerts.Desk{Keeper: k}
		ann := someone(t, s, "Ann", everywhere)
		noon := start.Truncate(24 * time.Hour).Add(36 * time.Hour)
		skipped := func(at, last time.Duration) (out []string) {
			t.Helper()
			w := alerts.Worry{Rule: "source-fault", Source: "east", Level: rootkeep.Medium, Daily: true, Loss: true, Since: noon.Add(last), Title: "Objects of east were skipped"}
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				c, err := k.Sources(ctx, tx, noon.Add(at), []string{"east"}, []alerts.Worry{w})
				if err == nil {
					out = told(c)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		skipped(0, 0)
		id := firstOf(t, s, "east")
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := d.Close(ctx, tx, ann, id, 1, "not of a trail"); err != nil {
				return err
			}
			return tx.ExecOne(ctx, `UPDATE alert SET closed = $2, decided = $2 WHERE id = $1`, id, store.Micros(noon.Add(time.Hour)))
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "what was skipped before that", skipped(2*time.Hour, 30*time.Minute))
		same(t, "more", skipped(3*time.Hour, 3*time.Hour), id+" reopened")
		same(t, "the same", skipped(4*time.Hour, 3*time.Hour))
		a := read(t, s, id)
		if last := a.History[len(a.History)-1].About; !strings.Contains(last, "not of a trail") || !a.Found.Last.Equal(noon.Add(3*time.Hour)) {
			t.Errorf("got %q, last at %v, want why it was closed, and when more was skipped", last, a.Found.Last)
		}
	})
}

func firstOf(t *testing.T, s *store.Store, source string) string {
	t.Helper()
	var ids []string
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		ids, err = store.Texts(ctx, r, `SELECT id FROM alert WHERE principal = $1 ORDER BY seen`, source)
		return err
	})
	if err != nil || len(ids) == 0 {
		t.Fatalf("alerts of source %s: %v, %v", source, ids, err)
	}
	return ids[0]
}

func TestSuppressions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		d := &alerts.Desk{Keeper: k}
		ann := someone(t, s, "Ann", everywhere)
		vic := someone(t, s, "Vic")
		make := func(x alert.Suppression) (id string, err error) {
			err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				made, err := d.Suppress(ctx, tx, ann, x)
				if err == nil {
					id = made.ID
				}
				return err
			})
			return id, err
		}
		week := at(7 * 24 * time.Hour)
		for name, test := range map[string]struct {
			given alert.Suppression
			want  string
		}{
			"everything":            {alert.Suppression{Reason: "r", Expires: week}, "would hide everything"},
			"a root rule":           {alert.Suppression{Reason: "r", Expires: week, Scope: alert.Scope{Rule: "root-activity"}}, "never suppressed"},
			"a rule nobody knows":   {alert.Suppression{Reason: "r", Expires: week, Scope: alert.Scope{Rule: "unknown"}}, "never suppressed"},
			"root itself":           {alert.Suppression{Reason: "r", Expires: week, Scope: alert.Scope{Principal: "root of 111122223333"}}, "never suppressed"},
			"no reason":             {alert.Suppression{Expires: week, Scope: alert.Scope{Rule: "spray"}}, "reason is missing"},
			"for ever":              {alert.Suppression{Reason: "r", Expires: at(91 * 24 * time.Hour), Scope: alert.Scope{Rule: "spray"}}, "within 90 days"},
			"the past":              {alert.Suppression{Reason: "r", Expires: at(-time.Hour), Scope: alert.Scope{Rule: "spray"}}, "within 90 days"},
			"all of IPv4 as IPv6":   {alert.Suppression{Reason: "r", Expires: week, Scope: alert.Scope{Addresses: "::ffff:0.0.0.0/96"}}, "want a CIDR block"},
			"all of the internet":   {alert.Suppression{Reason: "r", Expires: week, Scope: alert.Scope{Addresses: "0.0.0.0/0"}}, "want a CIDR block"},
			"an address of a block": {alert.Suppression{Reason: "r", Expires: week, Scope: alert.Scope{Addresses: "192.0.2.7/24"}}, "want a CIDR block"},
			"an owner who may not":  {alert.Suppression{Reason: "r", Owner: vic.ID, Expires: week, Scope: alert.Scope{Rule: "spray"}}, "not allowed"},
			"an owner who is none":  {alert.Suppression{Reason: "r", Owner: "PE-GONE", Expires: week, Scope: alert.Scope{Rule: "spray"}}, "nobody active"},
		} {
			if _, err := make(test.given); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: got %v, want %q", name, err, test.want)
			}
		}
		id, err := make(alert.Suppression{Reason: "the scanner of the auditors", Expires: week, Scope: alert.Scope{Rule: "spray", Account: account, Addresses: "192.0.2.0/24"}})
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := func(s *alert.Sighting) { s.Addresses[0].Text = "198.51.100.1" }
		more := func(s *alert.Sighting) { s.Rules = append(s.Rules, rootkeep.RuleHit{Name: "key-made"}) }
		watching := func(s *alert.Sighting) { s.Rules = append(s.Rules, rootkeep.RuleHit{Name: "trail-stopped"}) }
		unseen := func(s *alert.Sighting) { s.Addresses[0].Count = 1 }
		same(t, "what it hides and what not", apply(t, s, k, at(time.Minute),
			sighting("a", "spray", rootkeep.High, 3), sighting("b", "spray", rootkeep.High, 3, elsewhere), sighting("c", "spray", rootkeep.High, 3, more),
			sighting("d", "spray", rootkeep.High, 3, watching), sighting("e", "spray", rootkeep.High, 3, unseen)), "AL-B opened", "AL-C opened", "AL-D opened", "AL-E opened")
		same(t, "it grows, hidden", apply(t, s, k, at(2*time.Minute), sighting("a", "spray", rootkeep.Critical, 30)))
		a := read(t, s, "AL-A")
		if a.Muted != alert.BySuppression || a.MutedBy != id {
			t.Errorf("got muted by %q %s, want by suppression %s", a.Muted, a.MutedBy, id)
		}
		check := func(hidden int) {
			t.Helper()
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				list, err := alerts.Suppressions(ctx, r, ann, at(0), false, 10)
				if len(list) != 1 || list[0].Hidden != hidden || list[0].Last.IsZero() || list[0].Owner != ann.ID {
					t.Errorf("got %+v, want one of Ann that hid %d", list, hidden)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		check(1)
		same(t, "long before its end", tend(t, s, k, at(24*time.Hour))[4:])
		same(t, "three days before its end", tend(t, s, k, at(5*24*time.Hour))[4:], "suppression of spray expires")
		same(t, "it grows into what is not hidden", apply(t, s, k, at(5*24*time.Hour), sighting("a", "spray", rootkeep.Critical, 31, more)), "AL-A opened")
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { _, err := d.Unsuppress(ctx, tx, ann, id); return err })
		if err != nil {
			t.Fatal(err)
		}
		same(t, "after its end", apply(t, s, k, at(5*24*time.Hour), sighting("f", "spray", rootkeep.High, 3)), "AL-F opened")
		same(t, "ledger", entries(t, s, id), "suppression.made", "suppression.ended")
	})
}
