package sigma

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma/value"
)

// Explanation says why a rule matched a record, or why not.
type Explanation struct {
	Rule       string            `json:"rule"` // title
	Matched    bool              `json:"matched"`
	Selections []SelectionResult `json:"selections"` // of the rule, then of filters
}

// SelectionResult is one search identifier.
type SelectionResult struct {
	Name    string `json:"name"` // "filter title: name" when a filter brought it
	Matched bool   `json:"matched"`
	// Alternatives are or-ed; the items of each are and-ed.
	Alternatives [][]ItemResult `json:"alternatives"`
}

// ItemResult is one condition on a field.
type ItemResult struct {
	Key     string   `json:"key"`  // field and modifiers as written
	Want    []string `json:"want"` // values of the rule, null as "null"
	Got     []string `json:"got"`  // values of the record, at most 4, cut at 200 bytes
	Matched bool     `json:"matched"`
	// Undecided: a placeholder has no values, so the item is not evaluated.
	Undecided bool `json:"undecided,omitempty"`
}

// Bounds of what an explanation quotes from a record.
const (
	maxGot     = 4
	maxGotText = 200
)

// Explain evaluates every item of a rule. It is slow and meant for people.
func (s *Set) Explain(rule int, v *rootkeep.View) Explanation {
	m := s.NewMatcher()
	m.begin(v)
	p := s.programs[rule]
	e := Explanation{Rule: s.rules[rule].Title, Matched: m.holds(p.root)}
	for _, search := range p.searches {
		r := SelectionResult{Name: search.name}
		for _, alt := range search.alternatives {
			all := true
			var items []ItemResult
			for _, it := range alt {
				item := m.explainItem(it)
				all = all && item.Matched
				items = append(items, item)
			}
			r.Alternatives = append(r.Alternatives, items)
			r.Matched = r.Matched || all
		}
		e.Selections = append(e.Selections, r)
	}
	return e
}

func (m *Matcher) explainItem(it boundItem) ItemResult {
	r := ItemResult{Key: it.item.key, Undecided: it.pred < 0}
	for _, v := range it.item.values {
		if v.Kind == value.NullScalar {
			v.Text = "null"
		}
		r.Want = append(r.Want, v.Text)
	}
	for i, v := range m.each(m.set.numbers[it.item.field]) {
		if i == maxGot {
			break
		}
		text := string(v.Text)
		if v.Kind == rootkeep.Null {
			text = "null"
		}
		if len(text) > maxGotText {
			text = strings.ToValidUTF8(text[:maxGotText], "") + "..."
		}
		r.Got = append(r.Got, text)
	}
	if !r.Undecided {
		r.Matched = m.ask(it.pred)
	}
	return r
}

// String is a few lines of text, one per item.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", e.Rule, verdict(e.Matched))
	for _, s := range e.Selections {
		fmt.Fprintf(&b, "  %s: %s\n", s.Name, verdict(s.Matched))
		for i, alt := range s.Alternatives {
			if i > 0 {
				b.WriteString("    or\n")
			}
			for _, it := range alt {
				fmt.Fprintf(&b, "    %s %s: %s, record has %s\n", it.Key, quoted(it.Want), it.verdict(), got(it.Got))
			}
		}
	}
	return b.String()
}

func (it ItemResult) verdict() string {
	if it.Undecided {
		return "undecided, its placeholder has no values"
	}
	return verdict(it.Matched)
}

func verdict(matched bool) string {
	if matched {
		return "matches"
	}
	return "does not match"
}

func got(values []string) string {
	if len(values) == 0 {
		return "no value"
	}
	return quoted(values)
}

func quoted(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprintf("%q", v)
	}
	return strings.Join(out, ", ")
}
