package access_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	caseof "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

func (w *world) events(t testing.TB, f rootlog.EventFilter) []*rootlog.Event {
	t.Helper()
	var out []*rootlog.Event
	w.View(t, func(ctx context.Context, r *store.Reader) (err error) {
		f.Limit = 100
		out, err = rootlog.Events(ctx, r, everything, f)
		return err
	})
	return out
}

func login() reconcile.Event { return event("e1", time.Minute, "signin.amazonaws.com", "ConsoleLogin") }

func TestAnUnexplainedEventIsACaseOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.later(5 * time.Minute)
		if c := w.arrive(t, login()); len(c.Events) != 1 || len(c.Cases) != 1 {
			t.Fatalf("first delivery: got %+v, want a verdict and a case", c)
		}
		c := w.caseOf(t, incident.Filter{Account: account})
		if c.State != caseof.Open || c.Severity != rootkeep.Critical || c.Events != 1 || c.Title != "Unexplained use of root of account 111122223333" {
			t.Errorf("case: got %+v", c)
		}
		for range 3 {
			if again := w.arrive(t, login()); len(again.Events) != 0 || len(again.Cases) != 0 {
				t.Errorf("delivered again: got %+v, want no change", again)
			}
		}
		if diff := cmp.Diff([]string{"incident.opened"}, w.Entries(t, c.ID)); diff != "" {
			t.Errorf("entries of the case (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"root.verdict"}, w.Entries(t, string(account))); diff != "" {
			t.Errorf("entries of the account (-want +got):\n%s", diff)
		}
		got := w.events(t, rootlog.EventFilter{Case: c.ID})
		if len(got) != 1 || got[0].Delivered != 4 || got[0].Verdict != rootkeep.Unexplained || got[0].Sources[0] != "folder" {
			t.Errorf("events of the case: got %+v, want one that was delivered four times", got)
		}
	})
}

func TestAForgedEventHidesNoOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.later(5 * time.Minute)
		forged := login()
		forged.Address = "203.0.113.9"
		w.arrive(t, login(), forged)
		if got := w.events(t, rootlog.EventFilter{Event: "e1"}); len(got) != 2 {
			t.Errorf("two events with one ID: got %d, want both", len(got))
		}
	})
}

func TestWhatArrivesLateExplains(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.later(5 * time.Minute)
		w.arrive(t, login())
		c := w.caseOf(t, incident.Filter{Account: account})
		if c.State != caseof.Open {
			t.Fatalf("case: got %s, want open", c.State)
		}
		key := w.events(t, rootlog.EventFilter{})[0].Key
		w.rule(t, key, rootkeep.Explained)
		c = w.caseOf(t, incident.Filter{Account: account})
		if c.State != caseof.Closed || !strings.HasPrefix(c.Reason, "explained by what arrived later") {
			t.Errorf("once it is explained: got %+v, want closed, with the reason", c)
		}
		w.rule(t, key, rootkeep.OutOfScope)
		if c = w.caseOf(t, incident.Filter{Account: account}); c.State != caseof.Open {
			t.Errorf("once the explanation falls: got %s, want open", c.State)
		}
		want := []string{"incident.opened", "incident.explained", "incident.closed", "incident.reopened"}
		if diff := cmp.Diff(want, w.Entries(t, c.ID)); diff != "" {
			t.Errorf("entries of the case (-want +got):\n%s", diff)
		}
	})
}

// rule gives an event a verdict as if what it rests on had changed.
func (w *world) rule(t testing.TB, key string, to rootkeep.Verdict) {
	t.Helper()
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		e, err := rootlog.EventOf(ctx, &tx.Reader, everything, key)
		if err != nil {
			return err
		}
		return access.Rule(ctx, tx, e, rootlog.Ruling{Verdict: to, Rule: "test", Why: "because", Session: e.Session})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHostileEventsAreKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.later(5 * time.Minute)
		e := login()
		e.Account, e.Of = "\x00'; DROP TABLE root_event; --", ""
		e.Name, e.Agent, e.Principal = strings.Repeat("<script>", 1000), "\xff\xfe\x00", strings.Repeat("\u202e", 5000)
		e.Raw = bytes.Repeat([]byte{0}, 200<<10)
		c := w.arrive(t, e, login())
		if len(c.Events) != 2 {
			t.Fatalf("got %d verdicts, want both", len(c.Events))
		}
		for _, e := range w.events(t, rootlog.EventFilter{}) {
			if e.Verdict == "" || e.Verdict.Harmless() || len(e.Name) > 300 || len(e.Principal) > 2100 {
				t.Errorf("got %+v, want it bounded, and not explained", e)
			}
		}
		if diff := cmp.Diff([]string{"root.verdict"}, w.Entries(t, "unknown")); diff != "" {
			t.Errorf("entries of an account that is none (-want +got):\n%s", diff)
		}
	})
}

func TestMarksAndSourcesAreKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.later(5 * time.Minute)
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			for _, source := range []string{"folder", "lookup", "folder"} {
				if _, err := rootlog.Arrive(ctx, tx, source, []byte("mark of "+source), []reconcile.Event{login()}); err != nil {
					return err
				}
			}
			_, err := rootlog.Arrive(ctx, tx, "folder", make([]byte, 65<<10), nil)
			if err == nil {
				t.Error("a mark of 65 KiB was taken")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			for source, want := range map[string]string{"folder": "mark of folder", "lookup": "mark of lookup", "new": ""} {
				if got, err := rootlog.Mark(ctx, r, source); err != nil || string(got) != want {
					t.Errorf("mark of %s: got %q, %v, want %q", source, got, err, want)
				}
			}
			return nil
		})
		got := w.events(t, rootlog.EventFilter{Unjudged: true})
		if len(got) != 1 || got[0].Delivered != 3 || cmp.Diff([]string{"folder", "lookup"}, got[0].Sources) != "" {
			t.Errorf("got %+v, want one event by two sources", got)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			e, err := rootlog.EventOf(ctx, r, everything, got[0].Key)
			if err != nil || string(e.Raw) != `{"eventID":"e1"}` {
				t.Errorf("record: got %q, %v", e.Raw, err)
			}
			_, err = rootlog.EventOf(ctx, r, sight.Of([]rootkeep.AccountID{"999988887777"}), got[0].Key)
			is(t, "an event out of sight", err, store.ErrNotFound)
			return nil
		})
	})
}

func TestRecordedSessionsExplain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := rootlog.Session{AccessKey: "ASIAEXAMPLE", Account: account, Name: "SC-1KB2Z7Q0MX7F3A", Policy: "IAMAuditRootUserCredentials", Start: w.Now(), End: w.Now().Add(15 * time.Minute)}
		w.later(5 * time.Minute)
		e := event("e1", time.Minute, "iam.amazonaws.com", "GetAccountSummary")
		e.Kind, e.AccessKey, e.SourceIdentity, e.ReadOnly, e.Created = rootkeep.AssumedRootCall, s.AccessKey, s.Name, true, exceptionstest.Start
		w.arrive(t, e)
		if got := w.events(t, rootlog.EventFilter{}); got[0].Verdict != rootkeep.Unexplained {
			t.Fatalf("before the session is known: got %s by %s, want UNEXPLAINED", got[0].Verdict, got[0].Rule)
		}
		record := func(s rootlog.Session) error {
			return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
				touched, err := rootlog.RecordSession(ctx, tx, s)
				if err == nil {
					_, err = access.Judge(ctx, tx, touched)
				}
				return err
			})
		}
		for range 2 {
			if err := record(s); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.events(t, rootlog.EventFilter{}); got[0].Verdict != rootkeep.Explained || got[0].Request != s.Name {
			t.Errorf("once it is: got %s by %s, want EXPLAINED", got[0].Verdict, got[0].Rule)
		}
		other := s
		other.Name = "RR-1KB2Z7Q0MX7F3A"
		is(t, "another session with the same key", record(other), store.ErrConflict)
		if diff := cmp.Diff([]string{"root.session"}, w.Entries(t, s.Name)); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	})
}

func TestWhatAScanWasRefusedExplains(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := rootlog.Session{Account: account, Name: "SC-1KB2Z7Q0MX7F3A", Policy: "IAMAuditRootUserCredentials", Start: w.Now().Add(time.Minute), End: w.Now().Add(time.Minute)}
		w.later(5 * time.Minute)
		e := event("e1", time.Minute, "sts.amazonaws.com", "AssumeRoot")
		e.Kind, e.Failed, e.SourceIdentity, e.Of, e.TaskPolicy = rootkeep.RootAssumed, true, s.Name, account, "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
		w.arrive(t, e)
		record := func(s rootlog.Session) error {
			return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
				touched, err := rootlog.RecordSession(ctx, tx, s)
				if err == nil {
					_, err = access.Judge(ctx, tx, touched)
				}
				return err
			})
		}
		if got := w.events(t, rootlog.EventFilter{}); got[0].Verdict != rootkeep.Unexplained {
			t.Fatalf("before the refusal is known: got %s by %s, want UNEXPLAINED", got[0].Verdict, got[0].Rule)
		}
		later := s
		later.Start, later.End = s.Start.Add(time.Hour), s.End.Add(time.Hour)
		for _, s := range []rootlog.Session{s, later, s} {
			if err := record(s); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.events(t, rootlog.EventFilter{}); got[0].Verdict != rootkeep.Explained || got[0].Request != s.Name {
			t.Errorf("once it is: got %s by %s, want EXPLAINED", got[0].Verdict, got[0].Rule)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			got, err := rootlog.Sessions(ctx, r, s.Name)
			if len(got) != 2 || got[0].AccessKey != "" || got[1].AccessKey != "" {
				t.Errorf("got %+v, want both refusals, without a key", got)
			}
			return err
		})
		s.Name = "CH-1KB2Z7Q0MX7F3A"
		if err := record(s); err == nil {
			t.Error("a session of a change that has no key: got no error")
		}
	})
}

func TestAbsenceIsClaimedOnlyOfWhatIsProven(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		day := exceptionstest.Start.Truncate(24 * time.Hour)
		w.At(day.Add(50 * time.Hour))
		w.arrive(t, event("e1", time.Minute, "iam.amazonaws.com", "CreateUser"))
		number := func() *rootlog.Number {
			t.Helper()
			var n *rootlog.Number
			w.View(t, func(ctx context.Context, r *store.Reader) (err error) {
				n, err = rootlog.NumberOf(ctx, r, everything, day, day.AddDate(0, 0, 1))
				return err
			})
			return n
		}
		if n := number(); n.Unexplained != 1 || n.Explained != 0 || n.Coverage.Proven != 0 || n.Coverage.Hours != 24 || n.Claim() {
			t.Errorf("got %+v, want one unexplained, of 24 hours none proven", n)
		}
		w.rule(t, w.events(t, rootlog.EventFilter{})[0].Key, rootkeep.Explained)
		if n := number(); n.Unexplained != 0 || n.Explained != 1 || n.Claim() {
			t.Errorf("explained, not proven: got %+v, want no claim", n)
		}
		cover := func(c rootlog.Covered) error {
			return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
				_, err := rootlog.Cover(ctx, tx, "system", []rootlog.Covered{c})
				return err
			})
		}
		if err := cover(rootlog.Covered{Account: account, Region: "eu-west-1", Day: day, Mask: 1<<24 - 1}); err != nil {
			t.Fatal(err)
		}
		if n := number(); n.Claim() {
			t.Error("one Region alone was taken for all")
		}
		if err := cover(rootlog.Covered{Account: "999988887777", Day: day, Mask: 1<<24 - 1}); err != nil {
			t.Fatal(err)
		}
		if n := number(); n.Claim() || n.Coverage.Hours != 48 {
			t.Errorf("got %+v, want no claim: the hours of an account that is not known otherwise are no other's", n)
		}
		if err := cover(rootlog.Covered{Account: account, Day: day, Mask: 1<<24 - 1}); err != nil {
			t.Fatal(err)
		}
		if n := number(); !n.Claim() {
			t.Errorf("all hours of the day: got %+v, want a claim", n)
		}
		before := len(w.Entries(t, "coverage"))
		if err := cover(rootlog.Covered{Account: account, Day: day, Mask: 1<<10 - 1}); err != nil || len(w.Entries(t, "coverage")) != before {
			t.Errorf("what is proven already: got %v and %d entries more, want none", err, len(w.Entries(t, "coverage"))-before)
		}
		for _, bad := range []rootlog.Covered{{Account: account, Day: day.Add(time.Hour), Mask: 1}, {Account: account, Day: day, Mask: 1 << 24}, {Account: "x", Day: day, Mask: 1}} {
			if err := cover(bad); err == nil {
				t.Errorf("coverage %+v was taken", bad)
			}
		}
	})
}

func TestAnUnusedRequestIsSaidSoOnlyIfProven(t *testing.T) {
	for name, proven := range map[string]bool{"proven": true, "not proven": false} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				x := w.approved(t)
				day := exceptionstest.Start.Truncate(24 * time.Hour)
				if proven {
					if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
						_, err := rootlog.Cover(ctx, tx, "system", []rootlog.Covered{{Account: account, Day: day, Mask: 1<<24 - 1}})
						return err
					}); err != nil {
						t.Fatal(err)
					}
				}
				w.later(10 * time.Hour)
				w.settle(t)
				want := map[bool]reconcile.Outcome{true: reconcile.Unused, false: reconcile.NoCoverage}[proven]
				if x = w.read(t, x.ID); x.Outcome != want || x.State != access.Lapsed {
					t.Errorf("got %s, %s, want %s, lapsed", x.Outcome, x.State, want)
				}
			})
		})
	}
}

func TestWhoWorksAtCases(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.later(5 * time.Minute)
		w.arrive(t, login())
		c := w.caseOf(t, incident.Filter{Account: account})
		do := func(act func(ctx context.Context, tx *store.Tx) (*incident.Case, error)) error {
			t.Helper()
			return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
				next, err := act(ctx, tx)
				if err == nil {
					c = next
				}
				return err
			})
		}
		assign := func(by people.Actor, to string) error {
			return do(func(ctx context.Context, tx *store.Tx) (*incident.Case, error) {
				return w.cases.Assign(ctx, tx, by, c.ID, c.Revision, to)
			})
		}
		is(t, "by somebody elsewhere", assign(w.Fay.Actor, w.Bob.ID), store.ErrNotFound)
		is(t, "by who only asks", assign(w.Ann.Actor, w.Bob.ID), incident.ErrNotAllowed)
		is(t, "to who approves elsewhere", assign(w.Bob.Actor, w.Eve.ID), incident.ErrNotAllowed)
		is(t, "to nobody", assign(w.Bob.Actor, "PE-NOBODY"), caseof.ErrInvalid)
		w.closeCase(t, w.Bob, c, caseof.ErrState)
		if err := assign(w.Bob.Actor, w.Cid.ID); err != nil {
			t.Fatal(err)
		}
		stale := *c
		if err := do(func(ctx context.Context, tx *store.Tx) (*incident.Case, error) {
			return w.cases.Note(ctx, tx, w.Cid.Actor, c.ID, c.Revision, "The address is that of the office.")
		}); err != nil {
			t.Fatal(err)
		}
		w.closeCase(t, w.Cid, &stale, store.ErrConflict)
		w.closeCase(t, w.Cid, c, nil)
		c = w.caseOf(t, incident.Filter{State: caseof.Closed, Owner: w.Cid.ID})
		w.arrive(t, event("e2", time.Minute, "iam.amazonaws.com", "CreateUser"))
		c = w.caseOf(t, incident.Filter{State: caseof.Open})
		want := []string{"incident.opened", "incident.assigned", "incident.noted", "incident.closed", "incident.reopened"}
		if diff := cmp.Diff(want, w.Entries(t, c.ID)); diff != "" {
			t.Errorf("entries of the case (-want +got):\n%s", diff)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			list, err := incident.List(ctx, r, sight.Of([]rootkeep.AccountID{"999988887777"}), incident.Filter{Limit: 10})
			if len(list) != 0 {
				t.Errorf("list of another account: got %d, want none", len(list))
			}
			if n, _ := incident.Count(ctx, r, everything, caseof.Open); n != 1 {
				t.Errorf("count: got %d, want 1", n)
			}
			if _, err := incident.List(ctx, r, everything, incident.Filter{Before: "x", Limit: 1}); !errors.Is(err, caseof.ErrInvalid) {
				t.Errorf("a place that is none: got %v, want ErrInvalid", err)
			}
			return err
		})
	})
}

func TestTimesOfRecordsMayBeAnything(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.later(5 * time.Minute)
		var all []reconcile.Event
		for id, at := range map[string]time.Time{"none": {}, "old": time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC), "future": time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), "now": w.Now()} {
			e := login()
			e.ID, e.Time = id, at
			all = append(all, e)
		}
		if c := w.arrive(t, all...); len(c.Events) != 4 {
			t.Errorf("got %d verdicts, want one for each", len(c.Events))
		}
		for _, e := range w.events(t, rootlog.EventFilter{}) {
			if e.Verdict == "" || e.Verdict.Harmless() {
				t.Errorf("%s at %s: got %q, want a verdict that explains nothing", e.Event.ID, e.Time, e.Verdict)
			}
		}
	})
}
