package changes_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/people"

	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// TestRowsAreNotBelieved has somebody with the database in hand say that a change is
// approved: nothing begins without the signatures themselves.
func TestRowsAreNotBelieved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.approved(t)
		exec := func(t *testing.T, statement string, args ...any) {
			t.Helper()
			if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { return tx.ExecOne(ctx, statement, args...) }); err != nil {
				t.Fatal(err)
			}
		}
		approve := func(t *testing.T, c *changes.Change) {
			t.Helper()
			exec(t, `UPDATE change SET state = 'approved', approved = $2, expires = $3 WHERE id = $1`, c.ID, store.Micros(w.Now()), store.Micros(w.Now().Add(time.Hour)))
		}
		forged := func(t *testing.T, c *changes.Change) []byte { // the plan with another length
			t.Helper()
			text, err := w.plan(func(p *change.Plan) { p.ID, p.Breaks = c.ID, "Nothing at all." }).Bytes()
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		for _, tt := range []struct {
			name   string
			tamper func(t *testing.T) *changes.Change
			want   error
		}{
			{"one that nobody asked for", func(t *testing.T) *changes.Change { c := w.planned(t); approve(t, c); return c }, changes.ErrUnapproved},
			{"one that nobody signed", func(t *testing.T) *changes.Change { c := w.request(t, w.planned(t)); approve(t, c); return c }, changes.ErrUnapproved},
			{"one that nobody signed, its request too", func(t *testing.T) *changes.Change {
				c := w.request(t, w.planned(t))
				approve(t, c)
				exec(t, `UPDATE approval_request SET state = 'approved' WHERE id = $1`, c.ID)
				return c
			}, changes.ErrUnapproved},
			{"one that one of two signed", func(t *testing.T) *changes.Change {
				c := w.request(t, w.planned(t, final))
				w.sign(t, c, w.Bob)
				approve(t, c)
				exec(t, `UPDATE approval_request SET state = 'approved' WHERE id = $1`, c.ID)
				return c
			}, changes.ErrUnapproved},
			{"one whose final plan is called ordinary", func(t *testing.T) *changes.Change {
				c := w.request(t, w.planned(t, final))
				w.sign(t, c, w.Bob)
				approve(t, c)
				exec(t, `UPDATE change SET final = 0 WHERE id = $1`, c.ID)
				exec(t, `UPDATE approval_request SET state = 'approved' WHERE id = $1`, c.ID)
				return c
			}, changes.ErrUnapproved},
			{"one with the signature of another", func(t *testing.T) *changes.Change {
				c := w.request(t, w.planned(t))
				approve(t, c)
				exec(t, `UPDATE approval_request SET state = 'approved' WHERE id = $1`, c.ID)
				exec(t, `INSERT INTO approval SELECT $1, version, approver, decision, at, statement, assertion, passkey, credential, public_key, aaguid, rp_id, origin FROM approval WHERE request = $2`, c.ID, other.ID)
				return c
			}, changes.ErrUnapproved},
			{"one with a signature that is none", func(t *testing.T) *changes.Change {
				c := w.approved(t)
				exec(t, `UPDATE approval SET assertion = (SELECT assertion FROM approval WHERE request = $2) WHERE request = $1`, c.ID, other.ID)
				return c
			}, changes.ErrUnapproved},
			{"one that was signed elsewhere", func(t *testing.T) *changes.Change {
				c := w.approved(t)
				exec(t, `UPDATE approval SET origin = 'https://evil.example' WHERE request = $1`, c.ID)
				return c
			}, changes.ErrUnapproved},
			{"one with another policy", func(t *testing.T) *changes.Change {
				c := w.approved(t)
				exec(t, `UPDATE approval_request SET policy = (SELECT policy FROM approval_request WHERE id = $2) WHERE id = $1`, c.ID, w.request(t, w.planned(t, final)).ID)
				return c
			}, changes.ErrUnapproved},
			{"one with another planner", func(t *testing.T) *changes.Change {
				c := w.approved(t)
				exec(t, `UPDATE change SET planner = $2 WHERE id = $1`, c.ID, w.Cid.ID)
				return c
			}, changes.ErrUnapproved},
			{"one with another plan", func(t *testing.T) *changes.Change {
				c := w.approved(t)
				exec(t, `UPDATE change SET plan = $2 WHERE id = $1`, c.ID, forged(t, c))
				return c
			}, changes.ErrHash},
			{"one with another plan and its hash", func(t *testing.T) *changes.Change {
				c := w.approved(t)
				text := forged(t, c)
				exec(t, `UPDATE change SET plan = $2, plan_sha256 = $3 WHERE id = $1`, c.ID, text, approval.Sum(text).String())
				return w.read(t, c.ID)
			}, changes.ErrHash},
			{"one with another plan everywhere", func(t *testing.T) *changes.Change {
				c := w.approved(t)
				text := forged(t, c)
				exec(t, `UPDATE change SET plan = $2, plan_sha256 = $3 WHERE id = $1`, c.ID, text, approval.Sum(text).String())
				exec(t, `UPDATE approval_version SET subject = $2 WHERE request = $1`, c.ID, text)
				return w.read(t, c.ID)
			}, changes.ErrHash},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c := tt.tamper(t)
				if _, err := w.begin(t, c); !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if got := w.Entries(t, c.ID); slices.Contains(got, "change.begun") {
					t.Errorf("got entries %v, want no beginning", got)
				}
			})
		}
		if _, err := w.begin(t, other); err != nil {
			t.Errorf("one that nobody touched: got %v", err)
		}
	})
}

// fate is what a change is known to have gone through: the reference that the store is
// held to.
type fate struct {
	planner  string
	final    bool
	hash     string
	open     bool // asked for, and neither decided nor expired
	until    time.Time
	signed   []string
	approved time.Time // zero before
	dead     bool
}

// sign is what a signature comes to: whether it may be given, and what it does.
func (f *fate) sign(by string, deny bool, now time.Time) bool {
	switch {
	case !f.open || !now.Before(f.until) || by == f.planner || slices.Contains(f.signed, by):
		return false
	case deny:
		f.open, f.dead = false, true
		return true
	}
	need := 1
	if f.final {
		need = 2
	}
	if f.signed = append(f.signed, by); len(f.signed) >= need {
		f.open, f.approved = false, now
	}
	return true
}

// begins says whether the change may begin with a plan of the hash.
func (f *fate) begins(hash string, now time.Time) bool {
	return !f.dead && !f.approved.IsZero() && now.Before(f.approved.Add(24*time.Hour)) && hash == f.hash
}

// TestOnlyWhatOthersApprovedBegins leads changes through whatever can happen to them. At
// any moment one begins just if enough persons, without who planned it, signed the very
// plan, not longer than a day ago.
func TestOnlyWhatOthersApprovedBegins(t *testing.T) {
	of := &exceptionstest.World{}
	of.At(exceptionstest.Start)
	o := storetest.Options(t)
	o.Now = of.Now
	of.Store = storetest.Open(t, storetest.SQLite(t), o)
	of.Open(t, exceptionstest.Site)
	of.Desk.Kinds = append(of.Desk.Kinds, changes.Kind(0))
	desk, err := changes.New(changes.Desk{Desk: of.Desk.Desk})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{of, desk}
	gus := w.Person(t, "Gus", people.Requester, people.Everywhere) // plans, and could approve what others plan
	role := people.Grant{Role: people.Approver, Scope: people.Everywhere}
	if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { return stored.Grant(ctx, tx, "system", gus.ID, role) }); err != nil {
		t.Fatal(err)
	}
	gus.Grants = append(gus.Grants, role)
	for _, tt := range []struct { // the ways of which chance may draw none
		name   string
		final  bool
		signed []*exceptionstest.Person
	}{{"one signature", false, []*exceptionstest.Person{w.Bob}}, {"two for what is final", true, []*exceptionstest.Person{w.Bob, w.Cid}}} {
		c := begin(t, w, gus, tt.final, t.Fatalf)
		c.request()
		for _, by := range tt.signed {
			c.sign(by, approval.Approve)
		}
		if c.begin(c.fate.hash); !c.began {
			t.Errorf("%s: got it not begun, want it begun", tt.name)
		}
	}
	lot.Check(t, func(rt *rapid.T) { lead(t, rt, w, gus) })
}

// course is a change on its way, beside its fate.
type course struct {
	t     *testing.T
	w     *world
	gus   *exceptionstest.Person
	with  []func(*change.Plan)
	id    string
	first string // hash of the first plan
	fate  fate
	began bool
	fail  func(format string, args ...any)
}

// begin has Gus plan a change.
func begin(t *testing.T, w *world, gus *exceptionstest.Person, isFinal bool, fail func(string, ...any)) *course {
	c := &course{t: t, w: w, gus: gus, fail: fail, fate: fate{planner: gus.ID, final: isFinal}}
	c.with = []func(*change.Plan){func(p *change.Plan) { p.Resources = []string{p.ID} }}
	if isFinal {
		c.with = append(c.with, final)
	}
	made := w.must(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return w.desk.Plan(ctx, tx, gus.Actor, w.plan(c.with...))
	})
	c.id, c.first, c.fate.hash = made.ID, made.Hash, made.Hash
	return c
}

func (c *course) request() {
	got, err := c.w.change(c.t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return c.w.desk.Request(ctx, tx, c.gus.Actor, c.id, c.fate.hash)
	})
	if err == nil {
		c.fate.open, c.fate.until = true, got.Expires
	}
}

func (c *course) sign(by *exceptionstest.Person, decision approval.Decision) {
	_, err := c.w.Decide(c.t, by, c.id, decision)
	if want := by != c.w.Eve && c.fate.sign(by.ID, decision == approval.Deny, c.w.Now()); (err == nil) != want {
		c.fail("%s by %s: got %v, want it taken %v", decision, by.Name, err, want)
	}
}

func (c *course) edit(breaks string) {
	now := c.w.read(c.t, c.id)
	p := c.w.plan(append(c.with, func(p *change.Plan) { p.ID, p.Resources, p.Breaks = c.id, []string{c.id}, breaks })...)
	got, err := c.w.change(c.t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return c.w.desk.Replan(ctx, tx, c.gus.Actor, c.id, now.Revision, p)
	})
	switch {
	case err != nil:
	case !c.fate.approved.IsZero():
		c.fail("edited after it was approved")
	default:
		c.fate.hash, c.fate.signed = got.Hash, nil
	}
}

func (c *course) withdraw() {
	now := c.w.read(c.t, c.id)
	if _, err := c.w.change(c.t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return c.w.desk.Withdraw(ctx, tx, c.gus.Actor, c.id, now.Revision)
	}); err == nil {
		c.fate.open, c.fate.dead = false, true
	}
}

func (c *course) begin(hash string) {
	want := c.fate.begins(hash, c.w.Now())
	_, err := c.w.change(c.t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return c.w.desk.Begin(ctx, tx, c.gus.Actor, c.id, hash, c.w.by("JO-1"))
	})
	if (err == nil) != want {
		c.fail("got %v, want it begun %v: %+v", err, want, c.fate)
	}
	if err == nil {
		c.fate.dead, c.began = true, true // it does not begin twice
	}
}

// lead has chance say what happens to a change.
func lead(t *testing.T, rt *rapid.T, w *world, gus *exceptionstest.Person) {
	c := begin(t, w, gus, rapid.Bool().Draw(rt, "final"), rt.Fatalf)
	steps := map[string]func(){
		"request": c.request,
		"sign": func() {
			by := rapid.SampledFrom([]*exceptionstest.Person{gus, w.Bob, w.Cid, w.Eve}).Draw(rt, "by")
			c.sign(by, rapid.SampledFrom([]approval.Decision{approval.Approve, approval.Approve, approval.Deny}).Draw(rt, "decision"))
		},
		"edit": func() { c.edit(rapid.StringMatching(`[a-z]{8}`).Draw(rt, "breaks")) },
		"wait": func() {
			w.At(w.Now().Add(rapid.SampledFrom([]time.Duration{time.Minute, 23 * time.Hour, 25 * time.Hour}).Draw(rt, "for")))
		},
		"withdraw": c.withdraw,
		"begin": func() {
			c.begin(rapid.SampledFrom([]string{c.fate.hash, c.fate.hash, c.first, "", approval.Sum(nil).String()}).Draw(rt, "hash"))
		},
	}
	names := []string{"begin", "edit", "request", "sign", "sign", "sign", "wait", "withdraw"}
	for range rapid.IntRange(3, 14).Draw(rt, "steps") {
		steps[rapid.SampledFrom(names).Draw(rt, "step")]()
	}
	steps["begin"]()
}
