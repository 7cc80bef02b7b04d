package changes_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

const account = exceptionstest.Account

// world is an organization in which changes are planned: Ann asks and applies, Bob, Cid
// and Dan approve, Eve and Fay are at home in another account.
type world struct {
	*exceptionstest.World
	desk *changes.Desk
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	exceptionstest.Each(t, func(t *testing.T, of *exceptionstest.World) {
		of.Desk.Kinds = append(of.Desk.Kinds, changes.Kind(0))
		desk, err := changes.New(changes.Desk{Desk: of.Desk.Desk})
		if err != nil {
			t.Fatal(err)
		}
		test(t, &world{of, desk})
	})
}

// plan is a plan of two calls that sets the password policy.
func (w *world) plan(with ...func(*change.Plan)) *change.Plan {
	var chance [8]byte
	rand.Read(chance[:])
	call := func(operation string) change.Planned {
		return change.Planned{Call: change.Call{Operation: operation, Account: account, Region: "us-east-1", With: map[string]any{"MinimumPasswordLength": int64(14)}}, Step: "set", About: "sets it"}
	}
	p := &change.Plan{
		Account: account, Breaks: "Weak passwords.", Calls: []change.Planned{call("iam:UpdateAccountPasswordPolicy"), call("iam:CreateAccountAlias")}, Class: "identity",
		Created: w.Now().Truncate(time.Second), Diff: []change.Difference{}, Final: []string{}, ID: rootkeep.NewID("CH", w.Now(), chance[:]), Kind: "password-policy", KindHash: "0",
		Parameters: map[string]any{}, Partition: "aws", Prior: map[string]any{"policy": nil}, Region: "us-east-1", Resources: []string{string(account) + "/password-policy"},
		Risk: "low", Schema: change.PlanSchema, Title: "Password policy", Wants: map[string]any{"policy": map[string]any{"MinimumPasswordLength": int64(14)}},
	}
	for _, f := range with {
		f(p)
	}
	return p
}

func final(p *change.Plan)  { p.Final = []string{"AWS keeps no older one"} }
func public(p *change.Plan) { p.Resources = []string{string(account) + "/public-access"} }

// change makes one change of the store.
func (w *world) change(t testing.TB, do func(ctx context.Context, tx *store.Tx) (*changes.Change, error)) (*changes.Change, error) {
	t.Helper()
	var c *changes.Change
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		c, err = do(ctx, tx)
		return err
	})
	return c, err
}

// must is change, of what has to work.
func (w *world) must(t testing.TB, do func(ctx context.Context, tx *store.Tx) (*changes.Change, error)) *changes.Change {
	t.Helper()
	c, err := w.change(t, do)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) planned(t testing.TB, with ...func(*change.Plan)) *changes.Change {
	t.Helper()
	return w.must(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return w.desk.Plan(ctx, tx, w.Ann.Actor, w.plan(with...))
	})
}

func (w *world) request(t testing.TB, c *changes.Change) *changes.Change {
	t.Helper()
	return w.must(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return w.desk.Request(ctx, tx, w.Ann.Actor, c.ID, c.Hash)
	})
}

func (w *world) sign(t testing.TB, c *changes.Change, by ...*exceptionstest.Person) {
	t.Helper()
	for _, p := range by {
		if _, err := w.Decide(t, p, c.ID, approval.Approve); err != nil {
			t.Fatal(err)
		}
	}
}

// approved is a change that Bob has approved.
func (w *world) approved(t testing.TB, with ...func(*change.Plan)) *changes.Change {
	t.Helper()
	c := w.request(t, w.planned(t, with...))
	w.sign(t, c, w.Bob)
	return w.read(t, c.ID)
}

func (w *world) read(t testing.TB, id string) *changes.Change {
	t.Helper()
	var c *changes.Change
	w.View(t, func(ctx context.Context, r *store.Reader) (err error) {
		c, err = w.desk.Get(ctx, r, w.Ann.Actor, id, w.Now())
		return err
	})
	return c
}

func (w *world) by(owner string) changes.Hold {
	return changes.Hold{Owner: owner, Lease: w.Now().Add(time.Minute)}
}

func (w *world) begin(t testing.TB, c *changes.Change) (*changes.Change, error) {
	t.Helper()
	return w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return w.desk.Begin(ctx, tx, w.Ann.Actor, c.ID, c.Hash, w.by("JO-1"))
	})
}

func (w *world) begun(t testing.TB, with ...func(*change.Plan)) *changes.Change {
	t.Helper()
	c, err := w.begin(t, w.approved(t, with...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) made(t testing.TB, c *changes.Change, number int) error {
	t.Helper()
	return changes.Journal{Store: w.Store, ID: c.ID, Run: c.Run}.Made(t.Context(), change.Made{Number: number, At: w.Now(), Parts: map[string]any{"Arn": "arn:aws:iam::111122223333:x", "Size": int64(3)}})
}

func (w *world) finish(t testing.TB, c *changes.Change, o change.Outcome) (*changes.Change, error) {
	t.Helper()
	return w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return changes.Finish(ctx, tx, c.ID, c.Run, o)
	})
}

// ended is a change that was applied, or ended in another state.
func (w *world) ended(t testing.TB, state change.State, with ...func(*change.Plan)) *changes.Change {
	t.Helper()
	c := w.begun(t, with...)
	if state != change.Drifted {
		if err := w.made(t, c, 0); err != nil {
			t.Fatal(err)
		}
	}
	c, err := w.finish(t, c, change.Outcome{State: state, Why: "AccessDenied: no", Doubt: state == change.Stopped, After: map[string]any{"policy": map[string]any{"MinimumPasswordLength": int64(14)}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// locks are the resources that are held, with who holds them.
func (w *world) locks(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		list, err := store.Texts(ctx, r, `SELECT resource || ' ' || change FROM change_lock`)
		for _, l := range list {
			var resource, id string
			if _, err := fmt.Sscan(l, &resource, &id); err != nil {
				return err
			}
			out[resource] = id
		}
		return err
	})
	return out
}

func TestAChangeGoesTheWholePath(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.planned(t)
		if c.State != changes.Planned || c.Policy() != "change-identity" || c.Final {
			t.Fatalf("got %+v, want it planned, ordinary", c)
		}
		c = w.request(t, c)
		w.sign(t, c, w.Bob)
		if c = w.read(t, c.ID); c.State != changes.Approved || !c.Expires.Equal(w.Now().Add(24*time.Hour)) {
			t.Fatalf("got %s until %s, want approved for a day", c.State, c.Expires)
		}
		c, err := w.begin(t, c)
		if err != nil || c.State != changes.Applying || c.Run != 1 || c.Resumed() {
			t.Fatalf("got %+v, %v, want it applying", c, err)
		}
		if diff := cmp.Diff(map[string]string{string(account) + "/password-policy": c.ID}, w.locks(t)); diff != "" {
			t.Errorf("what it holds (-want +got):\n%s", diff)
		}
		for n := range 2 {
			if err := w.made(t, c, n); err != nil {
				t.Fatal(err)
			}
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			calls, err := changes.Calls(ctx, r, c.ID)
			want := map[string]any{"Arn": "arn:aws:iam::111122223333:x", "Size": int64(3)}
			if err != nil || len(calls) != 2 || cmp.Diff(want, calls[1].Parts) != "" || calls[1].Before || !calls[1].At.Equal(w.Now()) {
				t.Errorf("got calls %+v, %v, want two with what was answered", calls, err)
			}
			return nil
		})
		after := map[string]any{"policy": map[string]any{"MinimumPasswordLength": int64(14)}}
		if c, err = w.finish(t, c, change.Outcome{State: change.Applied, Calls: 2, After: after}); err != nil || c.State != changes.Applied || c.Ended.IsZero() {
			t.Fatalf("got %+v, %v, want it applied", c, err)
		}
		if got, err := w.read(t, c.ID).Left(); err != nil || cmp.Diff(after, got) != "" {
			t.Errorf("got the state %v, %v, want %v", got, err, after)
		}
		if got := w.locks(t); len(got) != 0 {
			t.Errorf("got %v held after its end", got)
		}
		want := []string{"change.planned", "change.requested", "change.approved", "change.granted", "change.begun", "change.called", "change.called", "change.applied"}
		if diff := cmp.Diff(want, w.Entries(t, c.ID)); diff != "" {
			t.Errorf("entries of the ledger (-want +got):\n%s", diff)
		}
	})
}

func TestHowAChangeEndsUnapplied(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		withdraw := func(c *changes.Change) (*changes.Change, error) {
			return w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Withdraw(ctx, tx, w.Ann.Actor, c.ID, c.Revision)
			})
		}
		for name, c := range map[string]*changes.Change{"planned": w.planned(t), "requested": w.request(t, w.planned(t)), "approved": w.approved(t)} {
			got, err := withdraw(c)
			entries := w.Entries(t, c.ID)
			if err != nil || got.State != changes.Withdrawn || w.read(t, c.ID).State != changes.Withdrawn || entries[len(entries)-1] != "change.withdrawn" {
				t.Errorf("withdrawn while %s: got %+v, %v, entries %v", name, got, err, entries)
			}
		}
		denied := w.request(t, w.planned(t))
		if _, err := w.Decide(t, w.Bob, denied.ID, approval.Deny); err != nil || w.read(t, denied.ID).State != changes.Denied {
			t.Errorf("got %s, %v, want denied", w.read(t, denied.ID).State, err)
		}
		refused := w.ended(t, change.Drifted)
		if refused.State != changes.Refused || len(w.locks(t)) != 0 {
			t.Errorf("got %s holding %v, want refused and nothing held", refused.State, w.locks(t))
		}
		late := []*changes.Change{w.planned(t), w.request(t, w.planned(t)), w.approved(t)}
		w.At(w.Now().Add(8 * 24 * time.Hour))
		for _, c := range late {
			if got := w.read(t, c.ID).State; got != changes.Expired {
				t.Errorf("before it is written down: got %s, want expired", got)
			}
		}
		n := 0
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			requests, err := w.desk.Expire(ctx, tx)
			if err != nil {
				return err
			}
			rest, err := changes.Expire(ctx, tx)
			n = requests + rest
			return err
		})
		if err != nil || n != 3 {
			t.Errorf("got %d expired, %v, want 3", n, err)
		}
		for _, c := range late {
			if got := w.Entries(t, c.ID); got[len(got)-1] != "change.expired" || w.read(t, c.ID).Ended.IsZero() {
				t.Errorf("got entries %v, want change.expired at the end", got)
			}
		}
	})
}

func TestAPlanIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		replan := func(c *changes.Change, by people.Actor, with ...func(*change.Plan)) (*changes.Change, error) {
			p := w.plan(append(with, func(p *change.Plan) { p.ID = c.ID })...)
			return w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Replan(ctx, tx, by, c.ID, c.Revision, p)
			})
		}
		other := func(p *change.Plan) { p.Breaks = "Other passwords." }
		c, err := replan(w.planned(t), w.Ann.Actor, other, final)
		if err != nil || !c.Final || c.Hash != w.read(t, c.ID).Hash {
			t.Fatalf("a plan that nobody asked for yet: got %+v, %v", c, err)
		}
		c = w.request(t, w.planned(t, final))
		w.sign(t, c, w.Bob)
		before := c.Hash
		if c, err = replan(w.read(t, c.ID), w.Ann.Actor, other, final); err != nil || c.Hash == before {
			t.Fatalf("one that is asked for: got %+v, %v", c, err)
		}
		w.sign(t, c, w.Cid)
		if got := w.read(t, c.ID).State; got != changes.Requested {
			t.Errorf("got %s, want requested: Bob signed another plan", got)
		}
		w.sign(t, c, w.Bob)
		if c, err = w.begin(t, w.read(t, c.ID)); err != nil || c.State != changes.Applying {
			t.Errorf("after two signatures of the new plan: got %+v, %v", c, err)
		}
		if _, err := replan(w.request(t, w.planned(t)), w.Ann.Actor, final); !errors.Is(err, approvals.ErrInvalid) {
			t.Errorf("a plan that needs another policy: got %v, want ErrInvalid", err)
		}
		if _, err := replan(w.planned(t), w.Ann.Actor, func(p *change.Plan) { p.Account = "999988887777" }); !errors.Is(err, approvals.ErrInvalid) {
			t.Errorf("of another account: got %v, want ErrInvalid", err)
		}
		if _, err := replan(w.approved(t), w.Ann.Actor, other); !errors.Is(err, changes.ErrState) {
			t.Errorf("after it was approved: got %v, want ErrState", err)
		}
		hal := w.Person(t, "Hal", people.Requester, people.Everywhere)
		if _, err := replan(w.planned(t), hal.Actor, other); !errors.Is(err, approvals.ErrNotAllowed) {
			t.Errorf("of somebody else's plan: got %v, want ErrNotAllowed", err)
		}
	})
}

func TestWhoMayDoWhatWithAChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		approved := w.approved(t)
		planned := w.planned(t)
		machine := people.Actor{ID: "TK-1", Kind: people.Machine, Grants: w.Ann.Grants}
		plan := func(by people.Actor) error {
			_, err := w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Plan(ctx, tx, by, w.plan())
			})
			return err
		}
		request := func(by people.Actor) error {
			_, err := w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Request(ctx, tx, by, planned.ID, planned.Hash)
			})
			return err
		}
		begin := func(by people.Actor) error {
			_, err := w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Begin(ctx, tx, by, approved.ID, approved.Hash, w.by("JO-1"))
			})
			return err
		}
		hal := w.Person(t, "Hal", people.Requester, people.Everywhere)
		ida := w.Person(t, "Ida", people.Admin, people.Everywhere)
		for _, tt := range []struct {
			name string
			got  error
			want error
		}{
			{"an approver plans nothing", plan(w.Bob.Actor), approvals.ErrNotAllowed},
			{"a machine plans nothing", plan(machine), approvals.ErrNotAllowed},
			{"an admin plans nothing", plan(ida.Actor), approvals.ErrNotAllowed},
			{"nobody asks for somebody else's plan", request(hal.Actor), approvals.ErrNotAllowed},
			{"who reads elsewhere learns nothing of it", request(w.Fay.Actor), store.ErrNotFound},
			{"an approver does not apply", begin(w.Bob.Actor), approvals.ErrNotAllowed},
			{"a machine does not apply", begin(machine), approvals.ErrNotAllowed},
			{"an admin does not apply", begin(ida.Actor), approvals.ErrNotAllowed},
			{"an approver of another account learns nothing of it", begin(w.Eve.Actor), store.ErrNotFound},
			{"another requester of the account applies it", begin(hal.Actor), nil},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if !errors.Is(tt.got, tt.want) {
					t.Errorf("got %v, want %v", tt.got, tt.want)
				}
			})
		}
	})
}

func TestListsOfChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var ids []string
		for _, c := range []*changes.Change{w.planned(t), w.request(t, w.planned(t)), w.approved(t), w.ended(t, change.Applied)} {
			ids = append(ids, c.ID)
		}
		list := func(by *exceptionstest.Person, f changes.Filter) []string {
			f.Limit = 10
			out := []string{}
			w.View(t, func(ctx context.Context, r *store.Reader) error {
				found, err := w.desk.List(ctx, r, by.Actor, f, w.Now())
				for _, c := range found {
					out = append(out, c.ID)
				}
				return err
			})
			slices.Sort(out)
			return out
		}
		slices.Sort(ids)
		for _, tt := range []struct {
			name string
			by   *exceptionstest.Person
			f    changes.Filter
			want int
		}{
			{"all", w.Ann, changes.Filter{}, 4}, {"planned ones", w.Ann, changes.Filter{State: changes.Planned}, 1}, {"applied ones", w.Dan, changes.Filter{State: changes.Applied}, 1},
			{"of the account", w.Dan, changes.Filter{Account: account}, 4}, {"of another kind", w.Ann, changes.Filter{Kind: "x"}, 0},
			{"of another planner", w.Ann, changes.Filter{By: w.Bob.ID}, 0}, {"who reads elsewhere sees none", w.Fay, changes.Filter{}, 0},
		} {
			if got := list(tt.by, tt.f); len(got) != tt.want {
				t.Errorf("%s: got %v, want %d", tt.name, got, tt.want)
			}
		}
		w.At(w.Now().Add(8 * 24 * time.Hour))
		if got := list(w.Ann, changes.Filter{State: changes.Expired}); len(got) != 3 {
			t.Errorf("those that expired, though nobody wrote it down: got %v, want 3", got)
		}
	})
}

// TestClassesOfChanges holds the two lists of classes to each other: policies are named
// after the one, plans have the other.
func TestClassesOfChanges(t *testing.T) {
	var got []string
	for _, c := range approval.Classes() {
		got = append(got, string(c))
	}
	want := slices.Sorted(slices.Values(change.Classes()))
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
