package ask

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/web"
)

func (a *area) tasksPage(w http.ResponseWriter, r *http.Request) error {
	return web.Show(w, r, "Root tasks", tasksBody(a.Tasks))
}

// compose shows the form: the task first, then what it comes to.
func (a *area) compose(w http.ResponseWriter, r *http.Request) error {
	return a.composeAgain(w, r, http.StatusOK, readForm(r))
}

func (a *area) composeAgain(w http.ResponseWriter, r *http.Request, status int, f *form) error {
	v := composeView{form: f, tasks: a.Tasks, task: access.Find(a.Tasks, f.Task), me: web.ActorOf(r.Context()).ID}
	if v.task == nil || len(f.Accounts) == 0 {
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
	q := &asked{at: rootkeep.AccountID(v.Decided)}
	for _, s := range v.Accounts {
		account, err := rootkeep.ParseAccountID(s)
		if err != nil {
			return Invalid("%s", err)
		}
		q.ask.Accounts = append(q.ask.Accounts, account)
	}
	if len(q.ask.Accounts) == 1 || q.at == "" {
		q.at = q.ask.Accounts[0]
	}
	if err := a.mayAsk(ctx, q); err != nil {
		return err
	}
	var err error
	if v.standing, err = a.standing(ctx, q.ask.Accounts, v.Holder); err != nil {
		return err
	}
	h := v.standing.Holder
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

// kindOf is the kind of change of a task that is asked for by a form. Where the form leaves
// the holder to scans, it is that of any holder.
func (a *area) kindOf(t *access.Task, holder string) *change.Kind {
	for _, h := range holders(holder) {
		if k := a.kind(t.Ways[h].Change); k != nil {
			return k
		}
	}
	return nil
}

func (a *area) submit(w http.ResponseWriter, r *http.Request) error {
	f := readForm(r)
	var of *change.Kind
	if t := access.Find(a.Tasks, f.Task); t != nil {
		of = a.kindOf(t, f.Holder)
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

func (a *area) edit(w http.ResponseWriter, r *http.Request) error {
	x, err := a.get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	h, err := a.kept(r.Context(), x.ID, string(holderOf(x, a.Tasks)))
	if err != nil {
		return err
	}
	return a.editAgain(w, r, http.StatusOK, x, formOf(x, access.Holder(h), a.Now()), x.Revision)
}

func (a *area) editAgain(w http.ResponseWriter, r *http.Request, status int, x *stored.Request, typed *form, revision int64) error {
	v := composeView{form: typed, tasks: a.Tasks, task: access.Find(a.Tasks, x.Asked.Task), me: x.Requester()}
	if v.task == nil {
		return web.Refuse(http.StatusConflict, "conflict", "the task "+x.Asked.Task+" is not on this server any more; hint: withdraw the request and ask anew")
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
	return web.ShowStatus(w, r, status, "Edit "+x.ID, editBody(x, v, revision))
}

// Revision reads the version that a form was made from.
func Revision(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.FormValue("revision"), 10, 64)
	if err != nil {
		return 0, Invalid("the form does not say which version it was made from; hint: open the page again")
	}
	return n, nil
}

func (a *area) change(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	n, err := Revision(r)
	if err != nil {
		return err
	}
	x, err := a.get(r.Context(), id) // what is out of sight ends here, whatever was typed
	if err != nil {
		return err
	}
	typed := readForm(r)
	typed.Task, typed.Kind, typed.Decided, typed.Accounts = x.Asked.Task, string(x.Asked.Kind), string(x.Matter.Request.Account), names(x.Asked.Accounts)
	if !typed.whole(nil) {
		return a.editAgain(w, r, http.StatusUnprocessableEntity, x, typed, n)
	}
	if _, err = a.edited(r.Context(), id, n, typed.RootAsk); err == nil {
		return web.Redirect(w, r, "/root/"+id, "Changed. All approvals of before are void.")
	}
	if err := typed.refuse(err); err != nil {
		return err
	}
	return a.editAgain(w, r, typed.refused.Status, x, typed, n)
}

// get reads a request that the actor may read.
func (a *area) get(ctx context.Context, id string) (x *stored.Request, err error) {
	err = a.view(ctx, func(ctx context.Context, r *store.Reader) error {
		x, err = a.Desk.Get(ctx, r, web.ActorOf(ctx), id, a.Now())
		return err
	})
	return x, err
}
