package access_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

const account = exceptionstest.Account

var everything = sight.All()

// world is an organization in which root is asked for: Ann asks, Bob, Cid and Dan approve,
// Gus keeps the credential, Hal asks too.
type world struct {
	*exceptionstest.World
	desk     *access.Desk
	cases    *incident.Desk
	gus, hal *exceptionstest.Person
	told     []string // states that Changed was told of
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	exceptionstest.Each(t, func(t *testing.T, of *exceptionstest.World) {
		w := &world{World: of}
		changed := func(_ context.Context, _ *store.Tx, x *access.Request) error {
			w.told = append(w.told, string(x.State))
			return nil
		}
		of.Desk.Kinds = append(of.Desk.Kinds, access.Kinds(changed)...)
		var err error
		if w.desk, err = access.New(access.Desk{Desk: of.Desk.Desk, Changed: changed}); err != nil {
			t.Fatal(err)
		}
		if w.cases, err = incident.New(incident.Desk{Place: of.Desk.Place, Ready: access.Unreviewed}); err != nil {
			t.Fatal(err)
		}
		w.gus = of.Person(t, "Gus", people.Custodian, people.Everywhere)
		w.hal = of.Person(t, "Hal", people.Requester, people.Everywhere)
		test(t, w)
	})
}

// signIn is a request to close the account by signing in within the next hour.
func (w *world) signIn(with ...func(*model.Request)) *model.Request {
	from := w.Now().Truncate(time.Second)
	r := &model.Request{
		Accounts: []rootkeep.AccountID{account}, Changes: []model.Change{}, Custodian: w.gus.ID,
		Checklist: []model.Item{
			{ID: "alone", Phase: model.Environment, Text: "Nobody looks over your shoulder."}, {ID: "signed-out", Phase: model.CleanUp, Text: "Sign out."},
		},
		Events: []string{"account.amazonaws.com CloseAccount", "signin.amazonaws.com *"}, From: from, Until: from.Add(2 * time.Hour), Session: 900,
		Justification: "The account is not needed any more.", Kind: model.Use, Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
		Path: model.SignIn, Schema: model.RequestSchema, Task: "close-account", Title: "Close an account",
	}
	for _, f := range with {
		f(r)
	}
	return r
}

// tomorrow moves the window of a request a day on.
func tomorrow(r *model.Request) {
	r.From, r.Until = r.From.Add(24*time.Hour), r.Until.Add(24*time.Hour)
}

// assumed is a request for changes in sessions of sts:AssumeRoot.
func assumed(accounts ...rootkeep.AccountID) func(*model.Request) {
	return func(r *model.Request) {
		r.Path, r.Custodian, r.Networks, r.Checklist, r.Accounts, r.Changes = model.Assumed, "", []netip.Prefix{}, []model.Item{}, accounts, []model.Change{}
		for _, a := range accounts {
			r.Changes = append(r.Changes, model.Change{Account: a, ID: "CH-" + string(a), Plan: approval.Sum([]byte(a))})
		}
	}
}

func (w *world) do(t testing.TB, act func(ctx context.Context, tx *store.Tx) (*access.Request, error)) (*access.Request, error) {
	t.Helper()
	var x *access.Request
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = act(ctx, tx)
		return err
	})
	return x, err
}

func (w *world) must(t testing.TB, act func(ctx context.Context, tx *store.Tx) (*access.Request, error)) *access.Request {
	t.Helper()
	x, err := w.do(t, act)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (w *world) submit(t testing.TB, by *exceptionstest.Person, to access.Wanted) (*access.Request, error) {
	t.Helper()
	return w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
		return w.desk.Submit(ctx, tx, by.Actor, to)
	})
}

func (w *world) requested(t testing.TB, with ...func(*model.Request)) *access.Request {
	t.Helper()
	x, err := w.submit(t, w.Ann, access.Wanted{Account: account, Asked: w.signIn(with...)})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (w *world) sign(t testing.TB, id string, by ...*exceptionstest.Person) {
	t.Helper()
	for _, p := range by {
		if _, err := w.Decide(t, p, id, approval.Approve); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) approved(t testing.TB, with ...func(*model.Request)) *access.Request {
	t.Helper()
	x := w.requested(t, with...)
	w.sign(t, x.ID, w.Bob, w.Cid)
	return w.read(t, x.ID)
}

func (w *world) opened(t testing.TB, with ...func(*model.Request)) *access.Request {
	t.Helper()
	x := w.approved(t, with...)
	w.answer(t, x.ID, "alone", "")
	x, err := w.open(t, x)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (w *world) read(t testing.TB, id string) *access.Request {
	t.Helper()
	var x *access.Request
	w.View(t, func(ctx context.Context, r *store.Reader) (err error) {
		x, err = w.desk.Get(ctx, r, w.Ann.Actor, id, w.Now())
		return err
	})
	return x
}

func (w *world) answer(t testing.TB, id, item, skipped string) {
	t.Helper()
	w.must(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
		return w.desk.Answer(ctx, tx, w.Ann.Actor, id, model.Answer{Item: item, Skipped: skipped})
	})
}

func (w *world) open(t testing.TB, x *access.Request) (*access.Request, error) {
	t.Helper()
	return w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
		return w.desk.Open(ctx, tx, w.Ann.Actor, x.ID, x.Revision, device)
	})
}

func (w *world) close(t testing.TB, x *access.Request, by *exceptionstest.Person) (*access.Request, error) {
	t.Helper()
	return w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
		return w.desk.Close(ctx, tx, by.Actor, x.ID, x.Revision)
	})
}

func (w *world) confirm(t testing.TB, x *access.Request, by *exceptionstest.Person) (*access.Request, error) {
	t.Helper()
	var hash approval.Hash
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		a, err := access.ActivityOf(ctx, r, x)
		if err != nil {
			return err
		}
		text, err := a.Bytes()
		hash = approval.Sum(text)
		return err
	})
	return w.do(t, func(ctx context.Context, tx *store.Tx) (*access.Request, error) {
		return w.desk.Confirm(ctx, tx, by.Actor, x.ID, x.Revision, hash)
	})
}

// override has the requester sign that nobody is waited for.
func (w *world) override(t testing.TB, by *exceptionstest.Person, id, reason string) (*access.Override, error) {
	t.Helper()
	var s *approval.Statement
	err := w.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = w.desk.IssueOverride(ctx, tx, by.Actor, id, reason)
		return err
	})
	if err != nil {
		return nil, err
	}
	signed, err := w.desk.VerifyOverride(t.Context(), w.Store, by.Actor, id, s.Nonce, by.Sign(t, s, exceptionstest.Site))
	if err != nil {
		return nil, err
	}
	return w.take(t, by, signed)
}

func (w *world) take(t testing.TB, by *exceptionstest.Person, signed *approvals.Overriding) (*access.Override, error) {
	t.Helper()
	var o *access.Override
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) (err error) {
		o, err = w.desk.Override(ctx, tx, by.Actor, signed)
		return err
	})
	return o, err
}

const device = "arn:aws:iam::111122223333:mfa/root"

// event is something that root of the account did at a time after the start, in a session
// of the console that began with it.
func event(id string, after time.Duration, source, name string) reconcile.Event {
	e := reconcile.Event{}
	e.ID, e.Time, e.Kind, e.Account, e.Of, e.Region = id, exceptionstest.Start.Add(after), rootkeep.RootCall, account, account, "us-east-1"
	e.Source, e.Name, e.Address, e.Principal, e.Raw = source, name, "198.51.100.7", "root", []byte(`{"eventID":"`+id+`"}`)
	e.Created = exceptionstest.Start.Add(time.Minute)
	if name == "ConsoleLogin" {
		e.Kind, e.Device, e.MFA, e.Created = rootkeep.RootSignIn, device, "yes", time.Time{}
	}
	return e
}

// arrive has a source deliver events, and judges them.
func (w *world) arrive(t testing.TB, events ...reconcile.Event) *access.Changes {
	t.Helper()
	var c *access.Changes
	err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
		touched, err := rootlog.Arrive(ctx, tx, "folder", []byte("mark"), events)
		if err != nil {
			return err
		}
		c, err = access.Judge(ctx, tx, touched)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) suspend(t testing.TB, p *exceptionstest.Person) {
	t.Helper()
	if err := w.Change(t, func(ctx context.Context, tx *store.Tx) error { return stored.Suspend(ctx, tx, "system", p.ID) }); err != nil {
		t.Fatal(err)
	}
}

func is(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// later moves the clock on.
func (w *world) later(d time.Duration) { w.At(w.Now().Add(d)) }

func grantIn(ctx context.Context, tx *store.Tx, person string, role people.Role) error {
	return stored.Grant(ctx, tx, "system", person, people.Grant{Role: role, Scope: people.Everywhere})
}

// entries are those about a request, without what became of it by its events.
func (w *world) entries(t testing.TB, id string) []string {
	t.Helper()
	return slices.DeleteFunc(w.Entries(t, id), func(e string) bool { return e == "root.outcome" })
}

func casesOf(request string) incident.Filter { return incident.Filter{Request: request} }
