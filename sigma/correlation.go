package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/sigma/value"
	"github.com/rootkeep/rootkeep/sigma/yamldoc"
)

// correlation reads a correlation rule.
func (r *reader) correlation(top []yamldoc.Entry) *Correlation {
	c := &Correlation{Header: r.header(top, "correlation"), Alerts: true}
	r.Require(top, "title")
	for _, e := range top {
		switch e.Name {
		case "correlation":
			r.correlationSection(c, e)
		case "generate":
			c.Generate = r.Boolean(e)
		}
	}
	return c
}

func (r *reader) correlationSection(c *Correlation, section yamldoc.Entry) {
	keys, ok := r.Mapping(section.Value, "correlation")
	if !ok {
		return
	}
	r.Require(keys, "type", "rules", "group-by", "timespan")
	condition := false
	for _, k := range keys {
		switch k.Name {
		case "type":
			c.Type = CorrelationType(r.OneOf(k, "event_count", "value_count", "temporal", "temporal_ordered",
				"value_sum", "value_avg", "value_percentile", "new_value", "absence"))
		case "rules":
			c.Rules = r.someTexts(k, 2)
		case "group-by":
			c.GroupBy = r.paths(k, r.Texts(k, 1))
		case "timespan":
			c.Timespan = r.timespan(k)
		case "aliases":
			c.Aliases = r.aliases(k)
		case "generate":
			c.Generate = r.Boolean(k)
		case "condition":
			condition = true
			r.correlationCondition(c, k)
		default:
			r.Fail(k.Key, "unknown key %s in correlation", k.Name)
		}
	}
	r.checkCorrelation(c, section, condition)
}

func (r *reader) paths(at yamldoc.Entry, paths []string) []string {
	for _, p := range paths {
		if err := validPath(p); err != nil {
			r.Fail(at.Value, "%s: %v", at.Name, err)
		}
	}
	return paths
}

func (r *reader) correlationCondition(c *Correlation, section yamldoc.Entry) {
	keys, ok := r.Mapping(section.Value, "condition")
	if !ok {
		return
	}
	bounds := map[string]**float64{
		"gt": &c.Condition.GT, "gte": &c.Condition.GTE, "lt": &c.Condition.LT,
		"lte": &c.Condition.LTE, "eq": &c.Condition.EQ, "neq": &c.Condition.NEQ,
	}
	for _, k := range keys {
		bound, isBound := bounds[k.Name]
		switch {
		case isBound:
			n := r.Number(k)
			*bound = &n
		case k.Name == "field":
			if s, ok := yamldoc.Scalar(k.Value); ok && s.Kind == value.TextScalar {
				c.Fields = r.paths(k, []string{s.Text})
				continue
			}
			c.Fields = r.paths(k, r.Texts(k, 1))
		case k.Name == "steady":
			c.Steady = r.timespan(k)
		case k.Name == "percentile":
			c.Percentile = r.Number(k)
			if c.Percentile <= 0 || c.Percentile > 100 {
				r.Fail(k.Value, "percentile %v: want more than 0, at most 100", c.Percentile)
			}
		default:
			r.Fail(k.Key, "unknown key %s in the condition of a correlation", k.Name)
		}
	}
}

// checkCorrelation holds the condition to the type.
func (r *reader) checkCorrelation(c *Correlation, section yamldoc.Entry, condition bool) {
	if c.Type == "" {
		return
	}
	bounded := c.Condition != Range{}
	var wantField, wantBound bool
	switch c.Type {
	case EventCount:
		wantBound = true
	case ValueCount, ValueSum, ValueAvg, ValuePercentile:
		wantField, wantBound = true, true
	case NewValue:
		wantField = true
	}
	switch {
	case (wantBound || wantField) && !condition:
		r.Fail(section.Key, "%s needs a condition", c.Type)
	case wantBound && !bounded:
		r.Fail(section.Key, "the condition of %s needs one of gt, gte, lt, lte, eq, neq", c.Type)
	case wantField && len(c.Fields) == 0:
		r.Fail(section.Key, "the condition of %s needs a field", c.Type)
	case !wantField && len(c.Fields) > 0:
		r.Fail(section.Key, "the condition of %s takes no field", c.Type)
	case bounded && (c.Type == NewValue || c.Type == Absence):
		r.Fail(section.Key, "%s takes no bounds", c.Type)
	case c.Steady != 0 && c.Type != Absence:
		r.Fail(section.Key, "%s takes no steady", c.Type)
	case c.Percentile != 0 && c.Type != ValuePercentile:
		r.Fail(section.Key, "%s takes no percentile", c.Type)
	case len(c.Fields) > 1 && (c.Type == ValueSum || c.Type == ValueAvg || c.Type == ValuePercentile):
		r.Fail(section.Key, "%s takes one field", c.Type)
	}
	for name, fields := range c.Aliases {
		for rule := range fields {
			if !slices.Contains(c.Rules, rule) {
				r.Fail(section.Key, "alias %s names %s, which is not among the rules", name, rule)
			}
		}
	}
}

func (r *reader) aliases(section yamldoc.Entry) map[string]map[string]string {
	out := map[string]map[string]string{}
	aliases, _ := r.Mapping(section.Value, "aliases")
	for _, a := range aliases {
		out[a.Name] = map[string]string{}
		rules, _ := r.Mapping(a.Value, "alias "+a.Name)
		for _, rule := range rules {
			path := r.Text(rule, 256)
			r.paths(rule, []string{path})
			out[a.Name][rule.Name] = path
		}
	}
	return out
}

// timespan reads a number and one of the letters s, m, h, d, w.
func (r *reader) timespan(e yamldoc.Entry) time.Duration {
	s := r.Text(e, 10)
	d, err := parseTimespan(s)
	if err != nil && s != "" {
		r.Fail(e.Value, "%v", err)
	}
	return d
}

func parseTimespan(s string) (time.Duration, error) {
	units := map[byte]time.Duration{
		's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
	}
	err := fmt.Errorf("timespan %q: want a number and s, m, h, d or w, as 5m", s)
	if s == "" {
		return 0, err
	}
	unit, ok := units[s[len(s)-1]]
	n, convErr := strconv.ParseUint(s[:len(s)-1], 10, 32)
	if !ok || convErr != nil || n == 0 {
		return 0, err
	}
	if time.Duration(n) > maxTimespan/unit {
		return 0, fmt.Errorf("timespan %q is longer than 100 years", s)
	}
	return time.Duration(n) * unit, nil
}

const maxTimespan = 100 * 365 * 24 * time.Hour

// filter reads a filter. Any search identifiers may stand beside the rules and
// the condition.
func (r *reader) filter(top []yamldoc.Entry) *Filter {
	f := &Filter{Header: r.header(top, "filter")}
	r.Require(top, "title", "logsource")
	for _, e := range top {
		if e.Name != "filter" {
			continue
		}
		keys, ok := r.Mapping(e.Value, "filter")
		if !ok {
			continue
		}
		r.Require(keys, "rules")
		for _, k := range keys {
			if k.Name == "rules" {
				f.Rules, f.Any = r.filterRules(k)
			}
		}
		f.detection.searches = r.searches(keys, "condition", "rules")
		f.detection.conditions = r.conditions(keys, f.detection.searches, e)
	}
	return f
}

// filterRules reads a list of names or the word any.
func (r *reader) filterRules(k yamldoc.Entry) (rules []string, all bool) {
	if s, ok := k.Value.(*ast.StringNode); ok && s.Value == "any" {
		return nil, true
	}
	return r.someTexts(k, 1), false
}

// someTexts reads a list of strings that is not empty.
func (r *reader) someTexts(k yamldoc.Entry, shortest int) []string {
	before := r.Problems()
	out := r.Texts(k, shortest)
	if len(out) == 0 && r.Problems() == before {
		r.Fail(k.Value, "%s is empty", k.Name)
	}
	return out
}
