// Package watch is the simulated Amazon CloudWatch: metrics, alarms and their state. It
// speaks RPC v2 with CBOR, JSON and the query protocol. It evaluates alarms on one
// metric; the state of others is what SetAlarmState says.
//
// Source: CloudWatch API Reference, version 2010-08-01.
package watch

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "monitoring", Prefix: "cloudwatch", Protocol: cloud.CBOR, Also: []cloud.Protocol{cloud.CBOR, cloud.JSON, cloud.Query}, JSON: "1.0",
		Target: "GraniteServiceVersion20100801", Version: "2010-08-01",
		Codes: cloud.Codes{Denied: "AccessDenied", Throttled: "Throttling", Invalid: "InvalidParameterValueException", Token: "InvalidNextToken"},
		Operations: []*cloud.Operation{
			cloud.Op("PutMetricAlarm", putMetricAlarm),
			cloud.Op("PutCompositeAlarm", putCompositeAlarm),
			cloud.Op("PutLogAlarm", putLogAlarm),
			cloud.Op("DescribeAlarms", describeAlarms),
			cloud.Op("DescribeAlarmsForMetric", describeForMetric),
			cloud.Op("DescribeAlarmHistory", describeHistory),
			cloud.Op("DeleteAlarms", deleteAlarms),
			cloud.Op("EnableAlarmActions", switchActions(true)),
			cloud.Op("DisableAlarmActions", switchActions(false)),
			cloud.Op("SetAlarmState", setState),
			cloud.Op("PutMetricData", putData),
			cloud.Op("GetMetricStatistics", getStatistics),
			cloud.Op("TagResource", tagAlarm),
			cloud.Op("UntagResource", untagAlarm),
			cloud.Op("ListTagsForResource", listTags),
		},
	}
}

type dimension struct{ Name, Value string }

type metricStat struct {
	Metric struct {
		Namespace, MetricName string
		Dimensions            []dimension `aws:",omit"`
	}
	Period     int
	Stat, Unit string
}

type query struct {
	Id, Expression, Label, AccountId string
	MetricStat                       *metricStat
	ReturnData                       *bool
	Period                           int `aws:",omit"`
}

// common is what metric and composite alarms share.
type common struct {
	AlarmName, AlarmArn, AlarmDescription             string
	ActionsEnabled                                    bool
	OKActions, AlarmActions, InsufficientDataActions  []string
	StateValue, StateReason, StateReasonData          string
	StateUpdatedTimestamp, StateTransitionedTimestamp time.Time
	AlarmConfigurationUpdatedTimestamp                time.Time
}

type metricSettings struct {
	MetricName, Namespace, Statistic, ExtendedStatistic string
	Dimensions                                          []dimension
	Period                                              int `aws:",omit"`
	Unit                                                string
	EvaluationPeriods                                   int `aws:",omit"`
	DatapointsToAlarm                                   int `aws:",omit"`
	Threshold                                           *float64
	ComparisonOperator, TreatMissingData                string
	EvaluateLowSampleCountPercentile                    string
	Metrics                                             []query `aws:",omit"`
	ThresholdMetricId                                   string
	EvaluationCriteria                                  any
	EvaluationInterval                                  int `aws:",omit"`
	EvaluationWindow                                    any `aws:",omit"`
}

type metricAlarm struct {
	common
	metricSettings
}

type compositeAlarm struct {
	common
	AlarmRule                        string
	ActionsSuppressor                string
	ActionsSuppressorWaitPeriod      int `aws:",omit"`
	ActionsSuppressorExtensionPeriod int `aws:",omit"`
}

type historyItem struct {
	AlarmName, AlarmType, HistoryItemType, HistorySummary, HistoryData string
	Timestamp                                                          time.Time
}

// alarms are those of an account in a Region, by name; a name is of one kind.
type alarms struct {
	metric    map[string]*metricAlarm
	composite map[string]*compositeAlarm
	logs      map[string]*logAlarm
	tags      map[string][]cloud.Tag // by name
	history   []historyItem          // oldest first
}

func state(c *cloud.Call) *alarms {
	s := cloud.Regional[alarms](c.Account, c.Region)
	if s.metric == nil {
		s.metric, s.composite, s.logs, s.tags = map[string]*metricAlarm{}, map[string]*compositeAlarm{}, map[string]*logAlarm{}, map[string][]cloud.Tag{}
	}
	return s
}

// find gives what all alarms have, nil if there is none of the name.
func (s *alarms) find(name string) (*common, string) {
	if a := s.metric[name]; a != nil {
		return &a.common, "MetricAlarm"
	}
	if a := s.composite[name]; a != nil {
		return &a.common, "CompositeAlarm"
	}
	if a := s.logs[name]; a != nil {
		return &a.common, "LogAlarm"
	}
	return nil, ""
}

// taken gives the alarm of the name if it is of the kind, and refuses the name of another.
func (s *alarms) taken(c *cloud.Call, name, kind string) (*common, error) {
	old, is := s.find(name)
	if old != nil && is != kind {
		return nil, c.Invalid("%s is the name of an alarm of type %s", name, is)
	}
	return old, nil
}

type onAlarm struct {
	AlarmName string `aws:",must"`
}

// On is the alarm's ARN.
func (o *onAlarm) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("alarm:" + o.AlarmName), Tags: state(c).tags[o.AlarmName]}
}

type putIn struct {
	onAlarm
	AlarmDescription                                 string
	ActionsEnabled                                   *bool
	OKActions, AlarmActions, InsufficientDataActions []string
	Tags                                             []cloud.Tag
}

// set makes the common part, keeping the state of an alarm that exists.
func (in *putIn) set(c *cloud.Call, old *common) common {
	out := common{
		AlarmName: in.AlarmName, AlarmArn: c.ARN("alarm:" + in.AlarmName), AlarmDescription: in.AlarmDescription, ActionsEnabled: in.ActionsEnabled == nil || *in.ActionsEnabled,
		OKActions: in.OKActions, AlarmActions: in.AlarmActions, InsufficientDataActions: in.InsufficientDataActions, StateValue: "INSUFFICIENT_DATA",
		StateReason: "Unchecked: Initial alarm creation", StateUpdatedTimestamp: c.Now, StateTransitionedTimestamp: c.Now, AlarmConfigurationUpdatedTimestamp: c.Now,
	}
	if old != nil {
		out.StateValue, out.StateReason, out.StateReasonData = old.StateValue, old.StateReason, old.StateReasonData
		out.StateUpdatedTimestamp, out.StateTransitionedTimestamp = old.StateUpdatedTimestamp, old.StateTransitionedTimestamp
	} else {
		state(c).tags[in.AlarmName] = in.Tags
	}
	return out
}

type putMetricIn struct {
	putIn
	metricSettings
}

var comparisons = []string{
	"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold", "LessThanLowerOrGreaterThanUpperThreshold",
	"LessThanLowerThreshold", "GreaterThanUpperThreshold",
}

// check holds an alarm to the rules of PutMetricAlarm.
func (m *metricSettings) check(c *cloud.Call) error {
	invalid := func(text string) error { return cloud.Fail("InvalidParameterCombination", 400, "%s", text) }
	switch {
	case m.EvaluationCriteria != nil:
		return nil // an alarm on a query of its own has none of what follows
	case m.EvaluationPeriods < 1:
		return cloud.Fail("MissingParameter", 400, "The parameter EvaluationPeriods is required.")
	case !slices.Contains(comparisons, m.ComparisonOperator):
		return c.Invalid("Value '%s' at 'comparisonOperator' failed to satisfy constraint", m.ComparisonOperator)
	case (m.MetricName == "") == (len(m.Metrics) == 0):
		return invalid("exactly one of MetricName and Metrics must be given")
	case len(m.Metrics) > 0:
		return nil
	case m.Namespace == "" || m.Period == 0:
		return invalid("MetricName needs Namespace and Period")
	case (m.Statistic == "") == (m.ExtendedStatistic == ""):
		return invalid("exactly one of Statistic and ExtendedStatistic must be given")
	case m.Statistic != "" && !slices.Contains([]string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}, m.Statistic):
		return c.Invalid("Value '%s' at 'statistic' failed to satisfy constraint", m.Statistic)
	case !slices.Contains([]int{10, 20, 30}, m.Period) && m.Period%60 != 0:
		return c.Invalid("Period must be 10, 20, 30 or a multiple of 60")
	case m.Threshold == nil && m.ThresholdMetricId == "":
		return invalid("Threshold or ThresholdMetricId must be given")
	case m.EvaluationPeriods > 7*86400/m.Period || m.Period < 3600 && m.EvaluationPeriods > 86400/m.Period:
		return c.Invalid("EvaluationPeriods times Period must not be more than a day, or seven days for periods of an hour and more")
	case m.DatapointsToAlarm > m.EvaluationPeriods:
		return c.Invalid("DatapointsToAlarm must not be greater than EvaluationPeriods")
	case m.TreatMissingData != "" && !slices.Contains([]string{"breaching", "notBreaching", "ignore", "missing"}, m.TreatMissingData):
		return c.Invalid("TreatMissingData must be breaching, notBreaching, ignore or missing")
	}
	return nil
}

func putMetricAlarm(c *cloud.Call, in putMetricIn) (cloud.None, error) {
	if err := in.check(c); err != nil {
		return cloud.None{}, err
	}
	s := state(c)
	old, err := s.taken(c, in.AlarmName, "MetricAlarm")
	if err != nil {
		return cloud.None{}, err
	}
	s.metric[in.AlarmName] = &metricAlarm{in.set(c, old), in.metricSettings}
	s.note(c, in.AlarmName, "MetricAlarm", "ConfigurationUpdate", "Alarm \""+in.AlarmName+"\" created or updated")
	return cloud.None{}, nil
}

type putCompositeIn struct {
	putIn
	AlarmRule                        string `aws:",must"`
	ActionsSuppressor                string
	ActionsSuppressorWaitPeriod      int
	ActionsSuppressorExtensionPeriod int
}

func putCompositeAlarm(c *cloud.Call, in putCompositeIn) (cloud.None, error) {
	s := state(c)
	old, err := s.taken(c, in.AlarmName, "CompositeAlarm")
	if err != nil {
		return cloud.None{}, err
	}
	s.composite[in.AlarmName] = &compositeAlarm{in.set(c, old), in.AlarmRule, in.ActionsSuppressor, in.ActionsSuppressorWaitPeriod, in.ActionsSuppressorExtensionPeriod}
	s.note(c, in.AlarmName, "CompositeAlarm", "ConfigurationUpdate", "Alarm \""+in.AlarmName+"\" created or updated")
	return cloud.None{}, nil
}

type describeIn struct {
	AlarmNames                                []string
	AlarmNamePrefix, StateValue, ActionPrefix string
	AlarmTypes                                []string
	ChildrenOfAlarmName, ParentsOfAlarmName   string
	MaxRecords                                int
	NextToken                                 string
}

// OnEach are the alarms that are asked for by name, or all.
func (in *describeIn) OnEach(c *cloud.Call) []cloud.Resource { return onNames(c, in.AlarmNames) }

// onNames are the alarms of the names, all of the account if none is given.
func onNames(c *cloud.Call, names []string) []cloud.Resource {
	if len(names) == 0 {
		return []cloud.Resource{{ARN: c.ARN("alarm:*")}}
	}
	var out []cloud.Resource
	for _, name := range names {
		on := onAlarm{name}
		out = append(out, on.On(c))
	}
	return out
}

type describeOut struct {
	CompositeAlarms []compositeAlarm
	MetricAlarms    []metricAlarm
	LogAlarms       []logAlarm
	NextToken       string
}

// wants says whether an alarm passes the filters of DescribeAlarms.
func (in *describeIn) wants(a *common, kind string) bool {
	types := in.AlarmTypes
	if len(types) == 0 {
		types = []string{"MetricAlarm"} // as the API Reference says of AlarmTypes
	}
	actions := slices.Concat(a.AlarmActions, a.OKActions, a.InsufficientDataActions)
	return (slices.Contains(types, kind) || len(in.AlarmTypes) == 0 && len(in.AlarmNames) > 0) &&
		(len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, a.AlarmName)) && strings.HasPrefix(a.AlarmName, in.AlarmNamePrefix) &&
		(in.StateValue == "" || in.StateValue == a.StateValue) &&
		(in.ActionPrefix == "" || slices.ContainsFunc(actions, func(s string) bool { return strings.HasPrefix(s, in.ActionPrefix) }))
}

func describeAlarms(c *cloud.Call, in describeIn) (out describeOut, err error) {
	if in.ChildrenOfAlarmName != "" || in.ParentsOfAlarmName != "" {
		return out, c.Invalid("the simulator does not follow the rules of composite alarms")
	}
	s := state(c)
	var all []any
	for _, a := range cloud.Sorted(s.composite) {
		if in.wants(&a.common, "CompositeAlarm") {
			all = append(all, *a)
		}
	}
	for _, a := range cloud.Sorted(s.metric) {
		if in.wants(&a.common, "MetricAlarm") {
			all = append(all, *a)
		}
	}
	for _, a := range cloud.Sorted(s.logs) {
		if in.wants(&a.common, "LogAlarm") {
			all = append(all, *a)
		}
	}
	part, next, err := cloud.Page(c, all, in.NextToken, in.MaxRecords, 50, 100)
	for _, a := range part {
		switch a := a.(type) {
		case metricAlarm:
			out.MetricAlarms = append(out.MetricAlarms, a)
		case compositeAlarm:
			out.CompositeAlarms = append(out.CompositeAlarms, a)
		case logAlarm:
			out.LogAlarms = append(out.LogAlarms, a)
		}
	}
	out.NextToken = next
	return out, err
}

type forMetricIn struct {
	MetricName        string `aws:",must"`
	Namespace         string `aws:",must"`
	Statistic         string
	ExtendedStatistic string
	Dimensions        []dimension
	Period            int
	Unit              string
}

type forMetricOut struct{ MetricAlarms []metricAlarm }

func describeForMetric(c *cloud.Call, in forMetricIn) (out forMetricOut, err error) {
	for _, a := range cloud.Sorted(state(c).metric) {
		if a.MetricName == in.MetricName && a.Namespace == in.Namespace && (in.Statistic == "" || in.Statistic == a.Statistic) &&
			(in.ExtendedStatistic == "" || in.ExtendedStatistic == a.ExtendedStatistic) && (in.Period == 0 || in.Period == a.Period) &&
			(in.Unit == "" || in.Unit == a.Unit) && slices.Equal(in.Dimensions, a.Dimensions) {
			out.MetricAlarms = append(out.MetricAlarms, *a)
		}
	}
	return out, nil
}

type namesIn struct {
	AlarmNames []string `aws:",must"`
}

// OnEach are the alarms.
func (in *namesIn) OnEach(c *cloud.Call) []cloud.Resource { return onNames(c, in.AlarmNames) }

func deleteAlarms(c *cloud.Call, in namesIn) (cloud.None, error) {
	s := state(c)
	for _, name := range in.AlarmNames {
		if a, _ := s.find(name); a == nil {
			return cloud.None{}, cloud.Fail("ResourceNotFound", 404, "Alarm %s does not exist", name)
		}
	}
	for _, name := range in.AlarmNames {
		delete(s.metric, name)
		delete(s.composite, name)
		delete(s.logs, name)
		delete(s.tags, name)
	}
	return cloud.None{}, nil
}

func switchActions(on bool) func(*cloud.Call, namesIn) (cloud.None, error) {
	return func(c *cloud.Call, in namesIn) (cloud.None, error) {
		for _, name := range in.AlarmNames {
			if a, _ := state(c).find(name); a != nil {
				a.ActionsEnabled, a.AlarmConfigurationUpdatedTimestamp = on, c.Now
			}
		}
		return cloud.None{}, nil
	}
}

type setStateIn struct {
	onAlarm
	StateValue      string `aws:",must"`
	StateReason     string `aws:",must"`
	StateReasonData string
}

func setState(c *cloud.Call, in setStateIn) (cloud.None, error) {
	s := state(c)
	a, kind := s.find(in.AlarmName)
	switch {
	case a == nil:
		return cloud.None{}, cloud.Fail("ResourceNotFound", 404, "Alarm %s does not exist", in.AlarmName)
	case !slices.Contains([]string{"OK", "ALARM", "INSUFFICIENT_DATA"}, in.StateValue):
		return cloud.None{}, c.Invalid("StateValue must be OK, ALARM or INSUFFICIENT_DATA")
	}
	p := place{c.Cloud, c.Account, c.Region, s, c.Now}
	p.change(a, kind, in.StateValue, in.StateReason, in.StateReasonData)
	return cloud.None{}, nil
}
