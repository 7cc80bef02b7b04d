package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// correlation reads a correlation rule.
func (r *reader) correlation(top []entry) *Correlation {
	c := &Correlation{Header: r.header(top, "correlation"), Alerts: true, Percentile: defaultPercentile}
	r.require(top, "title")
	for _, e := range top {
		switch e.name {
		case "correlation":
			r.correlationSection(c, e)
		case "generate":
			c.Generate = r.boolean(e)
		}
	}
	return c
}

// defaultPercentile is the median: the specification names no rank.
const defaultPercentile = 50

func (r *reader) correlationSection(c *Correlation, section entry) {
	keys, ok := r.mapping(section.value, "correlation")
	if !ok {
		return
	}
	r.require(keys, "type", "rules", "group-by", "timespan")
	condition := false
	for _, k := range keys {
		switch k.name {
		case "type":
			c.Type = CorrelationType(r.oneOf(k, "event_count", "value_count", "temporal", "temporal_ordered",
				"value_sum", "value_avg", "value_percentile", "new_value", "absence"))
		case "rules":
			c.Rules = r.texts(k, 2)
			if len(c.Rules) == 0 {
				r.fail(k.value, "rules is empty")
			}
		case "group-by":
			c.GroupBy = r.paths(k, r.texts(k, 1))
		case "timespan":
			c.Timespan = r.timespan(k)
		case "aliases":
			c.Aliases = r.aliases(k)
		case "generate":
			c.Generate = r.boolean(k)
		case "condition":
			condition = true
			r.correlationCondition(c, k)
		default:
			r.fail(k.key, "unknown key %s in correlation", k.name)
		}
	}
	r.checkCorrelation(c, section, condition)
}

func (r *reader) paths(at entry, paths []string) []string {
	for _, p := range paths {
		if err := validPath(p); err != nil {
			r.fail(at.value, "%s: %v", at.name, err)
		}
	}
	return paths
}

func (r *reader) correlationCondition(c *Correlation, section entry) {
	keys, ok := r.mapping(section.value, "condition")
	if !ok {
		return
	}
	bounds := map[string]**float64{
		"gt": &c.Condition.GT, "gte": &c.Condition.GTE, "lt": &c.Condition.LT,
		"lte": &c.Condition.LTE, "eq": &c.Condition.EQ, "neq": &c.Condition.NEQ,
	}
	for _, k := range keys {
		bound, isBound := bounds[k.name]
		switch {
		case isBound:
			n := r.number(k)
			*bound = &n
		case k.name == "field":
			if s, ok := scalarOf(k.value); ok && s.kind == textScalar {
				c.Fields = r.paths(k, []string{s.text})
				continue
			}
			c.Fields = r.paths(k, r.texts(k, 1))
		case k.name == "percentile":
			c.Percentile = r.number(k)
			if c.Percentile < 0 || c.Percentile > 100 {
				r.fail(k.value, "percentile %v: want 0 to 100", c.Percentile)
			}
		default:
			r.fail(k.key, "unknown key %s in the condition of a correlation", k.name)
		}
	}
}

// checkCorrelation holds the condition to the type.
func (r *reader) checkCorrelation(c *Correlation, section entry, condition bool) {
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
		r.fail(section.key, "%s needs a condition", c.Type)
	case wantBound && !bounded:
		r.fail(section.key, "the condition of %s needs one of gt, gte, lt, lte, eq, neq", c.Type)
	case wantField && len(c.Fields) == 0:
		r.fail(section.key, "the condition of %s needs a field", c.Type)
	case !wantField && len(c.Fields) > 0:
		r.fail(section.key, "the condition of %s takes no field", c.Type)
	case bounded && (c.Type == NewValue || c.Type == Absence):
		r.fail(section.key, "%s takes no bounds", c.Type)
	case c.Percentile != defaultPercentile && c.Type != ValuePercentile:
		r.fail(section.key, "%s takes no percentile", c.Type)
	case len(c.Fields) > 1 && (c.Type == ValueSum || c.Type == ValueAvg || c.Type == ValuePercentile):
		r.fail(section.key, "%s takes one field", c.Type)
	}
	for name, fields := range c.Aliases {
		for rule := range fields {
			if !slices.Contains(c.Rules, rule) {
				r.fail(section.key, "alias %s names %s, which is not among the rules", name, rule)
			}
		}
	}
}

func (r *reader) aliases(section entry) map[string]map[string]string {
	out := map[string]map[string]string{}
	aliases, _ := r.mapping(section.value, "aliases")
	for _, a := range aliases {
		out[a.name] = map[string]string{}
		rules, _ := r.mapping(a.value, "alias "+a.name)
		for _, rule := range rules {
			path := r.text(rule, 256)
			r.paths(rule, []string{path})
			out[a.name][rule.name] = path
		}
	}
	return out
}

// timespan reads a number and one of the letters s, m, h, d, w.
func (r *reader) timespan(e entry) time.Duration {
	s := r.text(e, 10)
	d, err := parseTimespan(s)
	if err != nil && s != "" {
		r.fail(e.value, "%v", err)
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
func (r *reader) filter(top []entry) *Filter {
	f := &Filter{Header: r.header(top, "filter")}
	r.require(top, "title", "logsource")
	for _, e := range top {
		if e.name != "filter" {
			continue
		}
		keys, ok := r.mapping(e.value, "filter")
		if !ok {
			continue
		}
		r.require(keys, "rules")
		for _, k := range keys {
			if k.name == "rules" {
				f.Rules, f.Any = r.filterRules(k)
			}
		}
		f.detection.searches = r.searches(keys, "condition", "rules")
		f.detection.conditions = r.conditions(keys, f.detection.searches, e)
	}
	return f
}

// filterRules reads a list of names or the word any.
func (r *reader) filterRules(k entry) (rules []string, all bool) {
	if s, ok := k.value.(*ast.StringNode); ok && s.Value == "any" {
		return nil, true
	}
	rules = r.texts(k, 1)
	if len(rules) == 0 {
		r.fail(k.value, "rules of a filter: want a list of names or IDs, or any")
	}
	return rules, false
}
