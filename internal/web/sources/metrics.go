package sources

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/lease"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

const (
	metricsWithin = 8 * time.Second // a scrape waits ten by default
	flowEvery     = 5 * time.Second // between two questions to the broker
	lagOf         = time.Hour       // an arrival counts for the lag of its source
	// A label has at most so many values: the file of sources names 32 at once.
	mostLabelled = 100
)

// metrics are the numbers of sources and of the flow for Prometheus, asked for when they are
// collected. They are labelled by source or by process, never by account and Region.
type metrics struct {
	Config

	mu    sync.Mutex // guards what follows: one collects at a time
	flow  *client.Flow
	asked time.Time // when the broker was
}

func newMetrics(c Config) *metrics { return &metrics{Config: c} }

// gauges and counters, by what they are labelled with.
var (
	ofSource    = []string{"source"}
	ofProcess   = []string{"process"}
	sourceRead  = prometheus.NewDesc("rootkeep_source_read", "1 if a process said within ten minutes how the live source stands.", ofSource, nil)
	sourceFault = prometheus.NewDesc("rootkeep_source_fault", "1 if something is wrong with the live source.", ofSource, nil)
	sourceQuiet = prometheus.NewDesc("rootkeep_source_silent", "1 if the live source does not answer, or brings nothing any more though it should.", ofSource, nil)
	sourceLeft  = prometheus.NewDesc("rootkeep_source_left_behind", "1 if the live source is behind for so long that detections go on without it.", ofSource, nil)
	sourceBy    = prometheus.NewDesc("rootkeep_source_processes", "Processes that say how the live source stands.", ofSource, nil)
	sourceAt    = prometheus.NewDesc("rootkeep_source_places", "Accounts and Regions that the live source brought something of.", ofSource, nil)
	heardAt     = prometheus.NewDesc("rootkeep_source_heard_timestamp_seconds", "Time of the last answer of what is behind the live source.", ofSource, nil)
	lastAt      = prometheus.NewDesc("rootkeep_source_delivered_timestamp_seconds", "Time at which the live source last delivered something.", ofSource, nil)
	completeAt  = prometheus.NewDesc("rootkeep_source_complete_timestamp_seconds", "Time up to which everything that was there was delivered by the live source.", ofSource, nil)
	sourceLag   = prometheus.NewDesc("rootkeep_source_lag_seconds", "How long the latest took to arrive, where it took longest: of accounts and Regions in which something arrived within the last hour.", ofSource, nil)
	objects     = prometheus.NewDesc("rootkeep_source_objects_total", "Objects and messages that were read.", ofSource, nil)
	events      = prometheus.NewDesc("rootkeep_source_events_total", "Records that were read in them.", ofSource, nil)
	unreadable  = prometheus.NewDesc("rootkeep_source_unreadable_objects_total", "Objects and messages that were skipped, or could not be read to their end.", ofSource, nil)
	undecoded   = prometheus.NewDesc("rootkeep_source_undecodable_events_total", "Records that could not be read in objects that could.", ofSource, nil)
	late        = prometheus.NewDesc("rootkeep_detection_late_events_total", "Records that a detection matched and that came too late for its windows.", nil, nil)
	parcels     = prometheus.NewDesc("rootkeep_watch_parcels_total", "Changes of the store that a process made for live sources since it began.", ofProcess, nil)

	flowUp      = prometheus.NewDesc("rootkeep_flow_up", "1 if the broker answers.", nil, nil)
	waits       = prometheus.NewDesc("rootkeep_flow_waiting_messages", "Messages between processes that nobody has handled yet, those in flight among them.", nil, nil)
	inFlight    = prometheus.NewDesc("rootkeep_flow_in_flight_messages", "Messages that a process has, and has not acknowledged yet.", nil, nil)
	redelivered = prometheus.NewDesc("rootkeep_flow_redelivered_messages", "Of those in flight, messages that were delivered more than once.", nil, nil)
	deadLetters = prometheus.NewDesc("rootkeep_flow_dead_letters", "Messages that could not be handled, and were put aside.", nil, nil)
	oldestAt    = prometheus.NewDesc("rootkeep_flow_oldest_timestamp_seconds", "Time at which the oldest message that waits was published.", nil, nil)
	partitions  = prometheus.NewDesc("rootkeep_flow_partitions", "Partitions of the flow that a process has.", ofProcess, nil)
)

// Describe names the numbers.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		sourceRead, sourceFault, sourceQuiet, sourceLeft, sourceBy, sourceAt, heardAt, lastAt, completeAt, sourceLag, objects, events, unreadable, undecoded, late, parcels,
		flowUp, waits, inFlight, redelivered, deadLetters, oldestAt, partitions,
	} {
		to <- d
	}
}

// Collect asks the store and the broker. What does not answer has no numbers.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ctx, stop := context.WithTimeout(context.Background(), metricsWithin)
	defer stop()
	var known []rootlog.Health
	var holders map[string]rootlog.Holder
	var shares []lease.Lease
	err := m.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if known, err = rootlog.HealthOf(ctx, r); err != nil {
			return err
		}
		if holders, err = rootlog.Holders(ctx, r); err != nil {
			return err
		}
		shares, err = lease.List(ctx, r, m.Work, m.Now())
		return err
	})
	if err == nil {
		m.sources(sink(to), known, holders)
		m.processes(sink(to), known, shares)
		sink(to).count(late, holders[m.Detections].Late)
	}
	m.collectFlow(ctx, sink(to))
}

// sink takes numbers.
type sink chan<- prometheus.Metric

func (s sink) put(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels []string) {
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "")
	}
	m, err := prometheus.NewConstMetric(d, kind, value, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(d, err)
	}
	s <- m
}

func (s sink) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s.put(d, prometheus.GaugeValue, value, labels)
}

func (s sink) count(d *prometheus.Desc, value int64, labels ...string) {
	s.put(d, prometheus.CounterValue, float64(value), labels)
}

func (s sink) flag(d *prometheus.Desc, is bool, labels ...string) {
	value := 0.0
	if is {
		value = 1
	}
	s.gauge(d, value, labels...)
}

// moment is left out while there was none.
func (s sink) moment(d *prometheus.Desc, at time.Time, labels ...string) {
	if !at.IsZero() {
		s.gauge(d, float64(at.UnixMilli())/1000, labels...)
	}
}

func (m *metrics) sources(to sink, known []rootlog.Health, holders map[string]rootlog.Holder) {
	names, err := m.Named()
	if err != nil {
		names = nil // a file that cannot be read changes nothing of what is known
	}
	now := m.Now()
	var v standing
	v.list(names, known, holders, now)
	n := 0
	for _, s := range v.Sources {
		if s.State == Gone || n == mostLabelled {
			continue
		}
		n++
		to.flag(sourceRead, s.State != Unread, s.Name)
		t := holders[s.Name].Totals
		to.count(objects, t.Objects, s.Name)
		to.count(events, t.Records, s.Name)
		to.count(unreadable, t.Unreadable, s.Name)
		to.count(undecoded, t.Undecodable, s.Name)
		if i := slices.IndexFunc(known, func(h rootlog.Health) bool { return h.Source == s.Name }); i >= 0 {
			health(to, &known[i], now)
		}
	}
}

func health(to sink, h *rootlog.Health, now time.Time) {
	to.flag(sourceFault, h.Fault != "", h.Source)
	to.flag(sourceQuiet, !h.SilentSince(now).IsZero(), h.Source)
	to.flag(sourceLeft, h.LeftBehind(now), h.Source)
	to.gauge(sourceBy, float64(len(h.Processes)), h.Source)
	to.gauge(sourceAt, float64(len(h.Places)), h.Source)
	to.moment(heardAt, h.Heard, h.Source)
	to.moment(lastAt, h.Last, h.Source)
	to.moment(completeAt, h.Complete, h.Source)
	lag, some := time.Duration(0), false
	for _, p := range h.Places {
		if now.Sub(p.Arrived) <= lagOf {
			lag, some = max(lag, p.Lag()), true
		}
	}
	if some {
		to.gauge(sourceLag, lag.Seconds(), h.Source)
	}
}

// processes are what each process does that lives.
func (m *metrics) processes(to sink, known []rootlog.Health, shares []lease.Lease) {
	made := map[string]int64{}
	for i := range known {
		for _, p := range known[i].Processes {
			if p.Name != "" && m.Now().Sub(p.Noted) < unread {
				made[p.Name] += p.Parcels
			}
		}
	}
	has := map[string]int{}
	for _, l := range shares {
		has[l.Owner]++
	}
	for _, name := range first(made) {
		to.count(parcels, made[name], name)
	}
	for _, name := range first(has) {
		to.gauge(partitions, float64(has[name]), name)
	}
}

// first are as many names as a label may have.
func first[V any](all map[string]V) []string {
	var out []string
	for name := range all {
		out = append(out, name)
	}
	slices.Sort(out)
	return out[:min(len(out), mostLabelled)]
}

func (m *metrics) collectFlow(ctx context.Context, to sink) {
	if m.Count == nil {
		return
	}
	if now := m.Now(); m.asked.IsZero() || now.Sub(m.asked) >= flowEvery || now.Before(m.asked) {
		f, err := m.Count(ctx)
		if err != nil {
			f = &client.Flow{Fault: err.Error()}
		}
		m.flow, m.asked = f, now
	}
	f := m.flow
	if f == nil { // no broker
		return
	}
	to.flag(flowUp, f.Fault == "")
	if f.Fault != "" {
		return
	}
	to.gauge(waits, float64(waiting(f)))
	to.gauge(inFlight, float64(f.InFlight))
	to.gauge(redelivered, float64(f.Redelivered))
	to.gauge(deadLetters, float64(f.Aside))
	to.moment(oldestAt, f.Oldest)
}
