package logquery

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// parser reads a query from left to right.
type parser struct {
	text string
	at   int
}

func (p *parser) fail(want string) error {
	return fmt.Errorf("log query, character %d: %s", p.at+1, want)
}
func (p *parser) done() bool   { return p.at >= len(p.text) }
func (p *parser) rest() string { return p.text[p.at:] }

// space passes over blanks and comments, which go from # to the end of a line.
func (p *parser) space() {
	for !p.done() {
		switch {
		case strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0:
			p.at++
		case p.text[p.at] == '#':
			end := strings.IndexByte(p.rest(), '\n')
			if end < 0 {
				end = len(p.rest())
			}
			p.at += end
		default:
			return
		}
	}
}

func (p *parser) take(token string) bool {
	p.space()
	if !strings.HasPrefix(p.rest(), token) {
		return false
	}
	p.at += len(token)
	return true
}

func isName(c byte) bool {
	return c == '_' || c == '.' || c == '@' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// word reads a name, "" if none comes next.
func (p *parser) word() string {
	p.space()
	start := p.at
	for !p.done() && isName(p.text[p.at]) {
		p.at++
	}
	return p.text[start:p.at]
}

// keyword passes over a word of any case.
func (p *parser) keyword(w string) bool {
	start := p.at
	if strings.EqualFold(p.word(), w) {
		return true
	}
	p.at = start
	return false
}

// skip passes over the rest of a command.
func (p *parser) skip() string {
	end := strings.IndexByte(p.rest(), '|')
	if end < 0 {
		end = len(p.rest())
	}
	out := p.rest()[:end]
	p.at += end
	return out
}

func (p *parser) or(depth int) (node, error) {
	if depth > maxNesting {
		return nil, p.fail("more than 100 parentheses within each other")
	}
	var out some
	for {
		n, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		if out = append(out, n); !p.keyword("or") {
			return out, nil
		}
	}
}

func (p *parser) and(depth int) (node, error) {
	var out all
	for {
		n, err := p.operand(depth)
		if err != nil {
			return nil, err
		}
		if out = append(out, n); !p.keyword("and") {
			return out, nil
		}
	}
}

func (p *parser) operand(depth int) (node, error) {
	if depth > maxNesting {
		return nil, p.fail("more than 100 negations within each other")
	}
	if p.keyword("not") {
		n, err := p.operand(depth + 1)
		return not{n}, err
	}
	if p.take("(") {
		n, err := p.or(depth + 1)
		if err == nil && !p.take(")") {
			err = p.fail("want )")
		}
		return n, err
	}
	name, err := p.field()
	if err != nil {
		return nil, err
	}
	if !p.take("(") {
		return p.comparison(name)
	}
	if !strings.EqualFold(name, "ispresent") {
		return nil, p.fail("the function " + name + " is not computed")
	}
	of, err := p.field()
	if err == nil && !p.take(")") {
		err = p.fail("want )")
	}
	return present(of), err
}

// field reads the name of a field; `...` holds names with other characters.
func (p *parser) field() (string, error) {
	if p.take("`") {
		end := strings.IndexByte(p.rest(), '`')
		if end < 0 {
			return "", p.fail("want a closing `")
		}
		name := p.rest()[:end]
		p.at += end + 1
		return name, nil
	}
	name := p.word()
	if name == "" {
		return "", p.fail("want the name of a field")
	}
	return name, nil
}

func (p *parser) comparison(field string) (node, error) {
	negated := p.keyword("not")
	c := comparison{field: field}
	var err error
	switch {
	case p.keyword("like"):
		c.operator = "like"
		err = p.likened(&c)
	case p.take("=~"):
		c.operator = "like"
		err = p.likened(&c)
	case p.keyword("in"):
		c.operator = "in"
		err = p.list(&c)
	case negated:
		return nil, p.fail("want like or in")
	default:
		for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
			if p.take(operator) {
				c.operator = operator
				break
			}
		}
		if c.operator == "" {
			return nil, p.fail("want a comparison")
		}
		var v value
		v, err = p.value()
		c.values = []value{v}
	}
	if err != nil {
		return nil, err
	}
	if c.operator == "!=" {
		c.operator = "="
		negated = true
	}
	if negated {
		return not{c}, nil
	}
	return c, nil
}

// likened reads a text that has to be in the field, or a regular expression.
func (p *parser) likened(c *comparison) error {
	if !p.take("/") {
		v, err := p.value()
		c.values = []value{v}
		return err
	}
	start := p.at
	for !p.done() && p.text[p.at] != '/' {
		if p.text[p.at] == '\\' {
			p.at++
		}
		p.at++
	}
	if p.done() {
		return p.fail("want a closing /")
	}
	re, err := regexp.Compile(p.text[start:p.at])
	if err != nil {
		return p.fail("want a regular expression: " + err.Error())
	}
	c.regexp = re
	p.at++
	return nil
}

func (p *parser) list(c *comparison) error {
	if !p.take("[") {
		return p.fail("want [")
	}
	for {
		v, err := p.value()
		if err != nil {
			return err
		}
		c.values = append(c.values, v)
		if p.take("]") {
			return nil
		}
		if !p.take(",") {
			return p.fail("want , or ]")
		}
	}
}

// value reads a text in quotation marks of either kind, or a number.
func (p *parser) value() (value, error) {
	p.space()
	for _, mark := range []string{`"`, `'`} {
		if !p.take(mark) {
			continue
		}
		var b strings.Builder
		for ; !p.done(); p.at++ {
			switch c := p.text[p.at]; {
			case c == '\\' && p.at+1 < len(p.text):
				p.at++
				b.WriteByte(p.text[p.at])
			case c == mark[0]:
				p.at++
				return value{text: b.String()}, nil
			default:
				b.WriteByte(c)
			}
		}
		return value{}, p.fail("want a closing " + mark)
	}
	start := p.at
	p.take("-")
	p.word()
	n, err := strconv.ParseFloat(p.text[start:p.at], 64)
	if err != nil {
		p.at = start
		return value{}, p.fail("want a text in quotation marks or a number")
	}
	return value{text: p.text[start:p.at], number: n, isNumber: true}, nil
}
