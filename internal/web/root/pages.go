package root

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	persistent "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
)

// filterOf reads the filter of a list's address. A value that is none of the form's is
// refused, not ignored.
func filterOf(q url.Values, me string) (f stored.Filter, err error) {
	if s := q.Get("state"); s != "" {
		if f.State, err = stored.ParseState(s); err != nil {
			return f, invalid("%s", err)
		}
	}
	if s := q.Get("account"); s != "" {
		if f.Account, err = rootkeep.ParseAccountID(s); err != nil {
			return f, invalid("%s", err)
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
	n, err := a.number(r.Context(), a.Now().Add(-usualClaim), a.Now())
	if err != nil {
		return err
	}
	p := web.PageOf(found, web.PageSize, func(x *stored.Request) string { return web.Cursor(x.ID) })
	return web.Show(w, r, "Root", listBody(listView{at: r.URL, items: p.Items, next: p.Next, tasks: a.Tasks, number: n, mayAsk: web.May(r, "request")}))
}

func (a *area) tasksPage(w http.ResponseWriter, r *http.Request) error {
	return web.Show(w, r, "Root tasks", tasksBody(a.Tasks))
}

// compose shows the form: the task first, then what it comes to.
func (a *area) compose(w http.ResponseWriter, r *http.Request) error {
	return a.composeAgain(w, r, http.StatusOK, readForm(r))
}

func (a *area) composeAgain(w http.ResponseWriter, r *http.Request, status int, f *form) error {
	v := composeView{form: f, tasks: a.Tasks, task: access.Find(a.Tasks, f.Task), now: a.Now(), me: web.ActorOf(r.Context()).ID}
	if v.task == nil || f.Holder == "" || len(f.Accounts) == 0 {
		if f.Task != "" && v.task == nil {
			f.faults["task"], status = "there is no such task", http.StatusUnprocessableEntity
		}
		return web.ShowStatus(w, r, status, "Ask for root", composeBody(v))
	}
	err := a.prospect(r.Context(), &v)
	if err != nil && f.refuse(err) != nil {
		return err
	}
	if f.refused != nil {
		status = f.refused.Status
	}
	return web.ShowStatus(w, r, status, "Ask for root", composeBody(v))
}

// prospect reads what the task comes to for who asks.
func (a *area) prospect(ctx context.Context, v *composeView) error {
	h, err := parseHolder(v.Holder)
	if err != nil {
		return err
	}
	q := &asked{at: rootkeep.AccountID(v.Decided)}
	for _, s := range v.Accounts {
		account, err := rootkeep.ParseAccountID(s)
		if err != nil {
			return invalid("%s", err)
		}
		q.ask.Accounts = append(q.ask.Accounts, account)
	}
	if len(q.ask.Accounts) == 1 || q.at == "" {
		q.at = q.ask.Accounts[0]
	}
	if err := a.mayAsk(ctx, q); err != nil {
		return err
	}
	if v.outlook, err = a.look(ctx, v.task, h, access.Kind(v.Kind), q.at, q.ask.Accounts, v.Custodian); err != nil {
		return err
	}
	if n := v.outlook.advice.Needs; n != nil {
		v.kind = a.kind(n.Change)
	}
	return nil
}

// kind finds a kind of change, nil if there is none.
func (a *area) kind(id string) *change.Kind {
	list := a.Engine.Kinds()
	if i := slices.IndexFunc(list, func(k *change.Kind) bool { return k.ID == id }); i >= 0 {
		return list[i]
	}
	return nil
}

func (a *area) submit(w http.ResponseWriter, r *http.Request) error {
	f := readForm(r)
	var of *change.Kind
	if t := access.Find(a.Tasks, f.Task); t != nil {
		of = a.kind(t.Ways[access.Holder(f.Holder)].Change)
	}
	if !f.whole(of) {
		return a.composeAgain(w, r, http.StatusUnprocessableEntity, f)
	}
	x, err := a.askFor(r.Context(), f.RootAsk)
	if err == nil {
		to, said := "/root/"+x.ID, "Root is asked for."
		if f.Urgent {
			to, said = to+"/override", "Root is asked for. Nobody has approved it."
		}
		return web.Redirect(w, r, to, said)
	}
	if err := f.refuse(err); err != nil {
		return err
	}
	return a.composeAgain(w, r, f.refused.Status, f)
}

func (a *area) detail(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	face := Faces()[0]
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

func (a *area) edit(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return a.editAgain(w, r, http.StatusOK, f, f.form(f.holder(a.Tasks)), f.Revision)
}

func (a *area) editAgain(w http.ResponseWriter, r *http.Request, status int, f *folder, typed *form, revision int64) error {
	v := composeView{form: typed, tasks: a.Tasks, task: access.Find(a.Tasks, f.Asked.Task), now: f.now, me: f.Requester()}
	if v.task == nil {
		return web.Refuse(http.StatusConflict, "conflict", "the task "+f.Asked.Task+" is not on this server any more; hint: withdraw the request and ask anew")
	}
	if err := a.prospect(r.Context(), &v); err != nil && typed.refuse(err) != nil {
		return err
	}
	if v.outlook == nil { // prospect was refused
		return web.Refuse(typed.refused.Status, typed.refused.Kind, typed.refused.Detail)
	}
	if v.outlook.advice.Needs == nil {
		return web.Refuse(http.StatusConflict, "root-not-needed", v.outlook.advice.Says+" "+v.outlook.advice.Instead)
	}
	v.kind = nil // changes stay
	return web.ShowStatus(w, r, status, "Edit "+f.ID, editBody(f, v, revision))
}

// revision reads the version that a form was made from.
func revision(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.FormValue("revision"), 10, 64)
	if err != nil {
		return 0, invalid("the form does not say which version it was made from; hint: open the page again")
	}
	return n, nil
}

func (a *area) change(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	n, err := revision(r)
	if err != nil {
		return err
	}
	f, err := a.open(r.Context(), id) // what is out of sight ends here, whatever was typed
	if err != nil {
		return err
	}
	typed := readForm(r)
	typed.Task, typed.Kind, typed.Decided = f.Asked.Task, string(f.Asked.Kind), string(f.Matter.Request.Account)
	typed.Accounts = nil
	for _, account := range f.Asked.Accounts {
		typed.Accounts = append(typed.Accounts, string(account))
	}
	if !typed.whole(nil) {
		return a.editAgain(w, r, http.StatusUnprocessableEntity, f, typed, n)
	}
	if _, err = a.edited(r.Context(), id, n, typed.RootAsk); err == nil {
		return web.Redirect(w, r, "/root/"+id, "Changed. All approvals of before are void.")
	}
	if err := typed.refuse(err); err != nil {
		return err
	}
	return a.editAgain(w, r, typed.refused.Status, f, typed, n)
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
	n, err := revision(r)
	if err == nil {
		_, err = a.Desk.Withdraw(ctx, tx, web.ActorOf(ctx), id, n)
	}
	return err
}

func (a *area) openForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	n, err := revision(r)
	if err == nil {
		_, err = a.Desk.Open(ctx, tx, web.ActorOf(ctx), id, n, oneLine(r.FormValue("device")))
	}
	return err
}

func (a *area) answerForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	answer := access.Answer{Item: r.FormValue("item"), Skipped: oneLine(r.FormValue("skipped"))}
	if r.FormValue("is") == "skipped" && answer.Skipped == "" {
		return invalid("item %q: to skip it takes a reason", answer.Item)
	}
	if r.FormValue("is") != "skipped" {
		answer.Skipped = ""
	}
	_, err := a.Desk.Answer(ctx, tx, web.ActorOf(ctx), id, answer)
	return err
}

func (a *area) closeForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	n, err := revision(r)
	if err == nil {
		_, err = a.Desk.Close(ctx, tx, web.ActorOf(ctx), id, n)
	}
	return err
}

func (a *area) confirmForm(ctx context.Context, tx *store.Tx, r *http.Request, id string) error {
	n, err := revision(r)
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
	n, err := revision(r)
	if err == nil {
		_, err = a.Desk.Review(ctx, tx, web.ActorOf(ctx), id, n, stored.Judgement(r.FormValue("verdict")), oneLine(r.FormValue("review")))
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
	face := Faces()[1]
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
	id, reason := r.PathValue("id"), oneLine(r.FormValue("reason"))
	err := error(nil)
	if r.FormValue("read") == "" {
		err = invalid("say that you have read who is not waited for")
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
	face := Faces()[0]
	if v.facts, err = f.signing.Facts(&face); err != nil {
		return err
	}
	return web.Show(w, r, "Override "+f.ID, overrideStatementBody(v))
}
