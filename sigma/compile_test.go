package sigma

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// named is a rule with a name that matches its name in field a.
func named(name string) string {
	return "title: Rule " + name + "\nname: " + name + "\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n  s:\n    a: " + name + "\n  condition: s\n---\n"
}

func counted(name, rules, rest string) string {
	return "title: Correlation " + name + "\nname: " + name + "\ncorrelation:\n  type: event_count\n  rules: [" + rules + "]\n  timespan: 5m\n  condition:\n    gte: 5\n  " + rest + "\n---\n"
}

func problemTexts(problems []Problem) string {
	var out []string
	for _, p := range problems {
		out = append(out, p.String())
	}
	return strings.Join(out, "\n")
}

func TestProblemsOfCompile(t *testing.T) {
	tests := []struct {
		name                string
		src                 string
		rules, correlations int
		want                string // part of the only problem, "" for none
	}{
		{"a reference that is not there", named("one") + counted("c", "one, two", "group-by: [u]"), 1, 0,
			"Correlation c: correlation refers to two, which is not loaded; hint: add the rule with this name or ID"},
		{"a cycle of one", counted("c1", "c1", "group-by: [u]"), 0, 0, "correlation refers to itself through c1"},
		{"a name used twice", named("one") + named("one"), 1, 0, `one is already used by "Rule one" (test.yml:1)`},
		{"a filter as an input", named("one") + "title: F\nid: 545a5da6-f103-4919-a519-e9aec1026ee4\nlogsource: {product: aws}\nfilter:\n  rules: [one]\n  s: {b: x}\n  condition: not s\n---\n" +
			counted("c", "545a5da6-f103-4919-a519-e9aec1026ee4", "group-by: [u]"), 1, 0, "which is a filter"},
		{"an alias that leaves a rule out", named("one") + named("two") + counted("c", "one, two", "group-by: [who]\n  aliases: {who: {one: u}}"), 2, 0,
			"group-by who has no field in two"},
		{"a chained correlation without the group", named("one") + counted("cc", "one", "group-by: [u]") + counted("dd", "cc", "group-by: [v]"), 1, 1,
			"group-by v has no field in cc"},
		{"a filter of a rule that is not there", named("one") + "title: F\nlogsource: {product: aws}\nfilter:\n  rules: [two]\n  s: {b: x}\n  condition: not s\n", 1, 0,
			"filter names rule two, which is not loaded"},
		{"a filter of a foreign log source", named("one") + "title: F\nlogsource: {product: azure}\nfilter:\n  rules: [one]\n  s: {b: x}\n  condition: not s\n", 1, 0,
			"filter names rule one, which has another log source"},
		{"an order that is turned round", counted("dd", "cc", "group-by: [u]") + counted("cc", "one", "group-by: [u]") + named("one"), 1, 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, problems := Compile(mustParse(t, tt.src), Options{})
			if r, c := len(set.Rules()), len(set.Correlations()); r != tt.rules || c != tt.correlations {
				t.Errorf("set: got %d rules and %d correlations, want %d and %d", r, c, tt.rules, tt.correlations)
			}
			if got := problemTexts(problems); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) || len(problems) > 1 {
				t.Errorf("problems: got %q, want one with %q", got, tt.want)
			}
		})
	}
}

func TestEveryCorrelationOfACycleIsLeftOut(t *testing.T) {
	set, problems := Compile(mustParse(t, counted("c1", "c2", "group-by: [u]")+counted("c2", "c1", "group-by: [u]")), Options{})
	if got := len(set.Correlations()); got != 0 {
		t.Errorf("correlations: got %d, want 0", got)
	}
	if got, want := len(problems), 2; got != want {
		t.Errorf("problems: got %v, want %d", problems, want)
	}
}

func TestABadPlaceholderValueLeavesItsRuleOut(t *testing.T) {
	docs := mustParse(t, ruleWith("s:\n    a|cidr|expand: '%net%'\n  condition: s")+"---\n"+named("one"))
	set, problems := Compile(docs, Options{Placeholders: map[string][]string{"net": {"10.0.0.0/99"}}})
	if got := len(set.Rules()); got != 1 {
		t.Errorf("rules: got %d, want 1", got)
	}
	if got, want := problemTexts(problems), `test.yml:6: error: test: a|cidr|expand: "10.0.0.0/99" is not a network`; !strings.Contains(got, want) {
		t.Errorf("problems: got %q, want %q", got, want)
	}
}

func TestInputsOfCorrelations(t *testing.T) {
	src := named("one") + named("two") +
		`title: Outer
correlation:
  type: temporal_ordered
  rules: [inner, two]
  group-by: [who]
  timespan: 90m
  aliases:
    who:
      inner: user
      two: target.name
---
title: Inner
name: inner
correlation:
  type: value_count
  rules: [one]
  group-by: [region, user]
  timespan: 1d
  condition:
    gte: 3
    lt: 10
    field: [b, rootkeep.country]
`
	set, problems := Compile(mustParse(t, src), Options{Derived: []string{"rootkeep.country"}})
	if len(problems) > 0 {
		t.Fatalf("Compile: got %v, want no problem", problems)
	}
	number := func(path string) int {
		n, ok := set.FieldNumber(path)
		if !ok {
			t.Fatalf("field %s: got no number, want one", path)
		}
		return n
	}
	inner, outer := set.Correlations()[0], set.Correlations()[1]
	want := []Input{{Name: "one", Rule: 0, Correlation: -1, Group: []int{number("region"), number("user")}, Fields: []int{number("b"), number("rootkeep.country")}}}
	if diff := cmp.Diff(want, inner.Inputs); diff != "" {
		t.Errorf("inner (-want +got):\n%s", diff)
	}
	want = []Input{{Name: "inner", Rule: -1, Correlation: 0, Group: []int{1}}, {Name: "two", Rule: 1, Correlation: -1, Group: []int{number("target.name")}}}
	if diff := cmp.Diff(want, outer.Inputs); diff != "" {
		t.Errorf("outer (-want +got):\n%s", diff)
	}
	if got, want := outer.Timespan, 90*time.Minute; got != want {
		t.Errorf("timespan: got %v, want %v", got, want)
	}
	if inner.Condition.GTE == nil || *inner.Condition.GTE != 3 || inner.Condition.LT == nil || *inner.Condition.LT != 10 {
		t.Errorf("condition: got %+v, want gte 3 and lt 10", inner.Condition)
	}
	if inner.Alerts || !outer.Alerts {
		t.Errorf("alerts: got %v and %v, want false for inner and true for outer", inner.Alerts, outer.Alerts)
	}
}

func TestRulesThatOnlyFeedCorrelationsDoNotAlert(t *testing.T) {
	src := named("one") + named("two") + named("three") +
		counted("c", "one", "group-by: [u]") + counted("d", "two, one", "group-by: [u]\n  generate: true") + counted("e", "three", "group-by: [u]")
	set, _ := Compile(mustParse(t, src), Options{})
	want := map[string]bool{"Rule one": true, "Rule two": true, "Rule three": false}
	for _, r := range set.Rules() {
		if got := r.Alerts; got != want[r.Title] {
			t.Errorf("%s: got alerts %v, want %v", r.Title, got, want[r.Title])
		}
	}
}

func TestExtensionsAndPercentileParse(t *testing.T) {
	src := named("one") +
		"title: N\ncorrelation:\n  type: new_value\n  rules: [one]\n  group-by: [u]\n  timespan: 7d\n  condition: {field: country}\n---\n" +
		"title: A\ncorrelation:\n  type: absence\n  rules: [one]\n  group-by: [u]\n  timespan: 6h\n---\n" +
		"title: P\ncorrelation:\n  type: value_percentile\n  rules: [one]\n  group-by: [u]\n  timespan: 6h\n  condition: {field: n, gt: 5, percentile: 95}\n"
	set, problems := Compile(mustParse(t, src), Options{})
	if len(problems) > 0 || len(set.Correlations()) != 3 {
		t.Fatalf("Compile: got %v and %d correlations, want 3", problems, len(set.Correlations()))
	}
	if got, want := set.Correlations()[2].Percentile, 95.0; got != want {
		t.Errorf("percentile: got %v, want %v", got, want)
	}
}

func TestFilters(t *testing.T) {
	filter := func(rules, logsource string) string {
		return "title: F\nlogsource: " + logsource + "\nfilter:\n  rules: " + rules + "\n  admins:\n    u|startswith: adm_\n  condition: not admins\n"
	}
	tests := []struct {
		name   string
		filter string
		want   bool
	}{
		{"a filter narrows the rule it names", filter("[one]", "{product: aws}"), false},
		{"a filter of another rule does not", filter("[two]", "{product: aws}"), true},
		{"any stands for every rule of the log source", filter("any", "{product: aws, service: cloudtrail}"), false},
		{"any spares other log sources", filter("any", "{product: aws, service: vpc}"), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := matches(t, named("one")+tt.filter, `{"a":"one","u":"adm_joe"}`, Options{}); got != tt.want {
				t.Errorf("rule on an event of the filter: got %v, want %v", got, tt.want)
			}
			if got := matches(t, named("one")+tt.filter, `{"a":"one","u":"joe"}`, Options{}); !got {
				t.Error("rule on another event: got false, want true")
			}
		})
	}
}
