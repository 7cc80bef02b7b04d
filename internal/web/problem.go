package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Refusal is an error whose text the client may see. Any other error of a handler is
// logged and answered with 500, but for those of the store that Go callers branch on.
type Refusal struct {
	Status int
	Kind   string // last part of the problem's type: not-found; stable
	Detail string // may hold hostile text: pages and terminals escape it
	Errors []client.Fault
	Retry  int // seconds until it may be asked again; 0 says nothing
}

// Error is the detail.
func (e *Refusal) Error() string { return e.Detail }

// Refuse makes a Refusal.
func Refuse(status int, kind, detail string) *Refusal {
	return &Refusal{Status: status, Kind: kind, Detail: detail}
}

// NotFound is the answer for what does not exist and for what the actor may not see:
// nobody learns which.
func NotFound(what string) *Refusal {
	return Refuse(http.StatusNotFound, "not-found", "there is no "+what+", or you may not see it")
}

var (
	errSignIn = Refuse(http.StatusUnauthorized, "not-signed-in", "sign in, or send a token: Authorization: Bearer rk_...")
	errAgain  = Refuse(http.StatusForbidden, "needs-key", "this needs a touch of your security key within the last five minutes; a token cannot do it")
)

// refusal finds what may be told of an error.
func refusal(err error) *Refusal {
	var known *Refusal
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &tooLarge):
		return Refuse(http.StatusRequestEntityTooLarge, "too-large", "the body is larger than this takes")
	case errors.Is(err, store.ErrNotFound):
		return NotFound("such thing")
	case errors.Is(err, store.ErrConflict):
		return Refuse(http.StatusConflict, "conflict", store.ErrConflict.Error())
	case errors.Is(err, store.ErrClosed):
		return &Refusal{Status: http.StatusServiceUnavailable, Kind: "stopping", Detail: "the server is stopping", Retry: 5}
	case errors.Is(err, context.DeadlineExceeded):
		return &Refusal{Status: http.StatusServiceUnavailable, Kind: "too-slow", Detail: "the answer was not ready within its time", Retry: 5}
	}
	return Refuse(http.StatusInternalServerError, "internal", "the server failed; its log has the reason under the ID of this request")
}

// fail answers with an error: the API with problem+json, pages with a page or the way
// to sign in.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	known := s.refused(r.Context(), err)
	if a, ok := w.(*answer); ok && a.status != 0 {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	if isAPI(r) {
		writeProblem(w, RequestID(r.Context()), known)
		return
	}
	switch known {
	case errSignIn:
		http.Redirect(w, r, s.signInPath("/sign-in", r), http.StatusSeeOther)
	case errAgain:
		http.Redirect(w, r, s.signInPath("/sign-in/again", r), http.StatusSeeOther)
	default:
		s.failPage(w, r, known)
	}
}

// refused finds what may be told of an error, and logs what may not.
func (s *Server) refused(ctx context.Context, err error) *Refusal {
	known := refusal(err)
	v := visitOf(ctx)
	if known.Kind == "internal" && v.route.Method == http.MethodGet && store.Unavailable(err) {
		// Only for what changes nothing: whoever changed something must not be told to try again.
		known = &Refusal{Status: http.StatusServiceUnavailable, Kind: "unavailable", Detail: "the store does not answer", Retry: 2}
	}
	if known.Status >= 500 && !errors.Is(ctx.Err(), context.Canceled) { // the client left: nobody failed
		s.config.Log.ErrorContext(ctx, "request failed", "id", v.id, "route", v.route.Method+" "+v.route.Path, "error", err.Error())
	}
	return known
}

// failPage shows an error; if even that fails, it says so as plain text.
func (s *Server) failPage(w http.ResponseWriter, r *http.Request, known *Refusal) {
	known.headers(w.Header())
	f := page.Failure{Status: known.Status, Title: http.StatusText(known.Status), Detail: known.Detail, RequestID: RequestID(r.Context())}
	if err := show(w, r, known.Status, f.Title, page.Failed(f)); err != nil {
		http.Error(w, http.StatusText(known.Status), known.Status)
	}
}

// signInPath is the way to sign in and back. A form that was sent cannot be sent again
// by a redirect, so the way back is then to the page that it stands on, which the browser
// names in the Referer. That header is believed for an address of this server only: any
// other, or none, leads to the front page.
func (s *Server) signInPath(to string, r *http.Request) string {
	back := "/"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		back = r.URL.RequestURI()
	} else if path, found := strings.CutPrefix(r.Referer(), s.origin+"/"); found {
		back = "/" + path
	}
	return to + "?to=" + url.QueryEscape(LocalPath(back))
}

func writeProblem(w http.ResponseWriter, id string, known *Refusal) {
	body, err := json.Marshal(problem(id, known))
	if err != nil {
		http.Error(w, http.StatusText(known.Status), known.Status)
		return
	}
	known.headers(w.Header())
	w.Header().Set("Content-Type", client.ProblemType)
	w.WriteHeader(known.Status)
	_, _ = w.Write(body) // the client may be gone
}
