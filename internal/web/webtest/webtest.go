// Package webtest starts the server for tests: in process, on a SQLite store in the
// test's folder, with actors that a header names instead of keys.
package webtest

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Store opens a new SQLite store in the test's folder.
func Store(t testing.TB) *store.Store {
	t.Helper()
	return storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
}

// header names the actor of a request in tests.
const header = "X-Test-Actor"

// Actors stand in for those who sign in: a request names one in a header or a cookie.
type Actors map[string]people.Actor

// Everyone has one person for each role, by the role's name, who holds it everywhere and
// just touched a key; "nobody" is signed in and may nothing; "machine" is a viewer's token,
// "operator" that of a responder.
func Everyone(now time.Time) Actors {
	all := Actors{
		"nobody":   {ID: "PE-nobody", Name: "Nobody", Kind: people.Person, Verified: now},
		"machine":  {ID: "TK-machine", Name: "machine", Kind: people.Machine, Grants: []people.Grant{{Role: people.Viewer, Scope: people.Everywhere}}},
		"operator": {ID: "TK-operator", Name: "operator", Kind: people.Machine, Grants: []people.Grant{{Role: people.Responder, Scope: people.Everywhere}}},
	}
	for _, r := range people.Roles() {
		all[string(r)] = Person(string(r), now, people.Grant{Role: r, Scope: people.Everywhere})
	}
	return all
}

// Person is somebody with grants who touched a key at the time given.
func Person(name string, verified time.Time, grants ...people.Grant) people.Actor {
	return people.Actor{ID: "PE-" + name, Name: name, Kind: people.Person, Grants: grants, Verified: verified}
}

// Authenticate is that of web.Authenticator.
func (a Actors) Authenticate(_ http.ResponseWriter, r *http.Request) (*http.Request, people.Actor, error) {
	name := r.Header.Get(header)
	if c, err := r.Cookie("actor"); err == nil && name == "" {
		name = c.Value
	}
	return r, a[name], nil
}

// Server is a server under test.
type Server struct {
	*web.Server
	URL   *url.URL
	Store *store.Store
	t     testing.TB
}

// Serve starts a server with the areas. Actors nil is Everyone. It listens on a port of
// the system's choosing, so that a browser can open URL.
func Serve(t testing.TB, s *store.Store, actors Actors, areas ...web.Area) *Server {
	t.Helper()
	if actors == nil {
		actors = Everyone(time.Now())
	}
	address, serve := listen(t)
	server, err := web.New(web.Config{
		URL: address, Store: s, Authenticator: actors, Areas: areas, Now: time.Now, Version: "test",
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	serve(server)
	return &Server{server, address, s, t}
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request as an actor, "" for nobody signed in, and follows no redirect. The
// headers are names and values in turn.
func (s *Server) Do(actor, method, path, body string, headers ...string) Answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL.String()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if actor != "" {
		r.Header.Set(header, actor)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		s.t.Fatal(err)
	}
	return Answer{response.StatusCode, response.Header, string(text)}
}

// Get gets a page or a resource as an actor.
func (s *Server) Get(actor, path string) Answer {
	s.t.Helper()
	return s.Do(actor, "GET", path, "")
}

// Form sends a form as an actor.
func (s *Server) Form(actor, path string, values url.Values) Answer {
	s.t.Helper()
	return s.Do(actor, "POST", path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Origin", s.URL.String())
}

// JSON sends JSON as an actor.
func (s *Server) JSON(actor, method, path, body string, headers ...string) Answer {
	s.t.Helper()
	return s.Do(actor, method, path, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}
