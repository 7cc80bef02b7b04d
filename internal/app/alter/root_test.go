package alter_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	web "github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// session is one that the engine told of, with the name it was told.
type session struct {
	name string
	facts.Session
}

// rooted runs a test in a world whose organization has central root access.
func rooted(t *testing.T, test func(t *testing.T, w *world)) {
	each(t, func(t *testing.T, w *world) {
		w.Desk.Kinds = append(w.Desk.Kinds, approvals.Kind{
			Name: access.RequestKind, Noun: "a use of root", Prefix: access.Prefix, Most: 1000,
			Check:   func(subject []byte) error { _, err := access.ParseRequest(subject); return err },
			Decided: changes.Decided,
		})
		w.invoke("111111111111", "organizations", "EnableAWSServiceAccess", map[string]any{"ServicePrincipal": "iam.amazonaws.com"})
		w.invoke("111111111111", "iam", "EnableOrganizationsRootCredentialsManagement", nil)
		test(t, w)
	})
}

// invoke has an account's administrator do something.
func (w *world) invoke(id rootkeep.AccountID, service, operation string, with map[string]any) {
	w.t.Helper()
	a := w.aws.Cloud.Account(id)
	if _, err := w.aws.Cloud.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "us-east-1", Service: service, Operation: operation, Parameters: with}); err != nil {
		w.t.Fatal(err)
	}
}

// under plans a change of the member under a request for root.
func (w *world) under(request, kind string, with map[string]any) *changes.Change {
	w.t.Helper()
	c, err := w.engine.Plan(w.t.Context(), w.Ann.Actor, web.Wanted{Kind: kind, Account: account, Parameters: with, For: request})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// grant asks for changes under a request for root, has two persons sign, and gives the
// changes.
func (w *world) grant(request string, edit func(*access.Request), list ...*changes.Change) {
	w.t.Helper()
	from := w.Now().Truncate(time.Second)
	r := &access.Request{
		Accounts: []rootkeep.AccountID{account}, Changes: []access.Change{}, Checklist: []access.Item{}, Events: []string{"iam.amazonaws.com *"}, From: from, Until: from.Add(time.Hour),
		Justification: "Nobody needs them.", Kind: access.Use, Networks: []netip.Prefix{}, Path: access.Assumed, Schema: access.RequestSchema, Session: 600,
		Task: "delete-root-credentials", Title: "Delete credentials of root",
	}
	for _, c := range list {
		r.Changes = append(r.Changes, access.Change{Account: c.Account, ID: c.ID, Plan: approval.Sum(c.Plan)})
	}
	edit(r)
	subject, err := r.Bytes()
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.Change(w.t, func(ctx context.Context, tx *store.Tx) error {
		m, err := w.Desk.Desk.Submit(ctx, tx, w.Ann.Actor, approvals.Wanted{Kind: access.RequestKind, ID: request, Account: account, Action: r.Action(), Subject: subject, Policy: approval.RootUse})
		if err != nil {
			return err
		}
		return changes.Asked(ctx, tx, m)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range []*exceptionstest.Person{w.Bob, w.Cid} {
		if _, err := w.Decide(w.t, p, request, approval.Approve); err != nil {
			w.t.Fatal(err)
		}
	}
}

func asItIs(*access.Request) {}

// TestWhatIsDoneAsRootCarriesItsRequest follows a change under a request for root: what
// planned it looked under the name of a scan, what applied it wrote under that of the
// request, and all of it was told before it was used.
func TestWhatIsDoneAsRootCarriesItsRequest(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		c := w.under("RR-1", access.DeleteAll, map[string]any{"unused_for": "0s"})
		planned := w.told
		w.grant("RR-1", asItIs, c)
		w.apply(w.read(c.ID))
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Applied {
			t.Fatalf("got %s: %s", c.State, c.Why)
		}
		root := 0
		for i, s := range w.told {
			want := "RR-1"
			if i < len(planned) {
				want = "SC-"
			}
			if !strings.HasPrefix(s.name, want) || s.SourceIdentity != "" && s.SourceIdentity != s.name || s.AccessKey == "" {
				t.Errorf("session %d: got %+v, want it named %s", i, s, want)
			}
			if i < len(planned) && s.Root && !strings.HasSuffix(s.Role, "/IAMAuditRootUserCredentials") {
				t.Errorf("planned in a session for %s", s.Role)
			}
			if s.Root {
				root++
			}
		}
		if root < 2 {
			t.Errorf("%d root sessions were told of, want one that planned and one that wrote", root)
		}
		w.mentions(c.ID, w.told)
	})
}

// durations are for how many seconds the root sessions of a request were asked.
func (w *world) durations(request string) []int {
	w.t.Helper()
	var out []int
	w.aws.Cloud.Do(func() {
		for _, e := range w.aws.Cloud.Account("111111111111").Events("us-east-1") {
			var r struct {
				EventName         string
				RequestParameters struct{ DurationSeconds int }
				UserIdentity      struct {
					SessionContext struct{ SourceIdentity string }
				}
			}
			if err := json.Unmarshal(e.JSON, &r); err != nil {
				w.t.Error(err)
			}
			if r.EventName == "AssumeRoot" && r.UserIdentity.SessionContext.SourceIdentity == request {
				out = append(out, r.RequestParameters.DurationSeconds)
			}
		}
	})
	return out
}

// TestARootSessionEndsWithItsWindow applies a change a minute before the window ends.
func TestARootSessionEndsWithItsWindow(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		long := w.under("RR-1", access.DeleteAll, map[string]any{"unused_for": "0s", "password": "false", "devices": "false"})
		w.grant("RR-1", asItIs, long)
		w.apply(w.read(long.ID))
		w.work(w.engine)
		short := w.under("RR-2", access.DeleteAll, map[string]any{"unused_for": "0s"})
		w.grant("RR-2", asItIs, short)
		w.apply(w.read(short.ID))
		w.At(w.Now().Truncate(time.Second).Add(59 * time.Minute))
		w.work(w.engine)
		if c := w.read(short.ID); c.State != changes.Applied {
			t.Errorf("got %s: %s", c.State, c.Why)
		}
		for request, most := range map[string]int{"RR-1": 600, "RR-2": 60} {
			got := w.durations(request)
			if len(got) == 0 || slices.Max(got) > most || slices.Min(got) < most/2 {
				t.Errorf("%s: root sessions of %v seconds, want at most %d", request, got, most)
			}
		}
	})
}

// mentions looks for the access keys of sessions in the ledger's entries about a change.
func (w *world) mentions(id string, list []session) {
	w.t.Helper()
	var all []string
	w.View(w.t, func(ctx context.Context, r *store.Reader) error {
		return store.Each(ctx, r, func(rows *sql.Rows) error {
			var data []byte
			err := rows.Scan(&data)
			all = append(all, string(data))
			return err
		}, `SELECT p.data FROM log_payload p JOIN log_entry e ON e.n = p.n WHERE e.subject = $1`, id)
	})
	text := strings.Join(all, "\n")
	for _, s := range list {
		if !strings.Contains(text, s.AccessKey) {
			w.t.Errorf("the ledger does not name the key %s of %s", s.AccessKey, s.name)
		}
	}
}

func TestWhatWritesAsRootIsPlannedUnderARequest(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		w.aws.Cloud.ResetRequests()
		for _, wanted := range []web.Wanted{{Kind: access.DeleteAll, Account: account}, {Kind: "password-policy", Account: account, For: "RR-1"}} {
			if _, err := w.engine.Plan(t.Context(), w.Ann.Actor, wanted); !errors.Is(err, approvals.ErrInvalid) || !strings.Contains(err.Error(), "hint: rootkeep") {
				t.Errorf("%s for %q: got %v", wanted.Kind, wanted.For, err)
			}
		}
		if n := len(w.aws.Cloud.Requests()); n > 0 {
			t.Errorf("%d calls were made for what cannot be planned", n)
		}
	})
}

// TestNoRootSessionBeginsAfterTheWindow stops a change whose window ends between its
// beginning and its job.
func TestNoRootSessionBeginsAfterTheWindow(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		c := w.under("RR-1", access.DeleteAll, map[string]any{"unused_for": "0s"})
		w.grant("RR-1", asItIs, c)
		w.apply(w.read(c.ID))
		w.told = nil
		w.At(w.Now().Add(2 * time.Hour))
		w.work(w.engine)
		if c = w.read(c.ID); c.State != changes.Stopped || !strings.Contains(c.Why, "the window of RR-1 ended") {
			t.Errorf("got %s: %s", c.State, c.Why)
		}
		if i := slices.IndexFunc(w.told, func(s session) bool { return s.Root }); i >= 0 {
			t.Errorf("root was used after the window: %+v", w.told[i])
		}
	})
}

// TestCredentialsForOneSignIn makes a password for a sign-in, and takes away what there is
// after it: the closing is planned then, and approved with the request.
func TestCredentialsForOneSignIn(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		first := w.under("RR-1", access.DeleteAll, map[string]any{"unused_for": "0s"})
		w.grant("RR-1", asItIs, first)
		w.apply(w.read(first.ID))
		w.work(w.engine)
		open := w.under("RR-2", access.RecoveryAllow, nil)
		w.grant("RR-2", func(r *access.Request) {
			r.Path, r.Custodian, r.Networks = access.SignIn, w.Dan.ID, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		}, open)
		w.apply(w.read(open.ID))
		w.work(w.engine)
		root := &w.aws.Cloud.Account(account).Root
		if open = w.read(open.ID); open.State != changes.Applied || !root.Password.Set {
			t.Fatalf("opening: got %s: %s", open.State, open.Why)
		}
		if _, err := w.engine.Undo(t.Context(), w.Ann.Actor, open.ID); !errors.Is(err, approvals.ErrInvalid) {
			t.Errorf("undone without a request: got %v", err)
		}
		if _, err := w.engine.UndoFor(t.Context(), w.Ann.Actor, open.ID, "RR-2"); !errors.Is(err, approvals.ErrInvalid) || !strings.Contains(err.Error(), "approves only what it names") {
			t.Errorf("undone under the request that approved it: got %v", err)
		}
		w.At(w.Now().Add(3 * time.Hour)) // the window is over, and nobody has closed
		closing := w.under("RR-2", access.DeleteAll, map[string]any{"unused_for": "0s"})
		w.apply(closing)
		w.work(w.server("wrong"))
		if closing = w.read(closing.ID); closing.State != changes.Stopped {
			t.Fatalf("closing without credentials: got %s", closing.State)
		}
		w.apply(closing)
		w.work(w.engine)
		if closing = w.read(closing.ID); closing.State != changes.Applied || root.Password.Set {
			t.Errorf("closing: got %s: %s", closing.State, closing.Why)
		}
	})
}
