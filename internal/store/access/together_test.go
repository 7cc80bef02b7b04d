package access_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// What decides beside address and name is a part of what an event is: a copy of a bucket
// may be altered, and must not take the place of what AWS wrote, or be told instead of it.
func TestAnAlteredCopyHidesNothingInEitherOrder(t *testing.T) {
	altered := login()
	altered.Device, altered.AccessKey = "arn:aws:iam::111122223333:mfa/other", "ASIAOTHER"
	for name, order := range map[string][]reconcile.Event{"the copy first": {altered, login()}, "the copy last": {login(), altered}} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.opened(t)
				w.later(5 * time.Minute)
				for range 2 {
					for _, e := range order {
						w.arrive(t, e)
					}
				}
				got := map[rootkeep.Verdict]string{}
				for _, e := range w.events(t, rootlog.EventFilter{Event: "e1"}) {
					got[e.Verdict] = e.Device
					if e.Delivered != 2 {
						t.Errorf("%s: got %d deliveries, want 2", e.Verdict, e.Delivered)
					}
				}
				want := map[rootkeep.Verdict]string{rootkeep.Explained: device, rootkeep.Unexplained: altered.Device}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("devices by verdict (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A sign-in that fails takes no more than an address, which is no secret.
func TestAFloodOfFailedSignInsHidesNoUse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.later(5 * time.Minute)
		var flood []reconcile.Event
		for i := range 30 {
			e := login()
			e.ID, e.Kind, e.Failed, e.Address, e.Time = fmt.Sprintf("f%02d", i), rootkeep.RootFailedSignIn, true, "203.0.113.9", exceptionstest.Start.Add(time.Duration(i)*time.Second)
			flood = append(flood, e)
		}
		use := event("use", 2*time.Minute, "account.amazonaws.com", "CloseAccount")
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			touched, err := rootlog.Arrive(ctx, tx, "folder", nil, append(flood, use))
			if err != nil {
				return err
			}
			_, err = access.JudgeWith(ctx, tx, account, touched[account], 10, 10)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		all := w.events(t, rootlog.EventFilter{})
		for _, e := range all {
			switch {
			case e.Verdict == "":
				t.Errorf("%s has no verdict", e.Event.ID)
			case e.Event.ID == "use" && e.Verdict != rootkeep.Explained:
				t.Errorf("the use: got %s: %s, want it compared with its request", e.Verdict, e.Why)
			}
		}
		if len(all) != 31 {
			t.Errorf("got %d events, want all", len(all))
		}
	})
}

// The call is in the log of who opened the session, the session in that of the member.
func TestAnAssumeRootIsJudgedAnewWithItsMember(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const member = rootkeep.AccountID("444455556666")
		s := rootlog.Session{AccessKey: "ASIAEXAMPLE", Account: member, Name: "SC-1KB2Z7Q0MX7F3A", Policy: "IAMAuditRootUserCredentials", Start: w.Now(), End: w.Now().Add(15 * time.Minute)}
		w.later(5 * time.Minute)
		opens := event("e1", time.Second, "sts.amazonaws.com", "AssumeRoot")
		opens.Kind, opens.Of, opens.Target, opens.IssuedKey, opens.SourceIdentity = rootkeep.RootAssumed, member, string(member), s.AccessKey, s.Name
		opens.TaskPolicy = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
		of := func() *rootlog.Event { return w.events(t, rootlog.EventFilter{Event: "e1"})[0] }
		w.arrive(t, opens)
		if got := of(); got.Verdict != rootkeep.Unexplained {
			t.Fatalf("before the session is recorded: got %s, want UNEXPLAINED", got.Verdict)
		}
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			touched, err := rootlog.RecordSession(ctx, tx, s)
			if err == nil {
				_, err = access.Judge(ctx, tx, touched)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := of(); got.Verdict != rootkeep.Explained {
			t.Errorf("once it is: got %s: %s, want EXPLAINED", got.Verdict, got.Why)
		}
		writes := event("e2", 2*time.Second, "iam.amazonaws.com", "CreateLoginProfile")
		writes.Kind, writes.Account, writes.Of, writes.AccessKey = rootkeep.AssumedRootCall, member, member, s.AccessKey
		w.arrive(t, writes)
		if got := of(); got.Verdict != rootkeep.Unexplained {
			t.Errorf("once the session writes: got %s: %s, want UNEXPLAINED", got.Verdict, got.Why)
		}
	})
}

func TestARecordWithoutAnAccountIsJudgedAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.later(5 * time.Minute)
		nobodys := login()
		nobodys.ID, nobodys.Account, nobodys.Of = "e2", "", ""
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			if _, err := rootlog.Arrive(ctx, tx, "folder", nil, []reconcile.Event{login()}); err != nil {
				return err
			}
			touched, err := rootlog.Arrive(ctx, tx, "folder", nil, []reconcile.Event{nobodys})
			if err != nil {
				return err
			}
			changed, err := access.Judge(ctx, tx, touched)
			if err == nil && (len(changed.Events) != 1 || changed.Events[0].Event.ID != "e2") {
				t.Errorf("got %d verdicts, want that of the record alone", len(changed.Events))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnOutcomeIsToldOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		x := w.opened(t, func(r *model.Request) { r.Checklist = r.Checklist[:1] })
		w.later(5 * time.Minute)
		e := event("e1", 2*time.Minute, "account.amazonaws.com", "CloseAccount")
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { // kept, and not judged yet
			_, err := rootlog.Arrive(ctx, tx, "folder", nil, []reconcile.Event{e})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if x, err = w.close(t, x, w.Ann); err != nil || x.Outcome != reconcile.Used {
			t.Fatalf("close: got %+v, %v, want USED", x, err)
		}
		outcomes := slices.DeleteFunc(w.Entries(t, x.ID), func(e string) bool { return e != "root.outcome" })
		if diff := cmp.Diff([]string{"root.outcome", "root.outcome"}, outcomes); diff != "" { // PENDING, USED
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	})
}
