package signin

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Area is the pages of sign-in and of one's own account.
func (s *SignIn) Area() web.Area {
	const none, in = people.Public, people.SignedIn
	return web.Area{Name: "sign-in", API: s.api, Banner: s.banner, Problems: problems(), Topics: map[string]web.Sees{
		// Everybody learns that an administrator was made on the host.
		"recovery": func(_ context.Context, _ *store.Reader, a people.Actor, _ string) (bool, error) {
			return a.ID != "", nil
		},
	}, Routes: []web.Route{
		{Method: "GET", Path: "/sign-in", Need: none, Handle: s.signInPage},
		{Method: "POST", Path: "/sign-in/begin", Need: none, Handle: s.limited(s.signInBegin)},
		{Method: "POST", Path: "/sign-in/finish", Need: none, Handle: s.limited(s.signInFinish)},
		{Method: "GET", Path: "/sign-in/provider", Need: none, Handle: s.toProvider},
		{Method: "GET", Path: returnPath, Need: none, Handle: s.fromProvider},
		{Method: "GET", Path: "/sign-in/again", Need: in, Handle: s.againPage},
		{Method: "POST", Path: "/sign-in/again/begin", Need: in, Handle: s.limited(s.againBegin)},
		{Method: "POST", Path: "/sign-in/again/finish", Need: in, Handle: s.limited(s.againFinish)},
		{Method: "POST", Path: "/sign-out", Need: in, Handle: s.signOut},
		{Method: "GET", Path: "/enrol", Need: none, Handle: s.enrolPage},
		{Method: "POST", Path: "/enrol/begin", Need: none, Handle: s.limited(s.enrolBegin)},
		{Method: "POST", Path: "/enrol/finish", Need: none, Handle: s.limited(s.enrolFinish)},
		{Method: "GET", Path: "/me", Need: in, Handle: s.mePage},
		{Method: "POST", Path: "/me/keys/begin", Need: in, Fresh: true, Handle: s.limited(s.addBegin)},
		{Method: "POST", Path: "/me/keys/finish", Need: in, Fresh: true, Handle: s.limited(s.addFinish)},
		{Method: "POST", Path: "/me/keys/{id}/revoke", Need: in, Fresh: true, Handle: s.revokeOwnKey},
		{Method: "POST", Path: "/me/sessions/{id}/end", Need: in, Handle: s.endOwnSession},
		{Method: "POST", Path: "/me/sessions/end", Need: in, Handle: s.endOtherSessions},
		{Method: "POST", Path: "/me/pass", Need: in, Fresh: true, Handle: s.makePass},
	}}
}

// answer is what the browser's module sends back of a ceremony.
type answer struct {
	Ceremony   string          `json:"ceremony"`
	Credential json.RawMessage `json:"credential"`
	Link       string          `json:"link"`   // of enrolment
	Person     string          `json:"person"` // own name, at enrolment
	Name       string          `json:"name"`   // of the key
	To         string          `json:"to"`     // path to go on to
}

// done is what the module gets when all went well: where to go on.
type done struct {
	To string `json:"to"`
}

// limited makes a handler of a step that takes and gives JSON, and counts it. A refusal
// is JSON too: {"detail": ...}.
func (s *SignIn) limited(step func(http.ResponseWriter, *http.Request, answer) (any, error)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		out, err := s.step(w, r, step)
		status := http.StatusOK
		var refused *web.Refusal
		if errors.As(Told(err), &refused) {
			status, out = refused.Status, map[string]string{"detail": refused.Detail}
		} else if err != nil {
			return err
		}
		body, err := json.Marshal(out)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body) // the client may be gone
		return nil
	}
}

func (s *SignIn) step(w http.ResponseWriter, r *http.Request, step func(http.ResponseWriter, *http.Request, answer) (any, error)) (any, error) {
	if err := s.limit.allow(r); err != nil {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, web.Refuse(http.StatusUnsupportedMediaType, "media-type", "want application/json")
	}
	var a answer
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return nil, errAnswered
	}
	return step(w, r, a)
}

func (s *SignIn) signInBegin(_ http.ResponseWriter, r *http.Request, _ answer) (any, error) {
	return s.beginProof(r.Context(), kindSignIn, "", "")
}

func (s *SignIn) signInFinish(w http.ResponseWriter, r *http.Request, a answer) (any, error) {
	var p pending
	if err := s.take(r.Context(), kindSignIn, a.Ceremony, &p); err != nil {
		return nil, err
	}
	person, key, err := s.prove(r.Context(), p, a.Credential)
	if err != nil {
		return nil, err
	}
	return done{web.LocalPath(a.To)}, s.enter(w, r, persons.Session{Person: person.ID, Key: key.ID})
}

func (s *SignIn) againBegin(_ http.ResponseWriter, r *http.Request, _ answer) (any, error) {
	v, ok := sessionOf(r.Context())
	if !ok {
		return nil, errNoSession
	}
	return s.beginProof(r.Context(), kindAgain, v.Person, v.ID)
}

// errNoSession is a route of a browser that was called with a token.
var errNoSession = web.Refuse(http.StatusForbidden, "no-session", "this is done in a browser, not with a token")

func (s *SignIn) againFinish(w http.ResponseWriter, r *http.Request, a answer) (any, error) {
	v, ok := sessionOf(r.Context())
	if !ok {
		return nil, errNoSession
	}
	var p pending
	if err := s.take(r.Context(), kindAgain, a.Ceremony, &p); err != nil {
		return nil, err
	}
	if p.Session != v.ID || p.Person != v.Person {
		return nil, errOver
	}
	_, key, err := s.prove(r.Context(), p, a.Credential)
	if err != nil {
		return nil, err
	}
	return done{web.LocalPath(a.To)}, s.proven(w, r, v, key.ID)
}

func (s *SignIn) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.leave(r); err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(sessionCookie, "", 0, http.SameSiteStrictMode))
	return web.Redirect(w, r, "/sign-in", "You are signed out.")
}

func (s *SignIn) enrolBegin(_ http.ResponseWriter, r *http.Request, a answer) (any, error) {
	o, err := s.owner(r.Context(), s.byLink(a.Link))
	if err != nil {
		return nil, err
	}
	return s.beginKey(r.Context(), kindEnrol, o, "")
}

func (s *SignIn) byLink(link string) func(context.Context, *store.Reader) (persons.Person, error) {
	return func(ctx context.Context, r *store.Reader) (persons.Person, error) {
		return persons.LinkOwner(ctx, r, link, s.config.Now())
	}
}

// enrolFinish keeps the key of a link, which is spent in the same transaction, and signs
// its owner in.
func (s *SignIn) enrolFinish(w http.ResponseWriter, r *http.Request, a answer) (any, error) {
	var p pending
	if err := s.take(r.Context(), kindEnrol, a.Ceremony, &p); err != nil {
		return nil, err
	}
	o, err := s.owner(r.Context(), s.byLink(a.Link))
	if err != nil {
		return nil, err
	}
	if o.person.ID != p.Person {
		return nil, errOver
	}
	k, err := s.made(r.Context(), p, o, a.Name, a.Credential)
	if err != nil {
		return nil, err
	}
	err = s.config.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := persons.UseLink(ctx, tx, a.Link); err != nil {
			return err
		}
		if a.Person != "" {
			if err := persons.Rename(ctx, tx, o.person.ID, o.person.ID, a.Person, o.person.Email); err != nil {
				return err
			}
		}
		made, err := persons.AddKey(ctx, tx, o.person.ID, k)
		k.ID = made.ID
		return err
	})
	if err != nil {
		return nil, err
	}
	return done{"/me"}, s.enter(w, r, persons.Session{Person: o.person.ID, Key: k.ID})
}

func (s *SignIn) addBegin(_ http.ResponseWriter, r *http.Request, _ answer) (any, error) {
	v, ok := sessionOf(r.Context())
	if !ok {
		return nil, errNoSession
	}
	o, err := s.owner(r.Context(), byID(v.Person))
	if err != nil {
		return nil, err
	}
	return s.beginKey(r.Context(), kindAdd, o, v.ID)
}

func (s *SignIn) addFinish(_ http.ResponseWriter, r *http.Request, a answer) (any, error) {
	v, ok := sessionOf(r.Context())
	if !ok {
		return nil, errNoSession
	}
	var p pending
	if err := s.take(r.Context(), kindAdd, a.Ceremony, &p); err != nil {
		return nil, err
	}
	if p.Session != v.ID || p.Person != v.Person {
		return nil, errOver
	}
	o, err := s.owner(r.Context(), byID(v.Person))
	if err != nil {
		return nil, err
	}
	k, err := s.made(r.Context(), p, o, a.Name, a.Credential)
	if err != nil {
		return nil, err
	}
	return done{"/me"}, s.config.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := persons.AddKey(ctx, tx, v.Person, k)
		return err
	})
}
