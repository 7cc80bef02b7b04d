package exceptions_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

func TestAnExceptionGoesTheWholePath(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "RT-01") // critical: two approvers
		if x, err := w.Decide(t, w.Bob, x.ID, approval.Approve); err != nil || x.State != approval.Requested {
			t.Fatalf("after one approval of two: got %+v, %v, want requested", x, err)
		}
		finding := []rootkeep.Finding{{Control: "RT-01", Status: rootkeep.Fail, Account: exceptionstest.Account, Resource: "arn:aws:iam::111122223333:root"}}
		if except(t, w, finding); finding[0].Status != rootkeep.Fail {
			t.Errorf("before it is granted: got %s, want fail", finding[0].Status)
		}
		got, err := w.Decide(t, w.Cid, x.ID, approval.Approve)
		if err != nil || got.State != approval.Approved {
			t.Fatalf("after two approvals: got %+v, %v, want approved", got, err)
		}
		except(t, w, finding)
		want := &rootkeep.Exception{Owner: "jane@example.com", Reason: "the key arrives in December", Until: exceptionstest.Start.Truncate(24*time.Hour).AddDate(0, 1, 0)}
		if diff := cmp.Diff(want, finding[0].Exception); diff != "" || finding[0].Status != rootkeep.Excepted || !finding[0].IsRoot() {
			t.Errorf("once it is granted: got %s\n%s", finding[0].Status, diff)
		}
		records(t, w, x.ID)
		w.At(exceptionstest.Start.AddDate(0, 1, 0))
		sweep(t, w, 1)
		finding[0].Status, finding[0].Exception = rootkeep.Fail, nil
		if except(t, w, finding); finding[0].Status != rootkeep.Fail {
			t.Errorf("once it has ended: got %s, want fail", finding[0].Status)
		}
		if x := w.Read(t, x.ID); !x.Ended {
			t.Error("got an exception that does not know it has ended")
		}
		if diff := cmp.Diff([]string{"exception.requested", "exception.approved", "exception.approved", "exception.granted", "exception.ended"}, w.Entries(t, x.ID)); diff != "" {
			t.Errorf("entries of the ledger (-want +got):\n%s", diff)
		}
		if got := w.Changed.Load(); got != 2 {
			t.Errorf("got %d calls of Changed, want one when it was granted and one when it ended", got)
		}
	})
}

// except applies what is granted to findings, as a scan does.
func except(t *testing.T, w *exceptionstest.World, findings []rootkeep.Finding) {
	t.Helper()
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		granted, err := exceptions.Granted(ctx, r, exceptionstest.Account, w.Now())
		(&register.Register{}).With(granted).Use(w.Now()).Except(findings)
		return err
	})
}

func sweep(t *testing.T, w *exceptionstest.World, want int) {
	t.Helper()
	var got int
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		got, err = exceptions.Sweep(ctx, tx, w.Desk.Changed)
		return err
	})
	if err != nil || got != want {
		t.Fatalf("sweep: got %d, %v, want %d", got, err, want)
	}
}

// records checks each approval in the ledger as somebody does who has only the payload.
func records(t *testing.T, w *exceptionstest.World, id string) {
	t.Helper()
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		rows, err := r.Query(ctx, `SELECT p.data FROM log_payload p JOIN log_entry e ON e.n = p.n WHERE e.subject = $1 AND p.name = 'approval'`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		n := 0
		for ; rows.Next(); n++ {
			var data []byte
			if err := rows.Scan(&data); err != nil {
				return err
			}
			record, err := approval.ReadRecord(bytes.NewReader(data))
			if err != nil {
				return err
			}
			if c, err := record.Check(); err != nil || c.Request.ID != id || record.Site != exceptionstest.Site {
				t.Errorf("payload of the ledger: got %+v, %v, want an approval of %s", c, err, id)
			}
		}
		if n != 2 {
			t.Errorf("got %d approvals in the ledger, want 2", n)
		}
		return rows.Err()
	})
}

func TestAnotherControlNeedsOneApproval(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "PW-08")
		if x, err := w.Decide(t, w.Dan, x.ID, approval.Approve); err != nil || x.State != approval.Approved {
			t.Errorf("got %+v, %v, want approved", x, err)
		}
	})
}

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

func TestSignaturesThatAreNotTaken(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x, other := w.Submit(t, "RT-01"), w.Submit(t, "RT-01")
		decide := func(p *exceptionstest.Person, id, nonce string, assertion []byte) error {
			_, err := w.Desk.Decide(t.Context(), w.Store, p.Actor, id, nonce, assertion)
			return err
		}
		issue := func(p *exceptionstest.Person, id string) *approval.Statement {
			s, err := w.Issue(t, p, id, approval.Approve)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		tests := []struct {
			name string
			try  func() error
			want string
		}{
			{"over a statement about another request", func() error {
				about := issue(w.Bob, other.ID)
				return decide(w.Bob, x.ID, issue(w.Bob, x.ID).Nonce, w.Bob.Sign(t, about, exceptionstest.Site))
			}, "challenge"},
			{"over a statement that another took the place of", func() error {
				old := issue(w.Bob, x.ID)
				issue(w.Bob, x.ID)
				return decide(w.Bob, x.ID, old.Nonce, w.Bob.Sign(t, old, exceptionstest.Site))
			}, "another statement was handed out"},
			{"over an old statement under the new nonce", func() error {
				old := issue(w.Bob, x.ID)
				return decide(w.Bob, x.ID, issue(w.Bob, x.ID).Nonce, w.Bob.Sign(t, old, exceptionstest.Site))
			}, "challenge"},
			{"over a statement that nobody handed out", func() error {
				forged, err := approval.NewStatement(x.Request, w.Cid.ID, approval.Approve, make([]byte, 32), exceptionstest.Start)
				if err != nil {
					t.Fatal(err)
				}
				return decide(w.Cid, x.ID, forged.Nonce, w.Cid.Sign(t, forged, exceptionstest.Site))
			}, "no statement"},
			{"of another approver's key", func() error {
				s := issue(w.Bob, x.ID)
				return decide(w.Bob, x.ID, s.Nonce, w.Cid.Sign(t, s, exceptionstest.Site))
			}, "no such key"},
			{"made on another origin", func() error {
				s := issue(w.Bob, x.ID)
				return decide(w.Bob, x.ID, s.Nonce, w.Bob.Sign(t, s, approval.Site{RPID: exceptionstest.Site.RPID, Origin: "https://root.example.com.evil.example"}))
			}, "signed on"},
			{"with presence and without verification", func() error {
				s := issue(w.Bob, x.ID)
				w.Bob.Key.Unverified = true
				defer func() { w.Bob.Key.Unverified = false }()
				return decide(w.Bob, x.ID, s.Nonce, w.Bob.Sign(t, s, exceptionstest.Site))
			}, "User verification"},
			{"that is no JSON", func() error { return decide(w.Bob, x.ID, issue(w.Bob, x.ID).Nonce, []byte("{")) }, "assertion"},
			{"of a key that was revoked on the way", func() error {
				late := w.Person(t, "Hal", people.Approver, people.Everywhere)
				s := issue(late, x.ID)
				w.RevokeKey(t, late.ID)
				return decide(late, x.ID, s.Nonce, late.Sign(t, s, exceptionstest.Site))
			}, "revoked"},
			{"of a key whose count went back", func() error {
				s := issue(w.Dan, x.ID)
				w.Dan.Key.Count = 50
				if err := decide(w.Dan, x.ID, s.Nonce, w.Dan.Sign(t, s, exceptionstest.Site)); err != nil {
					t.Fatal(err)
				}
				w.Dan.Key.Count = 10
				s = issue(w.Dan, other.ID)
				return decide(w.Dan, other.ID, s.Nonce, w.Dan.Sign(t, s, exceptionstest.Site))
			}, "may be a copy"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				err := tt.try()
				if !errors.Is(err, exceptions.ErrSigned) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want ErrSigned with %q", err, tt.want)
				}
			})
		}
		if x := w.Read(t, other.ID); x.State != approval.Requested || x.Revision != 1 {
			t.Errorf("got %s of revision %d after all that, want it untouched", x.State, x.Revision)
		}
	})
}

func TestAnEditVoidsWhatWasSigned(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "RT-01")
		if _, err := w.Decide(t, w.Bob, x.ID, approval.Approve); err != nil {
			t.Fatal(err)
		}
		half, err := w.Issue(t, w.Cid, x.ID, approval.Approve) // read, not signed yet
		if err != nil {
			t.Fatal(err)
		}
		edit := w.Wanted("RT-01")
		edit.Until = exceptionstest.Start.AddDate(0, 11, 0)
		change := func(revision int64) error {
			return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
				_, err := w.Desk.Edit(ctx, tx, w.Ann.Actor, x.ID, revision, edit)
				return err
			})
		}
		if err := change(1); !errors.Is(err, store.ErrConflict) {
			t.Errorf("edit of what was read before the approval: got %v, want ErrConflict", err)
		}
		if err := change(2); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Desk.Decide(t.Context(), w.Store, w.Cid.Actor, x.ID, half.Nonce, w.Cid.Sign(t, half, exceptionstest.Site)); !errors.Is(err, exceptions.ErrSigned) {
			t.Errorf("signature over what was read before the edit: got %v, want ErrSigned", err)
		}
		if x, err := w.Decide(t, w.Cid, x.ID, approval.Approve); err != nil || x.State != approval.Requested {
			t.Errorf("one approval after the edit: got %+v, %v, want requested: that of before is void", x, err)
		}
		if x, err := w.Decide(t, w.Bob, x.ID, approval.Approve); err != nil || x.State != approval.Approved {
			t.Errorf("the same person after the edit: got %+v, %v, want approved", x, err)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			versions, err := exceptions.Versions(ctx, r, x.ID)
			if err != nil || len(versions) != 2 || versions[0].Subject.Until.Equal(versions[1].Subject.Until) {
				t.Errorf("got %d versions, %v, want both", len(versions), err)
			}
			return nil
		})
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
			for _, by := range []struct {
				p *exceptionstest.Person
				d approval.Decision
			}{{w.Bob, approval.Approve}, {w.Cid, approval.Approve}, {w.Dan, approval.Deny}} {
				s, err := w.Issue(t, by.p, x.ID, by.d)
				if err != nil {
					t.Fatal(err)
				}
				assertion := by.p.Sign(t, s, exceptionstest.Site)
				all.Go(func() {
					if _, err := w.Desk.Decide(t.Context(), w.Store, by.p.Actor, x.ID, s.Nonce, assertion); err != nil && !errors.Is(err, approval.ErrFinal) {
						t.Errorf("got %v", err)
					}
				})
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

func TestWhatCannotBeAskedFor(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		submit := func(by people.Actor, with func(*exceptions.Wanted)) error {
			return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
				ask := w.Wanted("RT-01")
				with(&ask)
				_, err := w.Desk.Submit(ctx, tx, by, ask)
				return err
			})
		}
		tests := []struct {
			name string
			by   people.Actor
			with func(*exceptions.Wanted)
			want error
		}{
			{"by somebody without the role", w.Bob.Actor, func(*exceptions.Wanted) {}, exceptions.ErrNotAllowed},
			{"by a machine", people.Actor{ID: "TK-1", Kind: people.Machine, Grants: w.Ann.Grants}, func(*exceptions.Wanted) {}, exceptions.ErrNotAllowed},
			{"a control that does not exist", w.Ann.Actor, func(a *exceptions.Wanted) { a.Control = "RT-*" }, exceptions.ErrInvalid},
			{"an end in two years", w.Ann.Actor, func(a *exceptions.Wanted) { a.Until = exceptionstest.Start.AddDate(2, 0, 0) }, exceptions.ErrInvalid},
			{"no reason", w.Ann.Actor, func(a *exceptions.Wanted) { a.Reason = "" }, exceptions.ErrInvalid},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if err := submit(tt.by, tt.with); !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			})
		}
		// bob, cid and dan can approve in this account; without two keys only one is left.
		w.RevokeKey(t, w.Bob.ID)
		w.RevokeKey(t, w.Cid.ID)
		var short *approval.Shortage
		if err := submit(w.Ann.Actor, func(*exceptions.Wanted) {}); !errors.As(err, &short) || !strings.Contains(err.Error(), "group approvers has 1 of the 2") {
			t.Errorf("with one approver left who holds a key: got %v, want a Shortage that says so", err)
		}
	})
}

func TestLists(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		var all []string
		for range 3 {
			all = append(all, w.Submit(t, "PW-08").ID)
			w.At(w.Now().Add(time.Second))
		}
		all = append(all, w.Submit(t, "RT-01").ID)
		if _, err := w.Decide(t, w.Bob, all[0], approval.Approve); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Decide(t, w.Bob, all[1], approval.Deny); err != nil {
			t.Fatal(err)
		}
		list := func(by *exceptionstest.Person, f exceptions.Filter) []string {
			if f.Limit == 0 {
				f.Limit = 10
			}
			var out []string
			w.View(t, func(ctx context.Context, r *store.Reader) error {
				found, err := w.Desk.List(ctx, r, by.Actor, f, w.Now())
				for _, x := range found {
					out = append(out, x.ID)
				}
				return err
			})
			return out
		}
		late := exceptionstest.Start.AddDate(0, 2, 0)
		tests := []struct {
			name string
			by   *exceptionstest.Person
			f    exceptions.Filter
			at   time.Time
			want []string
		}{
			{"all, the newest first", w.Ann, exceptions.Filter{}, w.Now(), []string{all[3], all[2], all[1], all[0]}},
			{"a page", w.Ann, exceptions.Filter{Limit: 2, Before: all[3]}, w.Now(), []string{all[2], all[1]}},
			{"open ones", w.Ann, exceptions.Filter{State: approval.Requested}, w.Now(), []string{all[3], all[2]}},
			{"open ones of a control", w.Ann, exceptions.Filter{State: approval.Requested, Control: "RT-01"}, w.Now(), []string{all[3]}},
			{"granted ones", w.Ann, exceptions.Filter{State: approval.Approved}, w.Now(), []string{all[0]}},
			{"denied ones", w.Ann, exceptions.Filter{State: approval.Denied}, w.Now(), []string{all[1]}},
			{"those that expired, though nobody wrote it down", w.Ann, exceptions.Filter{State: approval.Expired}, late, []string{all[3], all[2]}},
			{"granted ones that are over", w.Ann, exceptions.Filter{Ended: true}, late, []string{all[0]}},
			{"of an account", w.Dan, exceptions.Filter{Account: exceptionstest.Account}, w.Now(), []string{all[3], all[2], all[1], all[0]}},
			{"of another account", w.Ann, exceptions.Filter{Account: "999988887777"}, w.Now(), nil},
			{"of another requester", w.Ann, exceptions.Filter{By: w.Bob.ID}, w.Now(), nil},
			{"who reads elsewhere sees none", w.Fay, exceptions.Filter{}, w.Now(), nil},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				w.At(tt.at)
				if diff := cmp.Diff(tt.want, list(tt.by, tt.f)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
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
