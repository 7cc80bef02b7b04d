package detect

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/grant"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/sigma"
)

// settings is what stands under the custom key rootkeep of a detection.
type settings struct {
	AttackVersion string    `yaml:"attack_version"`
	Opens         string    `yaml:"opens"`
	Guide         string    `yaml:"guide"`
	Next          string    `yaml:"next"`
	Number        int       `yaml:"number"`
	Attempt       attempt   `yaml:"attempt"`
	Session       bool      `yaml:"session"`
	Watched       *watched  `yaml:"watched"`
	Judge         *judge    `yaml:"judge"`
	Escalate      *escalate `yaml:"escalate"`
	Needs         []string  `yaml:"needs"` // rules of a correlation, one of which has to be in its window

	tactic   int32    // number of the tactic in its pack
	asksMore bool     // a match needs its record for more than counts
	windows  bool     // a match is seen by correlations
	cases    ast.Node // decoded only to be run: half of a file is cases
}

// attempt says what a failed call is worth; in a correlation, a window in which
// every call failed.
type attempt string

const (
	attemptLower  attempt = "lower" // one level less; the default of rules
	attemptSame   attempt = "same"  // the default of correlations
	attemptIgnore attempt = "ignore"
)

// watched narrows a rule to resources of the inventory, or to resources outside it.
type watched struct {
	Field  string `yaml:"field"`
	Kind   string `yaml:"kind"`
	Unless bool   `yaml:"unless"`

	number int
}

// judge asks what a policy document in the record would allow.
type judge struct {
	Field string `yaml:"field"`
	By    string `yaml:"by"`

	number int
}

// escalate is a second threshold of a correlation: crossing it is a second
// state of the same alert.
type escalate struct {
	GTE   float64           `yaml:"gte"`
	Level rootkeep.Severity `yaml:"level"`
}

// readSettings decodes the custom key. SigmaHQ's rules have none.
func readSettings(h *sigma.Header) (settings, error) {
	var s settings
	if node, ok := h.Custom["rootkeep"]; ok {
		rest, cases := cutKey(node, "cases")
		if err := rule.Decode(h.File, rest, &s); err != nil {
			return s, InFile(h, err)
		}
		if err := s.check(h.File, node); err != nil {
			return s, InFile(h, err)
		}
		s.cases = cases
	}
	return s, nil
}

// fits refuses settings that the kind of document cannot use: silence would read
// as consent.
func (s *settings) fits(doc sigma.Document) error {
	var wrong string
	switch {
	case doc.Rule != nil && s.Escalate != nil:
		wrong = "escalate belongs to a correlation"
	case len(s.Needs) > 0 && !counts(doc.Correlation):
		wrong = "needs belongs to a value_count with gte: 1 or more"
	case slices.ContainsFunc(s.Needs, func(name string) bool { return !slices.Contains(doc.Correlation.Rules, name) }):
		wrong = "needs names a rule that is not among the rules of the correlation"
	case doc.Rule == nil && (s.Watched != nil || s.Judge != nil || s.Session):
		wrong = "watched, judge and session belong to the base rule"
	case doc.Rule == nil && s.Attempt == attemptIgnore:
		wrong = "attempt: ignore belongs to the base rule: a window counts what its rules match"
	default:
		return nil
	}
	h := header(doc)
	return &rule.Error{File: h.File, Line: h.Line, Column: 1, Msg: wrong}
}

// counts says that a correlation fires by many values, and by none not.
func counts(c *sigma.Correlation) bool {
	return c != nil && c.Type == sigma.ValueCount && c.Condition.GTE != nil && *c.Condition.GTE >= 1
}

// cutKey takes one entry out of a mapping; node itself stays as it is.
func cutKey(node ast.Node, key string) (rest, value ast.Node) {
	m, ok := node.(*ast.MappingNode)
	if !ok {
		return node, nil
	}
	short := *m
	short.Values = nil
	for _, entry := range m.Values {
		if entry.Key.String() == key {
			value = entry.Value
			continue
		}
		short.Values = append(short.Values, entry)
	}
	return &short, value
}

// InFile moves an error of a node of a detection down by the lines above the document of h: nodes count
// from the start of their document, not of the file.
func InFile(h *sigma.Header, err error) error {
	var decode *rule.Error
	if !errors.As(err, &decode) {
		return err
	}
	first := 0
	for tok := h.Custom["rootkeep"].GetToken(); tok != nil; tok = tok.Prev {
		if tok.Type != token.DocumentHeaderType && tok.Type != token.CommentType {
			first = tok.Position.Line
		}
	}
	moved := *decode
	moved.Line += h.Line - first
	return &moved
}

func (s *settings) check(file string, node ast.Node) error {
	fail := func(format string, args ...any) error {
		e := &rule.Error{File: file, Msg: fmt.Sprintf(format, args...)}
		if tok := node.GetToken(); tok != nil && tok.Position != nil {
			e.Line, e.Column = tok.Position.Line, tok.Position.Column
		}
		return e
	}
	switch s.Attempt {
	case "", attemptLower, attemptSame, attemptIgnore:
	default:
		return fail("attempt %q: want lower, same or ignore", s.Attempt)
	}
	if w := s.Watched; w != nil {
		if w.Field == "" || !inventory.Known(w.Kind) {
			return fail("watched: want field and kind (bucket, key, topic, trail, rule or log-group), got field %q and kind %q", w.Field, w.Kind)
		}
	}
	if j := s.Judge; j != nil {
		if !grant.Known(j.By) || j.Field == "" {
			return fail("judge: want field and by (admin-policy, broad-policy, external-trust, public-grant or open-admin-port), got field %q and by %q", j.Field, j.By)
		}
	}
	return nil
}
