package alerts

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// metricsWithin bounds the questions of a scrape, which waits ten seconds by default.
const metricsWithin = 8 * time.Second

// metrics are the numbers of alerts for Prometheus, asked for when they are collected: of those
// that people are told of, by themselves or by their case.
type metrics struct{ store *store.Store }

var (
	ofLevel    = []string{"level"}
	openAlerts = prometheus.NewDesc("rootkeep_alerts_open", "Alerts that are not closed, of those that people are told of.", ofLevel, nil)
	newAlerts  = prometheus.NewDesc("rootkeep_alerts_new", "Of those that are open, alerts that nobody has acknowledged or snoozed.", ofLevel, nil)
)

// Describe names the numbers.
func (m metrics) Describe(to chan<- *prometheus.Desc) {
	to <- openAlerts
	to <- newAlerts
}

// Collect asks the store. If it does not answer there are no numbers.
func (m metrics) Collect(to chan<- prometheus.Metric) {
	ctx, stop := context.WithTimeout(context.Background(), metricsWithin)
	defer stop()
	for d, states := range map[*prometheus.Desc][]alert.State{openAlerts: {alert.New, alert.Acknowledged, alert.Snoozed}, newAlerts: {alert.New}} {
		var n alerts.Counts
		err := m.store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
			n, err = alerts.Count(ctx, r, sight.All(), alerts.Filter{States: states, Muted: []alert.Mute{"", alert.ByCase}})
			return err
		})
		if err != nil {
			return
		}
		for level, count := range n.Levels {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(count), rootkeep.Severity(level).String())
		}
	}
}
