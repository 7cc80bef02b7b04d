package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

const account = rootkeep.AccountID("111122223333")

// start is when the tests begin: after the clock of the store, so that their times hold.
var start = time.Now().UTC().Truncate(time.Second)

func at(d time.Duration) time.Time { return start.Add(d) }

func guarded(rule string) bool {
	return strings.HasPrefix(rule, "root-") || strings.HasPrefix(rule, "trail-") || rule == "unknown"
}

func keeper(t *testing.T) *alerts.Keeper {
	t.Helper()
	p := alert.Default()
	p.Storm.Most = 5
	k, err := alerts.New(p, guarded)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sighting is an alert of one rule by one principal.
func sighting(key, rule string, level rootkeep.Severity, count int, change ...func(*alert.Sighting)) alert.Sighting {
	s := alert.Sighting{Key: key, Alert: rootkeep.Alert{
		ID: "AL-" + strings.ToUpper(key), Level: level, Title: "Alert of " + rule, Kind: "group", State: "open", Account: account,
		Actor: rootkeep.Actor{Type: "IAMUser", Principal: "arn:aws:iam::111122223333:user/ann"}, Tactic: "persistence",
		Rules: []rootkeep.RuleHit{{ID: "1", Name: rule, Title: "Alert of " + rule, Level: level, Count: count}},
		First: at(-time.Hour), Last: at(-time.Hour).Add(time.Duration(count) * time.Second), Count: count,
		Addresses: []rootkeep.Address{{Text: "192.0.2.7", Count: count}},
	}}
	for _, c := range change {
		c(&s)
	}
	return s
}

func escalated(s *alert.Sighting) { s.State = "escalated" }

// apply takes sightings in and says what people are told: ID act muted.
func apply(t *testing.T, s *store.Store, k *alerts.Keeper, now time.Time, list ...alert.Sighting) []string {
	t.Helper()
	var out []string
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		c, err := k.Apply(ctx, tx, now, list)
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

func told(c *alerts.Changes) []string {
	out := []string{}
	for _, c := range c.Alerts {
		id := c.ID
		if c.Found.Kind == alerts.StormKind {
			id = fmt.Sprintf("storm of %d", c.Found.Count)
		}
		out = append(out, fmt.Sprintf("%s %s", id, c.Act))
	}
	for _, s := range c.Expiring {
		out = append(out, "suppression of "+s.Scope.Rule+" expires")
	}
	return out
}

func tend(t *testing.T, s *store.Store, k *alerts.Keeper, now time.Time) []string {
	t.Helper()
	var out []string
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		c, err := k.Tend(ctx, tx, now, time.Time{}.Add(time.Hour))
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

func read(t *testing.T, s *store.Store, id string) *alerts.Alert {
	t.Helper()
	var a *alerts.Alert
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		a, err = alerts.ByID(ctx, r, sight.All(), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func acts(a *alerts.Alert) []string {
	out := []string{}
	for _, l := range a.History {
		out = append(out, string(l.Act))
	}
	return out
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// entries are the types of the entries of a subject, in order.
func entries(t *testing.T, s *store.Store, subject string) []string {
	t.Helper()
	out := []string{}
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := store.Texts(ctx, r, `SELECT type FROM log_entry WHERE subject = $1 ORDER BY n`, subject)
		out = append(out, list...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// someone adds a person with roles.
func someone(t *testing.T, s *store.Store, name string, grants ...people.Grant) people.Actor {
	t.Helper()
	var actor people.Actor
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		p, err := stored.Add(ctx, tx, "system", name, "")
		if err != nil {
			return err
		}
		for _, g := range grants {
			if err := stored.Grant(ctx, tx, "system", p.ID, g); err != nil {
				return err
			}
		}
		actor, err = stored.ActorOf(ctx, &tx.Reader, p.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return actor
}

var everywhere = people.Grant{Role: people.Responder, Scope: people.Everywhere}

func TestAnAlertIsToldOnceAndGrowsQuietly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		same(t, "a new alert", apply(t, s, k, at(0), sighting("a", "key-made", rootkeep.Medium, 5)), "AL-A opened")
		same(t, "the same again", apply(t, s, k, at(1*time.Second), sighting("a", "key-made", rootkeep.Medium, 5)))
		same(t, "it grew, with a new window start", apply(t, s, k, at(2*time.Second), sighting("a", "key-made", rootkeep.Medium, 7, func(s *alert.Sighting) { s.ID, s.First = "AL-OTHER", at(-2*time.Hour) })))
		same(t, "ten of them", apply(t, s, k, at(3*time.Second), sighting("a", "key-made", rootkeep.High, 10, escalated)), "AL-A escalated")
		a := read(t, s, "AL-A")
		if a.Found.Count != 10 || a.Found.ID != "AL-A" || a.Found.Level != rootkeep.High || !a.Due.Equal(at(3*time.Second).Add(time.Hour)) {
			t.Errorf("got %d events of %s, level %s, due %v, want 10 of AL-A, high, due in an hour", a.Found.Count, a.Found.ID, a.Found.Level, a.Due)
		}
		same(t, "history", acts(a), "opened", "escalated")
		same(t, "ledger", entries(t, s, "AL-A"), "alert.opened", "alert.escalated")
	})
}

func TestWhatLateEventsDoToAlerts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		apply(t, s, k, at(0), sighting("a", "key-made", rootkeep.Medium, 5), sighting("b", "key-made", rootkeep.Medium, 3), sighting("c", "key-made", rootkeep.Medium, 1))
		same(t, "a joins b", apply(t, s, k, at(time.Second), sighting("a", "key-made", rootkeep.Medium, 9, func(s *alert.Sighting) { s.Absorbed = []string{"b", "never-seen"} })), "AL-B closed")
		if b := read(t, s, "AL-B"); b.State != alert.Closed || !strings.Contains(b.Reason, "part of AL-A") {
			t.Errorf("absorbed: got %s, %q", b.State, b.Reason)
		}
		same(t, "they are two after all", apply(t, s, k, at(time.Second), sighting("b", "key-made", rootkeep.Medium, 3)), "AL-B reopened")
		gone := sighting("c", "key-made", rootkeep.Medium, 1, func(s *alert.Sighting) { s.Gone = true })
		same(t, "c never was", apply(t, s, k, at(2*time.Second), gone), "AL-C closed")
		same(t, "again", apply(t, s, k, at(3*time.Second), gone))
		same(t, "nobody knew it", apply(t, s, k, at(3*time.Second), sighting("z", "key-made", rootkeep.Medium, 1, func(s *alert.Sighting) { s.Gone = true })))
		same(t, "c is after all", apply(t, s, k, at(4*time.Second), sighting("c", "key-made", rootkeep.Medium, 1)), "AL-C reopened")
	})
}

func TestPeopleWorkAtAlerts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		d := &alerts.Desk{Keeper: k}
		ann, bob := someone(t, s, "Ann", everywhere), someone(t, s, "Bob", everywhere)
		viewer := someone(t, s, "Vic", people.Grant{Role: people.Viewer, Scope: people.Everywhere})
		apply(t, s, k, at(0), sighting("a", "key-made", rootkeep.High, 5))
		do := func(want error, act func(context.Context, *store.Tx, int64) (*alerts.Alert, error)) {
			t.Helper()
			revision := read(t, s, "AL-A").Revision
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { _, err := act(ctx, tx, revision); return err })
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		do(alerts.ErrNotAllowed, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Acknowledge(ctx, tx, viewer, "AL-A", n, "")
		})
		do(store.ErrConflict, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Acknowledge(ctx, tx, ann, "AL-A", n-1, "")
		})
		do(nil, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Acknowledge(ctx, tx, ann, "AL-A", n, "I look")
		})
		do(alert.ErrState, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Acknowledge(ctx, tx, bob, "AL-A", n, "")
		})
		same(t, "nothing escalates that somebody looks at", tend(t, s, k, at(48*time.Hour)))
		do(alert.ErrInvalid, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Assign(ctx, tx, ann, "AL-A", n, "PE-NOBODY")
		})
		do(alerts.ErrNotAllowed, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Assign(ctx, tx, ann, "AL-A", n, viewer.ID)
		})
		do(nil, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Assign(ctx, tx, ann, "AL-A", n, bob.ID)
		})
		do(alert.ErrInvalid, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Snooze(ctx, tx, bob, "AL-A", n, at(400*24*time.Hour), "later")
		})
		do(nil, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Snooze(ctx, tx, bob, "AL-A", n, at(time.Hour), "when Cid is back")
		})
		same(t, "still snoozed", tend(t, s, k, at(59*time.Minute)))
		same(t, "the snooze is over", tend(t, s, k, at(time.Hour)), "AL-A woken")
		do(nil, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Tag(ctx, tx, bob, "AL-A", n, []string{"team:web", "b"}, nil)
		})
		do(alert.ErrInvalid, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Tag(ctx, tx, bob, "AL-A", n, []string{"No Tag"}, nil)
		})
		do(nil, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Tag(ctx, tx, bob, "AL-A", n, nil, []string{"b"})
		})
		do(alert.ErrInvalid, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Close(ctx, tx, bob, "AL-A", n, " ")
		})
		do(nil, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Close(ctx, tx, bob, "AL-A", n, "it was the deployment")
		})
		a := read(t, s, "AL-A")
		if a.State != alert.Closed || a.Owner != bob.ID || a.Reason != "it was the deployment" || strings.Join(a.Tags, " ") != "attack.persistence team:web" {
			t.Errorf("got %s of %s, %q, tags %v", a.State, a.Owner, a.Reason, a.Tags)
		}
		same(t, "more of it", apply(t, s, k, at(2*time.Hour), sighting("a", "key-made", rootkeep.High, 6)), "AL-A reopened")
		do(nil, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Close(ctx, tx, ann, "AL-A", n, "again")
		})
		do(nil, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
			return d.Reopen(ctx, tx, ann, "AL-A", n, "no, it was not")
		})
		if a := read(t, s, "AL-A"); a.Due.IsZero() {
			t.Error("an alert that somebody opened again is never due, want it to escalate if nobody looks")
		}
		same(t, "history", acts(read(t, s, "AL-A")), "opened", "acknowledged", "assigned", "snoozed", "woken", "tagged", "tagged", "closed", "reopened", "closed", "reopened")
		same(t, "ledger", entries(t, s, "AL-A"), "alert.opened", "alert.acknowledged", "alert.assigned", "alert.snoozed", "alert.woken", "alert.tagged", "alert.tagged", "alert.closed", "alert.reopened", "alert.closed", "alert.reopened")
	})
}

func TestOfManyWhoAcknowledgeOneDoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k, d := keeper(t), &alerts.Desk{}
		apply(t, s, k, at(0), sighting("a", "key-made", rootkeep.High, 5))
		ann, revision := someone(t, s, "Ann", everywhere), read(t, s, "AL-A").Revision
		const many = 8
		results := make(chan error, many)
		for range many {
			go func() {
				results <- s.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					_, err := d.Acknowledge(ctx, tx, ann, "AL-A", revision, "")
					return err
				})
			}()
		}
		won := 0
		for range many {
			switch err := <-results; {
			case err == nil:
				won++
			case !errors.Is(err, store.ErrConflict):
				t.Errorf("got %v, want %v", err, store.ErrConflict)
			}
		}
		if won != 1 {
			t.Errorf("got %d acknowledgements, want 1", won)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		apply(t, s, k, at(0), sighting("a", "key-made", rootkeep.Critical, 5), sighting("b", "key-made", rootkeep.Medium, 5))
		same(t, "before it is due", tend(t, s, k, at(14*time.Minute)))
		same(t, "after a quarter of an hour", tend(t, s, k, at(15*time.Minute)), "AL-A escalated")
		same(t, "at once again", tend(t, s, k, at(15*time.Minute)))
		tend(t, s, k, at(30*time.Minute))
		same(t, "the third time", tend(t, s, k, at(45*time.Minute)), "AL-A escalated")
		same(t, "not for ever", tend(t, s, k, at(200*time.Hour)))
	})
}

func TestARuleOnTrialIsToldOnceItCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		trial := func(s *alert.Sighting) { s.DryRun = true }
		same(t, "on trial", apply(t, s, k, at(0), sighting("a", "key-made", rootkeep.High, 5, trial)))
		same(t, "it escalates on trial", apply(t, s, k, at(time.Second), sighting("a", "key-made", rootkeep.Critical, 10, trial)))
		same(t, "no time makes it told", tend(t, s, k, at(100*time.Hour)))
		same(t, "ledger", entries(t, s, "AL-A"))
		same(t, "it counts", apply(t, s, k, at(2*time.Second), sighting("a", "key-made", rootkeep.Critical, 10)), "AL-A opened")
	})
}

func TestWhatIsListed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		var list []alert.Sighting
		for i := range 7 {
			list = append(list, sighting(fmt.Sprintf("a%d", i), fmt.Sprintf("rule-%d", i%2), rootkeep.Severity(1+i%3), 5+i))
		}
		list = append(list, sighting("x", "rule-9", rootkeep.High, 1, func(s *alert.Sighting) { s.DryRun = true }))
		apply(t, s, k, at(0), list...)
		page := func(f alerts.Filter, see sight.Sight) (ids []string) {
			ids = []string{}
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				for cursor := ""; ; {
					list, next, err := alerts.List(ctx, r, see, f, cursor, 3)
					for _, a := range list {
						ids = append(ids, a.ID)
					}
					if cursor = next; err != nil || next == "" {
						return err
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			return ids
		}
		same(t, "the inbox, over three pages", page(alerts.Filter{Muted: alerts.Inbox()}, sight.All()), "AL-A5", "AL-A2", "AL-A4", "AL-A1", "AL-A6", "AL-A3", "AL-A0")
		same(t, "of a rule", page(alerts.Filter{Rule: "rule-1"}, sight.All()), "AL-A5", "AL-A1", "AL-A3")
		same(t, "on trial", page(alerts.Filter{Muted: []alert.Mute{alert.ByDryRun}}, sight.All()), "AL-X")
		same(t, "of another account", page(alerts.Filter{}, sight.Of([]rootkeep.AccountID{"999999999999"})))
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			c, err := alerts.Count(ctx, r, sight.All(), alerts.Filter{Muted: alerts.Inbox()})
			if c.States[alert.New] != 7 || c.Levels[rootkeep.High] != 2 {
				t.Errorf("got %v, want 7 new, 2 of them high", c)
			}
			if _, err := alerts.ByID(ctx, r, sight.Of(nil), "AL-A1"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("out of sight: got %v, want %v", err, store.ErrNotFound)
			}
			if _, _, err := alerts.List(ctx, r, sight.All(), alerts.Filter{}, "x", 3); !errors.Is(err, alerts.ErrCursor) {
				t.Errorf("a cursor of no list: got %v, want %v", err, alerts.ErrCursor)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestVolumesAdd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		h := start.Unix() / 3600
		for range 2 {
			err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				var list []alert.Volume
				for i := range 20 {
					list = append(list, alert.Volume{Rule: fmt.Sprintf("r%02d", i), Hour: h, Matches: i, Alerts: 1}, alert.Volume{Rule: "r00", Hour: h - int64(i*24), Matches: 1})
				}
				return alerts.AddVolume(ctx, tx, list)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			week, err := alerts.Volumes(ctx, r, start.Add(-7*24*time.Hour), start.Add(time.Hour))
			if len(week) != 20 || week[0] != (alert.Volume{Rule: "r00", Matches: 16, Alerts: 2}) || week[19].Matches != 38 {
				t.Errorf("got %d rules, %+v, want 20, r00 with the 8 hours of a week twice", len(week), week)
			}
			hours, err2 := alerts.ByHour(ctx, r, "r00", start.Add(-7*24*time.Hour), start.Add(time.Hour))
			if len(hours) != 8 {
				t.Errorf("got %d hours, want 8", len(hours))
			}
			return errors.Join(err, err2)
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestHostileTextIsKeptAndBounded(t *testing.T) {
	hostile := "x\x00\xff\u202e<script>" + strings.Repeat("é", 100_000)
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		bad := sighting("a", hostile, rootkeep.High, 1, func(s *alert.Sighting) {
			s.Title, s.Actor.Principal, s.Account, s.Tactic, s.Key, s.Notes, s.Agents = hostile, hostile, rootkeep.AccountID(hostile), hostile, hostile, []string{hostile}, []string{hostile}
			for range 100 {
				s.Events = append(s.Events, rootkeep.Event{ID: hostile, Agent: hostile, Actor: s.Actor})
			}
		})
		same(t, "hostile", apply(t, s, k, at(0), bad), "AL-A opened")
		same(t, "the same again", apply(t, s, k, at(0), bad))
		a := read(t, s, "AL-A")
		if len(a.Found.Events) != 10 || len(a.Found.Title) > 3000 || len(a.Key) > 300 {
			t.Errorf("got %d events, a title of %d bytes, a key of %d", len(a.Found.Events), len(a.Found.Title), len(a.Key))
		}
	})
}
