package root

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	persistent "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
	"github.com/rootkeep/rootkeep/internal/web/root/subject"
)

// filterOf reads the filter of a list's address. A value that is none of the form's is
// refused, not ignored.
func filterOf(q url.Values, me string) (f stored.Filter, err error) {
	if s := q.Get("state"); s != "" {
		if f.State, err = stored.ParseState(s); err != nil {
			return f, ask.Invalid("%s", err)
		}
	}
	if s := q.Get("account"); s != "" {
		if f.Account, err = rootkeep.ParseAccountID(s); err != nil {
			return f, ask.Invalid("%s", err)
		}
	}
	if q.Get("mine") != "" {
		f.By = me
	}
	f.Task, f.Override = q.Get("task"), q.Get("override") != ""
	return f, nil
}

func (a *area) list(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := filterOf(q, web.ActorOf(r.Context()).ID)
	if err != nil {
		return err
	}
	found, err := a.find(r.Context(), f, q.Get("cursor"), web.PageSize)
	if err != nil {
		return err
	}
	var n *rootlog.Number
	err = a.seen(r.Context(), func(ctx context.Context, read *store.Reader, s sight.Sight) (err error) {
		n, err = rootlog.Lately(ctx, read, s, a.Now(), 90)
		return err
	})
	if err != nil {
		return err
	}
	p := web.PageOf(found, web.PageSize, func(x *stored.Request) string { return web.Cursor(x.ID) })
	return web.Show(w, r, "Root", listBody(listView{at: r.URL, items: p.Items, next: p.Next, tasks: a.Tasks, number: n, mayAsk: web.May(r, "request")}))
}

func (a *area) detail(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	face := subject.Faces()[0]
	facts, err := f.signing.Facts(&face)
	if err != nil {
		return err
	}
	edits, err := f.signing.Edits(&face)
	if err != nil {
		return err
	}
	actor := web.ActorOf(r.Context())
	w.Header().Set("ETag", web.ETag(f.Revision))
	return web.Show(w, r, f.ID, detailBody(detailView{folder: f, facts: facts, edits: edits, actor: actor, can: f.may(actor)}))
}

// acts carries out the form of an act, and goes back to the page of the request.
func (a *area) acts(said string, do func(ctx context.Context, tx *store.Tx, r *http.Request, id string) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PathValue("id")
		err := a.update(r.Context(), func(ctx context.Context, tx *store.Tx) error { return do(ctx, tx, r, id) })
		if err != nil {
			return err
		}
		return web.Redirect(w, r, "/root/"+id, said)
	}
}

func (a *area) withdrawForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	n, err := ask.Revision(r)
	if err == nil {
		_, err = a.Desk.Withdraw(ctx, tx, web.ActorOf(ctx), id, n)
	}
	return err
}

func (a *area) openForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	n, err := ask.Revision(r)
	if err == nil {
		_, err = a.Desk.Open(ctx, tx, web.ActorOf(ctx), id, n, ask.OneLine(r.FormValue("device")))
	}
	return err
}

func (a *area) answerForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	answer := access.Answer{Item: r.FormValue("item"), Skipped: ask.OneLine(r.FormValue("skipped"))}
	if r.FormValue("is") == "skipped" && answer.Skipped == "" {
		return ask.Invalid("item %q: to skip it takes a reason", answer.Item)
	}
	if r.FormValue("is") != "skipped" {
		answer.Skipped = ""
	}
	_, err := a.Desk.Answer(ctx, tx, web.ActorOf(ctx), id, answer)
	return err
}

func (a *area) closeForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	n, err := ask.Revision(r)
	if err == nil {
		_, err = a.Desk.Close(ctx, tx, web.ActorOf(ctx), id, n)
	}
	return err
}

func (a *area) confirmForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	n, err := ask.Revision(r)
	if err != nil {
		return err
	}
	hash, err := parseHash(r.FormValue("record_sha256"))
	if err == nil {
		_, err = a.Desk.Confirm(ctx, tx, web.ActorOf(ctx), id, n, hash)
	}
	return err
}

func (a *area) reviewForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	n, err := ask.Revision(r)
	if err == nil {
		_, err = a.Desk.Review(ctx, tx, web.ActorOf(ctx), id, n, stored.Judgement(r.FormValue("verdict")), ask.OneLine(r.FormValue("review")))
	}
	return err
}

// overrides leads to the requests that went without approvals.
func (a *area) overrides(w http.ResponseWriter, r *http.Request) error {
	return web.Redirect(w, r, "/root?override=yes", "")
}

// secondPage shows a request to a second person, who agrees to an override while an
// earlier one is not reviewed.
func (a *area) secondPage(w http.ResponseWriter, r *http.Request) error {
	var s *approvals.Folder
	id := r.PathValue("id")
	err := a.view(r.Context(), func(ctx context.Context, read *store.Reader) (err error) {
		if s, err = approvals.Open(ctx, read, a.Desk.Desk, web.ActorOf(ctx), id, a.Now()); err != nil {
			return err
		}
		if s.Request.Kind != stored.SecondKind {
			return store.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return err
	}
	face := subject.Faces()[1]
	facts, err := s.Facts(&face)
	if err != nil {
		return err
	}
	about, err := stored.ParseSecond(s.Subject)
	if err != nil {
		return err
	}
	return web.Show(w, r, id, secondBody(s, about, facts, web.ActorOf(r.Context())))
}

// overridePage is red, and slow on purpose: who reads it sees who is not waited for.
func (a *area) overridePage(w http.ResponseWriter, r *http.Request) error {
	return a.overrideAgain(w, r, http.StatusOK, "", nil)
}

func (a *area) overrideAgain(w http.ResponseWriter, r *http.Request, status int, reason string, refused *web.Refusal) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := overrideView{folder: f, reason: reason, refused: refused}
	if !slices.Contains(f.may(web.ActorOf(r.Context())), actOverride) {
		return web.Redirect(w, r, "/root/"+f.ID, "This cannot be overridden by you now.")
	}
	err = a.view(r.Context(), func(ctx context.Context, read *store.Reader) (err error) {
		v.skipped, err = a.skipped(ctx, read, f.Request)
		return err
	})
	if err != nil {
		return err
	}
	return web.ShowStatus(w, r, status, "Override "+f.ID, overrideBody(v))
}

// issueOverride hands out what the actor is to sign, and goes on to the page that shows it.
func (a *area) issueOverride(w http.ResponseWriter, r *http.Request) error {
	id, reason := r.PathValue("id"), ask.OneLine(r.FormValue("reason"))
	err := error(nil)
	if r.FormValue("read") == "" {
		err = ask.Invalid("say that you have read who is not waited for")
	} else {
		_, _, err = a.handOut(r.Context(), id, reason)
	}
	var refused *web.Refusal
	switch {
	case err == nil:
		return web.Redirect(w, r, "/root/"+id+"/override/statement", "")
	case errors.As(err, &refused) && refused.Status == http.StatusUnprocessableEntity:
		return a.overrideAgain(w, r, refused.Status, reason, refused)
	}
	return err
}

// overrideStatement shows what the actor signs to go on without approvals, to the byte.
func (a *area) overrideStatement(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := overrideView{folder: f, me: web.ActorOf(r.Context()).ID}
	var keys []persistent.Key
	err = a.view(r.Context(), func(ctx context.Context, read *store.Reader) (err error) {
		if v.statement, err = a.pending(ctx, read, f.ID); err != nil {
			return err
		}
		if v.skipped, err = a.skipped(ctx, read, f.Request); err != nil {
			return err
		}
		keys, err = persistent.GoodKeys(ctx, read, v.me)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return web.Redirect(w, r, "/root/"+f.ID, "There is no override that waits for your signature.")
	case err != nil:
		return err
	case v.statement.Content != f.Matter.Request.Hash() || !f.now.Before(v.statement.NotAfter):
		return web.Redirect(w, r, "/root/"+f.ID+"/override", "The statement is too old to be signed: read the request again.")
	}
	v.prompt = approvals.Prompt(a.Desk.Site, keys)
	face := subject.Faces()[0]
	if v.facts, err = f.signing.Facts(&face); err != nil {
		return err
	}
	return web.Show(w, r, "Override "+f.ID, overrideStatementBody(v))
}
