package logs

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/watch"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

// Take has a log group take in events: its metric filters count those that they match,
// at the time of taking. The events are not kept. It returns false if there is no such
// group.
func Take(c *cloud.Cloud, groupARN string, messages [][]byte, now time.Time) bool {
	arn, err := rootkeep.ParseARN(groupARN)
	owner := c.Account(arn.Account)
	if err != nil || owner == nil || arn.Service != "logs" {
		return false
	}
	g := cloud.Regional[groups](owner, string(arn.Region)).byName[strings.TrimPrefix(arn.Resource, "log-group:")]
	if g == nil {
		return false
	}
	for _, f := range cloud.Sorted(g.filters) {
		f.count(owner, string(arn.Region), messages, now)
	}
	return true
}

// count publishes what the filter makes of events. A pattern that cannot be read, or
// whose answer is not known, counts nothing; a value or dimension that an event does not
// have leaves the event out.
//
// Source: Amazon CloudWatch Logs User Guide, "Configuring metric values for a metric
// filter" and "Publishing dimensions with metrics".
func (f *metricFilter) count(owner *cloud.Account, region string, messages [][]byte, now time.Time) {
	pattern, err := filterpattern.Parse(f.FilterPattern)
	if err != nil {
		return
	}
	t := f.MetricTransformations[0]
	matched := false
	for _, m := range messages {
		if pattern.Match(m) != filterpattern.True {
			continue
		}
		matched = true
		value, dimensions, ok := t.of(m)
		if ok {
			watch.Count(owner, region, t.MetricNamespace, t.MetricName, t.Unit, dimensions, value, now)
		}
	}
	if !matched && t.DefaultValue != nil && len(messages) > 0 {
		watch.Count(owner, region, t.MetricNamespace, t.MetricName, t.Unit, nil, *t.DefaultValue, now)
	}
}

// of is what the transformation makes of one event: a number, or what a field of the
// event holds where it is written as $.field.
func (t *transformation) of(message []byte) (value float64, dimensions map[string]string, ok bool) {
	var event any
	fields := strings.HasPrefix(t.MetricValue, "$") || len(t.Dimensions) > 0
	if fields && json.Unmarshal(message, &event) != nil {
		return 0, nil, false
	}
	text := t.MetricValue
	if strings.HasPrefix(text, "$") {
		if text, ok = field(event, text); !ok {
			return 0, nil, false
		}
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, nil, false
	}
	dimensions = map[string]string{}
	for name, path := range t.Dimensions {
		if dimensions[name], ok = field(event, path); !ok {
			return 0, nil, false
		}
	}
	return value, dimensions, true
}

// field is a text or number in an event at a path such as $.a.b.
func field(event any, path string) (string, bool) {
	path, ok := strings.CutPrefix(path, "$.")
	if !ok {
		return "", false
	}
	for name := range strings.SplitSeq(path, ".") {
		object, _ := event.(map[string]any)
		event = object[name]
	}
	switch v := event.(type) {
	case string:
		return v, v != ""
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}
