package exceptions

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/web"
)

// filterOf reads the filter of a list's address. A value that is none of the form's is
// refused, not ignored.
func filterOf(state, account, control, by string) (exceptions.Filter, error) {
	f := exceptions.Filter{Control: control, By: by}
	if state == "ended" {
		f.Ended = true
	} else if state != "" {
		var err error
		if f.State, err = approval.ParseState(state); err != nil {
			return f, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error()+", or ended")
		}
	}
	if account != "" {
		var err error
		if f.Account, err = rootkeep.ParseAccountID(account); err != nil {
			return f, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
		}
	}
	return f, nil
}

// find reads one more than a page, so that it shows whether there is a next one.
func (a *area) find(ctx context.Context, f exceptions.Filter, cursor string, limit int) ([]*exceptions.Exception, error) {
	before, err := web.ReadCursor(cursor, 1)
	if err != nil {
		return nil, err
	}
	if before != nil {
		f.Before = before[0]
	}
	f.Limit = limit + 1
	var found []*exceptions.Exception
	err = a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		found, err = a.Desk.List(ctx, r, web.ActorOf(ctx), f, a.Now())
		return err
	})
	return found, err
}

func (a *area) list(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	by := ""
	if q.Get("mine") != "" {
		by = web.ActorOf(r.Context()).ID
	}
	f, err := filterOf(q.Get("state"), q.Get("account"), q.Get("control"), by)
	if err != nil {
		return err
	}
	found, err := a.find(r.Context(), f, q.Get("cursor"), web.PageSize)
	if err != nil {
		return err
	}
	p := web.PageOf(found, web.PageSize, func(x *exceptions.Exception) string { return web.Cursor(x.ID) })
	return web.Show(w, r, "Exceptions", listBody(listView{at: r.URL, items: p.Items, next: p.Next, filtered: len(q) > 0}))
}

// ask shows the form; with an account and a control, who would have to approve too.
func (a *area) ask(w http.ResponseWriter, r *http.Request) error {
	return a.askAgain(w, r, http.StatusOK, readForm(r))
}

func (a *area) askAgain(w http.ResponseWriter, r *http.Request, status int, f *form) error {
	var o *exceptions.Outlook
	if f.account != "" && f.control != "" {
		err := a.view(r.Context(), func(ctx context.Context, read *store.Reader) (err error) {
			o, err = a.Desk.Look(ctx, read, web.ActorOf(ctx), rootkeep.AccountID(f.account), f.control)
			return err
		})
		var refused *web.Refusal
		if err != nil && !errors.As(err, &refused) {
			return err
		}
		if refused != nil {
			status, f.problem = max(status, refused.Status), refused.Detail
		}
	}
	return web.ShowStatus(w, r, status, "Ask for an exception", askBody(a.Controls, f, o, a.Now()))
}

func (a *area) submit(w http.ResponseWriter, r *http.Request) error {
	f := readForm(r)
	wanted, whole := f.wanted()
	if !whole {
		return a.askAgain(w, r, http.StatusUnprocessableEntity, f)
	}
	var x *exceptions.Exception
	err := a.update(r.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = a.Desk.Submit(ctx, tx, web.ActorOf(ctx), wanted)
		return err
	})
	var refused *web.Refusal
	switch {
	case errors.As(err, &refused):
		f.problem = refused.Detail
		return a.askAgain(w, r, refused.Status, f)
	case err != nil:
		return err
	}
	return web.Redirect(w, r, "/exceptions/"+x.ID, "The exception is asked for.")
}

func (a *area) detail(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	face := Face()
	facts, err := f.request.Facts(&face)
	if err != nil {
		return err
	}
	edits, err := f.request.Edits(&face)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(f.Revision))
	return web.Show(w, r, f.ID, detailBody(f, facts, edits, web.ActorOf(r.Context())))
}

func (a *area) edit(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.Show(w, r, "Edit "+f.ID, editBody(f, formOf(f.Exception), f.Revision, a.Now()))
}

// revision reads the version that a form was made from.
func revision(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.FormValue("revision"), 10, 64)
	if err != nil {
		return 0, web.Refuse(http.StatusUnprocessableEntity, "invalid", "the form does not say which version it was made from; hint: open the page again")
	}
	return n, nil
}

func (a *area) change(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	n, err := revision(r)
	if err != nil {
		return err
	}
	typed := readForm(r)
	wanted, whole := typed.wanted()
	if whole {
		err = a.update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := a.Desk.Edit(ctx, tx, web.ActorOf(ctx), id, n, wanted)
			return err
		})
	}
	var refused *web.Refusal
	switch {
	case whole && err == nil:
		return web.Redirect(w, r, "/exceptions/"+id, "Changed. All approvals of before are void.")
	case whole && !errors.As(err, &refused):
		return err
	case refused != nil:
		typed.problem = refused.Detail
	}
	f, err := a.open(r.Context(), id)
	if err != nil {
		return err
	}
	return web.ShowStatus(w, r, http.StatusUnprocessableEntity, "Edit "+id, editBody(f, typed, n, a.Now()))
}

func (a *area) withdraw(w http.ResponseWriter, r *http.Request) error {
	n, err := revision(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	err = a.update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := a.Desk.Withdraw(ctx, tx, web.ActorOf(ctx), id, n)
		return err
	})
	if err != nil {
		return err
	}
	return web.Redirect(w, r, "/exceptions/"+id, "The request is withdrawn.")
}
