package sigma

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
)

// The generators draw from few fields and values, so that rules match often and
// values repeat, as they do in a trail.
var (
	fieldNames = []string{"a", "b", "c.d", "c", "e.f", "n", "ip", "t", "missing"}
	words      = []string{"", "ab", "aB", "abc", "b", "-x /y", "–x —y", "Ünï", "ünÏcode", `a*c`, `a\b`, "a?c", "10", "1.0", "true", "QWJjZA==", "null", "{}", `say "b"`}
	patterns   = []string{"", "ab", "AB", "a*", "*b", "*b*", "*", "a?c", "?", "a*b*c", `a\*c`, `a\?c`, `a\\b`, `a\b`, "*?b", "ü*", "??ï*", "-x*", `"b"`, `*"f"*`, "10", "true", "{*"}
	plains     = []string{"ab", "Abcd", "b", "ünï"}
	numbers    = []string{"10", "1", "1.0", "1e1", "-3", "100", "012"}
	addresses  = []string{"10.1.2.3", "192.0.2.7", "2001:db8::1", "::ffff:10.1.2.3", "AWS Internal", "10.01.2.3", "ec2.amazonaws.com"}
	networks   = []string{"10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"}
	dates      = []string{"2026-11-22T10:05:00Z", "2026-01-01T23:59:59Z", "2024-12-30T00:00:00Z", "yesterday"}
	regexes    = []string{"^a", "b$", "a.c", "(ab|b)", "[A-Z]+", "^$", "a{1,2}b"}
	references = []string{"a", "b", "c.d", "missing", "n"}
	known      = map[string][]string{"two": {"ab", "b*"}, "one": {"abc"}}
	expansions = []string{"%two%", "%one%", "%none%", "x%none%", "ab", "*%one%", "%two"}
)

func pick[T any](t *rapid.T, from []T) T { return rapid.SampledFrom(from).Draw(t, "pick") }

func chance(t *rapid.T, percent int) bool { return rapid.IntRange(1, 100).Draw(t, "chance") <= percent }

// drawItem makes one key and value of a search.
func drawItem(t *rapid.T) (string, any) {
	field := pick(t, fieldNames)
	mods, from := drawModifiers(t)
	key := strings.Join(append([]string{field}, mods...), "|")
	if slices.Contains(mods, "exists") {
		return key, chance(t, 50)
	}
	n := 1
	if slices.Contains(mods, "all") {
		n = rapid.IntRange(2, 3).Draw(t, "values")
	} else if chance(t, 30) {
		n = rapid.IntRange(1, 3).Draw(t, "values")
	}
	var values []any
	for range n {
		values = append(values, from())
	}
	if len(mods) == 0 && chance(t, 15) {
		values[0] = nil
	}
	if n == 1 && chance(t, 80) {
		return key, values[0]
	}
	return key, values
}

// drawModifiers makes a modifier chain and a source of values for it.
func drawModifiers(t *rapid.T) ([]string, func() any) {
	var mods []string
	add := func(percent int, options ...string) {
		if chance(t, percent) {
			mods = append(mods, pick(t, options))
		}
	}
	text := func(from []string) func() any { return func() any { return pick(t, from) } }
	// 1e1 is text to the YAML library.
	number := func() any { return json.Number(pick(t, []string{"10", "1", "1.0", "-3", "100", "10.50"})) }
	var from func() any
	switch rapid.IntRange(0, 10).Draw(t, "kind") {
	case 0:
		return []string{"exists"}, nil
	case 1:
		mods, from = []string{"re"}, text(regexes)
		add(30, "i")
		add(20, "m")
		add(20, "s")
	case 2:
		mods, from = []string{"cidr"}, text(networks)
	case 3:
		mods, from = []string{pick(t, []string{"lt", "lte", "gt", "gte"})}, number
		add(15, "all")
		return mods, from
	case 4:
		part := pick(t, []string{"minute", "hour", "day", "week", "month", "year"})
		mods, from = []string{part}, func() any {
			return json.Number(pick(t, map[string][]string{
				"minute": {"5", "59"}, "hour": {"0", "10"}, "day": {"1", "22"}, "week": {"1", "47"}, "month": {"1", "12"}, "year": {"2024", "2026"},
			}[part]))
		}
		if chance(t, 40) {
			return append(mods, pick(t, []string{"lt", "lte", "gt", "gte"})), from
		}
	case 5:
		mods, from = []string{"fieldref"}, text(references)
		add(40, "contains", "startswith", "endswith")
		add(20, "cased")
	case 6:
		mods, from = []string{pick(t, []string{"wide", "utf16le", "utf16be"})}, text(plains)
		add(50, "base64", "base64offset")
		add(70, "contains", "startswith")
	case 7:
		mods, from = []string{pick(t, []string{"base64", "base64offset"})}, text(plains)
		add(70, "contains")
	case 8:
		mods, from = []string{"expand"}, text(expansions)
		add(40, "contains", "startswith")
	case 9:
		from = func() any {
			if chance(t, 30) {
				return chance(t, 50)
			}
			return number()
		}
		add(20, "contains", "startswith")
	default:
		from = text(patterns)
		add(20, "windash")
		add(50, "contains", "startswith", "endswith")
		add(20, "cased")
	}
	add(15, "neq")
	add(15, "all")
	return mods, from
}

func drawSearch(t *rapid.T) any {
	drawMap := func() any {
		m := map[string]any{}
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			key, value := drawItem(t)
			m[key] = value
		}
		return m
	}
	if chance(t, 70) {
		return drawMap()
	}
	var list []any
	for range rapid.IntRange(1, 3).Draw(t, "maps") {
		list = append(list, drawMap())
	}
	return list
}

func drawCondition(t *rapid.T, names []string, depth int) string {
	kind := rapid.IntRange(0, 6).Draw(t, "expr")
	if depth == 0 && kind > 2 {
		kind = 0
	}
	switch kind {
	case 1:
		return pick(t, []string{"1 of", "any of", "all of"}) + " " + pick(t, []string{"them", "s*", "*", "s0"})
	case 2:
		return "not " + pick(t, names)
	case 3, 4:
		return drawCondition(t, names, depth-1) + " and " + drawCondition(t, names, depth-1)
	case 5:
		return "not ( " + drawCondition(t, names, depth-1) + " )"
	case 6:
		return "(" + drawCondition(t, names, depth-1) + " or " + drawCondition(t, names, depth-1) + ")"
	}
	return pick(t, names)
}

func drawDetection(t *rapid.T) map[string]any {
	d := map[string]any{}
	var names []string
	for i := range rapid.IntRange(1, 4).Draw(t, "searches") {
		name := pick(t, []string{"s", "s", "f", "_h"}) + fmt.Sprint(i)
		if i == 0 {
			name = "s0"
		}
		names = append(names, name)
		d[name] = drawSearch(t)
	}
	d["condition"] = drawCondition(t, names, 3)
	if chance(t, 10) {
		d["condition"] = []any{d["condition"], pick(t, names)}
	}
	return d
}

func drawValue(t *rapid.T, depth int) any {
	switch kind := rapid.IntRange(0, 11).Draw(t, "value"); {
	case kind == 0:
		return nil
	case kind == 1:
		return chance(t, 50)
	case kind <= 3:
		return json.Number(pick(t, numbers[:6]))
	case kind == 4 && depth > 0:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			list = append(list, drawValue(t, depth-1))
		}
		return list
	case kind == 5 && depth > 0:
		return map[string]any{"d": drawValue(t, depth-1), "f": pick(t, words)}
	case kind == 6:
		return pick(t, addresses)
	case kind == 7:
		return pick(t, dates)
	case kind == 8:
		mod := pick(t, []string{"wide", "utf16be", "base64"})
		text := encodings(pick(t, []string{"", "x", "yz"})+pick(t, plains), mod)[0]
		return strings.ToValidUTF8(text, "")
	}
	return pick(t, words)
}

func drawRecord(t *rapid.T) map[string]any {
	r := map[string]any{}
	for _, f := range []string{"a", "b", "c", "e", "n", "ip", "t"} {
		switch {
		case chance(t, 20):
		case f == "c" && chance(t, 60):
			r[f] = map[string]any{"d": drawValue(t, 1)}
		case f == "n" && chance(t, 70):
			r[f] = json.Number(pick(t, numbers[:6]))
		case f == "ip" && chance(t, 70):
			r[f] = pick(t, addresses)
		case f == "t" && chance(t, 70):
			r[f] = pick(t, dates)
		default:
			r[f] = drawValue(t, 2)
		}
	}
	return r
}

// ruleText is a rule as JSON, which is YAML as well.
func ruleText(t interface{ Fatal(...any) }, i int, detection map[string]any) []byte {
	text, err := json.Marshal(map[string]any{
		"title": fmt.Sprintf("rule %d", i), "logsource": map[string]any{"product": "aws"}, "detection": detection,
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCompiledRulesAgreeWithTheNaiveEvaluator(t *testing.T) {
	matched, total := 0, 0
	lot.Check(t, func(t *rapid.T) {
		var docs []Document
		var detections []map[string]any
		for i := range rapid.IntRange(1, 8).Draw(t, "rules") {
			d := drawDetection(t)
			text := ruleText(t, i, d)
			doc, err := Parse("rule.yml", text)
			if err != nil {
				t.Fatalf("Parse(%s): got error %v, want none", text, err)
			}
			docs = append(docs, doc...)
			detections = append(detections, d)
		}
		set, problems := Compile(docs, Options{Placeholders: known})
		for _, p := range problems {
			if p.Severity == SeverityError {
				t.Fatalf("Compile: got %v, want no error", p)
			}
		}
		m, v := set.NewMatcher(), newView(set)
		for range rapid.IntRange(1, 12).Draw(t, "records") {
			record := drawRecord(t)
			fill(v, set, record)
			got := m.Match(v, nil)
			var want []int32
			for i, d := range detections {
				total++
				if (&naive{d, record, known}).matches() {
					matched++
					want = append(want, int32(i))
				}
			}
			if !slices.Equal(got, want) {
				text, _ := json.Marshal(record)
				rules, _ := json.Marshal(detections)
				t.Fatalf("record %s\nrules %s\ngot rules %v, want %v", text, rules, got, want)
			}
			for i := range detections {
				if got, want := set.Explain(i, v).Matched, slices.Contains(want, int32(i)); got != want {
					t.Fatalf("Explain(%d).Matched: got %v, want %v", i, got, want)
				}
			}
		}
	})
	t.Logf("%d of %d pairs of rule and record match", matched, total)
}
