package exceptions_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
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
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		expired, err := w.Desk.Expire(ctx, tx)
		if err != nil {
			return err
		}
		ended, err := exceptions.End(ctx, tx, w.CountChange)
		got = expired + ended
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
		if _, err := w.Desk.Decide(t.Context(), w.Store, w.Cid.Actor, x.ID, half.Nonce, w.Cid.Sign(t, half, exceptionstest.Site)); !errors.Is(err, approvals.ErrSigned) {
			t.Errorf("signature over what was read before the edit: got %v, want ErrSigned", err)
		}
		if x, err := w.Decide(t, w.Cid, x.ID, approval.Approve); err != nil || x.State != approval.Requested {
			t.Errorf("one approval after the edit: got %+v, %v, want requested: that of before is void", x, err)
		}
		if x, err := w.Decide(t, w.Bob, x.ID, approval.Approve); err != nil || x.State != approval.Approved {
			t.Errorf("the same person after the edit: got %+v, %v, want approved", x, err)
		}
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			versions, err := approvals.Versions(ctx, r, x.ID)
			if err != nil || len(versions) != 2 || untilOf(t, versions[0]).Equal(untilOf(t, versions[1])) {
				t.Errorf("got %d versions, %v, want both", len(versions), err)
			}
			return nil
		})
	})
}

func untilOf(t *testing.T, v approvals.Version) time.Time {
	t.Helper()
	e, err := approval.ParseException(v.Subject)
	if err != nil {
		t.Fatal(err)
	}
	return e.Until
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
			{"by somebody without the role", w.Bob.Actor, func(*exceptions.Wanted) {}, approvals.ErrNotAllowed},
			{"by a machine", people.Actor{ID: "TK-1", Kind: people.Machine, Grants: w.Ann.Grants}, func(*exceptions.Wanted) {}, approvals.ErrNotAllowed},
			{"a control that does not exist", w.Ann.Actor, func(a *exceptions.Wanted) { a.Control = "RT-*" }, approvals.ErrInvalid},
			{"an end in two years", w.Ann.Actor, func(a *exceptions.Wanted) { a.Until = exceptionstest.Start.AddDate(2, 0, 0) }, approvals.ErrInvalid},
			{"no reason", w.Ann.Actor, func(a *exceptions.Wanted) { a.Reason = "" }, approvals.ErrInvalid},
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

func TestOnePersonsRequestsAreBounded(t *testing.T) {
	w := &exceptionstest.World{Store: storetest.Open(t, storetest.SQLite(t), storetest.Options(t))}
	w.At(time.Now())
	w.Open(t, exceptionstest.Site)
	submit := func() error {
		return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := w.Desk.Submit(ctx, tx, w.Ann.Actor, w.Wanted("PW-08"))
			return err
		})
	}
	x := w.Submit(t, "PW-08")
	for range 99 {
		if err := submit(); err != nil {
			t.Fatal(err)
		}
	}
	if err := submit(); !errors.Is(err, approvals.ErrInvalid) {
		t.Errorf("request 101: got %v, want ErrInvalid", err)
	}
	edit := func(n int64) error {
		return w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := w.Desk.Edit(ctx, tx, w.Ann.Actor, x.ID, n, w.Wanted("PW-08"))
			return err
		})
	}
	for n := range int64(50) {
		if err := edit(n + 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := edit(51); !errors.Is(err, approvals.ErrInvalid) {
		t.Errorf("edit 51: got %v, want ErrInvalid", err)
	}
}

func TestADecidedRequestKeepsItsCount(t *testing.T) {
	exceptionstest.Each(t, func(t *testing.T, w *exceptionstest.World) {
		x := w.Submit(t, "PW-08")
		if _, err := w.Decide(t, w.Bob, x.ID, approval.Approve); err != nil {
			t.Fatal(err)
		}
		w.RevokeKey(t, w.Bob.ID)
		w.View(t, func(ctx context.Context, r *store.Reader) error {
			list, err := approvals.Approvals(ctx, r, x.ID)
			if err != nil {
				return err
			}
			now := w.Read(t, x.ID)
			tally, err := w.Desk.Tally(ctx, r, now.Matter, now.Signed(list))
			if err != nil || len(tally[0].By) != 1 {
				t.Errorf("got %+v, %v once Bob has no key any more, want his approval counted", tally, err)
			}
			return nil
		})
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
