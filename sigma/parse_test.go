package sigma

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestParseErrors(t *testing.T) {
	item := func(s string) string { return ruleWith("s:\n    " + s + "\n  condition: s") }
	correlation := func(body string) string {
		return "title: c\ncorrelation:\n  " + strings.ReplaceAll(body, "\n", "\n  ") + "\n"
	}
	const counted = "type: event_count\nrules: [ab]\ngroup-by: [u]\ntimespan: 5m\n"
	tests := []struct {
		name string
		src  string
		want string // part of the error
	}{
		{"a file without a document", "# nothing\n", "test.yml:1:1: file holds no document"},
		{"a list is no document", "- a\n", "test.yml:1:1: a Sigma document must be a map, not a list"},
		{"a syntax error has its line", "title: a\nb: [1\n", "test.yml:2:4: YAML: sequence end token ']' not found"},
		{"a key given twice", "title: a\ntitle: b\n", "test.yml:2:1: YAML: mapping key \"title\" already defined"},
		{"a document without a defining key", "title: a\nlogsource: {product: aws}\n", "test.yml:1:1: document has none of detection, correlation and filter"},
		{"a document with two", ruleWith("s:\n    a: x\n  condition: s") + "correlation: {}\n", "either detection or correlation"},
		{"an anchor", "title: &a x\n", "test.yml:1:8: anchors and aliases are not supported"},
		{"a tag", "title: !!str x\n", "test.yml:1:8: YAML tags are not supported"},
		{"a file that is too long", "# " + strings.Repeat("x", 1<<20), "at most 1048576 are read"},
		{"text that is not UTF-8", "title: a\nauthor: \xff\n", "test.yml:2:1: text is not UTF-8"},
		{"brackets without end", strings.Repeat("[", 40), "brackets nest deeper than 32"},
		{"lists without end", strings.Repeat("- ", 100) + "a", "nests deeper than 32"},

		{"a title is required", "logsource: {product: aws}\ndetection:\n  s: {a: x}\n  condition: s\n", "title is missing"},
		{"a log source is required", "title: a\ndetection:\n  s: {a: x}\n  condition: s\n", "logsource is missing"},
		{"an id is a UUID", "id: x\n" + item("a: x"), "test.yml:1:5: id \"x\": want a UUID"},
		{"a level is one of five", "level: severe\n" + item("a: x"), "level \"severe\": want one of informational"},
		{"a date has its form", "date: 22.11.2026\n" + item("a: x"), "want a date as 2026-11-22"},
		{"tags are different", "tags: [a.b, a.b]\n" + item("a: x"), "tags holds \"a.b\" twice"},
		{"a tag has a namespace", "tags: [Attack]\n" + item("a: x"), "tag \"Attack\": want namespace.name"},

		{"a keyword list", ruleWith("s:\n  - mimikatz\n  condition: s"), "a keyword search is unsupported for CloudTrail; hint: name a field"},
		{"a keyword map", item("'|all': [a, b]"), "a keyword search is unsupported for CloudTrail"},
		{"an unknown modifier", item("a|contians: x"), "test.yml:6:5: a|contians: unknown modifier \"contians\"; hint: Sigma 2.1 has all"},
		{"an empty modifier", item("a|: x"), "unknown modifier \"\""},
		{"a modifier given twice", item("a|contains|contains: x"), "modifier contains is given twice"},
		{"modifiers that exclude each other", item("a|contains|endswith: x"), "modifiers contains and endswith exclude each other"},
		{"a regex flag without re", item("a|i: x"), "modifier i must follow re"},
		{"an encoding after contains", item("a|contains|base64: x"), "modifier base64 must come before contains"},
		{"an encoding after base64", item("a|base64|wide: x"), "modifier wide cannot follow base64"},
		{"a wildcard in an encoded value", item("a|base64: 'x*'"), "an encoded value cannot hold * or ?"},
		{"exists with neq", item("a|exists|neq: true"), "modifier exists stands alone"},
		{"exists of text", item("a|exists: x"), "exists takes true or false"},
		{"lt with neq", item("a|lt|neq: 1"), "modifiers lt and neq exclude each other"},
		{"lt of text", item("a|lt: x"), "value \"x\": want a number"},
		{"an hour out of range", item("a|hour: 24"), "value 24: hour is 0 to 23"},
		{"all for one value", item("a|contains|all: x"), "all needs a list of two or more values"},
		{"fieldref with re", item("a|re|fieldref: x"), "modifiers re and fieldref exclude each other"},
		{"null with contains", item("a|contains: null"), "null goes with no modifier but neq"},
		{"a number as a network", item("a|cidr: 10"), "value 10: want text; hint: quote it"},
		{"no network", item("a|cidr: 10.0.0.0/33"), "\"10.0.0.0/33\" is not a network"},
		{"a network with host bits", item("a|cidr: 10.0.0.1/8"), "hint: write 10.0.0.0/8"},
		{"a regular expression that Go has not", item("a|re: '(?=x)'"), "invalid or unsupported Perl syntax"},
		{"a regular expression that unfolds", item("a|re: '" + strings.Repeat("a{1000}", 10) + "'"), "regular expression is too large"},
		{"a field with two dots", item("a..b: x"), "field \"a..b\": want names separated by single dots"},
		{"a map as a value", item("a: {b: c}"), "a value must be text, a number, true, false or null, not a map"},
		{"an empty list of values", item("a: []"), "the list of values is empty"},
		{"an empty search", ruleWith("s: {}\n  condition: s"), "s is empty"},

		{"a rule without a condition", ruleWith("s:\n    a: x"), "detection has no condition"},
		{"a search that is not defined", ruleWith("s:\n    a: x\n  condition: t"), "search identifier \"t\" is not defined"},
		{"a pattern that names nothing", ruleWith("s:\n    a: x\n  condition: 1 of t*"), "1 of t* names no search identifier"},
		{"an aggregation", ruleWith("s:\n    a: x\n  condition: s | count() > 5"), "aggregation after | is not Sigma 2; hint: write a correlation"},

		{"an unknown correlation type", correlation(strings.Replace(counted, "event_count", "near", 1) + "condition: {gte: 1}"), "type \"near\": want one of event_count"},
		{"an unknown key in a correlation", correlation(counted + "condition: {gte: 1}\nwindow: 1"), "unknown key window in correlation"},
		{"an unknown key in its condition", correlation(counted + "condition: {ge: 1}"), "unknown key ge in the condition of a correlation"},
		{"event_count without a condition", correlation(counted), "event_count needs a condition"},
		{"event_count with a field", correlation(counted + "condition: {gte: 1, field: a}"), "takes no field"},
		{"value_sum of two fields", correlation(strings.Replace(counted, "event_count", "value_sum", 1) + "condition: {gte: 1, field: [a, b]}"), "value_sum takes one field"},
		{"value_count without a field", correlation(strings.Replace(counted, "event_count", "value_count", 1) + "condition: {gte: 1}"), "needs a field"},
		{"a percentile above 100", correlation(strings.Replace(counted, "event_count", "value_percentile", 1) + "condition: {gte: 1, field: a, percentile: 101}"), "percentile 101: want more than 0"},
		{"event_count that asks for steady activity", correlation(counted + "condition: {gte: 1, steady: 1h}"), "event_count takes no steady"},
		{"steady without a unit", correlation(strings.Replace(counted, "event_count", "absence", 1) + "condition: {steady: 24}"), "steady must be text"},
		{"a timespan without a unit", correlation(strings.Replace(counted, "5m", "5x", 1) + "condition: {gte: 1}"), "timespan \"5x\": want a number and s, m, h, d or w"},
		{"a timespan of zero", correlation(strings.Replace(counted, "5m", "0m", 1) + "condition: {gte: 1}"), "timespan \"0m\": want a number"},
		{"a timespan of centuries", correlation(strings.Replace(counted, "5m", "99999999d", 1) + "condition: {gte: 1}"), "longer than 100 years"},
		{"an alias of a foreign rule", correlation(counted + "condition: {gte: 1}\naliases: {u: {cd: x}}"), "alias u names cd, which is not among the rules"},
		{"a filter without rules", "title: f\nlogsource: {product: aws}\nfilter:\n  s: {a: x}\n  condition: s\n", "rules is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			docs, err := Parse("test.yml", []byte(tt.src))
			if len(docs) != 0 {
				t.Errorf("documents: got %d, want none", len(docs))
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error: got %v, want one with %q", err, tt.want)
			}
			var at *Error
			if !errors.As(err, &at) || at.File != "test.yml" || at.Line < 1 || at.Column < 1 {
				t.Errorf("error: got %#v, want a position", err)
			}
		})
	}
}

func TestAllProblemsOfAFileComeAtOnce(t *testing.T) {
	src := "title: a\nlevel: x\n---\n" + ruleWith("s:\n    a: x\n  condition: s") + "---\ntitle: b\nid: 1\nlogsource:\n  product: aws\ndetection:\n  s:\n    a|b: x\n    c|d: x\n  condition: s\n"
	docs, err := Parse("test.yml", []byte(src))
	if got, want := len(docs), 1; got != want {
		t.Errorf("documents: got %d, want %d", got, want)
	}
	want := "test.yml:1:1: document has none of detection, correlation and filter\n" +
		"test.yml:13:5: id must be text, not a number\n"
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "test.yml:18:5: a|b") || !strings.Contains(err.Error(), "test.yml:19:5: c|d") {
		t.Errorf("error: got\n%v\nwant the problems of lines 1, 13, 18 and 19", err)
	}
}

func TestHeaderKeepsWhatIsWritten(t *testing.T) {
	docs := mustParse(t, "# comment\ntitle: T\nid: 545a5da6-f103-4919-a519-e9aec1026ee4\nname: n\nlevel: high\ntags: [attack.t1078]\nrootkeep:\n  number: 7\n"+
		"logsource:\n  service: cloudtrail\ndetection:\n  s:\n    a: x\n  condition: s\n")
	h := docs[0].Rule.Header
	if h.Title != "T" || h.Name != "n" || h.Level.String() != "high" || h.Line != 2 || h.LogSource.Service != "cloudtrail" || len(h.Tags) != 1 {
		t.Errorf("header: got %+v, want what is written", h)
	}
	if got := h.Custom["rootkeep"]; got == nil || len(h.Custom) != 1 {
		t.Errorf("custom keys: got %v, want rootkeep only", h.Custom)
	}
}

// schemaCases are documents that the schemas of the specification and Parse must
// judge alike.
var schemaCases = []struct {
	name string
	src  string
	ok   bool
}{
	{"the smallest rule", "title: a\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", true},
	{"a rule without a title", "logsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a rule without a log source", "title: a\ndetection: {s: {a: x}, condition: s}", false},
	{"a rule without a condition", "title: a\nlogsource: {product: aws}\ndetection: {s: {a: x}}", false},
	{"a title that is a number", "title: 7\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a title of 257 characters", "title: " + strings.Repeat("é", 257) + "\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a title of 256 characters", "title: " + strings.Repeat("é", 256) + "\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", true},
	{"an id that is no UUID", "title: a\nid: abc\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a UUID", "title: a\nid: 545a5da6-f103-4919-a519-e9aec1026ee4\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", true},
	{"an empty status", "title: a\nstatus: ''\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"an unknown status", "title: a\nstatus: draft\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a date with slashes", "title: a\ndate: 2026/11/22\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a date in month 13", "title: a\ndate: 2026-13-22\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"references that are text", "title: a\nreferences: http://x\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"references twice", "title: a\nreferences: [x, x]\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"an unknown level", "title: a\nlevel: High\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a tag in upper case", "title: a\ntags: [attack.T1078]\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a false positive of one letter", "title: a\nfalsepositives: [x]\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"false positives of a rule as text", "title: a\nfalsepositives: none\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a relation", "title: a\nrelated: [{id: 545a5da6-f103-4919-a519-e9aec1026ee4, type: similar}]\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", true},
	{"a relation without a type", "title: a\nrelated: [{id: 545a5da6-f103-4919-a519-e9aec1026ee4}]\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a relation of an unknown type", "title: a\nrelated: [{id: 545a5da6-f103-4919-a519-e9aec1026ee4, type: twin}]\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a scope of one letter", "title: a\nscope: [x]\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", false},
	{"a log source as text", "title: a\nlogsource: aws\ndetection: {s: {a: x}, condition: s}", false},
	{"a product that is a number", "title: a\nlogsource: {product: 1}\ndetection: {s: {a: x}, condition: s}", false},
	{"a custom key", "title: a\nrootkeep: {number: 1}\nlogsource: {product: aws}\ndetection: {s: {a: x}, condition: s}", true},
	{"a search that is text", "title: a\nlogsource: {product: aws}\ndetection: {s: x, condition: s}", false},
	{"a list of maps", "title: a\nlogsource: {product: aws}\ndetection: {s: [{a: x}, {b: y}], condition: s}", true},
	{"an event count", "title: a\ncorrelation: {type: event_count, rules: [ab], group-by: [u], timespan: 5m, condition: {gte: 5}}", true},
	{"a correlation without a title", "correlation: {type: event_count, rules: [ab], group-by: [u], timespan: 5m, condition: {gte: 5}}", false},
	{"a correlation without rules", "title: a\ncorrelation: {type: event_count, group-by: [u], timespan: 5m, condition: {gte: 5}}", false},
	{"a correlation without a timespan", "title: a\ncorrelation: {type: event_count, rules: [ab], group-by: [u], condition: {gte: 5}}", false},
	{"a correlation without group-by", "title: a\ncorrelation: {type: temporal, rules: [ab], timespan: 5m}", false},
	{"an event count without a condition", "title: a\ncorrelation: {type: event_count, rules: [ab], group-by: [u], timespan: 5m}", false},
	{"a temporal correlation", "title: a\ncorrelation: {type: temporal, rules: [ab, cd], group-by: [u], timespan: 5m}", true},
	{"a correlation of an unknown type", "title: a\ncorrelation: {type: near, rules: [ab], group-by: [u], timespan: 5m}", false},
	{"a rule name of one letter", "title: a\ncorrelation: {type: temporal, rules: [a], group-by: [u], timespan: 5m}", false},
	{"a timespan of eleven characters", "title: a\ncorrelation: {type: temporal, rules: [ab], group-by: [u], timespan: 00000000005m}", false},
	{"false positives of a correlation as text", "title: a\nfalsepositives: none\ncorrelation: {type: temporal, rules: [ab], group-by: [u], timespan: 5m}", true},
	{"generate", "title: a\ngenerate: true\ncorrelation: {type: temporal, rules: [ab], group-by: [u], timespan: 5m}", true},
	{"generate as text", "title: a\ngenerate: 'yes'\ncorrelation: {type: temporal, rules: [ab], group-by: [u], timespan: 5m}", false},
	{"a filter", "title: a\nlogsource: {product: aws}\nfilter: {rules: [ab], selection: {a: x}, condition: selection}", true},
	{"a filter without a log source", "title: a\nfilter: {rules: [ab], selection: {a: x}, condition: selection}", false},
	{"a filter without rules", "title: a\nlogsource: {product: aws}\nfilter: {selection: {a: x}, condition: selection}", false},
	{"a filter for no rule", "title: a\nlogsource: {product: aws}\nfilter: {rules: [], selection: {a: x}, condition: selection}", false},
	{"a filter without a condition", "title: a\nlogsource: {product: aws}\nfilter: {rules: [ab], selection: {a: x}}", false},
}

// Parse is stricter than the schemas where they leave a rule without a meaning:
// unknown modifiers and keys, bounds that are missing, empty searches. It is more
// lenient in three places that the text of the specification allows: a list of
// conditions, rules: any of a filter, and searches of a filter by other names.
func TestParseAgreesWithTheSchemasOfTheSpecification(t *testing.T) {
	corpusFiles(t, "schemas/*.json")
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schemas := map[string]*jsonschema.Schema{}
	for key, file := range map[string]string{
		"detection": "sigma-detection-rule-schema.json", "correlation": "sigma-correlation-rules-schema.json", "filter": "sigma-filters-schema.json",
	} {
		src, err := os.ReadFile(filepath.Join(corpus, "schemas", file))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.Replace(src, []byte("schema#\""), []byte("schema\""), 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(file, doc); err != nil {
			t.Fatal(err)
		}
		schemas[key] = c.MustCompile(file)
	}
	for _, tt := range schemaCases {
		t.Run(tt.name, func(t *testing.T) {
			text, err := yaml.YAMLToJSON([]byte(tt.src))
			if err != nil {
				t.Fatal(err)
			}
			var doc map[string]any
			if err := json.Unmarshal(text, &doc); err != nil {
				t.Fatal(err)
			}
			for key, schema := range schemas {
				if doc[key] == nil {
					continue
				}
				if err := schema.Validate(doc); (err == nil) != tt.ok {
					t.Errorf("schema: got %v, want accepted %v", err, tt.ok)
				}
			}
			if _, err := Parse("test.yml", []byte(tt.src)); (err == nil) != tt.ok {
				t.Errorf("Parse: got %v, want accepted %v", err, tt.ok)
			}
		})
	}
}
