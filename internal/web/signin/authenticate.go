package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
)

// Authenticate finds out who makes a request: by its token if it carries one, else by
// its session. It is that of web.Authenticator.
func (s *SignIn) Authenticate(w http.ResponseWriter, r *http.Request) (*http.Request, people.Actor, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		a, err := s.byToken(r.Context(), header)
		return r, a, err
	}
	v, ok, err := s.session(r)
	if err != nil {
		return r, people.Actor{}, err
	}
	if !ok {
		if _, err := r.Cookie(s.cookieName(sessionCookie)); err == nil {
			http.SetCookie(w, s.cookie(sessionCookie, "", 0, http.SameSiteStrictMode))
		}
		return r, people.Actor{}, nil
	}
	if now := s.config.Now(); now.Sub(v.Session.Seen) >= noted && !unattended(r) {
		err := s.config.Store.Touch(r.Context(), func(ctx context.Context, tx *store.Tx) error {
			return persons.SeeSession(ctx, tx, v.Session.ID, now)
		})
		if err != nil {
			return r, people.Actor{}, fmt.Errorf("note that the session was used: %w", err)
		}
	}
	return r.WithContext(context.WithValue(r.Context(), sessionKey{}, v.Session)), v.actor(), nil
}

// unattended says whether an open page makes the request by itself: its stream of events,
// which comes again every few minutes, and what it reads after one. Nobody need sit there,
// so a session does not go on by it. Browsers say what a request is for (Fetch Metadata).
func unattended(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return r.Method == http.MethodGet && (mode != "" && mode != "navigate" || r.Header.Get("Accept") == "text/event-stream")
}

type sessionKey struct{}

// sessionOf is the session of a request, for routes that Authenticate let in.
func sessionOf(ctx context.Context) (persons.Session, bool) {
	v, ok := ctx.Value(sessionKey{}).(persons.Session)
	return v, ok
}

// actor is who acts in the session.
func (v state) actor() people.Actor {
	a := v.Person.Actor(append(v.Grants, v.Session.Grants...))
	a.Verified = v.Session.Verified
	if a.Verified.IsZero() {
		a.Grants = reading(a.Grants)
	}
	return a
}

// reading is what is left of grants to somebody of whom a provider says who it is, and
// who has not touched a key in the session: every role can read, and that is it.
func reading(grants []people.Grant) []people.Grant {
	out := make([]people.Grant, len(grants))
	for i, g := range grants {
		out[i] = g
		if g.Role != people.Auditor {
			out[i].Role = people.Viewer
		}
	}
	return out
}

// byToken finds who presents a token (RFC 6750, section 2.1); nobody if it is not good.
func (s *SignIn) byToken(ctx context.Context, header string) (people.Actor, error) {
	scheme, text, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return people.Actor{}, nil
	}
	var t persons.Token
	var holder persons.Person
	now := s.config.Now()
	err := s.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if t, err = persons.FindToken(ctx, r, strings.TrimSpace(text)); err != nil || t.Person == "" {
			return err
		}
		if holder, err = persons.Get(ctx, r, t.Person); err != nil {
			return err
		}
		t.Grants, err = persons.Grants(ctx, r, t.Person)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && (!t.Good(now) || t.Person != "" && holder.State != persons.Active):
		return people.Actor{}, nil
	case err != nil:
		return people.Actor{}, fmt.Errorf("find the token: %w", err)
	}
	if now.Sub(t.Used) >= noted {
		if err := s.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error { return persons.TokenUsed(ctx, tx, t.ID, now) }); err != nil {
			return people.Actor{}, fmt.Errorf("note that the token was used: %w", err)
		}
	}
	if t.Person != "" {
		a := holder.Actor(t.Grants)
		a.Verified = t.Verified
		return a, nil
	}
	return people.Actor{ID: t.ID, Name: t.Name, Kind: people.Machine, Grants: t.Grants}, nil
}
