package changes_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// rooted runs a test in a world with requests for root.
func rooted(t *testing.T, test func(t *testing.T, w *world)) {
	each(t, func(t *testing.T, w *world) {
		w.Desk.Kinds = append(w.Desk.Kinds, approvals.Kind{
			Name: access.RequestKind, Noun: "a use of root", Prefix: access.Prefix, Most: 1000,
			Check:   func(subject []byte) error { _, err := access.ParseRequest(subject); return err },
			Decided: changes.Decided,
		})
		test(t, w)
	})
}

// asRoot makes a plan delete a password as root, under a request.
func asRoot(request string) func(*change.Plan) {
	return func(p *change.Plan) {
		p.Class, p.Kind, p.For = "root", access.DeleteAll, request
		p.Resources = []string{string(p.Account) + "/" + p.ID}
		p.Calls = []change.Planned{{Call: change.Call{Operation: "iam:DeleteLoginProfile", Account: p.Account, Region: "us-east-1", Root: "IAMDeleteRootUserCredentials", With: map[string]any{}}, Step: "password", About: "deletes it"}}
	}
}

// opens makes a plan of asRoot let a password be made.
func opens(p *change.Plan) {
	p.Kind = access.RecoveryAllow
	p.Calls[0].Operation, p.Calls[0].Root = "iam:CreateLoginProfile", "IAMCreateRootUserPassword"
}

// asks is a request for root that names changes, for the hour after this one.
func (w *world) asks(list ...*changes.Change) *access.Request {
	from := w.Now().Truncate(time.Second).Add(time.Hour)
	r := &access.Request{
		Accounts: []rootkeep.AccountID{}, Changes: []access.Change{}, Checklist: []access.Item{}, Events: []string{"iam.amazonaws.com *"}, From: from, Until: from.Add(time.Hour),
		Justification: "The password is not needed.", Kind: access.Use, Networks: []netip.Prefix{}, Path: access.Assumed, Schema: access.RequestSchema, Session: 900,
		Task: "delete-root-credentials", Title: "Delete credentials of root",
	}
	for _, c := range list {
		r.Changes = append(r.Changes, access.Change{Account: c.Account, ID: c.ID, Plan: approval.Sum(c.Plan)})
		r.Accounts = append(r.Accounts, c.Account)
	}
	slices.Sort(r.Accounts)
	r.Accounts = slices.Compact(r.Accounts)
	return r
}

func (w *world) submit(t testing.TB, id string, r *access.Request) error {
	t.Helper()
	subject, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		policy := approval.RootUse
		if r.Kind == access.Drill {
			policy = approval.RootDrill
		}
		m, err := w.Desk.Desk.Submit(ctx, tx, w.Ann.Actor, approvals.Wanted{Kind: access.RequestKind, ID: id, Account: account, Action: r.Action(), Subject: subject, Policy: policy})
		if err != nil {
			return err
		}
		return changes.Asked(ctx, tx, m)
	})
}

// granted plans a change, asks for it under a request, has two persons sign, and waits for
// its window.
func (w *world) granted(t testing.TB, id string, with ...func(*change.Plan)) *changes.Change {
	t.Helper()
	c := w.planned(t, append([]func(*change.Plan){asRoot(id)}, with...)...)
	if err := w.submit(t, id, w.asks(c)); err != nil {
		t.Fatal(err)
	}
	w.signRoot(t, id, w.Bob, w.Cid)
	w.At(w.Now().Add(90 * time.Minute))
	return w.read(t, c.ID)
}

func (w *world) signRoot(t testing.TB, id string, by ...*exceptionstest.Person) {
	t.Helper()
	for _, p := range by {
		if _, err := w.Decide(t, p, id, approval.Approve); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { return tx.ExecOne(ctx, statement, args...) }); err != nil {
		t.Fatal(err)
	}
}

func TestARequestForRootApprovesThePlansThatItNames(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		c := w.planned(t, asRoot("RR-1"))
		if err := w.submit(t, "RR-1", w.asks(c)); err != nil {
			t.Fatal(err)
		}
		if got := w.read(t, c.ID).State; got != changes.Requested {
			t.Fatalf("asked for: got %s", got)
		}
		w.signRoot(t, "RR-1", w.Bob, w.Cid)
		c = w.read(t, c.ID)
		if c.State != changes.Approved || !c.Expires.Equal(w.Now().Truncate(time.Second).Add(2*time.Hour)) {
			t.Fatalf("approved: got %s until %s", c.State, c.Expires)
		}
		if _, err := w.begin(t, c); !errors.Is(err, changes.ErrUnapproved) || !strings.Contains(err.Error(), "the window of RR-1 begins") {
			t.Errorf("before the window: got %v", err)
		}
		w.At(w.Now().Add(90 * time.Minute))
		if _, err := w.begin(t, c); err != nil {
			t.Errorf("in the window: got %v", err)
		}
	})
}

func TestWhatEndsARequestForRootEndsItsChanges(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		for id, tt := range map[string]struct {
			end  func(id string) error
			want changes.State
		}{
			"RR-D": {func(id string) error { _, err := w.Decide(t, w.Bob, id, approval.Deny); return err }, changes.Denied},
			"RR-E": {func(string) error {
				w.At(w.Now().Add(80 * time.Hour))
				return w.Change(t, func(ctx context.Context, tx *store.Tx) error { _, err := w.Desk.Desk.Expire(ctx, tx); return err })
			}, changes.Expired},
			"RR-W": {func(id string) error {
				return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
					_, err := w.Desk.Desk.Withdraw(ctx, tx, w.Ann.Actor, id, 1)
					return err
				})
			}, changes.Withdrawn},
		} {
			c := w.planned(t, asRoot(id))
			if err := w.submit(t, id, w.asks(c)); err != nil {
				t.Fatal(err)
			}
			if err := tt.end(id); err != nil {
				t.Fatal(err)
			}
			if got := w.read(t, c.ID).State; got != tt.want {
				t.Errorf("%s: got %s, want %s", id, got, tt.want)
			}
		}
	})
}

// TestNothingIsDoneAsRootWithoutItsRequest has somebody with the database in hand say that
// a change under a request for root may begin.
func TestNothingIsDoneAsRootWithoutItsRequest(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		n := 0
		next := func() string { n++; return "RR-" + string(rune('A'+n)) }
		edited := func(t *testing.T, id string, edit func(*access.Request)) {
			t.Helper()
			m, err := w.matter(t, id)
			if err != nil {
				t.Fatal(err)
			}
			r, err := access.ParseRequest(m.Subject)
			if err != nil {
				t.Fatal(err)
			}
			edit(r)
			text, err := r.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			w.exec(t, `UPDATE approval_version SET subject = $2 WHERE request = $1`, id, text)
		}
		for _, tt := range []struct {
			name   string
			tamper func(t *testing.T, id string) *changes.Change
			want   string
		}{
			{"one that nobody named", func(t *testing.T, id string) *changes.Change {
				w.granted(t, id)
				c := w.inserted(t, id)
				w.exec(t, `UPDATE change SET state = 'approved', expires = $2 WHERE id = $1`, c.ID, store.Micros(w.Now().Add(time.Hour)))
				return c
			}, "does not name it"},
			{"one whose request is not there", func(t *testing.T, id string) *changes.Change {
				c := w.planned(t, asRoot(id))
				w.exec(t, `UPDATE change SET state = 'approved', approved = 1 WHERE id = $1`, c.ID)
				return c
			}, "there is no request"},
			{"one whose request nobody signed", func(t *testing.T, id string) *changes.Change {
				c := w.planned(t, asRoot(id))
				if err := w.submit(t, id, w.asks(c)); err != nil {
					t.Fatal(err)
				}
				w.At(w.Now().Add(90 * time.Minute))
				w.exec(t, `UPDATE change SET state = 'approved' WHERE id = $1`, c.ID)
				w.exec(t, `UPDATE approval_request SET state = 'approved' WHERE id = $1`, id)
				return c
			}, "too few signed it"},
			{"one whose request one of two signed", func(t *testing.T, id string) *changes.Change {
				c := w.planned(t, asRoot(id))
				if err := w.submit(t, id, w.asks(c)); err != nil {
					t.Fatal(err)
				}
				w.signRoot(t, id, w.Bob)
				w.At(w.Now().Add(90 * time.Minute))
				w.exec(t, `UPDATE change SET state = 'approved' WHERE id = $1`, c.ID)
				w.exec(t, `UPDATE approval_request SET state = 'approved' WHERE id = $1`, id)
				return c
			}, "too few signed it"},
			{"another plan, with its hash", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				p := w.plan(asRoot(id), func(p *change.Plan) { p.ID, p.Breaks = c.ID, "Nothing at all." })
				text, err := p.Bytes()
				if err != nil {
					t.Fatal(err)
				}
				w.exec(t, `UPDATE change SET plan = $2, plan_sha256 = $3 WHERE id = $1`, c.ID, text, approval.Sum(text).String())
				return w.read(t, c.ID)
			}, "names another plan"},
			{"another account", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				w.exec(t, `UPDATE change SET account = '444455556666' WHERE id = $1`, c.ID)
				return c
			}, "names it for account"},
			{"a window that is over", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				w.At(w.Now().Add(time.Hour))
				w.exec(t, `UPDATE change SET expires = 0 WHERE id = $1`, c.ID)
				return c
			}, "the window of"},
			{"a window that was made longer", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				w.At(w.Now().Add(time.Hour))
				w.exec(t, `UPDATE change SET expires = 0 WHERE id = $1`, c.ID)
				edited(t, id, func(r *access.Request) { r.Until = r.Until.Add(12 * time.Hour) })
				return c
			}, "edited since it was signed"},
			{"another plan, edited into the request", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				p := w.plan(asRoot(id), func(p *change.Plan) { p.ID, p.Breaks = c.ID, "Nothing at all." })
				text, err := p.Bytes()
				if err != nil {
					t.Fatal(err)
				}
				w.exec(t, `UPDATE change SET plan = $2, plan_sha256 = $3 WHERE id = $1`, c.ID, text, approval.Sum(text).String())
				edited(t, id, func(r *access.Request) { r.Changes[0].Plan = approval.Sum(text) })
				return w.read(t, c.ID)
			}, "edited since it was signed"},
			{"another planner", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				w.exec(t, `UPDATE change SET planner = $2 WHERE id = $1`, c.ID, w.Dan.ID)
				return c
			}, "somebody else asked for it"},
			{"a row that names another request", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				w.exec(t, `UPDATE change SET request = 'RR-ELSE' WHERE id = $1`, c.ID)
				return c
			}, "belongs to another request"},
			{"a row that names none", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				w.exec(t, `UPDATE change SET request = '' WHERE id = $1`, c.ID)
				return c
			}, "belongs to another request"},
			{"the policy of exercises", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				w.exec(t, `UPDATE approval_request SET policy = (SELECT policy FROM approval_request WHERE id = $2) WHERE id = $1`, id, w.drill(t))
				return c
			}, "another policy than root-use"},
			{"signed elsewhere", func(t *testing.T, id string) *changes.Change {
				c := w.granted(t, id)
				w.exec(t, `UPDATE approval SET origin = 'https://evil.example' WHERE request = $1 AND approver = $2`, id, w.Bob.ID)
				return c
			}, "https://evil.example"},
			{"signed by who keeps the credential", func(t *testing.T, id string) *changes.Change {
				c := w.planned(t, asRoot(id), opens)
				r := w.asks(c)
				r.Path, r.Custodian, r.Networks = access.SignIn, w.Cid.ID, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
				if err := w.submit(t, id, r); err != nil {
					t.Fatal(err)
				}
				w.signRoot(t, id, w.Bob, w.Cid)
				w.At(w.Now().Add(90 * time.Minute))
				return w.read(t, c.ID)
			}, "too few signed it"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c := tt.tamper(t, next())
				_, err := w.begin(t, c)
				if !errors.Is(err, changes.ErrUnapproved) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want that the approvals do not hold: %s", err, tt.want)
				}
				if got := w.Entries(t, c.ID); slices.Contains(got, "change.begun") {
					t.Errorf("got entries %v, want no beginning", got)
				}
			})
		}
	})
}

// matter reads a request as it is kept.
func (w *world) matter(t testing.TB, id string) (m *approvals.Matter, err error) {
	t.Helper()
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		m, err = approvals.Final(ctx, r, id, w.Now())
		return nil
	})
	return m, err
}

// inserted is a planned change of an approved request: a row that no act would have made.
func (w *world) inserted(t testing.TB, id string) *changes.Change {
	t.Helper()
	c := w.planned(t, asRoot("RR-LATER"))
	text, err := w.plan(asRoot(id), func(p *change.Plan) { p.ID = c.ID }).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	w.exec(t, `UPDATE change SET plan = $2, plan_sha256 = $3, request = $4 WHERE id = $1`, c.ID, text, approval.Sum(text).String(), id)
	return w.read(t, c.ID)
}

// drill is a request that is an exercise, which one approval is enough for.
func (w *world) drill(t testing.TB) string {
	t.Helper()
	c := w.planned(t, asRoot("RR-DRILL"))
	r := w.asks(c)
	r.Kind = access.Drill
	if err := w.submit(t, "RR-DRILL", r); err != nil {
		t.Fatal(err)
	}
	return "RR-DRILL"
}

func TestPlansThatDoNotBelongTogetherAreRefused(t *testing.T) {
	rooted(t, func(t *testing.T, w *world) {
		plan := func(with ...func(*change.Plan)) error {
			_, err := w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
				return w.desk.Plan(ctx, tx, w.Ann.Actor, w.plan(with...))
			})
			return err
		}
		if err := plan(asRoot("")); !errors.Is(err, approvals.ErrInvalid) || !strings.Contains(err.Error(), "hint: rootkeep root request") {
			t.Errorf("as root without a request: got %v", err)
		}
		if err := plan(func(p *change.Plan) { p.For = "RR-1" }); !errors.Is(err, approvals.ErrInvalid) {
			t.Errorf("a request for what needs none: got %v", err)
		}
		if err := plan(asRoot("XX-1")); !errors.Is(err, approvals.ErrInvalid) {
			t.Errorf("a request of another form: got %v", err)
		}
		c := w.granted(t, "RR-2")
		if err := plan(asRoot("RR-2")); !errors.Is(err, approvals.ErrInvalid) || !strings.Contains(err.Error(), "approves only what it names") {
			t.Errorf("one more plan for a request that was approved: got %v", err)
		}
		if _, err := w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
			return w.desk.Request(ctx, tx, w.Ann.Actor, c.ID, c.Hash)
		}); !errors.Is(err, approvals.ErrInvalid) {
			t.Errorf("a request of its own: got %v", err)
		}
		other := w.planned(t, asRoot("RR-3"))
		if err := w.submit(t, "RR-4", w.asks(other)); !errors.Is(err, approvals.ErrInvalid) || !strings.Contains(err.Error(), `belongs to "RR-3"`) {
			t.Errorf("the change of another request: got %v", err)
		}
		wrong := w.asks(other)
		wrong.Changes[0].Plan = approval.Sum(nil)
		if err := w.submit(t, "RR-3", wrong); !errors.Is(err, approvals.ErrInvalid) || !strings.Contains(err.Error(), "names another plan") {
			t.Errorf("another plan: got %v", err)
		}
	})
}
