package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
)

// Handler answers a request. An error it returns becomes an error page, or problem+json
// for the API: see Refusal. It must not return one after it began to write.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Route is one kind of request and what it needs.
type Route struct {
	Method string // GET takes HEAD too
	Path   string // pattern of http.ServeMux: /accounts/{id}
	Need   people.Permission
	Fresh  bool  // also needs a key touched within FreshFor
	Body   int64 // most bytes of the body; 0 is 1 MiB
	// Secret: the answer holds what is shown once. It is not kept for an Idempotency-Key.
	Secret bool
	// Probe: asked every few seconds by a program. Its requests are logged as debug only.
	Probe bool
	// Time is how long the request may take; 0 is 30 seconds.
	Time time.Duration
	// AtOnce is how many of these requests are under way at a time, half of them of one
	// actor: for what needs much memory or disk. Others are told to come again. 0 is any.
	AtOnce int
	Handle Handler
}

// FreshFor is how long a touch of the key lasts for what is privileged.
const FreshFor = 5 * time.Minute

const (
	apiPrefix   = "/api/v1"
	usualBody   = 1 << 20
	usualTime   = 30 * time.Second
	longestTime = time.Hour
)

// check refuses a route that names no permission, or nothing to do.
func (r Route) check() error {
	switch {
	case !slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, r.Method):
		return fmt.Errorf("web: route %q: method %q", r.Path, r.Method)
	case r.Need == "":
		return fmt.Errorf("web: route %s %s names no permission", r.Method, r.Path)
	case r.Handle == nil:
		return fmt.Errorf("web: route %s %s has no handler", r.Method, r.Path)
	case r.Time > longestTime:
		return fmt.Errorf("web: route %s %s: %s is too long", r.Method, r.Path, r.Time)
	}
	return nil
}

// Authenticator finds out who makes a request.
type Authenticator interface {
	// Authenticate gives the actor, the zero Actor if nobody signed in. It may set or
	// withdraw a cookie; the request it gives goes on in place of the one it got, so
	// that it may hand its own routes something in the context. An error means that
	// it could not find out; a credential that is not good is nobody.
	Authenticate(w http.ResponseWriter, r *http.Request) (*http.Request, people.Actor, error)
}

// visit is what a request carries in its context.
type visit struct {
	server *Server
	id     string // of the request
	route  Route
	places *places // of the route, nil if it takes any number
	actor  people.Actor
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, ok := ctx.Value(visitKey{}).(*visit)
	if !ok {
		panic("web: not the context of a request")
	}
	return v
}

// ActorOf gives who makes the request: the zero Actor on public routes if nobody signed in.
func ActorOf(ctx context.Context) people.Actor { return visitOf(ctx).actor }

// RequestID is the ID of the request, as the log and error pages tell it.
func RequestID(ctx context.Context) string { return visitOf(ctx).id }

// gate holds a route to what it needs.
func (s *Server) gate(route Route) http.Handler {
	var bound *places
	if route.AtOnce > 0 {
		bound = newPlaces(route.AtOnce)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r.Context())
		v.route, v.places = route, bound
		r, cancel := s.limit(w, r, route)
		defer cancel()
		if err := s.pass(w, r, v); err != nil {
			s.fail(w, r, err)
		}
	})
}

// pass finds out who asks, and calls the route's handler if they may.
func (s *Server) pass(w http.ResponseWriter, r *http.Request, v *visit) error {
	if s.config.Authenticator != nil {
		var err error
		if r, v.actor, err = s.config.Authenticator.Authenticate(w, r); err != nil {
			return fmt.Errorf("find out who asks: %w", err)
		}
	}
	switch {
	case v.route.Need != people.Public && v.actor.ID == "":
		return errSignIn
	case !v.actor.MayAnywhere(v.route.Need):
		return Refuse(http.StatusForbidden, "forbidden", "this needs the permission "+string(v.route.Need))
	case v.route.Fresh && !v.actor.Fresh(s.config.Now(), FreshFor):
		return errAgain
	}
	if v.places != nil { // before the body is read, which may be what needs the memory
		leave := v.places.join(v.actor.ID)
		if leave == nil {
			return errFull
		}
		defer leave()
	}
	if r.Method == http.MethodPost && isAPI(r) && r.Header.Get(keyHeader) != "" && v.actor.ID != "" {
		return s.once(w, r, v)
	}
	return v.route.Handle(w, r)
}

// limit bounds the body and the time of a request.
func (s *Server) limit(w http.ResponseWriter, r *http.Request, route Route) (*http.Request, context.CancelFunc) {
	most, within := route.Body, route.Time
	if most == 0 {
		most = usualBody
	}
	if within == 0 {
		within = usualTime
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	// The deadlines are those of the connection, which tests without one do not have.
	c, until := http.NewResponseController(w), time.Now().Add(within)
	_ = c.SetReadDeadline(until)
	_ = c.SetWriteDeadline(until.Add(usualTime))
	ctx, cancel := context.WithTimeout(r.Context(), within)
	return r.WithContext(ctx), cancel
}

func isAPI(r *http.Request) bool {
	return r.URL.Path == apiPrefix || strings.HasPrefix(r.URL.Path, apiPrefix+"/")
}
