package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rootkeep/rootkeep/internal/people"
)

// metrics are the server's numbers for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	handler  http.Handler
}

func newMetrics(s *Server) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "rootkeep_http_request_seconds", Help: "Time from the request to the end of its answer.",
		Buckets: []float64{.005, .01, .025, .05, .1, .2, .3, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route", "status"})
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.requests,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "rootkeep_event_streams", Help: "Open streams of events."},
			func() float64 { return float64(s.listeners.count()) }),
	)
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// observe counts a request. The labels are of a bounded set: a route, not a path.
func (m *metrics) observe(method, route string, status int, took time.Duration) {
	if route == "" {
		route, method = "none", "any"
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// handle writes the numbers. They tell of all accounts, so a viewer of some is refused.
func (m *metrics) handle(w http.ResponseWriter, r *http.Request) error {
	if !ActorOf(r.Context()).May(people.Read, people.Place{}) {
		return Refuse(http.StatusForbidden, "forbidden", "this needs the permission read for the whole organization")
	}
	m.handler.ServeHTTP(w, r)
	return nil
}

// Metrics is where areas register numbers of their own.
func (s *Server) Metrics() prometheus.Registerer { return s.metrics.registry }
