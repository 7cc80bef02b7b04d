package alerts_test

import (
	"context"
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
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func TestAStormIsOneAlert(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k, d := keeper(t), &alerts.Desk{}
		var many []alert.Sighting
		var want []string
		for i := range 40 {
			many = append(many, sighting(fmt.Sprintf("a%d", i), "spray", rootkeep.High, 1))
			if i < 5 {
				want = append(want, fmt.Sprintf("AL-A%d opened", i))
			}
		}
		root := sighting("r", "root-activity", rootkeep.High, 1, func(s *alert.Sighting) { s.Kind, s.Actor.Type = "session", "Root" })
		other := sighting("c", "spray", rootkeep.Critical, 1)
		same(t, "forty, a root session and a critical one", apply(t, s, k, at(0), append(many, root, other)...), append(want, "AL-R opened", "AL-C opened", "storm of 35 opened")...)
		member := read(t, s, "AL-A30")
		if member.Muted != alert.ByStorm {
			t.Fatalf("got muted by %q, want by the storm", member.Muted)
		}
		same(t, "ledger of a member", entries(t, s, "AL-A30"))
		storm := read(t, s, member.MutedBy)
		if storm.Found.Count != 35 || storm.Found.Rules[0].Name != "spray" {
			t.Errorf("got a storm of %d of %s", storm.Found.Count, storm.Found.Rules[0].Name)
		}
		same(t, "one more", apply(t, s, k, at(time.Minute), sighting("b1", "spray", rootkeep.High, 1)))
		same(t, "a member that becomes critical is told", apply(t, s, k, at(time.Minute), sighting("a30", "spray", rootkeep.Critical, 9)), "AL-A30 escalated")
		var more []alert.Sighting
		for i := range 40 {
			more = append(more, sighting(fmt.Sprintf("d%d", i), "spray", rootkeep.High, 1))
		}
		same(t, "it doubles", apply(t, s, k, at(2*time.Minute), more...), "storm of 76 grown")
		ann := someone(t, s, "Ann", everywhere)
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			a, err := d.Get(ctx, &tx.Reader, ann, storm.ID)
			if err == nil {
				_, err = d.Close(ctx, tx, ann, storm.ID, a.Revision, "one attacker, blocked")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if a := read(t, s, "AL-D39"); a.State != alert.Closed || !strings.Contains(a.Reason, storm.ID) {
			t.Errorf("a member of a storm that was closed: got %s, %q", a.State, a.Reason)
		}
		if a := read(t, s, "AL-A1"); a.State != alert.New {
			t.Errorf("an alert that was told by itself: got %s, want it new", a.State)
		}
		same(t, "the hour after is another one", apply(t, s, k, at(2*time.Hour), sighting("e", "spray", rootkeep.High, 1)), "AL-E opened")
	})
}

// Whoever is told by account, or by tag, hears of a storm as they would have of its members.
func TestAStormIsToldToWhomItsMembersAre(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := alert.Default()
		p.Storm.Most = 1
		p.Tags = map[string]alert.Tagging{"prod": {Accounts: []rootkeep.AccountID{"700000000003"}}}
		k, err := alerts.New(p, guarded)
		if err != nil {
			t.Fatal(err)
		}
		n, next := 0, time.Duration(0)
		come := func(accounts ...string) []string {
			var list []alert.Sighting
			for _, id := range accounts {
				n++
				list = append(list, sighting(fmt.Sprintf("a%d", n), "spray", rootkeep.Low, 1, func(s *alert.Sighting) { s.Account = rootkeep.AccountID(id) }))
			}
			next += time.Second
			return apply(t, s, k, at(next), list...)
		}
		same(t, "the first one", come("700000000001"), "AL-A1 opened")
		same(t, "it begins", come("700000000001"), "storm of 1 opened")
		id := read(t, s, "AL-A2").MutedBy
		storm := func() *rootkeep.Alert { return &read(t, s, id).Found }
		if f := storm(); f.Account != "700000000001" || f.Accounts != nil {
			t.Errorf("got the accounts %s and %v, want the one of all members alone", f.Account, f.Accounts)
		}
		same(t, "it doubles", come(slices.Repeat([]string{"700000000001"}, 8)...), "storm of 9 grown")
		same(t, "another account", come("700000000002"), "storm of 10 grown")
		same(t, "the same accounts", come("700000000002", "700000000001"))
		same(t, "a third one, with a tag", come("700000000003"), "storm of 13 grown")
		if f, tags := storm(), read(t, s, id).Tags; f.Account != "" || fmt.Sprint(f.Accounts) != "[700000000001 700000000002 700000000003]" || !slices.Contains(tags, "prod") {
			t.Errorf("got the accounts %s and %v, tags %v, want all three and the tag of the third", f.Account, f.Accounts, tags)
		}
		several := sighting("several", "spray", rootkeep.Low, 9, func(s *alert.Sighting) {
			s.Account, s.Accounts = "", []rootkeep.AccountID{"600000000001", "700000000002"}
		})
		same(t, "a member of several", apply(t, s, k, at(next), several), "storm of 14 grown")
		several.Count, several.Accounts = 10, append(several.Accounts, "700000000004")
		same(t, "that member grows into another one", apply(t, s, k, at(next), several), "storm of 14 grown")
		several.Count = 11
		same(t, "and grows on", apply(t, s, k, at(next), several))
		var many []string
		for i := range 59 {
			many = append(many, fmt.Sprintf("8000000000%02d", i))
		}
		same(t, "many at once are one message", come(many...), "storm of 73 grown")
		same(t, "one more than are named", come("900000000001"), "storm of 74 grown")
		same(t, "others that nobody is told of", come("900000000002", "900000000003", "800000000000"))
		if f := storm(); len(f.Accounts) != 64 || !slices.IsSorted(f.Accounts) || f.Accounts[0] != "600000000001" || f.AccountsOmitted != 3 {
			t.Errorf("got %d accounts, from %s, and %d alerts of further ones, want 64, those that came first, and 3", len(f.Accounts), f.Accounts[0], f.AccountsOmitted)
		}
		if got := read(t, s, id).History; len(got) != 8 || got[3].About != "13 alerts by now, with account 700000000003, tag prod" {
			t.Errorf("got the history %v, want 8 lines that say what was new", got)
		}
	})
}

// What may not be suppressed is not held back by quiet hours, and that it is one of many changes
// nothing: the first of such members is told.
func TestAStormSaysThatAMemberMayNotBeSuppressed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := alert.Default()
		p.Storm.Most = 1
		k, err := alerts.New(p, guarded)
		if err != nil {
			t.Fatal(err)
		}
		root := func(s *alert.Sighting) { s.Actor.Type, s.Actor.Principal = "Root", rootkeep.RootPrincipal(account) }
		one := func(key, rule string, change ...func(*alert.Sighting)) alert.Sighting {
			return sighting(key, rule, rootkeep.Low, 1, change...)
		}
		same(t, "a user's", apply(t, s, k, at(0), one("a", "spray"), one("b", "spray"), one("c", "spray")), "AL-A opened", "storm of 2 opened")
		id := read(t, s, "AL-B").MutedBy
		if read(t, s, id).Urgent {
			t.Error("a storm of users' alerts: got it urgent")
		}
		same(t, "it doubles", apply(t, s, k, at(time.Second), one("d", "spray"), one("e", "spray")), "storm of 4 grown")
		same(t, "a root user's", apply(t, s, k, at(time.Minute), one("f", "spray", root)), "storm of 5 grown")
		if a := read(t, s, id); !a.Urgent || a.History[len(a.History)-1].About != "5 alerts by now, with one that may not be suppressed" {
			t.Errorf("got urgent %v, %v, want that there is one of a root user", a.Urgent, a.History)
		}
		same(t, "another one", apply(t, s, k, at(time.Minute), one("g", "spray", root)))
		same(t, "root users' from the start", apply(t, s, k, at(time.Minute), one("x", "probe", root), one("y", "probe", root)), "AL-X opened", "storm of 1 opened")
		if a := read(t, s, read(t, s, "AL-Y").MutedBy); !a.Urgent {
			t.Error("a storm of root users' alerts: got it not urgent")
		}
	})
}

// A storm stands for what nobody has heard of: what was told, or put off by somebody, is not
// silent for ever because others of its kind are many.
func TestAStormTakesNothingInThatSomebodyKnows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := alert.Default()
		p.Storm.Most = 2
		k, err := alerts.New(p, guarded)
		if err != nil {
			t.Fatal(err)
		}
		d := &alerts.Desk{Keeper: k}
		ann := someone(t, s, "Ann", everywhere)
		act := func(id string, do func(context.Context, *store.Tx, int64) (*alerts.Alert, error)) {
			t.Helper()
			revision := read(t, s, id).Revision
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { _, err := do(ctx, tx, revision); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
		snooze := func(id string, until time.Duration) {
			t.Helper()
			act(id, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
				return d.Snooze(ctx, tx, ann, id, n, at(until), "later")
			})
		}
		closed := func(id string) {
			t.Helper()
			act(id, func(ctx context.Context, tx *store.Tx, n int64) (*alerts.Alert, error) {
				return d.Close(ctx, tx, ann, id, n, "blocked")
			})
		}
		one := func(key string, count int) alert.Sighting { return sighting(key, "spray", rootkeep.High, count) }
		same(t, "one long before", apply(t, s, k, at(0), one("a", 1)), "AL-A opened")
		noon := 2 * time.Hour
		same(t, "two, and a storm", apply(t, s, k, at(noon), one("b", 1), one("f", 1), one("c", 1), one("d", 1), one("e", 1)), "AL-B opened", "AL-F opened", "storm of 3 opened")
		snooze("AL-A", noon+time.Minute)
		snooze("AL-C", noon+2*time.Minute)
		closed("AL-B")
		same(t, "the snooze of one that was told is over", tend(t, s, k, at(noon+time.Minute)), "AL-A woken")
		if a := read(t, s, "AL-A"); a.Muted != "" || a.Due.IsZero() {
			t.Errorf("got muted by %q, due %v, want it in the inbox, and due", a.Muted, a.Due)
		}
		same(t, "the snooze of one that the storm told of is over", tend(t, s, k, at(noon+2*time.Minute)), "AL-C woken")
		same(t, "more of one that was told, and closed", apply(t, s, k, at(noon+2*time.Minute), one("b", 2)), "AL-B reopened")
		storm := read(t, s, "AL-D").MutedBy
		closed("AL-E")
		same(t, "more of a member that was closed by itself", apply(t, s, k, at(noon+3*time.Minute), one("e", 2)))
		if f := read(t, s, storm).Found; f.Count != 3 {
			t.Errorf("got a storm of %d, want the three that it had", f.Count)
		}
		closed(storm)
		if a := read(t, s, "AL-C"); a.State != alert.New {
			t.Errorf("got %s of one that was told by itself, want it new", a.State)
		}
		same(t, "more of a member that was closed with its storm", apply(t, s, k, at(noon+4*time.Minute), one("d", 2)), "storm of 1 opened")
		same(t, "and when the storm is over", apply(t, s, k, at(noon+3*time.Hour), one("e", 3)), "AL-E reopened")
	})
}

// What crosses its second threshold pages, also out of a storm: as many as are told one by one.
func TestAMemberOfAStormThatCrossesItsSecondThresholdIsTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		var many, crossed []alert.Sighting
		var opened, pages []string
		for i := range 20 {
			key := fmt.Sprintf("a%d", i)
			many = append(many, sighting(key, "spray", rootkeep.High, 5))
			if i < 5 {
				opened = append(opened, fmt.Sprintf("AL-A%d opened", i))
			}
			if i >= 5 {
				crossed = append(crossed, sighting(key, "spray", rootkeep.High, 10, escalated))
			}
			if i >= 6 && i < 10 {
				pages = append(pages, fmt.Sprintf("AL-A%d escalated", i))
			}
		}
		same(t, "a storm", apply(t, s, k, at(0), many...), append(opened, "storm of 15 opened")...)
		same(t, "a member crosses", apply(t, s, k, at(time.Minute), crossed[0]), "AL-A5 escalated")
		same(t, "and all others", apply(t, s, k, at(2*time.Minute), crossed[1:]...), pages...)
		if a := read(t, s, "AL-A19"); a.Muted != alert.ByStorm {
			t.Errorf("got %q of one of too many, want it in the storm", a.Muted)
		}
		same(t, "one that was told crosses", apply(t, s, k, at(3*time.Minute), sighting("a0", "spray", rootkeep.High, 10, escalated)), "AL-A0 escalated")
	})
}

// A storm has room for so many tags: whose members have others is told by any tag, and once.
func TestAStormOfMoreTagsThanItHas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := alert.Default()
		p.Storm.Most = 1
		p.Tags = map[string]alert.Tagging{}
		of := func(i int) rootkeep.AccountID { return rootkeep.AccountID(fmt.Sprintf("7000000000%02d", i)) }
		for i := range 40 {
			p.Tags[fmt.Sprintf("team-%02d", i)] = alert.Tagging{Accounts: []rootkeep.AccountID{of(i)}}
		}
		k, err := alerts.New(p, guarded)
		if err != nil {
			t.Fatal(err)
		}
		come := func(i int) []string {
			return apply(t, s, k, at(time.Duration(i)*time.Second), sighting(fmt.Sprintf("a%d", i), "spray", rootkeep.Low, 1, func(s *alert.Sighting) { s.Account = of(i) }))
		}
		for i := range 24 { // with the tag of the tactic
			come(i)
		}
		id := read(t, s, "AL-A23").MutedBy
		if a := read(t, s, id); a.Untagged || len(a.Tags) != alert.MostGiven {
			t.Fatalf("got %d tags, no room %v, want %d that all are named", len(a.Tags), a.Untagged, alert.MostGiven)
		}
		for i := 24; i < 40; i++ {
			come(i)
		}
		a, said := read(t, s, id), 0
		for _, l := range a.History {
			said += strings.Count(l.About, "tags for which it has no room")
		}
		if !a.Untagged || said != 1 {
			t.Errorf("got no room %v, told %d times, want it told once", a.Untagged, said)
		}
	})
}

// What was told one by one over weeks, and ended by itself, may come back all at once.
func TestWhatComesBackAtOnceIsAStorm(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		d := &alerts.Desk{Keeper: k, Tell: func(_ context.Context, _ *store.Tx, c *alerts.Changes) error {
			t.Errorf("got %v told of what a storm tells of, want nothing", told(c))
			return nil
		}}
		ann := someone(t, s, "Ann", everywhere)
		one := func(i int, heard time.Duration, change ...func(*alert.Sighting)) alert.Sighting {
			x := sighting(fmt.Sprintf("f%d", i), "securityhub/IAM.1", rootkeep.High, 1, change...)
			x.Kind, x.Heard, x.Last = alert.FindingKind, at(heard), at(0)
			return x
		}
		var ends, back []alert.Sighting
		var reopened []string
		for i := range 12 {
			came := time.Duration(i) * 8 * time.Hour
			same(t, "one by one", apply(t, s, k, at(came), one(i, came)), fmt.Sprintf("AL-F%d opened", i))
			ends, back = append(ends, one(i, 100*time.Hour, over)), append(back, one(i, 102*time.Hour))
			if i < 5 {
				reopened = append(reopened, fmt.Sprintf("AL-F%d reopened", i))
			}
		}
		revision := read(t, s, "AL-F11").Revision
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := (&alerts.Desk{Keeper: k}).Acknowledge(ctx, tx, ann, "AL-F11", revision, "mine")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, k, at(100*time.Hour), ends...)
		same(t, "all at once, one of which somebody has", apply(t, s, k, at(102*time.Hour), back...), append(reopened, "AL-F11 reopened", "storm of 6 opened")...)
		a := read(t, s, "AL-F10")
		if a.Muted != alert.ByStorm || a.State != alert.New || !a.Due.IsZero() {
			t.Errorf("got %s, muted by %q, due %v, want it new in the storm", a.State, a.Muted, a.Due)
		}
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := d.Acknowledge(ctx, tx, ann, a.ID, a.Revision, "mine too")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Whoever closes a storm says nothing of the members that somebody has.
func TestAStormIsClosedWithoutTheMembersThatSomebodyHas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := keeper(t)
		d := &alerts.Desk{Keeper: k}
		ann, bob := someone(t, s, "Ann", everywhere), someone(t, s, "Bob", everywhere)
		var many []alert.Sighting
		for i := range 8 {
			many = append(many, sighting(fmt.Sprintf("a%d", i), "spray", rootkeep.High, 1))
		}
		apply(t, s, k, at(0), many...)
		member := read(t, s, "AL-A6")
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := d.Assign(ctx, tx, ann, member.ID, member.Revision, bob.ID)
			if err == nil {
				_, err = d.Close(ctx, tx, ann, member.MutedBy, 1, "blocked")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]alert.State{"AL-A5": alert.Closed, "AL-A6": alert.New, "AL-A7": alert.Closed} {
			if a := read(t, s, id); a.State != want {
				t.Errorf("%s: got %s, want %s", id, a.State, want)
			}
		}
		same(t, "history of Bob's", acts(read(t, s, "AL-A6")), "opened", "assigned")
	})
}

// Whoever acknowledged a storm knew of so many accounts, and works at them.
func TestAStormThatSomebodyHasSpreads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := alert.Default()
		p.Storm.Most = 1
		k, err := alerts.New(p, guarded)
		if err != nil {
			t.Fatal(err)
		}
		d := &alerts.Desk{Keeper: k}
		bob := someone(t, s, "Bob", people.Grant{Role: people.Responder, Scope: people.Scope("account:" + string(account))})
		ann := someone(t, s, "Ann", everywhere)
		come := func(key string, of rootkeep.AccountID) []string {
			return apply(t, s, k, at(time.Minute), sighting(key, "spray", rootkeep.High, 1, func(s *alert.Sighting) { s.Account = of }))
		}
		come("a", account)
		same(t, "it begins", come("b", account), "storm of 1 opened")
		id := read(t, s, "AL-B").MutedBy
		take := func(who people.Actor) {
			t.Helper()
			revision := read(t, s, id).Revision
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := d.Acknowledge(ctx, tx, who, id, revision, "")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		take(bob)
		same(t, "of two accounts", come("c", another), "storm of 2 reopened")
		if a := read(t, s, id); a.State != alert.New || a.Owner != "" || a.Due.IsZero() {
			t.Errorf("got %s, with %q, due %v, want it new, nobody's, and due", a.State, a.Owner, a.Due)
		}
		take(ann)
		same(t, "of three", come("d", "700000000001"), "storm of 3 grown")
		if a := read(t, s, id); a.State != alert.Acknowledged || a.Owner != ann.ID || !a.Due.IsZero() {
			t.Errorf("got %s, with %q, due %v, want it acknowledged by Ann", a.State, a.Owner, a.Due)
		}
		same(t, "of four", come("e", "700000000002"), "storm of 4 reopened")
		if a := read(t, s, id); a.State != alert.New || a.Owner != ann.ID {
			t.Errorf("got %s, with %q, want it new, with Ann", a.State, a.Owner)
		}
	})
}
