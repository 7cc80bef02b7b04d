package exceptions_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

func TestOneDenialIsFinal(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "RT-01")
		if x, err := w.Decide(t, w.Bob, x.ID, approval.Deny); err != nil || x.State != approval.Denied {
			t.Fatalf("got %+v, %v, want denied", x, err)
		}
		if _, err := w.Decide(t, w.Cid, x.ID, approval.Approve); !errors.Is(err, approval.ErrFinal) {
			t.Errorf("approval after a denial: got %v, want ErrFinal", err)
		}
		if got := w.Entries(t, x.ID); !slices.Equal(got, []string{"exception.requested", "exception.denied"}) {
			t.Errorf("got entries %v", got)
		}
	})
}

func TestWhoMayNotDecide(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "RT-01")
		both := w.Person(t, "Gus", people.Approver, people.Everywhere)
		both.Grants = append(both.Grants, people.Grant{Role: people.Requester, Scope: people.Everywhere})
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			if err := stored.Grant(ctx, tx, "system", both.ID, both.Grants[1]); err != nil {
				return err
			}
			edit := w.Wanted("RT-01")
			edit.Reason = "another reason"
			_, err := w.Desk.Edit(ctx, tx, both.Actor, x.ID, x.Revision, edit)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		machine := &exceptionstest.Person{Actor: people.Actor{ID: "TK-1", Kind: people.Machine, Grants: w.Bob.Grants}}
		for name, tt := range map[string]struct {
			by   *exceptionstest.Person
			want error
		}{
			"the requester":                                  {w.Ann, approval.ErrMayNot},
			"who edited it, though an approver":              {both, approval.ErrMayNot},
			"a machine with the role":                        {machine, approval.ErrMayNot},
			"an approver of another account learns nothing":  {w.Eve, store.ErrNotFound},
			"somebody who only reads elsewhere, not even so": {w.Fay, store.ErrNotFound},
		} {
			t.Run(name, func(t *testing.T) {
				if _, err := w.Decide(t, tt.by, x.ID, approval.Approve); !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			})
		}
	})
}

// refusal is a way to decide that must not work, and what its error says.
type refusal struct {
	name string
	try  func() error
	want string
}

// desk takes signatures to two requests and wants them refused.
type desk struct {
	*exceptionstest.World
	t          *testing.T
	one, other string // IDs of requests
}

func (d *desk) issue(p *exceptionstest.Person, id string) *approval.Statement {
	d.t.Helper()
	s, err := d.Issue(d.t, p, id, approval.Approve)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// send decides with a signature over a statement, on the terms of another one perhaps.
func (d *desk) send(p *exceptionstest.Person, id, nonce string, assertion []byte) error {
	_, err := d.Desk.Decide(d.t.Context(), d.Store, p.Actor, id, nonce, assertion)
	return err
}

// overOthers are signatures over something else than what was handed out last.
func (d *desk) overOthers() []refusal {
	site := d.Desk.Site
	return []refusal{
		{"over a statement about another request", func() error {
			about := d.issue(d.Bob, d.other)
			return d.send(d.Bob, d.one, d.issue(d.Bob, d.one).Nonce, d.Bob.Sign(d.t, about, site))
		}, "challenge"},
		{"over a statement that another took the place of", func() error {
			old := d.issue(d.Bob, d.one)
			d.issue(d.Bob, d.one)
			return d.send(d.Bob, d.one, old.Nonce, d.Bob.Sign(d.t, old, site))
		}, "another statement was handed out"},
		{"over an old statement under the new nonce", func() error {
			old := d.issue(d.Bob, d.one)
			return d.send(d.Bob, d.one, d.issue(d.Bob, d.one).Nonce, d.Bob.Sign(d.t, old, site))
		}, "challenge"},
		{"over a statement that nobody handed out", func() error {
			forged, err := approval.NewStatement(d.Read(d.t, d.one).Request, d.Cid.ID, approval.Approve, make([]byte, 32), exceptionstest.Start)
			if err != nil {
				d.t.Fatal(err)
			}
			return d.send(d.Cid, d.one, forged.Nonce, d.Cid.Sign(d.t, forged, site))
		}, "no statement"},
		{"that is no JSON", func() error { return d.send(d.Bob, d.one, d.issue(d.Bob, d.one).Nonce, []byte("{")) }, "assertion"},
	}
}

// ofOtherKeys are signatures of keys that do not count, or not so.
func (d *desk) ofOtherKeys() []refusal {
	site := d.Desk.Site
	return []refusal{
		{"of another approver's key", func() error {
			s := d.issue(d.Bob, d.one)
			return d.send(d.Bob, d.one, s.Nonce, d.Cid.Sign(d.t, s, site))
		}, "no such key"},
		{"made on another origin", func() error {
			s := d.issue(d.Bob, d.one)
			return d.send(d.Bob, d.one, s.Nonce, d.Bob.Sign(d.t, s, approval.Site{RPID: site.RPID, Origin: site.Origin + ".evil.example"}))
		}, "signed on"},
		{"with presence and without verification", func() error {
			s := d.issue(d.Bob, d.one)
			d.Bob.Key.Unverified = true
			defer func() { d.Bob.Key.Unverified = false }()
			return d.send(d.Bob, d.one, s.Nonce, d.Bob.Sign(d.t, s, site))
		}, "User verification"},
		{"of a key that was revoked on the way", func() error {
			late := d.Person(d.t, "Hal", people.Approver, people.Everywhere)
			s := d.issue(late, d.one)
			d.RevokeKey(d.t, late.ID)
			return d.send(late, d.one, s.Nonce, late.Sign(d.t, s, site))
		}, "revoked"},
		{"of a key whose count went back", func() error {
			s := d.issue(d.Dan, d.one)
			d.Dan.Key.Count = 50
			if err := d.send(d.Dan, d.one, s.Nonce, d.Dan.Sign(d.t, s, site)); err != nil {
				d.t.Fatal(err)
			}
			d.Dan.Key.Count = 10
			s = d.issue(d.Dan, d.other)
			return d.send(d.Dan, d.other, s.Nonce, d.Dan.Sign(d.t, s, site))
		}, "may be a copy"},
	}
}

func TestSignaturesThatAreNotTaken(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		d := &desk{w, t, w.Submit(t, "RT-01").ID, w.Submit(t, "RT-01").ID}
		for _, tt := range append(d.overOthers(), d.ofOtherKeys()...) {
			t.Run(tt.name, func(t *testing.T) {
				err := tt.try()
				if !errors.Is(err, approvals.ErrSigned) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want ErrSigned with %q", err, tt.want)
				}
			})
		}
		if x := w.Read(t, d.other); x.State != approval.Requested || x.Revision != 1 {
			t.Errorf("got %s of revision %d after all that, want it untouched", x.State, x.Revision)
		}
	})
}

func TestExpiryBetweenPageAndSignature(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "PW-08")
		w.At(x.Request.Expires.Add(-time.Second))
		s, err := w.Issue(t, w.Bob, x.ID, approval.Approve)
		if err != nil {
			t.Fatal(err)
		}
		assertion := w.Bob.Sign(t, s, exceptionstest.Site)
		w.At(x.Request.Expires)
		if _, err := w.Desk.Decide(t.Context(), w.Store, w.Bob.Actor, x.ID, s.Nonce, assertion); !errors.Is(err, approval.ErrFinal) {
			t.Errorf("got %v, want ErrFinal", err)
		}
		if x := w.Read(t, x.ID); x.State != approval.Expired {
			t.Errorf("got %s before the sweep, want expired", x.State)
		}
		sweep(t, w, 1)
		sweep(t, w, 0)
		w.At(exceptionstest.Start) // the clock is set back
		if _, err := w.Desk.Decide(t.Context(), w.Store, w.Bob.Actor, x.ID, s.Nonce, assertion); !errors.Is(err, approval.ErrFinal) {
			t.Errorf("after the clock was set back: got %v, want ErrFinal", err)
		}
		if got := w.Entries(t, x.ID); !slices.Equal(got, []string{"exception.requested", "exception.expired"}) {
			t.Errorf("got entries %v", got)
		}
	})
}

func TestAStatementIsGoodForTenMinutes(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "PW-08")
		s, err := w.Issue(t, w.Bob, x.ID, approval.Approve)
		if err != nil {
			t.Fatal(err)
		}
		w.At(exceptionstest.Start.Add(approval.SignWithin))
		if _, err := w.Desk.Decide(t.Context(), w.Store, w.Bob.Actor, x.ID, s.Nonce, w.Bob.Sign(t, s, exceptionstest.Site)); err == nil || !strings.Contains(err.Error(), "signed before") {
			t.Errorf("got %v, want an error that says until when", err)
		}
	})
}

// TestADecisionIsMadeOnce is invariant 7: however often and wherever one click arrives.
func TestADecisionIsMadeOnce(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "RT-01")
		s, err := w.Issue(t, w.Bob, x.ID, approval.Approve)
		if err != nil {
			t.Fatal(err)
		}
		assertion := w.Bob.Sign(t, s, exceptionstest.Site)
		var taken, twice atomic.Int64
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				_, err := w.Desk.Decide(t.Context(), w.Store, w.Bob.Actor, x.ID, s.Nonce, assertion)
				switch {
				case err == nil:
					taken.Add(1)
				case errors.Is(err, approval.ErrTwice):
					twice.Add(1)
				default:
					t.Errorf("got %v, want ErrTwice", err)
				}
			})
		}
		all.Wait()
		if taken.Load() != 1 || twice.Load() != 31 {
			t.Errorf("of 32 clicks got %d taken, %d refused as a second one, want 1 and 31", taken.Load(), twice.Load())
		}
		if x := w.Read(t, x.ID); x.State != approval.Requested || x.Revision != 2 {
			t.Errorf("got %s of revision %d, want requested of revision 2", x.State, x.Revision)
		}
		if got := w.Entries(t, x.ID); !slices.Equal(got, []string{"exception.requested", "exception.approved"}) {
			t.Errorf("got entries %v", got)
		}
	})
}

// TestApprovalsAtTheSameTime has two approvers, a denial and a withdrawal race.
func TestApprovalsAtTheSameTime(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		for range 5 {
			x := w.Submit(t, "RT-01")
			var all sync.WaitGroup
			var clicks []func() // all have read before the first of them signs
			for _, by := range []struct {
				p *exceptionstest.Person
				d approval.Decision
			}{{w.Bob, approval.Approve}, {w.Cid, approval.Approve}, {w.Dan, approval.Deny}} {
				s, err := w.Issue(t, by.p, x.ID, by.d)
				if err != nil {
					t.Fatal(err)
				}
				assertion := by.p.Sign(t, s, exceptionstest.Site)
				clicks = append(clicks, func() {
					if _, err := w.Desk.Decide(t.Context(), w.Store, by.p.Actor, x.ID, s.Nonce, assertion); err != nil && !errors.Is(err, approval.ErrFinal) {
						t.Errorf("got %v", err)
					}
				})
			}
			for _, click := range clicks {
				all.Go(click)
			}
			all.Go(func() {
				_ = w.Change(t, func(ctx context.Context, tx *store.Tx) error { // it may lose
					_, err := w.Desk.Withdraw(ctx, tx, w.Ann.Actor, x.ID, x.Revision)
					return err
				})
			})
			all.Wait()
			after, entries := w.Read(t, x.ID), w.Entries(t, x.ID)
			final := 0
			for _, e := range entries {
				if slices.Contains([]string{"exception.granted", "exception.denied", "exception.withdrawn"}, e) {
					final++
				}
			}
			if final != 1 || after.State == approval.Requested {
				t.Errorf("got %s and entries %v, want one end", after.State, entries)
			}
		}
	})
}

func TestDistinctGroups(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		usual := w.Desk.Book
		groups := func(security, platform *exceptionstest.Person) *approval.Book {
			b, err := approval.NewBook(approval.Configuration{Groups: []approval.Group{
				{ID: "security", Name: "Security", Members: []string{security.ID}}, {ID: "platform", Name: "Platform", Members: []string{security.ID, platform.ID}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		w.Desk.Book = groups(w.Bob, w.Eve)
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := w.Desk.Submit(ctx, tx, w.Ann.Actor, w.Wanted("RT-01"))
			return err
		})
		var short *approval.Shortage
		if !errors.As(err, &short) || len(short.Lacking) != 1 || short.Lacking[0].Group != "platform" {
			t.Errorf("with nobody of platform at this account but who is of security too: got %v, want a Shortage of platform", err)
		}
		w.Desk.Book = groups(w.Bob, w.Cid)
		x := w.Submit(t, "RT-01")
		w.Desk.Book = usual // the policy of before stays in the request
		if _, err := w.Decide(t, w.Dan, x.ID, approval.Approve); !errors.Is(err, approval.ErrMayNot) {
			t.Errorf("an approver who is in neither group: got %v, want ErrMayNot", err)
		}
		if x, err := w.Decide(t, w.Bob, x.ID, approval.Approve); err != nil || x.State != approval.Requested {
			t.Errorf("one who is in both groups: got %+v, %v, want requested", x, err)
		}
		if x, err := w.Decide(t, w.Cid, x.ID, approval.Approve); err != nil || x.State != approval.Approved {
			t.Errorf("and one of platform: got %+v, %v, want approved", x, err)
		}
	})
}

// TestAnApprovalEndsWithItsKey revokes the key of an approval that still waits for another
// one: it counts no more, and its approver may sign with a key that is good.
func TestAnApprovalEndsWithItsKey(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "RT-01") // two approvers
		approve := func(p *exceptionstest.Person, want approval.State) {
			t.Helper()
			if got, err := w.Decide(t, p, x.ID, approval.Approve); err != nil || got.State != want {
				t.Fatalf("%s approves: got %+v, %v, want %s", p.Name, got, err, want)
			}
		}
		tally := func(want int) {
			t.Helper()
			w.View(t, func(ctx context.Context, r *store.Reader) error {
				list, err := approvals.Approvals(ctx, r, x.ID)
				if err != nil {
					return err
				}
				now := w.Read(t, x.ID)
				got, err := w.Desk.Tally(ctx, r, now.Matter, now.Signed(list))
				if err == nil && len(got[0].By) != want {
					t.Errorf("got approvals of %v, want %d", got[0].By, want)
				}
				return err
			})
		}
		approve(w.Bob, approval.Requested)
		w.At(w.Now().Add(time.Second)) // the keys are in the order of their making
		w.Enrol(t, w.Bob)
		tally(1)
		w.RevokeKey(t, w.Bob.ID) // the one that signed
		tally(0)
		approve(w.Cid, approval.Requested)
		tally(1)
		approve(w.Bob, approval.Approved)
		w.At(w.Now().Add(time.Hour))
		w.Enrol(t, w.Cid)
		w.RevokeKey(t, w.Cid.ID)
		tally(2) // what was decided stays decided
		if got := w.Read(t, x.ID); got.State != approval.Approved {
			t.Errorf("got %s, want approved", got.State)
		}
		if got := w.Entries(t, x.ID); !slices.Equal(got, []string{"exception.requested", "exception.approved", "exception.approved", "exception.approved", "exception.granted"}) {
			t.Errorf("got entries %v", got)
		}
	})
}
