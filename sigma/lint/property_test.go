package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/lint"
)

// The fields and values that random rules and all records are made of.
var (
	fields = []string{"errorCode", "userAgent", "requestParameters.x"}
	values = []string{"a", "ab", "b", "A", "abc"}
)

// TestVerdictsOnAConditionHoldOnEveryRecord tries random rules on all records of
// a small world: a rule that the linter calls dead matches none of them, one
// that it calls trivial matches all.
func TestVerdictsOnAConditionHoldOnEveryRecord(t *testing.T) {
	api, err := lint.ReadAPI(someNames)
	if err != nil {
		t.Fatal(err)
	}
	lot.Check(t, func(t *rapid.T) {
		text := randomRule(t)
		docs, err := sigma.Parse("f.yml", []byte(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		set, _ := sigma.Compile(docs, sigma.Options{})
		matched, records := 0, allRecords(set)
		m := set.NewMatcher()
		for _, v := range records {
			matched += len(m.Match(v, nil))
		}
		for _, f := range lint.Lint(set, api) {
			switch {
			case f.Check == "never-matches" && matched > 0:
				t.Fatalf("%s, but %d of %d records match\n%s", f.Msg, matched, len(records), text)
			case f.Check == "always-matches" && matched < len(records):
				t.Fatalf("%s, but %d of %d records match\n%s", f.Msg, matched, len(records), text)
			}
		}
	})
}

func randomRule(t *rapid.T) string {
	var b strings.Builder
	b.WriteString("title: T\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n")
	for _, name := range []string{"s1", "s2", "s3"} {
		fmt.Fprintf(&b, "  %s:\n", name)
		seen := map[string]bool{}
		for range rapid.IntRange(1, 2).Draw(t, "items") {
			key, val := randomItem(t)
			if !seen[key] {
				fmt.Fprintf(&b, "    %s: %s\n", key, val)
			}
			seen[key] = true
		}
	}
	fmt.Fprintf(&b, "  condition: %s\n", rapid.SampledFrom([]string{
		"s1 and s2", "s1 and not s2", "s1 or not s2", "not s1 and not s2 and s3", "1 of s* and not all of s*",
		"not (s1 or s2)", "s1 and (s2 or not s3)", "not (s1 and s2) or s3", "all of s*", "not s1",
	}).Draw(t, "condition"))
	return b.String()
}

func randomItem(t *rapid.T) (key, val string) {
	key = rapid.SampledFrom(fields).Draw(t, "field")
	one := rapid.SampledFrom([]string{"a", "ab", "b", "A", "'*'", "'a*'", "'*b'", "'*b*'", "''"})
	switch mod := rapid.SampledFrom([]string{"", "", "|startswith", "|endswith", "|contains", "|neq", "|cased", "|contains|all", "|all", "|exists", "null"}).Draw(t, "modifier"); mod {
	case "|exists":
		return key + mod, rapid.SampledFrom([]string{"true", "false"}).Draw(t, "exists")
	case "null":
		return key, rapid.SampledFrom([]string{"null", "[null, a]"}).Draw(t, "null")
	case "|all", "|contains|all":
		return key + mod, "[" + one.Draw(t, "value") + ", " + one.Draw(t, "value") + "]"
	default:
		if rapid.Bool().Draw(t, "list") {
			return key + mod, "[" + one.Draw(t, "value") + ", " + one.Draw(t, "value") + "]"
		}
		return key + mod, one.Draw(t, "value")
	}
}

// allRecords are all combinations of one value or none for each field, and of
// two values for the one that may be a list.
func allRecords(set *sigma.Set) []*rootkeep.View {
	options := [][]rootkeep.Value{nil, {{Kind: rootkeep.Null}}, {{Kind: rootkeep.String}}}
	for _, v := range values {
		options = append(options, []rootkeep.Value{{Kind: rootkeep.String, Text: []byte(v)}})
	}
	lists := append(options[:len(options):len(options)], []rootkeep.Value{options[3][0], options[5][0]}, []rootkeep.Value{options[1][0], options[4][0]})
	var out []*rootkeep.View
	for _, code := range options {
		for _, agent := range options {
			for _, x := range lists {
				v := rootkeep.NewView(len(set.Fields()), 0)
				for i, vals := range [][]rootkeep.Value{code, agent, x} {
					if n, ok := set.FieldNumber(fields[i]); ok {
						for _, val := range vals {
							v.Add(n, val)
						}
					}
				}
				out = append(out, v)
			}
		}
	}
	return out
}
