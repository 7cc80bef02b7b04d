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
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

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
	Tracer        trace.Tracer // nil: no traces
}

// Area is a part of the console and of the API.
type Area struct {
	Name   string
	Routes []Route
	API    func(*API)  // registers operations; nil for none
	Nav    []page.Link // entries of the main menu, shown to whom their permission is granted
	// Banner gives what every page must tell the actor, if anything; nil for none.
	Banner func(context.Context, people.Actor) (page.Banner, error)
	// Topics are the notices that the area's changes announce, and who sees which. A
	// notice of a topic that no area has is for those who read everywhere.
	Topics map[string]Sees
	// Metrics are numbers of the area's own for Prometheus; nil for none.
	Metrics prometheus.Collector
	// Problems says what the area's own kinds of problems mean, for /problems/KIND.
	Problems map[string]string
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

	topics    map[string]Sees
	problems  map[string]string
	listeners places        // open streams
	poll      time.Duration // between two looks for notices
	stopping  chan struct{}
	stopOnce  sync.Once
	metrics   *metrics
	settling  settling
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
	if c.Tracer == nil {
		c.Tracer = noop.NewTracerProvider().Tracer("")
	}
	s := &Server{
		config: c, origin: c.URL.Scheme + "://" + c.URL.Host,
		cross: http.NewCrossOriginProtection(), mux: http.NewServeMux(),
		topics: map[string]Sees{}, problems: problemKinds(), poll: time.Second, stopping: make(chan struct{}),
		listeners: places{most: mostListeners, each: mostOfOne},
	}
	if err := s.cross.AddTrustedOrigin(s.origin); err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s.metrics = newMetrics(s)
	s.api = newAPI(s)
	s.routes = append(s.routes, s.own()...)
	s.registerEvents()
	for _, a := range c.Areas {
		s.add(a)
	}
	s.mux.Handle("GET "+asset.Prefix, asset.Handler())
	for _, r := range s.routes {
		if err := s.handle(r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add takes what an area gives.
func (s *Server) add(a Area) {
	s.routes = append(s.routes, a.Routes...)
	s.nav = append(s.nav, a.Nav...)
	maps.Copy(s.topics, a.Topics)
	maps.Copy(s.problems, a.Problems)
	if a.API != nil {
		a.API(s.api)
	}
	if a.Metrics != nil {
		s.metrics.registry.MustRegister(a.Metrics)
	}
}

// Stop ends the streams of events, which would otherwise outlast a shutdown.
func (s *Server) Stop() { s.stopOnce.Do(func() { close(s.stopping) }) }

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
		{Method: "GET", Path: "/healthz", Probe: true, Need: people.Public, Handle: s.health},
		{Method: "GET", Path: "/readyz", Probe: true, Need: people.Public, Handle: s.ready},
		{Method: "GET", Path: "/metrics", Probe: true, Need: people.Read, Handle: s.metrics.handle},
		{Method: "GET", Path: "/problems/{kind}", Need: people.Public, Handle: s.problem},
		{Method: "GET", Path: apiPrefix + "/openapi.json", Need: people.Public, Handle: s.api.document},
		{Method: "GET", Path: apiPrefix + "/openapi.yaml", Need: people.Public, Handle: s.api.document},
	}
}
