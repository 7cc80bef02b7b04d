package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/sns"
)

// notification is what CloudWatch publishes about an alarm. Region is the name of the
// Region as in ARNs.
//
// Source: Amazon CloudWatch User Guide, "Notifying users on alarm changes".
type notification struct {
	AlarmName                                           string
	AlarmDescription                                    string
	AWSAccountID                                        string `json:"AWSAccountId"`
	AlarmConfigurationUpdatedTimestamp, StateChangeTime string
	NewStateValue, OldStateValue, NewStateReason        string
	Region                                              string
	AlarmArn                                            string
	OKActions, AlarmActions, InsufficientDataActions    []string
	Trigger                                             *trigger `json:",omitempty"` // of an alarm on one metric
}

type trigger struct {
	MetricName, Namespace            string
	StatisticType                    string // Statistic
	Statistic                        string // in capitals
	Unit                             *string
	Dimensions                       []triggerDimension
	Period, EvaluationPeriods        int
	DatapointsToAlarm                int `json:",omitempty"`
	ComparisonOperator               string
	Threshold                        float64
	TreatMissingData                 string
	EvaluateLowSampleCountPercentile string
}

type triggerDimension struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

// stamp is how notifications write a time.
const stamp = "2006-01-02T15:04:05.000-0700"

// act runs one action of an alarm that has just changed its state: it publishes to a
// topic. The error says why that failed, or that the simulator has no such action.
func (p *place) act(a *common, old, action string) error {
	if !strings.HasPrefix(action, "arn:aws:sns:") {
		return errors.New("the simulator runs no action but the publication to a topic")
	}
	message, err := json.Marshal(p.notification(a, old))
	if err != nil {
		return err
	}
	subject := fmt.Sprintf("%s: %q in %s", a.StateValue, a.AlarmName, p.region)
	return sns.Notify(p.cloud, "cloudwatch.amazonaws.com", p.account, a.AlarmArn, action, subject, string(message), p.now)
}

func (p *place) notification(a *common, old string) notification {
	out := notification{
		AlarmName: a.AlarmName, AlarmDescription: a.AlarmDescription, AWSAccountID: string(p.account.ID), NewStateValue: a.StateValue, OldStateValue: old, NewStateReason: a.StateReason,
		AlarmConfigurationUpdatedTimestamp: a.AlarmConfigurationUpdatedTimestamp.UTC().Format(stamp), StateChangeTime: p.now.UTC().Format(stamp), Region: p.region, AlarmArn: a.AlarmArn,
		OKActions: list(a.OKActions), AlarmActions: list(a.AlarmActions), InsufficientDataActions: list(a.InsufficientDataActions),
	}
	m := p.alarms.metric[a.AlarmName]
	if m == nil || m.MetricName == "" || m.Threshold == nil {
		return out
	}
	out.Trigger = &trigger{
		MetricName: m.MetricName, Namespace: m.Namespace, StatisticType: "Statistic", Statistic: strings.ToUpper(m.Statistic), Dimensions: []triggerDimension{}, Period: m.Period,
		EvaluationPeriods: m.EvaluationPeriods, DatapointsToAlarm: m.DatapointsToAlarm, ComparisonOperator: m.ComparisonOperator, Threshold: *m.Threshold, TreatMissingData: m.missing(),
	}
	if m.Unit != "" {
		out.Trigger.Unit = &m.Unit
	}
	for _, d := range m.Dimensions {
		out.Trigger.Dimensions = append(out.Trigger.Dimensions, triggerDimension{d.Value, d.Name})
	}
	return out
}

// list writes no actions as an empty list, as CloudWatch does.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
