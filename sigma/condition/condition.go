// Package condition reads the condition of a Sigma rule: search identifiers
// joined by and, or, not, parentheses and the quantifiers 1 of and all of (Sigma
// Rules Specification, "Condition").
package condition

import (
	"errors"
	"fmt"
	"strings"
)

// Op is what a node of a condition does with its operands.
type Op uint8

// The nodes.
const (
	Search Op = iota // a search identifier
	And
	Or
	Not
)

// Expr is a parsed condition. The quantifiers are resolved to Or and And over
// the search identifiers that they name.
type Expr struct {
	Op       Op
	Search   int // index of the search, of Search, among the names given to Parse
	Operands []*Expr
}

// Limits of one condition; the parser recurses.
const (
	maxTokens = 1000
	maxDepth  = 50
)

// parser is a recursive descent over the words of a condition:
//
//	or   = and { "or" and }
//	and  = not { "and" not }
//	not  = "not" not | "(" or ")" | quantified | search
type parser struct {
	words    []string
	searches []string
	depth    int
}

// Parse reads a condition over the named search identifiers.
func Parse(s string, searches []string) (*Expr, error) {
	p := &parser{words: split(s), searches: searches}
	if len(p.words) == 0 {
		return nil, errors.New("is empty")
	}
	if len(p.words) > maxTokens {
		return nil, fmt.Errorf("more than %d words", maxTokens)
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

func split(s string) []string {
	for _, mark := range []string{"(", ")", "|"} {
		s = strings.ReplaceAll(s, mark, " "+mark+" ")
	}
	return strings.Fields(s)
}

func (p *parser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *parser) next() string {
	w := p.peek()
	if w != "" {
		p.words = p.words[1:]
	}
	return w
}

func (p *parser) or() (*Expr, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, fmt.Errorf("nests deeper than %d", maxDepth)
	}
	return p.chain("or", Or, p.and)
}

func (p *parser) and() (*Expr, error) {
	return p.chain("and", And, p.not)
}

func (p *parser) chain(word string, op Op, operand func() (*Expr, error)) (*Expr, error) {
	var all []*Expr
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

func (p *parser) not() (*Expr, error) {
	switch w := p.next(); w {
	case "not":
		p.depth++
		defer func() { p.depth-- }()
		if p.depth > maxDepth {
			return nil, fmt.Errorf("nests deeper than %d", maxDepth)
		}
		c, err := p.not()
		if err != nil {
			return nil, err
		}
		return &Expr{Op: Not, Operands: []*Expr{c}}, nil
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

func (p *parser) search(name string) (*Expr, error) {
	if p.peek() == "of" {
		return nil, fmt.Errorf("%s of: only 1 of, any of and all of exist", name)
	}
	for i, s := range p.searches {
		if s == name {
			return &Expr{Search: i}, nil
		}
	}
	if strings.Contains(name, "*") {
		return nil, fmt.Errorf("%q is a pattern; hint: write 1 of %s or all of %s", name, name, name)
	}
	return nil, fmt.Errorf("search identifier %q is not defined", name)
}

// quantified reads the pattern after "1 of". The word them stands for every
// identifier that does not start with an underscore.
func (p *parser) quantified(quantity string) (*Expr, error) {
	name := p.next()
	if name == "" || name == "(" || name == ")" {
		return nil, fmt.Errorf("%s of: want them or a pattern", quantity)
	}
	var all []*Expr
	for i, s := range p.searches {
		if name == "them" && !strings.HasPrefix(s, "_") || matchName(name, s) {
			all = append(all, &Expr{Search: i})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s of %s names no search identifier", quantity, name)
	}
	if quantity == "all" {
		return join(And, all), nil
	}
	return join(Or, all), nil
}

func join(op Op, operands []*Expr) *Expr {
	if len(operands) == 1 {
		return operands[0]
	}
	return &Expr{Op: op, Operands: operands}
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
