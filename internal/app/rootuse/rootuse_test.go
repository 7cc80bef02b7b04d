package rootuse_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

const (
	account = exceptionstest.Account
	member  = rootkeep.AccountID("444455556666")
	writes  = "arn:aws:iam::" + string(account) + ":role/RootkeepWriteOrganization"
	reads   = "arn:aws:iam::" + string(account) + ":role/RootkeepPlan"
	audits  = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
)

// planned keeps a plan that detaches a guardrail, and does something in a member and as its
// root.
func planned(t *testing.T, w *exceptionstest.World) string {
	t.Helper()
	w.Desk.Kinds = append(w.Desk.Kinds, changes.Kind(0))
	desk, err := changes.New(changes.Desk{Desk: w.Desk.Desk})
	if err != nil {
		t.Fatal(err)
	}
	call := func(operation string, in rootkeep.AccountID) change.Planned {
		return change.Planned{Call: change.Call{Operation: operation, Account: in, Region: "us-east-1", With: map[string]any{}}, Step: "one", About: "does it"}
	}
	p := &change.Plan{
		Account: account, Breaks: "Nothing.", Class: "organization", Created: w.Now().Truncate(time.Second), Diff: []change.Difference{}, Final: []string{},
		Calls: []change.Planned{call("organizations:DetachPolicy", account), call("iam:CreateRole", member)},
		ID:    rootkeep.NewID("CH", w.Now(), []byte("detaches")), Kind: "detach", KindHash: "0", Parameters: map[string]any{}, Partition: "aws", Prior: map[string]any{}, Region: "us-east-1",
		Resources: []string{"x"}, Risk: "low", Role: "RootkeepWriteOrganization", Schema: change.PlanSchema, Title: "Detach", Wants: map[string]any{},
	}
	if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := desk.Plan(ctx, tx, w.Ann.Actor, p)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// Only what can explain something is kept: sessions as root, refusals of them that a scan
// or a request met, and sessions of the role that a change is applied in.
func TestWhichSessionsAreKept(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		id := planned(t, w)
		at := w.Now().Truncate(time.Second)
		for i, test := range []struct {
			name, as string
			session  facts.Session
			want     string
		}{
			{"a session as root under a request", "RR-1", facts.Session{Account: member, Root: true, Role: audits, AccessKey: "ASIA1"}, "session RR-1 ASIA1 IAMAuditRootUserCredentials"},
			{"one that a request was refused", "RR-2", facts.Session{Account: member, Root: true, Role: audits}, "session RR-2  IAMAuditRootUserCredentials"},
			{"one that a scan was refused", "SC-3", facts.Session{Account: member, Root: true, Role: audits}, "session SC-3  IAMAuditRootUserCredentials"},
			{"one that a change was refused", "CH-4", facts.Session{Account: member, Root: true, Role: audits}, ""},
			{"a role under a request", "RR-5", facts.Session{Account: account, Role: writes, AccessKey: "ASIA5"}, ""},
			{"the role that a change is applied in", id, facts.Session{Account: account, Role: writes, AccessKey: "ASIA6"}, "change ASIA6 [organizations.amazonaws.com DetachPolicy]"},
			{"that role in a member", id, facts.Session{Account: member, Role: "arn:aws:iam::" + string(member) + ":role/RootkeepWriteOrganization", AccessKey: "ASIA7"}, "change ASIA7 [iam.amazonaws.com CreateRole]"},
			{"the role that the change is read in", id, facts.Session{Account: account, Role: reads, AccessKey: "ASIA8"}, ""},
			{"a change that is still being planned", "CH-9", facts.Session{Account: account, Role: writes, AccessKey: "ASIA9"}, ""},
		} {
			t.Run(test.name, func(t *testing.T) {
				s := test.session
				s.SourceIdentity, s.Start = test.as, at.Add(time.Duration(i)*time.Hour)
				s.End = s.Start.Add(15 * time.Minute)
				if s.AccessKey == "" {
					s.End = s.Start
				}
				for range 2 { // at least once
					if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { return rootuse.Recorded(ctx, tx, test.as, s) }); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(test.want, kept(t, w, test.as, s)); diff != "" {
					t.Errorf("what is kept (-want +got):\n%s", diff)
				}
			})
		}
	})
}

// kept is what the store has of a session.
func kept(t *testing.T, w *exceptionstest.World, as string, s facts.Session) (out string) {
	t.Helper()
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		found, err := rootlog.Sessions(ctx, r, as)
		if err != nil {
			return err
		}
		for _, x := range found {
			out += fmt.Sprintf("session %s %s %s", x.Name, x.AccessKey, x.Policy)
		}
		var list []reconcile.Change
		if list, _, err = rootlog.Changes(ctx, r, s.Account, rootlog.Span{First: s.Start.Add(time.Second), Last: s.End}); err != nil {
			return err
		}
		for _, c := range list {
			out += fmt.Sprintf("change %s %v", c.Keys[0], c.Events)
		}
		return nil
	})
	return out
}
