package watch

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// point is what a metric was in one minute.
type point struct{ count, sum, least, most float64 }

func (p point) with(q point) point {
	if p.count == 0 {
		return q
	}
	if q.count == 0 {
		return p
	}
	return point{p.count + q.count, p.sum + q.sum, min(p.least, q.least), max(p.most, q.most)}
}

// statistics are what an alarm or a reader may ask of a point.
var statistics = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

func (p point) statistic(name string) float64 {
	switch name {
	case "SampleCount":
		return p.count
	case "Average":
		return p.sum / p.count
	case "Minimum":
		return p.least
	case "Maximum":
		return p.most
	}
	return p.sum
}

// metric is one metric, with its points by unit.
type metric struct {
	namespace, name string
	dimensions      []dimension
	points          map[string]*series
}

// series are points by the minute that they begin with, in minutes since 1970.
type series struct {
	first, last int64
	at          map[int64]point
}

func (s *series) add(minute int64, p point) {
	if len(s.at) == 0 {
		s.first, s.last = minute, minute
	}
	s.first, s.last = min(s.first, minute), max(s.last, minute)
	s.at[minute] = s.at[minute].with(p)
	// Twice what is kept, so that it is seldom looked through.
	if oldest := s.last - int64(keepPoints/time.Minute); s.last-s.first > 2*int64(keepPoints/time.Minute) {
		for at := range s.at {
			if at < oldest {
				delete(s.at, at)
			}
		}
		s.first = oldest
	}
}

// metrics are those of an account in a Region.
type metrics struct{ byKey map[string]*metric }

const (
	maxMetrics = 10_000              // of an account in a Region; a limit of the simulator's own
	keepPoints = 14 * 24 * time.Hour // as far back as PutMetricData takes them
)

func key(namespace, name string, dimensions []dimension) string {
	sorted := slices.SortedFunc(slices.Values(dimensions), func(a, b dimension) int { return cmp.Compare(a.Name, b.Name) })
	text, _ := json.Marshal([]any{namespace, name, sorted}) // text always marshals
	return string(text)
}

func metricsOf(a *cloud.Account, region string) *metrics {
	m := cloud.Regional[metrics](a, region)
	if m.byKey == nil {
		m.byKey = map[string]*metric{}
	}
	return m
}

// add puts a point into a metric. It returns false when there are too many metrics.
func (m *metrics) add(namespace, name string, dimensions []dimension, unit string, p point, at time.Time) bool {
	k := key(namespace, name, dimensions)
	own := m.byKey[k]
	if own == nil {
		if len(m.byKey) >= maxMetrics {
			return false
		}
		own = &metric{namespace, name, dimensions, map[string]*series{}}
		m.byKey[k] = own
	}
	if unit == "" {
		unit = "None"
	}
	if own.points[unit] == nil {
		own.points[unit] = &series{at: map[int64]point{}}
	}
	own.points[unit].add(at.Unix()/60, p)
	return true
}

// during is the metric from a time until before another, in the unit or in all for "".
func (m *metric) during(from, to time.Time, unit string) point {
	var out point
	for _, u := range slices.Sorted(maps.Keys(m.points)) {
		if unit != "" && u != unit {
			continue
		}
		s := m.points[u]
		for at := max(from.Unix()/60, s.first); at < min(to.Unix()/60, s.last+1); at++ {
			out = out.with(s.at[at])
		}
	}
	return out
}

// Count adds a value to a metric for another service, such as a metric filter.
func Count(a *cloud.Account, region, namespace, name, unit string, dimensions map[string]string, value float64, now time.Time) {
	var list []dimension
	for k, v := range dimensions {
		list = append(list, dimension{k, v})
	}
	slices.SortFunc(list, func(a, b dimension) int { return cmp.Compare(a.Name, b.Name) })
	metricsOf(a, region).add(namespace, name, list, unit, point{1, value, value, value}, now)
}

type datum struct {
	MetricName        string `aws:",must"`
	Dimensions        []dimension
	Timestamp         time.Time
	Value             *float64
	Unit              string
	StorageResolution int
	StatisticValues   *struct{ SampleCount, Sum, Minimum, Maximum float64 }
	Values, Counts    []float64
}

type putDataIn struct {
	Namespace  string  `aws:",must"`
	MetricData []datum `aws:",must"`
}

// On is everything: PutMetricData has no resource, and the namespace is a context key.
func (in *putDataIn) On(*cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: "*", Keys: map[string][]string{"cloudwatch:namespace": {in.Namespace}}}
}

func putData(c *cloud.Call, in putDataIn) (cloud.None, error) {
	switch {
	case strings.HasPrefix(in.Namespace, "AWS/"):
		return cloud.None{}, c.Invalid("The value AWS/ for parameter Namespace is invalid.")
	case len(in.MetricData) > 1000:
		return cloud.None{}, c.Invalid("The collection MetricData must not have a size greater than 1000.")
	}
	points := make([]point, len(in.MetricData))
	for i := range in.MetricData {
		var err error
		if points[i], err = in.MetricData[i].point(c); err != nil {
			return cloud.None{}, err
		}
	}
	m := metricsOf(c.Account, c.Region)
	for i, d := range in.MetricData {
		if !m.add(in.Namespace, d.MetricName, d.Dimensions, d.Unit, points[i], d.Timestamp) {
			return cloud.None{}, cloud.Fail("LimitExceeded", 400, "The simulator keeps %d metrics of an account in a Region", maxMetrics)
		}
	}
	return cloud.None{}, nil
}

// point checks a datum and makes it a point; a time that is not given is now.
func (d *datum) point(c *cloud.Call) (point, error) {
	if d.Timestamp.IsZero() {
		d.Timestamp = c.Now
	}
	if age := c.Now.Sub(d.Timestamp); age > keepPoints || age < -2*time.Hour {
		return point{}, c.Invalid("The value %s for parameter Timestamp is invalid.", d.Timestamp.Format(time.RFC3339))
	}
	given := 0
	var out point
	if d.Value != nil {
		given++
		out = point{1, *d.Value, *d.Value, *d.Value}
	}
	if s := d.StatisticValues; s != nil {
		given++
		out = point{s.SampleCount, s.Sum, s.Minimum, s.Maximum}
	}
	if len(d.Values) > 0 {
		given++
	}
	if given != 1 || len(d.Counts) > 0 && len(d.Counts) != len(d.Values) || len(d.Values) > 150 {
		return point{}, cloud.Fail("InvalidParameterCombination", 400, "exactly one of Value, StatisticValues and Values with as many Counts must be given")
	}
	for i, v := range d.Values {
		n := 1.0
		if len(d.Counts) > 0 {
			n = d.Counts[i]
		}
		out = out.with(point{n, v * n, v, v})
	}
	for _, v := range []float64{out.sum, out.least, out.most, out.count} {
		if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) > math.Pow(2, 360) {
			return point{}, c.Invalid("The value %v is not a number that CloudWatch takes.", v)
		}
	}
	if out.count <= 0 {
		return point{}, c.Invalid("A sample count must be more than 0.")
	}
	return out, nil
}

type statisticsIn struct {
	Namespace  string `aws:",must"`
	MetricName string `aws:",must"`
	Dimensions []dimension
	StartTime  time.Time `aws:",must"`
	EndTime    time.Time `aws:",must"`
	Period     int       `aws:",must"`
	Statistics []string  `aws:",must"`
	Unit       string
}

type datapoint struct {
	Timestamp                                   time.Time
	SampleCount, Average, Sum, Minimum, Maximum *float64
	Unit                                        string
}

type statisticsOut struct {
	Label      string
	Datapoints []datapoint
}

// maxDatapoints is how many points one answer of GetMetricStatistics has at most.
const maxDatapoints = 1440

func getStatistics(c *cloud.Call, in statisticsIn) (out statisticsOut, err error) {
	period := time.Duration(in.Period) * time.Second
	switch {
	case in.Period < 60 || in.Period%60 != 0:
		return out, c.Invalid("The parameter Period must be a multiple of 60 in the simulator")
	case !in.StartTime.Before(in.EndTime):
		return out, c.Invalid("The parameter StartTime must be less than the parameter EndTime.")
	case in.EndTime.Sub(in.StartTime)/period >= maxDatapoints:
		return out, cloud.Fail("InvalidParameterCombination", 400, "You have requested more than %d datapoints", maxDatapoints)
	}
	for _, s := range in.Statistics {
		if !slices.Contains(statistics, s) {
			return out, c.Invalid("The value %s for parameter Statistics is invalid.", s)
		}
	}
	out.Label = in.MetricName
	m := metricsOf(c.Account, c.Region).byKey[key(in.Namespace, in.MetricName, in.Dimensions)]
	if m == nil {
		return out, nil
	}
	for at := in.StartTime.Truncate(time.Minute); at.Before(in.EndTime); at = at.Add(period) {
		for _, unit := range slices.Sorted(maps.Keys(m.points)) {
			if p := m.during(at, at.Add(period), unit); p.count > 0 && (in.Unit == "" || in.Unit == unit) {
				out.Datapoints = append(out.Datapoints, p.shown(at, unit, in.Statistics))
			}
		}
	}
	return out, nil
}

func (p point) shown(at time.Time, unit string, wanted []string) datapoint {
	out := datapoint{Timestamp: at, Unit: unit}
	for name, field := range map[string]**float64{"SampleCount": &out.SampleCount, "Average": &out.Average, "Sum": &out.Sum, "Minimum": &out.Minimum, "Maximum": &out.Maximum} {
		if slices.Contains(wanted, name) {
			value := p.statistic(name)
			*field = &value
		}
	}
	return out
}
