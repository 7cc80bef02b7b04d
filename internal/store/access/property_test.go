package access_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// TestNothingOpensWithoutTwoOthers does acts of any kind, by anybody, in any order. A
// session never begins unless two persons who neither asked, edited nor keep the credential
// signed the request as it is, or it was overridden by who asked; an override is never
// counted as an approval, and nobody who took part reviews it; and no state changes without
// an entry of the ledger.
func TestNothingOpensWithoutTwoOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		grant(t, w, w.gus, people.Approver) // who may approve, but keeps the credential
		grant(t, w, w.hal, people.Approver) // who may approve, and edits
		n := 0
		lot.Check(t, func(rt *rapid.T) {
			n++
			p := &play{w: w, t: t, rt: rt, account: rootkeep.AccountID(fmt.Sprintf("9%011d", n))}
			p.begin()
			for range rapid.IntRange(1, 14).Draw(rt, "acts") {
				p.act()
				p.holds()
			}
		})
	})
}

// play is one request that everybody does things to.
type play struct {
	w       *world
	t       *testing.T
	rt      *rapid.T
	account rootkeep.AccountID
	id      string
	state   access.State
	entries int
}

func (p *play) asked(session int) *model.Request {
	return p.w.signIn(bare, func(r *model.Request) { r.Accounts, r.Session = []rootkeep.AccountID{p.account}, session })
}

// begin asks, once what other plays left open has expired.
func (p *play) begin() {
	p.w.later(100 * time.Hour)
	if err := p.w.Change(p.t, func(ctx context.Context, tx *store.Tx) error {
		_, err := p.w.desk.Expire(ctx, tx)
		return err
	}); err != nil {
		p.t.Fatal(err)
	}
	x, err := p.w.submit(p.t, p.w.Ann, access.Wanted{Account: p.account, Asked: p.asked(900)})
	if err != nil {
		p.t.Fatal(err)
	}
	p.id, p.state, p.entries = x.ID, x.State, 1
}

func (p *play) who() *exceptionstest.Person {
	w := p.w
	return rapid.SampledFrom([]*exceptionstest.Person{w.Ann, w.Bob, w.Cid, w.gus, w.hal}).Draw(p.rt, "who")
}

// act does one thing; whether it is let is not asked here.
func (p *play) act() {
	w, by := p.w, p.who()
	x := w.read(p.t, p.id)
	on := func(act func(ctx context.Context, tx *store.Tx) (*access.Request, error)) { w.do(p.t, act) }
	switch rapid.IntRange(0, 9).Draw(p.rt, "act") {
	case 0, 1, 2:
		w.Decide(p.t, by, p.id, approval.Approve)
	case 3:
		if rapid.IntRange(0, 3).Draw(p.rt, "deny") == 0 {
			w.Decide(p.t, by, p.id, approval.Deny)
		}
	case 4:
		session := rapid.IntRange(60, 900).Draw(p.rt, "session")
		on(func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Edit(ctx, tx, by.Actor, p.id, x.Revision, p.asked(session))
		})
	case 5, 6:
		on(func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Open(ctx, tx, by.Actor, p.id, x.Revision, "")
		})
	case 7:
		on(func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
			return w.desk.Close(ctx, tx, by.Actor, p.id, x.Revision)
		})
	case 8:
		o, err := w.override(p.t, by, p.id, reason)
		if err == nil && o.Second != "" {
			w.Decide(p.t, p.who(), o.Second, approval.Approve)
		}
	case 9:
		p.review(by)
	}
	w.later(time.Second)
}

// review has somebody review the override, if there is one.
func (p *play) review(by *exceptionstest.Person) {
	var o *access.Override
	err := p.w.Store.View(p.t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		o, err = p.w.desk.OverrideOf(ctx, r, p.w.Ann.Actor, p.id, p.w.Now())
		return err
	})
	if err == nil {
		p.w.review(p.t, by, o)
	}
}

// holds looks at what must be so after every act.
func (p *play) holds() {
	w := p.w
	x := w.read(p.t, p.id)
	told := len(w.Entries(p.t, p.id))
	if x.State != p.state && told == p.entries {
		p.rt.Fatalf("%s became %s, and the ledger does not tell of it", p.state, x.State)
	}
	p.state, p.entries = x.State, told
	w.View(p.t, func(ctx context.Context, r *store.Reader) error {
		list, err := approvals.Approvals(ctx, r, p.id)
		if err != nil {
			return err
		}
		signed := map[string]bool{}
		for i := range list {
			s := list[i].Statement
			if s.Decision == approval.Override {
				p.rt.Fatalf("an override was kept as an approval: %+v", s)
			}
			if s.Decision == approval.Approve && list[i].Counts(x.Matter) && s.Content == x.Matter.Request.Hash() && !slices.Contains(x.Parties(), s.Approver) {
				signed[s.Approver] = true
			}
		}
		if begun := !x.Opened.IsZero() || x.State == access.Approved; begun && !x.Override && len(signed) < 2 {
			p.rt.Fatalf("%s with the approvals of %v alone", x.State, signed)
		}
		if !x.Override {
			return nil
		}
		o, err := w.desk.OverrideOf(ctx, r, w.Ann.Actor, p.id, w.Now())
		if err != nil {
			return err
		}
		if o.By != w.Ann.ID || o.Reason != reason || slices.Contains(x.Parties(), o.Reviewer) || x.Ends.Sub(x.Begins) > access.OverrideWindow {
			p.rt.Fatalf("override %+v of a request by %s", o, w.Ann.ID)
		}
		c := w.caseOf(p.t, casesOf(p.id))
		if c.Account != p.account {
			p.rt.Fatalf("case %+v of an override at %s", c, p.account)
		}
		return nil
	})
}
