package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// ServeHTTP answers a request. What no route may decide is decided here: that the
// request is meant for this server, comes from no other site, and has a path that means
// one thing only.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := s.config.Now()
	v := &visit{server: s, id: rand.Text()}
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := s.config.Tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	defer span.End()
	r = r.WithContext(context.WithValue(ctx, visitKey{}, v))
	answer := &answer{ResponseWriter: w}
	s.secure(answer.Header(), v.id)
	defer func() { s.note(r, v, answer, s.config.Now().Sub(begun)) }()
	defer func() {
		if p := recover(); p != nil {
			s.recovered(answer, r, p)
		}
	}()
	if err := s.check(r); err != nil {
		s.fail(answer, r, err)
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.unrouted(answer, r)
		return
	}
	s.mux.ServeHTTP(answer, r)
}

// secure sets the headers of every answer. What may be kept by a cache says so itself.
func (s *Server) secure(h http.Header, id string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Request-Id", id)
	if s.config.URL.Scheme == "https" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// check refuses requests that no route should see.
func (s *Server) check(r *http.Request) error {
	path := r.URL.Path
	switch {
	// A page of another name that points to this address must not reach it (DNS rebinding).
	// A probe of health knows the address only, and learns nothing.
	case !s.named(r.Host) && path != "/healthz" && path != "/readyz":
		return Refuse(http.StatusMisdirectedRequest, "wrong-host", "this server is "+s.origin+", and answers under that name only")
	case r.Method == http.MethodConnect || r.Method == http.MethodTrace:
		return Refuse(http.StatusMethodNotAllowed, "method", "the method "+r.Method+" is not answered")
	case !clean(r.URL):
		return Refuse(http.StatusBadRequest, "bad-path", "the path has an empty part, a dot part, a backslash or a control character")
	}
	if err := s.cross.Check(r); err != nil {
		return Refuse(http.StatusForbidden, "cross-site", "another site sent this request")
	}
	return nil
}

// named says whether a request's Host is the server's, as browsers write it or with the
// port that they leave out.
func (s *Server) named(host string) bool {
	own := s.config.URL.Host
	if strings.EqualFold(host, own) {
		return true
	}
	port := ":80"
	if s.config.URL.Scheme == "https" {
		port = ":443"
	}
	return s.config.URL.Port() == "" && strings.EqualFold(host, own+port)
}

// clean says whether the path means the same to everybody: no part of it is empty or
// dots, escaped or not, and no character is one that browsers or proxies rewrite.
func clean(u *url.URL) bool {
	if !strings.HasPrefix(u.Path, "/") || strings.Contains(u.EscapedPath(), "//") {
		return false
	}
	if strings.ContainsFunc(u.Path, func(c rune) bool { return c == '\\' || c < ' ' || c == 0x7f }) {
		return false
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." {
			return false
		}
	}
	return true
}

// unrouted answers what no route takes.
func (s *Server) unrouted(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		other := *r
		other.Method = method
		if _, pattern := s.mux.Handler(&other); pattern != "" {
			allow = append(allow, method)
		}
	}
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		s.fail(w, r, Refuse(http.StatusMethodNotAllowed, "method", "this takes "+strings.Join(allow, ", ")))
		return
	}
	if s.config.Authenticator != nil && !isAPI(r) {
		// For the menu alone. Who could not be found out gets the page without one.
		if _, actor, err := s.config.Authenticator.Authenticate(w, r); err == nil {
			visitOf(r.Context()).actor = actor
		}
	}
	s.fail(w, r, NotFound("such page"))
}

// recovered answers for a handler that panicked. The stack goes to the log alone.
func (s *Server) recovered(w *answer, r *http.Request, p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.config.Log.ErrorContext(r.Context(), "panic", "id", RequestID(r.Context()), "value", fmt.Sprint(p), "stack", string(debug.Stack()))
	s.fail(w, r, errors.New("panic"))
}

// note logs the request: no query, which may hold a secret, and no path but the route's.
func (s *Server) note(r *http.Request, v *visit, w *answer, took time.Duration) {
	s.metrics.observe(r.Method, v.route.Path, w.status, took)
	if span := trace.SpanFromContext(r.Context()); span.IsRecording() {
		span.SetName(r.Method + " " + v.route.Path)
		span.SetAttributes(attribute.String("http.request.method", r.Method), attribute.String("http.route", v.route.Path),
			attribute.Int("http.response.status_code", w.status), attribute.String("rootkeep.request", v.id))
	}
	level := slog.LevelInfo
	if v.route.Probe {
		level = slog.LevelDebug
	}
	s.config.Log.Log(r.Context(), level, "request",
		"id", v.id, "method", r.Method, "route", v.route.Path, "status", w.status, "bytes", w.bytes,
		"actor", v.actor.ID, "peer", r.RemoteAddr, "took", took.Round(time.Microsecond).String())
}

// answer remembers what was sent.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader sends the status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
