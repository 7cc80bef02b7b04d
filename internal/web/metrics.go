package web

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
)

// liveHeap is what the last collection found in use. All other numbers of memory go up and down
// with what waits to be collected.
var liveHeap = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)}

// metrics are the server's numbers for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	store    *store.Store
	requests *prometheus.HistogramVec
	handler  http.Handler
	up       prometheus.Gauge
	entries  prometheus.Gauge
	newest   prometheus.Gauge
	behind   prometheus.Gauge
}

func newMetrics(s *Server) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), store: s.config.Store}
	m.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "rootkeep_http_request_seconds", Help: "Time from the request to the end of its answer.",
		Buckets: []float64{.005, .01, .025, .05, .1, .2, .3, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route", "status"})
	m.registry.MustRegister(
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(liveHeap)), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.requests,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "rootkeep_event_streams", Help: "Open streams of events."},
			func() float64 { return float64(s.listeners.count()) }),
	)
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		m.registry.MustRegister(g)
		return g
	}
	m.up = gauge("rootkeep_store_up", "1 if the store answers and a known key signed the head of its ledger.")
	m.entries = gauge("rootkeep_ledger_entries", "Entries of the ledger.")
	m.newest = gauge("rootkeep_ledger_newest_timestamp_seconds", "Time of the newest entry of the ledger.")
	m.behind = gauge("rootkeep_clock_behind_seconds", "How far the clock is behind the newest entry of the ledger.")
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
	m.look(r.Context())
	m.handler.ServeHTTP(w, r)
	return nil
}

// look brings the numbers of the store up to date.
func (m *metrics) look(ctx context.Context) {
	h, err := m.store.Health(ctx)
	if err != nil {
		m.up.Set(0)
		return
	}
	m.up.Set(1)
	m.entries.Set(float64(h.Entries))
	m.behind.Set(h.Behind.Seconds())
	if !h.Newest.IsZero() {
		m.newest.Set(float64(h.Newest.UnixMilli()) / 1000)
	}
}
