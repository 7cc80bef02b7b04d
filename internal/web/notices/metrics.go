package notices

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/store"
)

const (
	metricsWithin = 8 * time.Second // a scrape waits ten by default
	mostLabelled  = 100             // a label has at most so many values
)

// metrics are the numbers of the ways for Prometheus, asked for when they are collected.
type metrics struct{ Config }

var (
	ofWay     = []string{"way"}
	waiting   = prometheus.NewDesc("rootkeep_notices_waiting", "Notices that are to be sent by the way.", ofWay, nil)
	held      = prometheus.NewDesc("rootkeep_notices_held", "Notices that quiet hours hold back.", ofWay, nil)
	notTaken  = prometheus.NewDesc("rootkeep_notices_not_taken", "Notices that the way refused, or that failed as often as they may, and that nobody has sent again.", ofWay, nil)
	taken     = prometheus.NewDesc("rootkeep_notices_taken_total", "Notices that the way took.", ofWay, nil)
	failures  = prometheus.NewDesc("rootkeep_notices_failures_total", "Attempts to send by the way that failed.", ofWay, nil)
	lastTaken = prometheus.NewDesc("rootkeep_notices_taken_timestamp_seconds", "Time at which the way last took a notice.", ofWay, nil)
)

// Describe names the numbers.
func (m metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{waiting, held, notTaken, taken, failures, lastTaken} {
		to <- d
	}
}

// Collect asks the store. If it does not answer there are no numbers.
func (m metrics) Collect(to chan<- prometheus.Metric) {
	ctx, stop := context.WithTimeout(context.Background(), metricsWithin)
	defer stop()
	var ways []client.NoticeWay
	err := m.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		ways, err = m.Desk.Standing(ctx, r)
		return err
	})
	if err != nil {
		return
	}
	for _, w := range ways[:min(len(ways), mostLabelled)] {
		w.Name = strings.ToValidUTF8(w.Name, "")
		gauge := func(d *prometheus.Desc, value float64) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, w.Name)
		}
		gauge(waiting, float64(w.Waiting))
		gauge(held, float64(w.Held))
		gauge(notTaken, float64(w.Dead))
		to <- prometheus.MustNewConstMetric(taken, prometheus.CounterValue, float64(w.Succeeded), w.Name)
		to <- prometheus.MustNewConstMetric(failures, prometheus.CounterValue, float64(w.Failures), w.Name)
		if !w.Taken.IsZero() {
			gauge(lastTaken, float64(w.Taken.UnixMilli())/1000)
		}
	}
}
