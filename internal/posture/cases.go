package posture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Case is one test inside a control's file. Facts that it does not set are not known;
// deny names the permissions whose lack is the reason.
type Case struct {
	Name  string         `yaml:"name"`
	Facts map[string]any `yaml:"facts"`
	Deny  []string       `yaml:"deny"` // AWS actions, such as iam:GetAccountSummary
	Want  string         `yaml:"want"` // a status; of several resources, the first
	// Filter is for a watch: a metric filter of this pattern, fed by a trail, whose
	// alarm fires on one event and reaches a subscriber. Lists that Facts has take the
	// place of those that make this up; all of them are known.
	Filter string `yaml:"filter"`
}

// caseTime is now in cases.
var caseTime = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)

// CaseResult is one case as it went.
type CaseResult struct {
	Control string `json:"control"`
	Case    string `json:"case"`
	Want    string `json:"want"`
	Got     string `json:"got"`
	Err     string `json:"error,omitempty"`
	OK      bool   `json:"ok"`
}

// RunCases runs the cases of the controls.
func RunCases(controls []*Control) []CaseResult {
	var out []CaseResult
	for _, c := range controls {
		for i := range c.Cases {
			out = append(out, c.run(&c.Cases[i]))
		}
	}
	return out
}

func (c *Control) run(t *Case) CaseResult {
	r := CaseResult{Control: c.ID, Case: t.Name, Want: t.Want}
	s, err := t.snapshot()
	if err == nil {
		_, err = rootkeep.ParseStatus(t.Want)
	}
	if err != nil {
		r.Err = err.Error()
		return r
	}
	found := Evaluate(s, []*Control{c}, Setting{Now: caseTime})
	if len(found) == 0 {
		r.Err = "no finding: the case has no element of " + c.Each
		return r
	}
	r.Got = found[0].Status.String()
	r.OK = r.Got == t.Want
	if len(found[0].Missing) > 0 {
		r.Got += " (" + strings.Join(found[0].Missing, "; ") + ")"
	}
	return r
}

// snapshot is what the case knows.
func (t *Case) snapshot() (*facts.Snapshot, error) {
	text, err := json.Marshal(t.Facts)
	if err != nil {
		return nil, err
	}
	s := &facts.Snapshot{Format: facts.Format, Account: "111122223333", Taken: caseTime}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s.Facts); err != nil {
		return nil, fmt.Errorf("facts: %w", err)
	}
	if t.Filter != "" {
		t.monitor(s)
	}
	for _, p := range facts.Paths() {
		if t.sets(p.Name) {
			s.Observe(p.Call, caseTime, "", p.Name)
		}
		for _, action := range t.Deny {
			if strings.HasPrefix(p.Call, action) {
				s.Gaps = append(s.Gaps, facts.Gap{Path: p.Name, Permission: action, Reason: action + " denied"})
			}
		}
	}
	return s, nil
}

// sets says whether the case gives a fact. An empty list is known: nothing is there.
func (t *Case) sets(path string) bool {
	branch, field, _ := strings.Cut(path, ".")
	switch v := t.Facts[branch].(type) {
	case map[string]any:
		_, ok := v[field]
		return ok
	case []any:
		for _, item := range v {
			m, ok := item.(map[string]any)
			if _, has := m[field]; !ok || !has && field != keyOf(branch) {
				return false
			}
		}
		return true
	}
	return false
}

// keyOf is the field that tells elements of a list apart.
func keyOf(list string) string {
	for _, l := range facts.Lists() {
		if l.Name == list {
			return l.Key
		}
	}
	return ""
}

// monitor adds a way from an event to a person that holds, as far as the case has no
// facts of its own.
func (t *Case) monitor(s *facts.Snapshot) {
	const at = ":eu-west-3:111122223333:"
	set := func(list string, add func(f *facts.Facts)) {
		if _, own := t.Facts[list]; !own {
			add(&s.Facts)
		}
		s.Observe("case", caseTime, "", list)
	}
	set("trails", func(f *facts.Facts) {
		f.Trails = []facts.Trail{{Name: "all", MultiRegion: true, GlobalEvents: true, Logging: true, LogGroup: "arn:aws:logs" + at + "log-group:trail:*",
			Selectors: []facts.Selector{{Category: "Management", Reads: true, Writes: true}}}}
	})
	set("metric_filters", func(f *facts.Facts) {
		f.MetricFilters = []facts.MetricFilter{{
			Name: "filter", LogGroup: "trail", Pattern: t.Filter, Transformations: []facts.Transformation{{Namespace: "Security", Metric: "count", Value: "1"}},
		}}
	})
	set("alarms", func(f *facts.Facts) {
		f.Alarms = []facts.Alarm{{
			ARN: "arn:aws:cloudwatch" + at + "alarm:a", Name: "alarm", Namespace: "Security", Metric: "count", Statistic: "Sum", Period: 300, EvaluationPeriods: 1,
			Threshold: 1, Comparison: "GreaterThanOrEqualToThreshold", MissingData: "notBreaching", ActionsEnabled: true, Actions: []string{"arn:aws:sns" + at + "alerts"}, Window: "sliding",
		}}
	})
	set("subscriptions", func(f *facts.Facts) {
		f.Subscriptions = []facts.Subscription{{Topic: "arn:aws:sns" + at + "alerts", Protocol: "email", Confirmed: true}}
	})
	set("topics", func(f *facts.Facts) {
		const policy = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}, "Action": "sns:Publish", "Resource": "*"}}`
		f.Topics = []facts.Topic{{ARN: "arn:aws:sns" + at + "alerts", Policy: policy}}
	})
	set("regions", func(f *facts.Facts) { f.Regions = []facts.Region{{Name: "eu-west-3"}, {Name: "us-east-1"}} })
	for _, list := range []string{"composite_alarms", "log_alarms", "event_buses", "event_rules"} {
		set(list, func(*facts.Facts) {})
	}
}
