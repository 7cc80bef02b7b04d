package changes

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/changes/subject"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// filterOf reads the filter of a list's address. A value that is none of the form's is
// refused, not ignored.
func filterOf(q url.Values, actor string) (changes.Filter, error) {
	f := changes.Filter{Kind: q.Get("kind"), By: q.Get("by"), Batch: q.Get("batch")}
	if q.Get("mine") != "" {
		f.By = actor
	}
	var err error
	if state := q.Get("state"); state != "" {
		if f.State, err = changes.ParseState(state); err != nil {
			return f, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
		}
	}
	if account := q.Get("account"); account != "" {
		if f.Account, err = rootkeep.ParseAccountID(account); err != nil {
			return f, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
		}
	}
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
	p := web.PageOf(found, web.PageSize, cursor)
	v := listView{at: r.URL, kinds: a.Engine.Kinds(), items: p.Items, actor: web.ActorOf(r.Context())}
	if p.Next != "" {
		v.next = page.AtCursor(r.URL, p.Next)
	}
	if q.Get("cursor") != "" {
		v.first = page.AtCursor(r.URL, "")
	}
	return web.Show(w, r, "Changes", listBody(v))
}

func (a *area) kindsPage(w http.ResponseWriter, r *http.Request) error {
	var list []client.ChangeKind
	for _, k := range a.Engine.Kinds() {
		list = append(list, KindOf(k))
	}
	return web.Show(w, r, "Kinds of change", kindsBody(list))
}

func (a *area) kindPage(w http.ResponseWriter, r *http.Request) error {
	k := a.kind(r.PathValue("kind"))
	if k == nil {
		return web.NotFound("such kind of change")
	}
	return web.Show(w, r, k.Title, kindBody(KindOf(k), web.ActorOf(r.Context())))
}

// compose shows the form: first for the kind and the account, then for its parameters.
func (a *area) compose(w http.ResponseWriter, r *http.Request) error {
	return a.composeAgain(w, r, http.StatusOK, a.readForm(r))
}

func (a *area) composeAgain(w http.ResponseWriter, r *http.Request, status int, f *form) error {
	title := "Plan a change"
	if f.kind != nil {
		title = f.kind.Title
	}
	return web.ShowStatus(w, r, status, title, newBody(f))
}

// submit plans what the form says: a batch if it names several accounts.
func (a *area) submit(w http.ResponseWriter, r *http.Request) error {
	f := a.readForm(r)
	if !f.whole() {
		return a.composeAgain(w, r, http.StatusUnprocessableEntity, f)
	}
	to, err := a.carryOut(r.Context(), f)
	var refused *web.Refusal
	switch {
	case errors.As(err, &refused):
		f.refused = refused
		return a.composeAgain(w, r, refused.Status, f)
	case err != nil:
		return err
	}
	return web.Redirect(w, r, to, "Planned. Nothing is changed yet: read the plan, then ask for its approval.")
}

// carryOut plans what a whole form says, and gives the path of the page that shows it.
func (a *area) carryOut(ctx context.Context, f *form) (string, error) {
	if len(f.accounts) > 1 {
		b, err := a.planBatch(ctx, client.ChangeBatchWanted{
			About: f.batchAbout(), Kind: f.kind.ID, Accounts: f.accounts, Canaries: f.accounts[:1], Region: f.region, Parameters: f.given,
		})
		if err != nil {
			return "", err
		}
		return "/changes/batches/" + b.ID, nil
	}
	c, err := a.plan(ctx, Wanted{Kind: f.kind.ID, Account: rootkeep.AccountID(f.accounts[0]), Region: f.region, Parameters: f.given})
	if err != nil {
		return "", err
	}
	return "/changes/" + c.ID, nil
}

func (a *area) detail(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := detailView{folder: f, actor: web.ActorOf(r.Context()), durations: map[string]bool{}}
	if k := a.kind(f.Kind); k != nil {
		for name, p := range k.Parameters {
			v.durations[name] = p.Type == "duration"
		}
	}
	if f.request != nil {
		face := subject.Face()
		if v.edits, err = f.request.Edits(&face); err != nil {
			return err
		}
	}
	w.Header().Set("ETag", web.ETag(f.Revision))
	return web.Show(w, r, f.ID, detailBody(v))
}

// acts makes a route of an act on a change whose form says which plan, or which version,
// was read. The page that it leads to says the words.
func (a *area) acts(words string, act func(ctx context.Context, id string, r *http.Request) (*changes.Change, error)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := act(r.Context(), r.PathValue("id"), r)
		if err != nil {
			return err
		}
		return web.Redirect(w, r, "/changes/"+c.ID, words)
	}
}

func (a *area) askForm(ctx context.Context, id string, r *http.Request) (*changes.Change, error) {
	return a.ask(ctx, id, r.PostFormValue("plan_sha256"))
}

func (a *area) applyForm(ctx context.Context, id string, r *http.Request) (*changes.Change, error) {
	return a.apply(ctx, id, r.PostFormValue("plan_sha256"))
}

func (a *area) undoForm(ctx context.Context, id string, _ *http.Request) (*changes.Change, error) {
	return a.undo(ctx, id)
}

func (a *area) replanForm(ctx context.Context, id string, r *http.Request) (*changes.Change, error) {
	return a.replan(ctx, id, revisionOf(r))
}

func (a *area) withdrawForm(ctx context.Context, id string, r *http.Request) (*changes.Change, error) {
	return a.withdraw(ctx, id, revisionOf(r))
}

func (a *area) giveUpForm(ctx context.Context, id string, r *http.Request) (*changes.Change, error) {
	return a.giveUp(ctx, id, revisionOf(r))
}

// revisionOf holds an act to the version that its form was made from.
func revisionOf(r *http.Request) func(int64) error {
	return func(revision int64) error {
		n, err := strconv.ParseInt(r.PostFormValue("revision"), 10, 64)
		if err != nil || n != revision {
			return web.Refuse(http.StatusConflict, "conflict", "the change has moved on since the page was read; hint: open it again")
		}
		return nil
	}
}

func (a *area) batches(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := changes.BatchFilter{Halted: q.Get("halted") != ""}
	if q.Get("mine") != "" {
		f.By = web.ActorOf(r.Context()).ID
	}
	found, err := a.findBatches(r.Context(), f, q.Get("cursor"), web.PageSize)
	if err != nil {
		return err
	}
	p := web.PageOf(found, web.PageSize, batchCursor)
	v := batchesView{at: r.URL, items: p.Items}
	if p.Next != "" {
		v.next = page.AtCursor(r.URL, p.Next)
	}
	if q.Get("cursor") != "" {
		v.first = page.AtCursor(r.URL, "")
	}
	return web.Show(w, r, "Batches of changes", batchesBody(v))
}

func (a *area) undoWhole(ctx context.Context, id string) (*bundle, error) {
	return a.undoBatch(ctx, id, nil)
}

func (a *area) batchPage(w http.ResponseWriter, r *http.Request) error {
	b, err := a.openBatch(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.Show(w, r, b.ID, batchBody(b, web.ActorOf(r.Context())))
}

// batchActs makes a route of an act on a batch.
func (a *area) batchActs(words string, act func(context.Context, string) (*bundle, error)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		b, err := act(r.Context(), r.PathValue("id"))
		if err != nil {
			return err
		}
		return web.Redirect(w, r, "/changes/batches/"+b.ID, words)
	}
}
