package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/signin/parts"
)

// ceremonyForm says to the module in the browser what a form is for.
type ceremonyForm struct {
	Kind          string // get or create
	Begin, Finish string // paths of the two steps
	Link          bool   // carries the secret of the page's address
	To            string // path to go on to
	Words         string // on the button
}

// signInPage shows the ways in. Who came by a link from another site brought no cookie,
// because it is Strict: the page first comes back to itself, and then finds out whether
// there is a session.
func (s *SignIn) signInPage(w http.ResponseWriter, r *http.Request) error {
	to := web.LocalPath(r.URL.Query().Get("to"))
	if web.ActorOf(r.Context()).ID != "" {
		return web.Redirect(w, r, to, "")
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return s.onward(w, r, "/sign-in?to="+url.QueryEscape(to))
	}
	var provider, path string
	if p := s.config.Provider; p != nil {
		provider, path = p.Name, "/sign-in/provider?to="+url.QueryEscape(to)
	}
	return web.Show(w, r, "Sign in", signInBody(to, provider, path))
}

// onward shows a page that goes on by itself: a request that begins here brings the
// session's cookie, one that another site began does not.
func (s *SignIn) onward(w http.ResponseWriter, r *http.Request, to string) error {
	w.Header().Set("Refresh", "0; url="+to)
	return web.Show(w, r, "One moment", onwardBody(to))
}

func (s *SignIn) againPage(w http.ResponseWriter, r *http.Request) error {
	return web.Show(w, r, "Touch your key once more", againBody(web.LocalPath(r.URL.Query().Get("to"))))
}

func (s *SignIn) enrolPage(w http.ResponseWriter, r *http.Request) error {
	return web.Show(w, r, "Enrol a security key", enrolBody())
}

// me is what a person sees of themselves.
type me struct {
	Person   persons.Person
	Grants   []people.Grant
	Keys     []parts.Key
	Good     int
	Sessions []persons.Session
	Current  string // ID of the session of the request
	Verified time.Time
	Fresh    bool
}

// Keys gives keys the names of their models.
func (s *SignIn) Keys(keys []persons.Key) []parts.Key {
	out := make([]parts.Key, len(keys))
	for i, k := range keys {
		out[i] = parts.Key{Key: k, Model: s.config.Models.Name(k.AAGUID), AAGUID: AAGUID(k.AAGUID)}
	}
	return out
}

func (s *SignIn) me(ctx context.Context) (me, error) {
	a := web.ActorOf(ctx)
	if a.Kind != people.Person {
		return me{}, web.Refuse(http.StatusForbidden, "no-person", "a token has no account")
	}
	m := me{Grants: a.Grants, Verified: a.Verified, Fresh: a.Fresh(s.config.Now(), web.FreshFor)}
	if v, ok := sessionOf(ctx); ok {
		m.Current = v.ID
	}
	err := s.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if m.Person, err = persons.Get(ctx, r, a.ID); err != nil {
			return err
		}
		keys, err := persons.Keys(ctx, r, a.ID)
		if err != nil {
			return err
		}
		m.Keys = s.Keys(keys)
		m.Sessions, err = persons.Sessions(ctx, r, a.ID)
		return err
	})
	for _, k := range m.Keys {
		if k.Revoked.IsZero() {
			m.Good++
		}
	}
	return m, err
}

func (s *SignIn) mePage(w http.ResponseWriter, r *http.Request) error {
	m, err := s.me(r.Context())
	if err != nil {
		return err
	}
	return web.Show(w, r, "Your account", meBody(m))
}

func (m me) revoke(k parts.Key) templ.Component {
	question := "Revoke the key " + k.Name + "? Sessions in which it was used end at once."
	if m.Good == 1 {
		question = "This is your only key: without it you are locked out. Revoke it?"
	}
	return page.Act("/me/keys/"+k.ID+"/revoke", "Revoke", question, page.Bad)
}

func (m me) sessions() []page.Row {
	out := make([]page.Row, len(m.Sessions))
	for i, v := range m.Sessions {
		by := page.Text("security key")
		if v.Key == "" {
			by = page.Text("single sign-on " + v.Issuer)
		}
		last := page.Act("/me/sessions/"+v.ID+"/end", "End", "", page.Plain)
		if v.ID == m.Current {
			last = page.Badge(page.Good, "this one")
		}
		out[i] = page.Cells(page.Time(v.Begun), page.Time(v.Seen), by, page.Text(v.Address), page.Text(v.Agent), last)
	}
	return out
}

func hours(d time.Duration) string { return strconv.Itoa(int(d/time.Hour)) + " hours" }

func (s *SignIn) revokeOwnKey(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r.Context()), r.PathValue("id")
	err := s.config.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		k, err := persons.GetKey(ctx, &tx.Reader, id)
		if err != nil {
			return err
		}
		if k.Person != a.ID {
			return web.NotFound("key " + id + " of yours")
		}
		return persons.RevokeKey(ctx, tx, a.ID, id)
	})
	if err != nil {
		return Told(err)
	}
	return web.Redirect(w, r, "/me", "The key is revoked.")
}

func (s *SignIn) endOwnSession(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r.Context()), r.PathValue("id")
	err := s.config.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		return persons.EndSession(ctx, tx, a.ID, a.ID, id)
	})
	if err != nil && !errors.Is(err, store.ErrConflict) { // it has ended
		return err
	}
	return web.Redirect(w, r, "/me", "The session is ended.")
}

func (s *SignIn) endOtherSessions(w http.ResponseWriter, r *http.Request) error {
	a := web.ActorOf(r.Context())
	v, _ := sessionOf(r.Context())
	err := s.config.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := persons.EndSessions(ctx, tx, a.ID, a.ID, v.ID)
		return err
	})
	if err != nil {
		return err
	}
	return web.Redirect(w, r, "/me", "All other sessions, and all passes, are ended.")
}

// makePass shows a pass for a terminal, once. No pass makes another: that would go on
// for ever.
func (s *SignIn) makePass(w http.ResponseWriter, r *http.Request) error {
	v, ok := sessionOf(r.Context())
	if !ok {
		return errNoSession
	}
	var t persons.Token
	var secret persons.Secret
	err := s.config.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		t, secret, err = persons.IssuePass(ctx, tx, v.Person, v.Verified)
		return err
	})
	if err != nil {
		return Told(err)
	}
	return web.Show(w, r, "A pass for your terminal", passBody(secret.Reveal(), t.Expires))
}

// banner says to everybody that an administrator was made on the host, until another one
// has said that they know.
func (s *SignIn) banner(ctx context.Context, a people.Actor) (page.Banner, error) {
	var open []persons.Recovery
	err := s.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		open, err = persons.Recoveries(ctx, r)
		return err
	})
	if err != nil || len(open) == 0 {
		return page.Banner{}, err
	}
	first := open[0]
	b := page.Banner{Text: "An administrator, " + first.Person + ", was made on the server's host on " + first.At.Format("2006-01-02 15:04") + " UTC. Make sure that this was agreed."}
	if a.May(people.ManagePeople, people.Place{}) && a.ID != first.Person {
		b.Action, b.Button = "/people/"+first.Person+"/acknowledge", "I know of it"
	}
	return b, nil
}
