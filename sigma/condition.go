package sigma

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// logic is what a node of a condition does with its operands.
type logic uint8

const (
	logicSearch logic = iota // a search identifier
	logicAnd
	logicOr
	logicNot
)

// condition is a parsed condition expression. 1 of and all of are resolved to
// or and and over the search identifiers that they name.
type condition struct {
	op       logic
	search   int // index of the search, of logicSearch
	operands []*condition
}

// Limits of one condition; the parser recurses.
const (
	maxConditionTokens = 1000
	maxConditionDepth  = 50
)

// conditions reads the key condition: one expression or a list of them.
func (r *reader) conditions(keys []entry, searches []search, section entry) []*condition {
	for _, k := range keys {
		if k.name != "condition" {
			continue
		}
		nodes := []ast.Node{k.value}
		if list, ok := k.value.(*ast.SequenceNode); ok {
			nodes = list.Values
			if len(nodes) == 0 {
				r.fail(k.value, "condition is an empty list")
			}
		}
		var out []*condition
		for _, n := range nodes {
			s, ok := scalarOf(n)
			if !ok || s.kind != textScalar {
				r.fail(n, "condition must be text, not %s", yamlType(n))
				continue
			}
			c, err := parseCondition(s.text, searches)
			if err != nil {
				r.fail(n, "condition %q: %v", s.text, err)
				continue
			}
			out = append(out, c)
		}
		return out
	}
	r.fail(section.key, "%s has no condition", section.name)
	return nil
}

// conditionParser is a recursive descent over the words of a condition:
//
//	or   = and { "or" and }
//	and  = not { "and" not }
//	not  = "not" not | "(" or ")" | quantified | search
type conditionParser struct {
	words    []string
	searches []search
	depth    int
}

func parseCondition(s string, searches []search) (*condition, error) {
	p := &conditionParser{words: conditionWords(s), searches: searches}
	if len(p.words) == 0 {
		return nil, errors.New("is empty")
	}
	if len(p.words) > maxConditionTokens {
		return nil, fmt.Errorf("more than %d words", maxConditionTokens)
	}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	if w := p.peek(); w != "" {
		if w == "|" {
			return nil, errors.New("aggregation after | is not Sigma 2; hint: write a correlation")
		}
		return nil, fmt.Errorf("unexpected %q", w)
	}
	return c, nil
}

func conditionWords(s string) []string {
	for _, mark := range []string{"(", ")", "|"} {
		s = strings.ReplaceAll(s, mark, " "+mark+" ")
	}
	return strings.Fields(s)
}

func (p *conditionParser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *conditionParser) next() string {
	w := p.peek()
	if w != "" {
		p.words = p.words[1:]
	}
	return w
}

func (p *conditionParser) or() (*condition, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxConditionDepth {
		return nil, fmt.Errorf("nests deeper than %d", maxConditionDepth)
	}
	return p.chain("or", logicOr, p.and)
}

func (p *conditionParser) and() (*condition, error) {
	return p.chain("and", logicAnd, p.not)
}

func (p *conditionParser) chain(word string, op logic, operand func() (*condition, error)) (*condition, error) {
	var all []*condition
	for {
		c, err := operand()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		if p.peek() != word {
			return join(op, all), nil
		}
		p.next()
	}
}

func (p *conditionParser) not() (*condition, error) {
	switch w := p.next(); w {
	case "not":
		p.depth++
		defer func() { p.depth-- }()
		if p.depth > maxConditionDepth {
			return nil, fmt.Errorf("nests deeper than %d", maxConditionDepth)
		}
		c, err := p.not()
		if err != nil {
			return nil, err
		}
		return &condition{op: logicNot, operands: []*condition{c}}, nil
	case "(":
		c, err := p.or()
		if err != nil {
			return nil, err
		}
		if got := p.next(); got != ")" {
			return nil, errors.New("a parenthesis is not closed")
		}
		return c, nil
	case "1", "any", "all":
		if p.peek() == "of" {
			p.next()
			return p.quantified(w)
		}
		return p.search(w)
	case "":
		return nil, errors.New("ends where a search identifier is expected")
	case ")", "|", "and", "or", "of":
		return nil, fmt.Errorf("unexpected %q where a search identifier is expected", w)
	default:
		return p.search(w)
	}
}

func (p *conditionParser) search(name string) (*condition, error) {
	if p.peek() == "of" {
		return nil, fmt.Errorf("%s of: only 1 of, any of and all of exist", name)
	}
	for i, s := range p.searches {
		if s.name == name {
			return &condition{search: i}, nil
		}
	}
	if strings.Contains(name, "*") {
		return nil, fmt.Errorf("%q is a pattern; hint: write 1 of %s or all of %s", name, name, name)
	}
	return nil, fmt.Errorf("search identifier %q is not defined", name)
}

// quantified reads the pattern after "1 of". The word them stands for every
// identifier that does not start with an underscore.
func (p *conditionParser) quantified(quantity string) (*condition, error) {
	name := p.next()
	if name == "" || name == "(" || name == ")" {
		return nil, fmt.Errorf("%s of: want them or a pattern", quantity)
	}
	var all []*condition
	for i, s := range p.searches {
		if name == "them" && !strings.HasPrefix(s.name, "_") || matchName(name, s.name) {
			all = append(all, &condition{search: i})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s of %s names no search identifier", quantity, name)
	}
	if quantity == "all" {
		return join(logicAnd, all), nil
	}
	return join(logicOr, all), nil
}

func join(op logic, operands []*condition) *condition {
	if len(operands) == 1 {
		return operands[0]
	}
	return &condition{op: op, operands: operands}
}

// matchName matches a name against a pattern with * only.
func matchName(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		part, next, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		_, after, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name, rest = after, next
	}
}
