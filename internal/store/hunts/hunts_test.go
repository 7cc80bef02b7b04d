package hunts_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	life "github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

const (
	one = rootkeep.AccountID("111122223333")
	two = rootkeep.AccountID("444455556666")
)

var day = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

var (
	admin = people.Actor{ID: "PE-admin", Kind: people.Person, Grants: []people.Grant{{Role: people.Admin, Scope: people.Everywhere}}}
	ofOne = people.Actor{ID: "PE-one", Kind: people.Person, Grants: []people.Grant{{Role: people.Viewer, Scope: "account:" + people.Scope(one)}}}
	other = people.Actor{ID: "PE-none", Kind: people.Person}
)

func at(hours float64) time.Time { return day.Add(time.Duration(hours * float64(time.Hour))) }

func use(id string, account rootkeep.AccountID, when time.Time) rootkeep.RootUse {
	return rootkeep.RootUse{
		Time: when, ID: id, Kind: rootkeep.RootSignIn, Account: account, Region: "us-east-1", Source: "signin.amazonaws.com", Name: "ConsoleLogin",
		Address: "203.0.113.9", Country: "DE", MFA: "yes", Principal: "root of " + string(account), Raw: []byte(`{"eventID":"` + id + `"}`),
	}
}

func alert(id string, account rootkeep.AccountID, level rootkeep.Severity, count int) rootkeep.Alert {
	return rootkeep.Alert{
		ID: id, Account: account, Level: level, Title: "Trail stopped", Kind: "group", Tactic: "defense-evasion", Count: count,
		Actor: rootkeep.Actor{Principal: "arn:aws:iam::" + string(account) + ":role/Deploy"}, First: at(1), Last: at(2),
	}
}

// result is a hunt over two accounts.
func result(id string, change func(*hunts.Result)) *hunts.Result {
	h := &hunts.Result{
		ID: id, Actor: "TK-1", Version: "0.1", Started: at(30), Finished: at(31), First: at(0), Last: at(20), Events: 300, Digest: sha256.Sum256([]byte(id)), Summary: []byte(`{}`),
		Accounts: []hunts.Account{{ID: one, Events: 100, First: at(0), Last: at(10)}, {ID: two, Events: 200, First: at(5), Last: at(20)}},
		Alerts:   []rootkeep.Alert{alert("AL-1", one, rootkeep.High, 3), alert("AL-2", two, rootkeep.Critical, 1)},
		Uses:     []rootkeep.RootUse{use("e1", one, at(1)), use("e2", one, at(1.5)), use("e3", one, at(5)), use("e4", two, at(6))},
		SignIns: []rootkeep.SignIn{{Time: at(1), ID: "e1", Account: one, Root: true, Country: "DE"}, {Time: at(2), ID: "f1", Account: one, Root: true, Failed: true, Country: "US"},
			{Time: at(26), ID: "f2", Account: two, Failed: true}},
		Hours: []hunts.Stretch{{Account: one, From: at(0), To: at(24)}, {Account: two, From: at(0), To: at(12)}},
	}
	if change != nil {
		change(h)
	}
	return h
}

func take(t testing.TB, s *store.Store, h *hunts.Result) (id string, known bool) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		id, known, err = hunts.Take(ctx, tx, h)
		return err
	})
	if err != nil {
		t.Fatalf("take hunt %s: got %v, want none", h.ID, err)
	}
	return id, known
}

// view reads as an actor.
func view(t testing.TB, s *store.Store, actor people.Actor, read func(context.Context, *store.Reader, hunts.Sight) error) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		sight, err := hunts.SightOf(ctx, r, actor)
		if err != nil {
			return err
		}
		return read(ctx, r, sight)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// told is all that an actor is told, in words.
func told(t testing.TB, s *store.Store, actor people.Actor) (out []string) {
	t.Helper()
	view(t, s, actor, func(ctx context.Context, r *store.Reader, sight hunts.Sight) error {
		say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
		list, _, err := hunts.List(ctx, r, sight, "", 10)
		for _, h := range list {
			say("hunt %s: %d accounts, %d events from %s", h.ID, h.Accounts, h.Events, h.First.Format("15:04"))
		}
		found, _, err2 := alerts.List(ctx, r, sight, alerts.Filter{}, "", 10)
		for _, a := range found {
			say("alert %s of %s", a.ID, a.Found.Account)
		}
		uses, _, err3 := hunts.Uses(ctx, r, sight, hunts.UseFilter{}, "", 10)
		for _, u := range uses {
			say("use %s of %s", u.ID, u.Account)
		}
		n, events, err4 := hunts.CountSessions(ctx, r, sight, day, at(48))
		say("%d sessions, %d events", n, events)
		p := hunts.Period{Since: day, Until: at(48)}
		days, err5 := hunts.SignInDays(ctx, r, sight, p)
		for _, d := range days {
			say("sign-ins of %s: %d, %d, %d, %d", d.Day.Format(time.DateOnly), d.Root, d.RootFailed, d.Others, d.Failed)
		}
		origins, err6 := hunts.Origins(ctx, r, sight, p)
		for _, o := range origins {
			say("from %q: %d, failed %d", o.Country, o.SignIns, o.Failed)
		}
		c, err7 := hunts.CoverageOf(ctx, r, sight, p)
		say("%d of %d hours of %d accounts", c.Proven, c.Hours, c.Accounts)
		proven, err8 := hunts.ProvenDays(ctx, r, sight, p)
		say("at 13 of the first day: %d", proven[0][13])
		return errors.Join(err, err2, err3, err4, err5, err6, err7, err8)
	})
	return out
}

func TestEachSeesTheirAccountsAndNoNumberOfAnother(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		take(t, s, result("HU-1", nil))
		for _, c := range []struct {
			name  string
			actor people.Actor
			want  []string
		}{
			{"who sees everything", admin, []string{
				"hunt HU-1: 2 accounts, 300 events from 00:00", "alert AL-2 of 444455556666", "alert AL-1 of 111122223333",
				"use e4 of 444455556666", "use e3 of 111122223333", "use e2 of 111122223333", "use e1 of 111122223333", "3 sessions, 4 events",
				"sign-ins of 2026-11-01: 1, 1, 0, 0", "sign-ins of 2026-11-02: 0, 0, 0, 1", `from "": 0, failed 1`, `from "DE": 1, failed 0`, `from "US": 0, failed 1`,
				"36 of 96 hours of 2 accounts", "at 13 of the first day: 1",
			}},
			{"a viewer of one account", ofOne, []string{
				"hunt HU-1: 1 accounts, 100 events from 00:00", "alert AL-1 of 111122223333", "use e3 of 111122223333", "use e2 of 111122223333", "use e1 of 111122223333",
				"2 sessions, 3 events", "sign-ins of 2026-11-01: 1, 1, 0, 0", "sign-ins of 2026-11-02: 0, 0, 0, 0", `from "DE": 1, failed 0`, `from "US": 0, failed 1`,
				"24 of 48 hours of 1 accounts", "at 13 of the first day: 1",
			}},
			{"who may see nothing", other, []string{
				"0 sessions, 0 events", "sign-ins of 2026-11-01: 0, 0, 0, 0", "sign-ins of 2026-11-02: 0, 0, 0, 0", "0 of 0 hours of 0 accounts", "at 13 of the first day: 0",
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				if diff := cmp.Diff(c.want, told(t, s, c.actor)); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		}
		view(t, s, ofOne, func(ctx context.Context, r *store.Reader, sight hunts.Sight) error {
			if _, err := alerts.ByID(ctx, r, sight, "AL-2"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("alert of another account: got %v, want %v", err, store.ErrNotFound)
			}
			if _, err := hunts.Summary(ctx, r, sight, "HU-1"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("report over all accounts: got %v, want %v", err, store.ErrNotFound)
			}
			h, err := hunts.ByID(ctx, r, sight, "HU-1")
			if err == nil && (h.Detail != "" || h.Digest != "") {
				t.Errorf("got detail %q, digest %q, want neither", h.Detail, h.Digest)
			}
			return err
		})
	})
}

func TestTheSameIsKeptOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		take(t, s, result("HU-1", nil))
		want := told(t, s, admin)
		if id, known := take(t, s, result("HU-2", func(h *hunts.Result) { h.Digest = sha256.Sum256([]byte("HU-1")) })); id != "HU-1" || !known {
			t.Errorf("sent again: got %s, known %v, want HU-1, true", id, known)
		}
		take(t, s, result("HU-3", nil)) // another hunt over the same logs
		got := slices.DeleteFunc(told(t, s, admin), func(s string) bool { return strings.HasPrefix(s, "hunt HU-3") })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("told after the same events came again (-want +got):\n%s", diff)
		}
		forged := use("e1", one, at(1))
		forged.Address = "198.51.100.66"
		take(t, s, result("HU-4", func(h *hunts.Result) { h.Uses = []rootkeep.RootUse{forged, use("e1", one, at(1))} }))
		view(t, s, admin, func(ctx context.Context, r *store.Reader, sight hunts.Sight) error {
			list, _, err := hunts.Uses(ctx, r, sight, hunts.UseFilter{Event: "e1"}, "", 10)
			if err != nil || len(list) != 2 {
				t.Fatalf("events with one ID: got %d, %v, want both", len(list), err)
			}
			u, twins, err := hunts.UseByKey(ctx, r, sight, list[0].Key)
			if err == nil && (twins != 1 || string(u.Raw) != `{"eventID":"e1"}`) {
				t.Errorf("got %d twins, record %s, want 1 and the record as it came", twins, u.Raw)
			}
			return err
		})
	})
}

func TestAnAlertThatWasDealtWithIsNewAgainWhenItGrows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		take(t, s, result("HU-1", nil))
		check := func(step string, state life.State, count int) {
			t.Helper()
			view(t, s, admin, func(ctx context.Context, r *store.Reader, sight hunts.Sight) error {
				a, err := alerts.ByID(ctx, r, sight, "AL-1")
				if err == nil && (a.State != state || a.Found.Count != count || a.Muted != life.ByHunt) {
					t.Errorf("%s: got %s of %d events, muted by %q, want %s of %d, muted by the hunt", step, a.State, a.Found.Count, a.Muted, state, count)
				}
				return err
			})
		}
		check("found", life.New, 3)
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := (&alerts.Desk{}).Close(ctx, tx, admin, "AL-1", 1, "a planned change, CHG-12")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		check("closed", life.Closed, 3)
		take(t, s, result("HU-2", nil))
		check("the same again", life.Closed, 3)
		take(t, s, result("HU-3", func(h *hunts.Result) { h.Alerts[0].Count = 2 }))
		check("less than before", life.Closed, 3)
		take(t, s, result("HU-4", func(h *hunts.Result) { h.Alerts[0].Count = 9 }))
		check("more than before", life.New, 9)
		checkEntries(t, s, "AL-1", "alert.closed", "alert.reopened")
		checkEntries(t, s, "HU-4", "hunt.finished")
	})
}

func checkEntries(t *testing.T, s *store.Store, subject string, want ...string) {
	t.Helper()
	var got []string
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		rows, err := r.Query(ctx, `SELECT type FROM log_entry WHERE subject = $1 ORDER BY n`, subject)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var kind string
			if err := rows.Scan(&kind); err != nil {
				return err
			}
			got = append(got, kind)
		}
		return rows.Err()
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("entries of %s: got %v, %v, want %v", subject, got, err, want)
	}
}

func TestUnfitResultsAreRefusedWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		take(t, s, result("HU-1", nil))
		before := told(t, s, admin)
		for name, change := range map[string]func(*hunts.Result){
			"an alert without an ID":      func(h *hunts.Result) { h.Alerts[0].ID = "1" },
			"an alert of another account": func(h *hunts.Result) { h.Alerts[0].Account = two; h.Alerts[0].Count = 99 },
			"hours that end before":       func(h *hunts.Result) { h.Hours[0].To = at(-1) },
			"hours without end":           func(h *hunts.Result) { h.Hours[0].To = at(24 * 366 * 20) },
			"more hours than there are": func(h *hunts.Result) {
				for range 200 {
					h.Hours = append(h.Hours, hunts.Stretch{Account: two, From: at(0), To: at(24 * 366 * 9)})
				}
			},
			"more alerts than a hunt has":   func(h *hunts.Result) { h.Alerts = make([]rootkeep.Alert, hunts.MostAlerts+1) },
			"a report too large to be kept": func(h *hunts.Result) { h.Summary = make([]byte, hunts.MostSummary+1) },
		} {
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, _, err := hunts.Take(ctx, tx, result("HU-2", change))
				return err
			})
			if !errors.Is(err, hunts.ErrUnfit) {
				t.Errorf("%s: got %v, want %v", name, err, hunts.ErrUnfit)
			}
		}
		if diff := cmp.Diff(before, told(t, s, admin)); diff != "" {
			t.Errorf("told after refusals (-want +got):\n%s", diff)
		}
	})
}

func TestHostileTextIsKept(t *testing.T) {
	hostile := "a\x00b\xff\x1b[2J\u202e'; DROP TABLE hunt; --" + strings.Repeat("x", 5000)
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		take(t, s, result("HU-1", func(h *hunts.Result) {
			u := &h.Uses[0]
			u.ID, u.Name, u.Agent, u.Address, u.Country, u.Principal, u.Error = hostile, hostile, hostile, hostile, hostile, hostile, hostile
			u.Account, u.Kind = rootkeep.AccountID(hostile), rootkeep.RootKind(hostile)
			h.Alerts[0].Title, h.Alerts[0].Actor.Principal, h.Version, h.Detail = hostile, hostile, hostile, hostile
			h.SignIns[0].Country, h.SignIns[0].Principal = hostile, hostile
			h.Accounts[0].ID = rootkeep.AccountID(hostile)
		}))
		view(t, s, admin, func(ctx context.Context, r *store.Reader, sight hunts.Sight) error {
			list, _, err := hunts.Uses(ctx, r, sight, hunts.UseFilter{Text: "'; drop table"}, "", 10)
			if len(list) != 1 || len(list[0].Name) > 300 || strings.Contains(list[0].Name, "\x00") || !utf8.ValidString(list[0].Name) {
				t.Errorf("got %d events, want the hostile one, cut and without NUL", len(list))
			}
			for _, cursor := range []string{"x", strings.Repeat("A", 5000), "e30x"} {
				if _, _, err := hunts.Uses(ctx, r, sight, hunts.UseFilter{}, cursor, 10); !errors.Is(err, hunts.ErrCursor) {
					t.Errorf("cursor %.10q: got %v, want %v", cursor, err, hunts.ErrCursor)
				}
			}
			return err
		})
	})
}

func TestPagesHoldEverythingOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i := range 7 {
			take(t, s, result(fmt.Sprintf("HU-%d", i), func(h *hunts.Result) {
				h.Alerts = []rootkeep.Alert{alert(fmt.Sprintf("AL-%d", i), one, rootkeep.Severity(i%3), 1)}
				h.Uses = []rootkeep.RootUse{use(fmt.Sprint(i), one, at(float64(i/2)))}
			}))
		}
		view(t, s, admin, func(ctx context.Context, r *store.Reader, sight hunts.Sight) error {
			pages := func(next func(cursor string) (ids []string, after string, err error)) (all []string) {
				for cursor := ""; ; {
					ids, after, err := next(cursor)
					if err != nil {
						t.Fatal(err)
					}
					if all = append(all, ids...); after == "" {
						return all
					}
					cursor = after
				}
			}
			for name, next := range map[string]func(string) ([]string, string, error){
				"hunts": func(c string) (ids []string, after string, err error) {
					list, after, err := hunts.List(ctx, r, sight, c, 2)
					for _, h := range list {
						ids = append(ids, h.ID)
					}
					return ids, after, err
				},
				"alerts": func(c string) (ids []string, after string, err error) {
					list, after, err := alerts.List(ctx, r, sight, alerts.Filter{}, c, 3)
					for _, a := range list {
						ids = append(ids, a.ID)
					}
					return ids, after, err
				},
				"root uses": func(c string) (ids []string, after string, err error) {
					list, after, err := hunts.Uses(ctx, r, sight, hunts.UseFilter{}, c, 3)
					for _, u := range list {
						ids = append(ids, u.ID)
					}
					return ids, after, err
				},
			} {
				all := pages(next)
				if slices.Sort(all); len(all) != 7 || len(slices.Compact(all)) != 7 {
					t.Errorf("%s over pages: got %v, want each of 7 once", name, all)
				}
			}
			return nil
		})
	})
}

// TestSessionsAndCoverageEqualANaiveCount takes random hunts and counts by hand.
func TestSessionsAndCoverageEqualANaiveCount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		times := map[rootkeep.AccountID]map[int]bool{one: {}, two: {}} // minutes
		hours := map[string]bool{}
		random := rand.New(rand.NewPCG(1, 2))
		either := func() rootkeep.AccountID { return []rootkeep.AccountID{one, two}[random.IntN(2)] }
		for n := range 20 {
			h := result(fmt.Sprintf("HU-%d", n), func(h *hunts.Result) { h.Uses, h.Hours, h.Alerts = nil, nil, nil })
			for range random.IntN(5) {
				account, minute := either(), random.IntN(48*60)
				times[account][minute] = true
				h.Uses = append(h.Uses, use(fmt.Sprintf("%s-%d", account, minute), account, day.Add(time.Duration(minute)*time.Minute)))
			}
			from, account := random.IntN(47), either()
			to := from + 1 + random.IntN(48-from)
			for i := from; i < to; i++ {
				hours[fmt.Sprint(account, i)] = true
			}
			h.Hours = []hunts.Stretch{{Account: account, From: at(float64(from)), To: at(float64(to))}}
			take(t, s, h)
			sessions, events := countByHand(times)
			view(t, s, admin, func(ctx context.Context, r *store.Reader, sight hunts.Sight) error {
				gotSessions, gotEvents, err := hunts.CountSessions(ctx, r, sight, day, at(48))
				if gotSessions != sessions || gotEvents != events {
					t.Errorf("after %d hunts: got %d sessions of %d events, want %d of %d", n+1, gotSessions, gotEvents, sessions, events)
				}
				c, err2 := hunts.CoverageOf(ctx, r, sight, hunts.Period{Since: day, Until: at(48)})
				if c.Proven != int64(len(hours)) || c.Hours != 96 || c.Complete() != (len(hours) == 96) {
					t.Errorf("after %d hunts: got %+v, want %d of 96 hours", n+1, c, len(hours))
				}
				return errors.Join(err, err2)
			})
		}
	})
}

// countByHand counts runs of minutes without a gap of more than an hour, and minutes.
func countByHand(times map[rootkeep.AccountID]map[int]bool) (sessions, events int64) {
	for _, minutes := range times {
		last := -1000
		for m := range 48 * 60 {
			if minutes[m] {
				events++
				if m-last > 60 {
					sessions++
				}
				last = m
			}
		}
	}
	return sessions, events
}

func TestASessionIsReadFromAnyOfItsEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		take(t, s, result("HU-1", func(h *hunts.Result) {
			h.Uses = []rootkeep.RootUse{use("a", one, at(1)), use("b", one, at(1.9)), use("c", one, at(1.9)), use("d", one, at(2.8)), use("e", one, at(4)), use("f", two, at(2))}
		}))
		view(t, s, admin, func(ctx context.Context, r *store.Reader, sight hunts.Sight) error {
			list, _, err := hunts.Uses(ctx, r, sight, hunts.UseFilter{}, "", 10)
			for _, u := range list {
				session, cut, err := hunts.SessionOf(ctx, r, sight, u)
				if err != nil || cut {
					return err
				}
				var ids []string
				for _, e := range session {
					ids = append(ids, e.ID)
				}
				slices.Sort(ids)
				want := map[string]string{"e": "[e]", "f": "[f]"}[u.ID]
				if want == "" {
					want = "[a b c d]"
				}
				if got := fmt.Sprint(ids); got != want {
					t.Errorf("session of %s: got %s, want %s", u.ID, got, want)
				}
			}
			return err
		})
	})
}

func BenchmarkTake(b *testing.B) {
	s := storetest.Open(b, storetest.SQLite(b), storetest.Options(b))
	for i := 0; b.Loop(); i++ {
		h := result(fmt.Sprintf("HU-%d", i), func(h *hunts.Result) {
			h.Uses, h.SignIns = nil, nil
			for n := range 2_000 {
				id := fmt.Sprintf("%d-%d", i, n)
				h.Uses = append(h.Uses, use(id, one, day.Add(time.Duration(n)*time.Second)))
				h.SignIns = append(h.SignIns, rootkeep.SignIn{Time: day, ID: id, Account: two})
			}
		})
		take(b, s, h)
	}
}

// BenchmarkHome reads what the first page shows, of 500 accounts over 90 days.
func BenchmarkHome(b *testing.B) {
	s := storetest.Open(b, storetest.SQLite(b), storetest.Options(b))
	h := result("HU-0", func(h *hunts.Result) {
		h.Accounts, h.Alerts, h.Uses, h.SignIns, h.Hours = nil, nil, nil, nil, nil
		for i := range 500 {
			account := rootkeep.AccountID(fmt.Sprintf("%012d", i))
			h.Accounts = append(h.Accounts, hunts.Account{ID: account, Events: 9})
			h.Hours = append(h.Hours, hunts.Stretch{Account: account, From: day.AddDate(0, 0, -90), To: day})
			for n := range 20 {
				h.Uses = append(h.Uses, use(fmt.Sprintf("%d-%d", i, n), account, day.Add(-time.Duration(n)*30*time.Minute)))
			}
		}
	})
	take(b, s, h)
	for b.Loop() {
		view(b, s, admin, func(ctx context.Context, r *store.Reader, sight hunts.Sight) error {
			_, err := hunts.NumberOf(ctx, r, sight, day.Add(time.Hour), 90)
			return err
		})
	}
}
