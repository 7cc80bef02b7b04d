package rootless

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
)

func (a *area) routes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/root/rootless", Need: people.Read, Handle: a.plan, Time: surveyTime, AtOnce: atOnce},
		{Method: "POST", Path: "/root/rootless", Need: people.Request, Handle: a.ask, Time: surveyTime, AtOnce: atOnce},
		{Method: "GET", Path: "/root/{id}/rootless", Need: people.Read, Handle: a.report},
		{Method: "POST", Path: "/root/{id}/rootless/apply", Need: people.Apply, Fresh: true, Handle: a.apply(client.RootlessApply{})},
		{Method: "POST", Path: "/root/{id}/rootless/release", Need: people.Apply, Fresh: true, Handle: a.apply(client.RootlessApply{Release: true})},
		{Method: "POST", Path: "/root/{id}/rootless/prove", Need: people.Request, Handle: a.prove},
	}
}

// form is what somebody types to ask.
type form struct {
	management, accounts, first string
	justification, ticket       string
	refused                     *web.Refusal
}

func readForm(r *http.Request) *form {
	value := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	return &form{
		management: value("management"), accounts: value("accounts"), first: value("first"),
		justification: ask.OneLine(value("justification")), ticket: ask.OneLine(value("ticket")),
	}
}

func (f *form) chosen() (Chosen, error) {
	if f.management != "" {
		if _, err := rootkeep.ParseAccountID(f.management); err != nil {
			return Chosen{}, ask.Invalid("%s", err)
		}
	}
	in := planInput{Management: f.management, Accounts: f.accounts, First: f.first}
	return in.chosen()
}

func (a *area) plan(w http.ResponseWriter, r *http.Request) error {
	return a.planAgain(w, r, http.StatusOK, readForm(r))
}

// planAgain shows the order. What of the form is refused is told above an order that leaves
// it out.
func (a *area) planAgain(w http.ResponseWriter, r *http.Request, status int, f *form) error {
	v := planView{form: f, mayAsk: web.May(r, people.Request)}
	c, err := f.chosen()
	if err == nil {
		v.plan, err = a.Engine.Survey(r.Context(), web.ActorOf(r.Context()), c)
	}
	var refused *web.Refusal
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusUnprocessableEntity:
		f.refused, status = refused, refused.Status
	case err != nil:
		return err
	}
	return web.ShowStatus(w, r, status, "Members without root credentials", planBody(v))
}

func (a *area) ask(w http.ResponseWriter, r *http.Request) error {
	f := readForm(r)
	c, err := f.chosen()
	var id string
	if err == nil && f.justification == "" {
		err = ask.Invalid("say why, and why now: approvers sign it")
	}
	if err == nil {
		id, err = a.Engine.Ask(r.Context(), web.ActorOf(r.Context()), client.RootlessAsk{
			Management: f.management, Accounts: texts(c.Accounts), First: texts(c.First), Justification: f.justification, Ticket: f.ticket,
		})
	}
	if err == nil {
		return web.Redirect(w, r, "/root/"+id+"/rootless", "Every account is read and planned; then root is asked for.")
	}
	if !errors.As(err, &f.refused) || f.refused.Status >= http.StatusInternalServerError {
		return err
	}
	return a.planAgain(w, r, f.refused.Status, f)
}

func texts(list []rootkeep.AccountID) []string {
	var out []string
	for _, id := range list {
		out = append(out, string(id))
	}
	return out
}

func (a *area) report(w http.ResponseWriter, r *http.Request) error {
	s, err := a.Engine.Report(r.Context(), web.ActorOf(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.Show(w, r, s.Request, statusBody(statusView{s}))
}

func (a *area) apply(what client.RootlessApply) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PathValue("id")
		if err := a.Engine.Apply(r.Context(), web.ActorOf(r.Context()), id, what); err != nil {
			return err
		}
		return web.Redirect(w, r, "/root/"+id+"/rootless", "The server takes the credentials, one account after the other.")
	}
}

func (a *area) prove(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := a.Engine.Prove(r.Context(), web.ActorOf(r.Context()), id); err != nil {
		return err
	}
	return web.Redirect(w, r, "/root/"+id+"/rootless", "The server reads the root users of all members.")
}

// may says whether the actor may try an act now.
func (v statusView) may(act string) bool { return slices.Contains(v.May, act) }
