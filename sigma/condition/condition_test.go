package condition

import (
	"fmt"
	"strings"
	"testing"
)

var names = []string{"selection", "selection_a", "filter", "_hidden"}

// render writes an expression with all its parentheses.
func render(e *Expr) string {
	if e.Op == Search {
		return names[e.Search]
	}
	var parts []string
	for _, o := range e.Operands {
		parts = append(parts, render(o))
	}
	switch e.Op {
	case Not:
		return "!" + parts[0]
	case And:
		return "(" + strings.Join(parts, " & ") + ")"
	}
	return "(" + strings.Join(parts, " | ") + ")"
}

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"a search", "selection", "selection"},
		{"and", "selection and filter", "(selection & filter)"},
		{"and binds closer than or", "selection or selection_a and filter", "(selection | (selection_a & filter))"},
		{"not binds closest", "not selection and not filter", "(!selection & !filter)"},
		{"parentheses without blanks", "not(selection or filter)and selection_a", "(!(selection | filter) & selection_a)"},
		{"not twice", "not not filter", "!!filter"},
		{"1 of a pattern", "1 of selection*", "(selection | selection_a)"},
		{"any of is 1 of", "any of selection*", "(selection | selection_a)"},
		{"all of a pattern", "all of selection*", "(selection & selection_a)"},
		{"a pattern with * inside", "1 of s*_a", "selection_a"},
		{"a pattern that is a name", "all of filter", "filter"},
		{"them spares names with an underscore", "all of them", "(selection & selection_a & filter)"},
		{"* does not", "1 of *", "(selection | selection_a | filter | _hidden)"},
		{"not before a quantifier", "selection and not 1 of filter*", "(selection & !filter)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := Parse(tt.in, names)
			if err != nil {
				t.Fatalf("Parse(%q): got error %v, want none", tt.in, err)
			}
			if got := render(e); got != tt.want {
				t.Errorf("Parse(%q): got %s, want %s", tt.in, got, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"nothing", " ", "is empty"},
		{"an open parenthesis", "(selection", "a parenthesis is not closed"},
		{"a closing parenthesis", "selection)", `unexpected ")"`},
		{"an operator at the end", "selection and", "ends where a search identifier is expected"},
		{"two operators", "selection and or filter", `unexpected "or"`},
		{"two searches", "selection filter", `unexpected "filter"`},
		{"an unknown search", "selected", `"selected" is not defined`},
		{"a pattern alone", "selection*", "hint: write 1 of selection* or all of selection*"},
		{"another number", "2 of selection*", "only 1 of, any of and all of exist"},
		{"a quantifier without a pattern", "1 of", "want them or a pattern"},
		{"a pattern without a match", "1 of x*", "names no search identifier"},
		{"an aggregation", "selection | count() > 5", "write a correlation"},
		{"many parentheses", strings.Repeat("(", 60) + "selection", "nests deeper than 50"},
		{"many negations", strings.Repeat("not ", 60) + "selection", "nests deeper than 50"},
		{"many words", strings.Repeat("selection or ", 600) + "filter", "more than 1000 words"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(tt.in, names)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse(%.50q): got error %v, want %q", tt.in, err, tt.want)
			}
		})
	}
}

// FuzzParse: what is accepted reads the same when it is written out in full.
func FuzzParse(f *testing.F) {
	f.Add("selection and not 1 of filter*")
	f.Add("not(all of them)or _hidden")
	spell := strings.NewReplacer("&", "and", "|", "or", "!", "not ")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s, names)
		if err != nil {
			return
		}
		written := render(e)
		again, err := Parse(spell.Replace(written), names)
		if err != nil {
			if strings.Contains(err.Error(), "than") { // a limit
				return
			}
			t.Fatalf("Parse(%q) again: got error %v, want none", written, err)
		}
		if got := fmt.Sprint(render(again)); got != written {
			t.Errorf("Parse(%q) again: got %s, want %s", s, got, written)
		}
	})
}
