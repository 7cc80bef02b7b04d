// Package people is the pages and the API of persons, their roles and keys, and of
// machine tokens. It takes forms and JSON in, and calls internal/store/people: what may
// be done is decided there and by the permission of the route.
package people

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/signin"
)

// Config is what the area is made from.
type Config struct {
	URL    *url.URL // of the server
	Store  *store.Store
	Now    func() time.Time
	SignIn *signin.SignIn // names the models of keys
	Issuer string         // of OpenID Connect; "" for none
	// Scopes are the units and accounts that are offered where a role may hold; others can
	// be typed. nil for none.
	Scopes func(context.Context, *store.Reader) ([]page.Option, error)
}

type area struct{ Config }

// Area is the pages of people and tokens, and their API. Whoever keeps people sees them,
// and so do auditors. Every change asks for a key.
func Area(c Config) (web.Area, error) {
	if c.URL == nil || c.Store == nil || c.Now == nil || c.SignIn == nil {
		return web.Area{}, errors.New("people: an address, a store, a clock and the sign-in are required")
	}
	a := area{c}
	get := func(path string, h web.Handler) web.Route {
		return web.Route{Method: "GET", Path: path, Need: people.Read, Handle: a.seen(h)}
	}
	post := func(path string, h web.Handler) web.Route {
		return web.Route{Method: "POST", Path: path, Need: people.ManagePeople, Fresh: true, Handle: a.kept(h)}
	}
	return web.Area{
		Name: "people", API: a.api,
		Topics: map[string]web.Sees{"people": func(_ context.Context, _ *store.Reader, who people.Actor, _ string) (bool, error) {
			return maySee(who) == nil, nil
		}},
		Nav: []page.Link{
			{Text: "People and keys", Path: "/people", Need: people.ManagePeople}, {Text: "People and keys", Path: "/people", Need: people.ReadEvidence},
			{Text: "Tokens", Path: "/tokens", Need: people.ManagePeople}, {Text: "Tokens", Path: "/tokens", Need: people.ReadEvidence},
		},
		Routes: []web.Route{
			get("/people", a.listPage),
			get("/people/{id}", a.personPage),
			get("/people/new", a.invitePage),
			post("/people", a.invite),
			post("/people/{id}/rename", a.rename),
			post("/people/{id}/grant", a.grant),
			post("/people/{id}/revoke", a.revoke),
			post("/people/{id}/suspend", a.suspend),
			post("/people/{id}/restore", a.restore),
			post("/people/{id}/link", a.link),
			post("/people/{id}/identify", a.identify),
			post("/people/{id}/unidentify", a.unidentify),
			post("/people/{id}/sessions/end", a.endSessions),
			post("/people/{id}/keys/{key}/revoke", a.revokeKey),
			post("/people/{id}/acknowledge", a.acknowledge),
			get("/tokens", a.tokensPage),
			post("/tokens", a.issueToken),
			post("/tokens/{id}/revoke", a.revokeToken),
		},
	}, nil
}

// see and keep are what of the permissions has to hold for the whole organization:
// persons belong to no account.
func see(ctx context.Context) error { return maySee(web.ActorOf(ctx)) }

func maySee(who people.Actor) error {
	return signin.Everywhere(who, people.ManagePeople, people.ReadEvidence)
}

func keep(ctx context.Context) error {
	return signin.Everywhere(web.ActorOf(ctx), people.ManagePeople)
}

func (a area) seen(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := see(r.Context()); err != nil {
			return err
		}
		return h(w, r)
	}
}

func (a area) kept(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := keep(r.Context()); err != nil {
			return err
		}
		return signin.Told(h(w, r))
	}
}

// change makes a change in the name of whoever asks.
func (a area) change(ctx context.Context, change func(ctx context.Context, tx *store.Tx, by string) error) error {
	by := web.ActorOf(ctx).ID
	return a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return change(ctx, tx, by) })
}

// changed makes a change of a form, and goes back to the page with a message.
func (a area) changed(w http.ResponseWriter, r *http.Request, to, message string, change func(ctx context.Context, tx *store.Tx, by string) error) error {
	if err := a.change(r.Context(), change); err != nil {
		return err
	}
	return web.Redirect(w, r, to, message)
}

// whole is a person with all that a page tells.
type whole struct {
	persons.Person
	Grants     []people.Grant
	Keys       []persons.Key
	Identities []persons.Identity
	Sessions   []persons.Session
}

func (a area) whole(ctx context.Context, r *store.Reader, id string) (whole, error) {
	var p whole
	var err error
	if p.Person, err = persons.Get(ctx, r, id); err != nil {
		return p, err
	}
	if p.Grants, err = persons.Grants(ctx, r, id); err != nil {
		return p, err
	}
	if p.Keys, err = persons.Keys(ctx, r, id); err != nil {
		return p, err
	}
	if p.Identities, err = persons.Identities(ctx, r, id); err != nil {
		return p, err
	}
	p.Sessions, err = persons.Sessions(ctx, r, id)
	return p, err
}

// invited adds a person with roles and a link, all or nothing.
func (a area) invited(ctx context.Context, name, email, subject string, grants []people.Grant) (persons.Person, string, error) {
	var p persons.Person
	var link persons.Secret
	err := a.change(ctx, func(ctx context.Context, tx *store.Tx, by string) (err error) {
		if p, err = persons.Add(ctx, tx, by, name, email); err != nil {
			return err
		}
		for _, g := range grants {
			if err := persons.Grant(ctx, tx, by, p.ID, g); err != nil {
				return err
			}
		}
		if subject != "" {
			if a.Issuer == "" {
				return &persons.Fault{Field: "subject", Want: "this server has no provider of single sign-on; leave it empty"}
			}
			if err := persons.Identify(ctx, tx, by, p.ID, a.Issuer, subject); err != nil {
				return err
			}
		}
		link, err = persons.NewLink(ctx, tx, by, p.ID, persons.InviteLife)
		return err
	})
	if err != nil {
		return persons.Person{}, "", err
	}
	return p, signin.EnrolAddress(a.URL, link), nil
}

// linked makes a new link for a person.
func (a area) linked(ctx context.Context, id string) (string, error) {
	var link persons.Secret
	err := a.change(ctx, func(ctx context.Context, tx *store.Tx, by string) (err error) {
		link, err = persons.NewLink(ctx, tx, by, id, persons.InviteLife)
		return err
	})
	if err != nil {
		return "", err
	}
	return signin.EnrolAddress(a.URL, link), nil
}

// revokedKey revokes a key of the person.
func revokedKey(ctx context.Context, tx *store.Tx, by, person, key string) error {
	k, err := persons.GetKey(ctx, &tx.Reader, key)
	if err != nil {
		return err
	}
	if person != "" && k.Person != person {
		return web.NotFound("key " + key + " of " + person)
	}
	return persons.RevokeKey(ctx, tx, by, key)
}
