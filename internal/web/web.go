// Package web is the server's ground: it takes requests in, finds out who makes them,
// holds every route to the permission it names, and answers with a page, with JSON or
// with a problem. The areas of the console and of the API are packages below; they give
// routes and never ask who may come in themselves, only what of it an actor may see.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web/asset"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what a server is made of.
type Config struct {
	URL           *url.URL // scheme and host under which browsers know the server
	Store         *store.Store
	Authenticator Authenticator // nil: nobody is ever signed in
	Areas         []Area
	Now           func() time.Time
	Log           *slog.Logger // nil: nothing is logged
	Version       string       // of the program, for the OpenAPI document
}

// Area is a part of the console and of the API.
type Area struct {
	Name   string
	Routes []Route
	API    func(*API)  // registers operations; nil for none
	Nav    []page.Link // entries of the main menu, shown to whom their permission is granted
	// Banner gives what every page must tell the actor, if anything; nil for none.
	Banner func(context.Context, people.Actor) (page.Banner, error)
}

// Server answers requests. Make it with New.
type Server struct {
	config Config
	origin string
	cross  *http.CrossOriginProtection
	mux    *http.ServeMux
	routes []Route
	nav    []page.Link
	api    *API
}

// New makes a server. It fails if two routes take the same requests.
func New(c Config) (*Server, error) {
	switch {
	case c.URL == nil || c.URL.Host == "":
		return nil, errors.New("web: the server's address is required")
	case c.Store == nil:
		return nil, errors.New("web: a store is required")
	case c.Now == nil:
		return nil, errors.New("web: a clock is required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		config: c, origin: c.URL.Scheme + "://" + c.URL.Host,
		cross: http.NewCrossOriginProtection(), mux: http.NewServeMux(),
	}
	if err := s.cross.AddTrustedOrigin(s.origin); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.api = newAPI(s)
	s.routes = append(s.routes, s.own()...)
	for _, a := range c.Areas {
		s.routes = append(s.routes, a.Routes...)
		s.nav = append(s.nav, a.Nav...)
		if a.API != nil {
			a.API(s.api)
		}
	}
	s.mux.Handle("GET "+asset.Prefix, asset.Handler())
	for _, r := range s.routes {
		if err := s.handle(r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// handle puts a route into the mux, which panics when two take the same requests.
func (s *Server) handle(r Route) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("web: route %s %s: %v", r.Method, r.Path, p)
		}
	}()
	if err := r.check(); err != nil {
		return err
	}
	s.mux.Handle(r.Method+" "+r.Path, s.gate(r))
	return nil
}

// Routes lists every route, of pages and of the API.
func (s *Server) Routes() []Route { return append([]Route(nil), s.routes...) }

// own are the routes that belong to no area.
func (s *Server) own() []Route {
	return []Route{
		{Method: "GET", Path: "/healthz", Need: people.Public, Handle: s.health},
		{Method: "GET", Path: "/readyz", Need: people.Public, Handle: s.ready},
		{Method: "GET", Path: apiPrefix + "/openapi.json", Need: people.Public, Handle: s.api.document},
		{Method: "GET", Path: apiPrefix + "/openapi.yaml", Need: people.Public, Handle: s.api.document},
	}
}
