package people

import (
	"context"
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/signin/parts"
)

// picker is what a scope picker holds: a role and where it is to hold.
type picker struct {
	Role, Where, ID string
	scopes          []page.Option // to choose from
}

func pickerOf(r *http.Request) picker {
	return picker{Role: r.PostFormValue("role"), Where: r.PostFormValue("where"), ID: r.PostFormValue("id")}
}

// offered is the picker with the units and accounts that the store knows.
func (a area) offered(ctx context.Context, p picker) (picker, error) {
	if a.Scopes == nil {
		return p, nil
	}
	err := a.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		p.scopes, err = a.Scopes(ctx, r)
		return err
	})
	return p, err
}

// inputs are those of the picker; empty offers to grant no role.
func (p picker) inputs(fault persons.Fault, empty bool) []page.Input {
	var roles []page.Option
	if empty {
		roles = append(roles, page.Option{Text: "none yet"})
	}
	for _, r := range people.Roles() {
		roles = append(roles, page.Option{Value: string(r), Text: string(r) + ": " + duty[r]})
	}
	return []page.Input{
		{Name: "role", Label: "Role", Kind: "select", Value: p.Role, Options: roles, Fault: of(fault, "role")},
		{Name: "where", Label: "Where it holds", Kind: "select", Value: p.Where, Options: []page.Option{
			{Value: string(people.Everywhere), Text: "all accounts"}, {Value: "ou", Text: "an organizational unit"}, {Value: "account", Text: "one account"},
		}},
		{Name: "id", Label: "Unit or account", Kind: "text", Value: p.ID, Options: p.scopes, Most: 80, Hint: "Such as ou-ab12-11111111 or 111122223333. Empty for all accounts.", Fault: of(fault, "id")},
	}
}

// duty says in words what a role is for.
var duty = map[people.Role]string{
	people.Viewer: "reads", people.Requester: "asks for exceptions", people.Approver: "approves with a key", people.Custodian: "keeps what root users sign in with", people.Responder: "asks, and starts scans and hunts",
	people.Auditor: "reads, with evidence", people.Admin: "keeps people and settings, and starts scans and hunts",
}

func of(f persons.Fault, field string) string {
	if f.Field == field {
		return f.Want
	}
	return ""
}

func filterOf(q url.Values) persons.Filter {
	return persons.Filter{Text: q.Get("q"), State: persons.State(q.Get("state")), Role: people.Role(q.Get("role"))}
}

func (a area) list(ctx context.Context, f persons.Filter, cursor string, limit int) (client.Page[persons.Listed], error) {
	after, err := web.ReadCursor(cursor, 1)
	if err != nil {
		return client.Page[persons.Listed]{}, err
	}
	if after == nil {
		after = []string{""}
	}
	var all []persons.Listed
	err = a.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		all, err = persons.List(ctx, r, f, after[0], limit+1)
		return err
	})
	return web.PageOf(all, limit, func(p persons.Listed) string { return web.Cursor(p.ID) }), err
}

// people is the page of the list.
type peopleList struct {
	At     *url.URL
	Filter persons.Filter
	Found  client.Page[persons.Listed]
	Keep   bool // the reader may change something
}

func (a area) listPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	l := peopleList{At: r.URL, Filter: filterOf(q), Keep: keep(r.Context()) == nil}
	var err error
	if l.Found, err = a.list(r.Context(), l.Filter, q.Get("cursor"), web.PageSize); err != nil {
		return err
	}
	return web.Show(w, r, "People and keys", listBody(l))
}

func (l peopleList) inputs() []page.Input {
	roles := []page.Option{{Text: "any"}}
	for _, r := range people.Roles() {
		roles = append(roles, page.Option{Value: string(r), Text: string(r)})
	}
	return []page.Input{
		{Name: "q", Label: "Name or e-mail", Kind: "search", Value: l.Filter.Text, Most: persons.MaxEmail},
		{Name: "state", Label: "State", Kind: "select", Value: string(l.Filter.State), Options: []page.Option{{Text: "any"}, {Value: "active", Text: "active"}, {Value: "suspended", Text: "suspended"}}},
		{Name: "role", Label: "Role", Kind: "select", Value: string(l.Filter.Role), Options: roles},
	}
}

func (l peopleList) rows() []page.Row {
	out := make([]page.Row, len(l.Found.Items))
	for i, p := range l.Found.Items {
		out[i] = page.Cells(page.To("/people/"+p.ID, p.Name), page.Text(p.Email), parts.Grants(p.Grants), keyCount(p.Keys), stateBadge(p.State), page.Day(p.Created))
		if p.State == persons.Suspended {
			out[i].Tone = page.Careful
		}
	}
	return out
}

func stateBadge(s persons.State) templ.Component {
	if s == persons.Active {
		return page.Badge(page.Good, string(s))
	}
	return page.Badge(page.Careful, string(s))
}

func (a area) invitePage(w http.ResponseWriter, r *http.Request) error {
	if err := keep(r.Context()); err != nil {
		return err
	}
	pick, err := a.offered(r.Context(), picker{Where: string(people.Everywhere)})
	if err != nil {
		return err
	}
	return web.Show(w, r, "Invite somebody", inviteBody(invitation{Issuer: a.Issuer, Picker: pick}))
}

// invitation is the form that invites.
type invitation struct {
	Name, Email, Subject string
	Picker               picker
	Issuer               string
	Fault                persons.Fault
}

func (f invitation) inputs() []page.Input {
	in := []page.Input{
		{Name: "name", Label: "Name", Kind: "text", Value: f.Name, Required: true, Most: persons.MaxName, Fault: of(f.Fault, "name")},
		{Name: "email", Label: "E-mail", Kind: "email", Value: f.Email, Most: persons.MaxEmail, Hint: "Shown beside the name. Nothing is sent there.", Fault: of(f.Fault, "email")},
	}
	in = append(in, f.Picker.inputs(f.Fault, true)...)
	if f.Issuer != "" {
		in = append(in, page.Input{Name: "subject", Label: "Subject at single sign-on", Kind: "text", Value: f.Subject, Most: 255, Hint: "Who they are to " + f.Issuer + ". Empty: they sign in with a key only.", Fault: of(f.Fault, "subject")})
	}
	return in
}

// personView is the page of a person.
type personView struct {
	whole
	Models []parts.Key
	Picker picker
	Fault  persons.Fault
	Issuer string
	Keep   bool // the reader may change something
	Self   bool // it is the reader
	Open   bool // made on the host, and nobody has acknowledged it
}

func (a area) personPage(w http.ResponseWriter, r *http.Request) error {
	return a.showPerson(w, r, http.StatusOK, picker{Where: string(people.Everywhere)}, persons.Fault{})
}

func (a area) showPerson(w http.ResponseWriter, r *http.Request, status int, pick picker, fault persons.Fault) error {
	id := r.PathValue("id")
	pick, err := a.offered(r.Context(), pick)
	if err != nil {
		return err
	}
	v := personView{Picker: pick, Fault: fault, Issuer: a.Issuer, Keep: keep(r.Context()) == nil, Self: web.ActorOf(r.Context()).ID == id}
	err = a.Store.View(r.Context(), func(ctx context.Context, read *store.Reader) (err error) {
		if v.whole, err = a.whole(ctx, read, id); err != nil {
			return err
		}
		open, err := persons.Recoveries(ctx, read)
		for _, o := range open {
			v.Open = v.Open || o.Person == id
		}
		return err
	})
	if err != nil {
		return err
	}
	v.Models = a.SignIn.Keys(v.Keys)
	return web.ShowStatus(w, r, status, v.Name, personBody(v))
}

func (v personView) revokeKey(k parts.Key) templ.Component {
	if !v.Keep {
		return templ.NopComponent
	}
	return page.Act("/people/"+v.ID+"/keys/"+k.ID+"/revoke", "Revoke", "Revoke the key "+k.Name+"? Sessions in which it was used end at once.", page.Bad)
}

func (v personView) grantRows() []page.Row {
	out := make([]page.Row, len(v.Grants))
	for i, g := range v.Grants {
		last := templ.Component(templ.NopComponent)
		if v.Keep {
			last = page.Act("/people/"+v.ID+"/revoke", "Revoke", "", page.Plain,
				page.Input{Name: "role", Value: string(g.Role)}, page.Input{Name: "scope", Value: string(g.Scope)})
		}
		out[i] = page.Cells(page.Text(string(g.Role)), page.Text(duty[g.Role]), page.Text(parts.Where(g.Scope)), last)
	}
	return out
}

func (v personView) identityRows() []page.Row {
	out := make([]page.Row, len(v.Identities))
	for i, x := range v.Identities {
		last := templ.Component(templ.NopComponent)
		if v.Keep {
			last = page.Act("/people/"+v.ID+"/unidentify", "Unlink", "", page.Plain,
				page.Input{Name: "issuer", Value: x.Issuer}, page.Input{Name: "subject", Value: x.Subject})
		}
		out[i] = page.Cells(page.Text(x.Issuer), page.Text(x.Subject), last)
	}
	return out
}

func (v personView) sessionRows() []page.Row {
	out := make([]page.Row, len(v.Sessions))
	for i, s := range v.Sessions {
		out[i] = page.Cells(page.ID(s.ID), page.Time(s.Begun), page.Time(s.Seen), page.Text(s.Address), page.Text(s.Agent))
	}
	return out
}

// tokenForm is the form that makes a token.
type tokenForm struct {
	Name, Days string
	Picker     picker
}

func (f tokenForm) inputs(fault persons.Fault) []page.Input {
	in := []page.Input{{Name: "name", Label: "Name", Kind: "text", Value: f.Name, Required: true, Most: persons.MaxName, Hint: "What uses it, such as: nightly scan", Fault: of(fault, "name")}}
	in = append(in, f.Picker.inputs(fault, false)...)
	return append(in, page.Input{Name: "days", Label: "Days it is good for", Kind: "number", Value: f.Days, Required: true, Hint: "At most 366", Fault: of(fault, "days")})
}

// tokenList is the page of tokens.
type tokenList struct {
	At    *url.URL
	Found client.Page[persons.Token]
	Form  tokenForm
	Fault persons.Fault
	Keep  bool
	rows  []page.Row
}

func (a area) tokens(ctx context.Context, cursor string, limit int) (client.Page[persons.Token], error) {
	before, err := web.ReadCursor(cursor, 1)
	if err != nil {
		return client.Page[persons.Token]{}, err
	}
	if before == nil {
		before = []string{""}
	}
	var all []persons.Token
	err = a.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		all, err = persons.Tokens(ctx, r, before[0], limit+1)
		return err
	})
	return web.PageOf(all, limit, func(t persons.Token) string { return web.Cursor(t.ID) }), err
}

func (a area) tokensPage(w http.ResponseWriter, r *http.Request) error {
	return a.showTokens(w, r, http.StatusOK, tokenForm{Days: "90", Picker: picker{Role: string(people.Viewer), Where: string(people.Everywhere)}}, persons.Fault{})
}

func (a area) showTokens(w http.ResponseWriter, r *http.Request, status int, f tokenForm, fault persons.Fault) error {
	found, err := a.tokens(r.Context(), r.URL.Query().Get("cursor"), web.PageSize)
	if err != nil {
		return err
	}
	if f.Picker, err = a.offered(r.Context(), f.Picker); err != nil {
		return err
	}
	l := tokenList{At: r.URL, Found: found, Form: f, Fault: fault, Keep: keep(r.Context()) == nil}
	for _, t := range found.Items {
		l.rows = append(l.rows, a.tokenRow(t, l.Keep))
	}
	return web.ShowStatus(w, r, status, "Tokens", tokensBody(l))
}

func (a area) tokenRow(t persons.Token, keep bool) page.Row {
	state, last := page.Badge(page.Good, "good"), templ.Component(templ.NopComponent)
	switch {
	case !t.Revoked.IsZero():
		state = page.Badge(page.Bad, "revoked")
	case !t.Good(a.Now()):
		state = page.Badge(page.Careful, "expired")
	case keep:
		last = page.Act("/tokens/"+t.ID+"/revoke", "Revoke", "Revoke the token "+t.Name+"? What uses it is locked out at once.", page.Bad)
	}
	return page.Cells(tokenName(t), parts.Grants(t.Grants), page.ID(t.Creator), page.Day(t.Expires), page.Time(t.Used), state, last)
}

// first is the address of the first page, when this is not it.
func first(at *url.URL) string {
	if !at.Query().Has("cursor") {
		return ""
	}
	return page.AtCursor(at, "")
}

func next(at *url.URL, cursor string) string {
	if cursor == "" {
		return ""
	}
	return page.AtCursor(at, cursor)
}
