package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

const caller = rootkeep.AccountID("999988887777")

// record keeps what explains, and judges what it bears on.
func (w *world) record(t testing.TB, keep func(context.Context, *store.Tx) (rootlog.Touched, error)) error {
	t.Helper()
	return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		touched, err := keep(ctx, tx)
		if err == nil {
			_, err = access.Judge(ctx, tx, touched)
		}
		return err
	})
}

func (w *world) verdict(t testing.TB, id string) *rootlog.Event {
	t.Helper()
	got := w.events(t, rootlog.EventFilter{Event: id})
	if len(got) != 1 {
		t.Fatalf("event %s: got %d, want one", id, len(got))
	}
	return got[0]
}

// asks is an AssumeRoot of another account for the root user of account.
func asks(id, name, key string) reconcile.Event {
	e := event(id, time.Minute, "sts.amazonaws.com", "AssumeRoot")
	e.Kind, e.Account, e.Target, e.SourceIdentity, e.IssuedKey = rootkeep.RootAssumed, caller, string(account), name, key
	e.TaskPolicy, e.Failed = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials", key == ""
	return e
}

func TestSessionsThatAreRecordedLateExplainWhoAskedForThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		start := exceptionstest.Start.Add(time.Minute)
		given := rootlog.Session{AccessKey: "ASIAEXAMPLE", Account: account, Name: "SC-1", Policy: "IAMAuditRootUserCredentials", Start: start, End: start.Add(5 * time.Minute)}
		refused := rootlog.Session{Account: account, Name: "SC-2", Policy: given.Policy, Start: start, End: start}
		w.later(5 * time.Minute)
		w.arrive(t, asks("given", given.Name, given.AccessKey), asks("refused", refused.Name, ""), asks("forged", "SC-3", ""))
		for _, id := range []string{"given", "refused", "forged"} {
			if got := w.verdict(t, id); got.Verdict != rootkeep.Unexplained {
				t.Fatalf("%s, before anything is recorded: got %s by %s, want UNEXPLAINED", id, got.Verdict, got.Rule)
			}
		}
		for _, s := range []rootlog.Session{given, refused, refused} {
			if err := w.record(t, func(ctx context.Context, tx *store.Tx) (rootlog.Touched, error) {
				return rootlog.RecordSession(ctx, tx, s)
			}); err != nil {
				t.Fatal(err)
			}
		}
		for id, want := range map[string]rootkeep.Verdict{"given": rootkeep.Explained, "refused": rootkeep.Explained, "forged": rootkeep.Unexplained} {
			if got := w.verdict(t, id); got.Verdict != want {
				t.Errorf("%s: got %s by %s (%s), want %s", id, got.Verdict, got.Rule, got.Why, want)
			}
		}
		if got := w.Entries(t, refused.Name); len(got) != 1 {
			t.Errorf("a refusal that is recorded twice: got the entries %v, want one", got)
		}
	})
}

func TestChangesExplainWhatTheirPlansDo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		start := exceptionstest.Start
		c := reconcile.Change{ID: "CH-1", Account: account, Events: []string{"organizations.amazonaws.com DetachPolicy"}, Keys: []string{"ASIACHANGE"}, Start: start, End: start.Add(time.Hour)}
		governs := func(id, name, key string) reconcile.Event {
			e := event(id, time.Minute, "organizations.amazonaws.com", name)
			e.Kind, e.AccessKey, e.SourceIdentity = rootkeep.RootGovernance, key, "CH-1"
			return e
		}
		w.later(5 * time.Minute)
		w.arrive(t, governs("planned", "DetachPolicy", "ASIACHANGE"), governs("more", "LeaveOrganization", "ASIACHANGE"), governs("forged", "DetachPolicy", "ASIAOTHER"))
		if got := w.verdict(t, "planned"); got.Verdict != rootkeep.Unexplained {
			t.Fatalf("before the session is known: got %s, want UNEXPLAINED", got.Verdict)
		}
		record := func(c reconcile.Change) error {
			return w.record(t, func(ctx context.Context, tx *store.Tx) (rootlog.Touched, error) {
				return rootlog.RecordChange(ctx, tx, c)
			})
		}
		for range 2 {
			if err := record(c); err != nil {
				t.Fatal(err)
			}
		}
		for id, want := range map[string]rootkeep.Verdict{"planned": rootkeep.Explained, "more": rootkeep.OutOfScope, "forged": rootkeep.Unexplained} {
			if got := w.verdict(t, id); got.Verdict != want {
				t.Errorf("%s: got %s by %s (%s), want %s", id, got.Verdict, got.Rule, got.Why, want)
			}
		}
		other := c
		other.ID = "CH-2"
		is(t, "another change with the same key", record(other), store.ErrConflict)
		for name, bad := range map[string]reconcile.Change{
			"no key":         {ID: "CH-1", Account: account, Start: start, End: start.Add(time.Hour)},
			"no time":        {ID: "CH-1", Account: account, Keys: []string{"ASIA1"}, Start: start, End: start},
			"no account":     {ID: "CH-1", Account: "1", Keys: []string{"ASIA1"}, Start: start, End: start.Add(time.Hour)},
			"a hostile name": {ID: "CH-\x1b", Account: account, Keys: []string{"ASIA1"}, Start: start, End: start.Add(time.Hour)},
		} {
			if err := record(bad); err == nil {
				t.Errorf("a change with %s was taken", name)
			}
		}
	})
}
