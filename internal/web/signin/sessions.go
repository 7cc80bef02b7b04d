package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
)

// Lives of sessions.
const (
	Lifetime = 12 * time.Hour   // whatever happens
	Idle     = 30 * time.Minute // without a request
	noted    = time.Minute      // how exactly the last request is kept
)

const sessionCookie = "rootkeep" // other servers on localhost share its cookies, whatever their port

// state is what the library of sessions carries for us: it makes tokens and cookies, and
// hands this to our store.
type state struct {
	Session persons.Session
	Person  persons.Person
	Grants  []people.Grant
	keep    keep
}

// keep says how a session is to be kept; what came from the store is kept already.
type keep string

const (
	keepNew     keep = "new"
	keepRenewed keep = "renewed"
)

const stateKey = "state"

// newSessions makes the manager without scs.New, which starts a goroutine that cleans a
// store in memory and never ends. What is left out is for LoadAndSave, which nobody calls.
func (s *SignIn) newSessions() *scs.SessionManager {
	return &scs.SessionManager{
		Lifetime: Lifetime, Store: cookies{s}, Codec: codec{},
		// Strict: no other site makes a request in a session. Who comes by a link from
		// another site, or back from a provider, is sent on once from a page of ours.
		Cookie: scs.SessionCookie{Name: s.cookieName(sessionCookie), Path: "/", HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteStrictMode},
	}
}

// codec passes our state through the library's bytes.
type codec struct{}

type coded struct {
	Deadline time.Time
	State    state
	Keep     keep
}

// Encode is that of scs.Codec.
func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	v, ok := values[stateKey].(state)
	if !ok {
		return nil, errors.New("a session without its state")
	}
	return json.Marshal(coded{deadline, v, v.keep})
}

// Decode is that of scs.Codec.
func (codec) Decode(b []byte) (time.Time, map[string]any, error) {
	var c coded
	err := json.Unmarshal(b, &c)
	return c.Deadline, map[string]any{stateKey: c.State}, err
}

// cookies is the store of sessions as scs wants it.
type cookies struct{ s *SignIn }

var errNoContext = errors.New("the store of sessions wants a context")

// Find, Commit and Delete are those of scs.Store, which nobody calls.
func (cookies) Find(string) ([]byte, bool, error)      { return nil, false, errNoContext }
func (cookies) Commit(string, []byte, time.Time) error { return errNoContext }
func (cookies) Delete(string) error                    { return errNoContext }

// FindCtx finds the session of a cookie, if it is not over and its person is active.
func (c cookies) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	if len(token) > 100 {
		return nil, false, nil
	}
	var v state
	err := c.s.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if v.Session, err = persons.FindSession(ctx, r, token); err != nil {
			return err
		}
		if v.Person, err = persons.Get(ctx, r, v.Session.Person); err != nil {
			return err
		}
		v.Grants, err = persons.Grants(ctx, r, v.Session.Person)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && over(v.Session, c.s.config.Now()):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	b, err := json.Marshal(coded{Deadline: v.Session.Deadline, State: v})
	return b, err == nil, err
}

// over says whether a session has ended by its times. One begun after now has too: the
// clock was set back, and nobody knows for how long.
func over(s persons.Session, now time.Time) bool {
	return !now.Before(s.Deadline) || now.Sub(s.Seen) >= Idle || now.Before(s.Begun.Add(-noted))
}

// CommitCtx keeps a session that has begun, or in which a key was proven again.
func (c cookies) CommitCtx(ctx context.Context, token string, b []byte, _ time.Time) error {
	var v coded
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	put := persons.BeginSession
	switch v.Keep {
	case keepNew:
	case keepRenewed:
		put = persons.RenewSession
	default:
		return nil
	}
	return c.s.config.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return put(ctx, tx, token, v.State.Session) })
}

// DeleteCtx does nothing: a session ends by persons.EndSession, with its entry in the
// ledger, and the cookie of one that is renewed by persons.BeginSession, with the new one.
func (cookies) DeleteCtx(context.Context, string) error { return nil }

// enter begins a session of a person whose key was proven, or for whom a provider
// vouched. Who signs in anew leaves the session there was.
func (s *SignIn) enter(w http.ResponseWriter, r *http.Request, v persons.Session) error {
	if err := s.leave(r); err != nil {
		return err
	}
	now := s.config.Now()
	v.ID, v.Begun, v.Deadline = persons.NewSessionID(now), now, now.Add(Lifetime)
	if v.Key != "" {
		v.Verified = now
	}
	return s.carry(w, r, v, keepNew)
}

// proven goes on with a session in which a key was proven again.
func (s *SignIn) proven(w http.ResponseWriter, r *http.Request, v persons.Session, key string) error {
	v.Key, v.Verified = key, s.config.Now()
	return s.carry(w, r, v, keepRenewed)
}

// carry keeps a session and sets its cookie: a new one each time, so that one planted
// before is worth nothing after.
func (s *SignIn) carry(w http.ResponseWriter, r *http.Request, v persons.Session, how keep) error {
	ctx, err := s.sessions.Load(r.Context(), "")
	if err != nil {
		return err
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	v.Seen, v.Address, v.Agent = s.config.Now(), address(r), r.UserAgent()
	s.sessions.SetDeadline(ctx, v.Deadline)
	s.sessions.Put(ctx, stateKey, state{Session: v, keep: how})
	token, expiry, err := s.sessions.Commit(ctx)
	if err != nil {
		return fmt.Errorf("keep a session: %w", err)
	}
	s.sessions.WriteSessionCookie(ctx, w, token, expiry)
	return nil
}

// leave ends the session of the request, if there is one.
func (s *SignIn) leave(r *http.Request) error {
	v, ok, err := s.session(r)
	if err != nil || !ok {
		return err
	}
	err = s.config.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		return persons.EndSession(ctx, tx, v.Person.ID, v.Person.ID, v.Session.ID)
	})
	if errors.Is(err, store.ErrConflict) {
		return nil // it has ended
	}
	return err
}

// session finds the session of the request's cookie.
func (s *SignIn) session(r *http.Request) (state, bool, error) {
	c, err := r.Cookie(s.cookieName(sessionCookie))
	if err != nil || c.Value == "" {
		return state{}, false, nil
	}
	ctx, err := s.sessions.Load(r.Context(), c.Value)
	if err != nil {
		return state{}, false, fmt.Errorf("find the session: %w", err)
	}
	v, ok := s.sessions.Get(ctx, stateKey).(state)
	return v, ok, nil
}

// address is the client's: without its port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
