package logs

import (
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

type transformation struct {
	MetricName      string `aws:",must"`
	MetricNamespace string `aws:",must"`
	MetricValue     string `aws:",must"`
	DefaultValue    *float64
	Dimensions      map[string]string
	Unit            string
}

type metricFilter struct {
	FilterName, FilterPattern, LogGroupName string
	MetricTransformations                   []transformation
	CreationTime                            int64
	ApplyOnTransformedLogs                  bool
	FieldSelectionCriteria                  string
	EmitSystemFieldDimensions               []string `aws:",omit"`
}

type putFilterIn struct {
	onGroup
	FilterName                string `aws:",must"`
	FilterPattern             string
	MetricTransformations     []transformation `aws:",must"`
	ApplyOnTransformedLogs    bool
	FieldSelectionCriteria    string
	EmitSystemFieldDimensions []string
}

// maxFilters is the quota of metric filters of a log group.
const maxFilters = 100

// putMetricFilter keeps a filter. Its pattern is checked for brackets that do not close
// and for length alone; whether it matches is for the reader to judge.
func putMetricFilter(c *cloud.Call, in putFilterIn) (cloud.None, error) {
	g, err := in.group(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case len(in.MetricTransformations) != 1:
		return cloud.None{}, c.Invalid("exactly one metric transformation is required")
	case len(g.filters) >= maxFilters && g.filters[in.FilterName] == nil:
		return cloud.None{}, cloud.Fail("LimitExceededException", 400, "Resource limit exceeded.")
	case len(in.FilterPattern) > 1024 || !balanced(in.FilterPattern):
		return cloud.None{}, c.Invalid("Invalid metric filter pattern")
	}
	g.filters[in.FilterName] = &metricFilter{
		in.FilterName, in.FilterPattern, g.name, in.MetricTransformations, c.Now.UnixMilli(), in.ApplyOnTransformedLogs, in.FieldSelectionCriteria, in.EmitSystemFieldDimensions,
	}
	return cloud.None{}, nil
}

// balanced says whether the brackets outside of quotes close in order.
func balanced(pattern string) bool {
	pairs := map[rune]rune{'}': '{', ']': '[', ')': '('}
	var open []rune
	quoted := false
	for _, r := range pattern {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case strings.ContainsRune("{[(", r):
			open = append(open, r)
		case pairs[r] != 0:
			if len(open) == 0 || open[len(open)-1] != pairs[r] {
				return false
			}
			open = open[:len(open)-1]
		}
	}
	return len(open) == 0 && !quoted
}

type filterIn struct {
	onGroup
	FilterName string `aws:",must"`
}

func noFilter() error {
	return cloud.Fail("ResourceNotFoundException", 400, "The specified filter does not exist.")
}

func deleteMetricFilter(c *cloud.Call, in filterIn) (cloud.None, error) {
	g, err := in.group(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case g.filters[in.FilterName] == nil:
		return cloud.None{}, noFilter()
	}
	delete(g.filters, in.FilterName)
	return cloud.None{}, nil
}

type describeFiltersIn struct {
	LogGroupName, FilterNamePrefix, NextToken, MetricName, MetricNamespace string
	Limit                                                                  int
}

// On are the group named, or all.
func (in *describeFiltersIn) On(c *cloud.Call) cloud.Resource {
	if in.LogGroupName == "" {
		return cloud.Resource{ARN: c.ARN("log-group:*")}
	}
	g := onGroup{in.LogGroupName}
	return g.On(c)
}

type metricFiltersOut struct {
	MetricFilters []metricFilter
	NextToken     string
}

func describeMetricFilters(c *cloud.Call, in describeFiltersIn) (out metricFiltersOut, err error) {
	if in.LogGroupName != "" && state(c)[in.LogGroupName] == nil {
		return out, cloud.Fail("ResourceNotFoundException", 400, "The specified log group does not exist.")
	}
	if (in.MetricName == "") != (in.MetricNamespace == "") {
		return out, c.Invalid("metricName and metricNamespace must be given together")
	}
	var all []metricFilter
	for _, g := range cloud.Sorted(state(c)) {
		for _, f := range cloud.Sorted(g.filters) {
			t := f.MetricTransformations[0]
			if (in.LogGroupName == "" || in.LogGroupName == g.name) && strings.HasPrefix(f.FilterName, in.FilterNamePrefix) &&
				(in.MetricName == "" || in.MetricName == t.MetricName && in.MetricNamespace == t.MetricNamespace) {
				all = append(all, *f)
			}
		}
	}
	out.MetricFilters, out.NextToken, err = cloud.Page(c, all, in.NextToken, in.Limit, 50, 50)
	return out, err
}

type testIn struct {
	FilterPattern    string
	LogEventMessages []string `aws:",must"`
}

type matchShape struct {
	EventNumber     int64
	EventMessage    string
	ExtractedValues map[string]string
}

type testOut struct{ Matches []matchShape }

// testFilter says which messages a pattern matches. What it takes out of them is not told.
func testFilter(c *cloud.Call, in testIn) (out testOut, err error) {
	if len(in.LogEventMessages) > 50 {
		return out, c.Invalid("1 validation error detected: Value at 'logEventMessages' failed to satisfy constraint: Member must have length less than or equal to 50")
	}
	pattern, err := filterpattern.Parse(in.FilterPattern)
	if err != nil {
		return out, c.Invalid("Invalid metric filter pattern")
	}
	for i, message := range in.LogEventMessages {
		if pattern.Match([]byte(message)) == filterpattern.True {
			out.Matches = append(out.Matches, matchShape{int64(i + 1), message, map[string]string{}})
		}
	}
	return out, nil
}

type subscription struct {
	FilterName, LogGroupName, FilterPattern, DestinationArn, RoleArn, Distribution string
	CreationTime                                                                   int64
}

type putSubscriptionIn struct {
	filterIn
	FilterPattern  string
	DestinationArn string `aws:",must"`
	RoleArn        string
	Distribution   string
}

func putSubscription(c *cloud.Call, in putSubscriptionIn) (cloud.None, error) {
	g, err := in.group(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case len(g.subscriptions) >= 2 && g.subscriptions[in.FilterName] == nil:
		return cloud.None{}, cloud.Fail("LimitExceededException", 400, "Resource limit exceeded.")
	}
	if in.RoleArn != "" {
		if err := c.Authorize("iam:PassRole", cloud.Resource{ARN: in.RoleArn, Keys: map[string][]string{"iam:PassedToService": {"logs.amazonaws.com"}}}); err != nil {
			return cloud.None{}, err
		}
	}
	if in.Distribution == "" {
		in.Distribution = "ByLogStream"
	}
	g.subscriptions[in.FilterName] = &subscription{in.FilterName, g.name, in.FilterPattern, in.DestinationArn, in.RoleArn, in.Distribution, c.Now.UnixMilli()}
	return cloud.None{}, nil
}

func deleteSubscription(c *cloud.Call, in filterIn) (cloud.None, error) {
	g, err := in.group(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case g.subscriptions[in.FilterName] == nil:
		return cloud.None{}, noFilter()
	}
	delete(g.subscriptions, in.FilterName)
	return cloud.None{}, nil
}

type subscriptionsIn struct {
	onGroup
	FilterNamePrefix, NextToken string
	Limit                       int
}

type subscriptionsOut struct {
	SubscriptionFilters []subscription
	NextToken           string
}

func describeSubscriptions(c *cloud.Call, in subscriptionsIn) (out subscriptionsOut, err error) {
	g, err := in.group(c)
	if err != nil {
		return out, err
	}
	var all []subscription
	for _, s := range cloud.Sorted(g.subscriptions) {
		if strings.HasPrefix(s.FilterName, in.FilterNamePrefix) {
			all = append(all, *s)
		}
	}
	out.SubscriptionFilters, out.NextToken, err = cloud.Page(c, all, in.NextToken, in.Limit, 50, 50)
	return out, err
}
