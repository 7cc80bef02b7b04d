package filterpattern

import (
	"encoding/json"
	"strconv"
	"strings"
)

// node is a part of a JSON expression.
type node interface{ eval(event any) Truth }

type (
	all  []node
	some []node
	// test compares what a selector finds.
	test struct {
		selector selector
		operator string // = != < > <= >=
		value    value
	}
	// state asks about a selector: NOT EXISTS, IS NULL, IS TRUE, IS FALSE.
	state struct {
		selector selector
		want     string
	}
)

func (n all) eval(event any) Truth {
	out := True
	for _, kid := range n {
		out = min(out, kid.eval(event))
	}
	return out
}

func (n some) eval(event any) Truth {
	out := False
	for _, kid := range n {
		out = max(out, kid.eval(event))
	}
	return out
}

// maxNesting bounds parentheses.
const maxNesting = 100

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
		if out = append(out, n); !p.take("||") {
			break
		}
	}
	if len(out) == 1 {
		return out[0], nil
	}
	return out, nil
}

func (p *parser) and(depth int) (node, error) {
	var out all
	for {
		n, err := p.operand(depth)
		if err != nil {
			return nil, err
		}
		if out = append(out, n); !p.take("&&") {
			break
		}
	}
	if len(out) == 1 {
		return out[0], nil
	}
	return out, nil
}

func (p *parser) operand(depth int) (node, error) {
	if p.take("(") {
		n, err := p.or(depth + 1)
		if err == nil && !p.take(")") {
			err = p.fail("want )")
		}
		return n, err
	}
	s, err := p.selector()
	if err != nil {
		return nil, err
	}
	switch {
	case p.word("NOT"):
		if !p.word("EXISTS") {
			return nil, p.fail("want EXISTS")
		}
		return state{s, "NOT EXISTS"}, nil
	case p.word("IS"):
		for _, want := range []string{"NULL", "TRUE", "FALSE"} {
			if p.word(want) {
				return state{s, want}, nil
			}
		}
		return nil, p.fail("want NULL, TRUE or FALSE")
	}
	for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.take(operator) {
			v, err := p.value(" \t\r\n)}&|")
			if err == nil && operator[0] != '=' && operator != "!=" && !v.isNumber {
				err = p.fail(operator + " compares numbers")
			}
			return test{s, operator, v}, err
		}
	}
	return nil, p.fail("want =, !=, <, >, <=, >=, IS or NOT EXISTS")
}

// eval judges NOT EXISTS and IS.
func (s state) eval(event any) Truth {
	found := s.selector.find(event)
	if s.want == "NOT EXISTS" {
		return truth(len(found) == 0)
	}
	want := map[string]any{"NULL": nil, "TRUE": true, "FALSE": false}[s.want]
	for _, v := range found {
		if v == want {
			return True
		}
	}
	return False
}

// eval compares. AWS does not say whether != holds for a property that is not there;
// every other comparison with nothing is false.
func (t test) eval(event any) Truth {
	found := t.selector.find(event)
	if len(found) == 0 && t.operator == "!=" {
		return Unknown
	}
	out := False
	for _, v := range found {
		out = max(out, t.compare(v))
	}
	return out
}

func (t test) compare(v any) Truth {
	var text string
	number, isNumber := 0.0, false
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
		n, err := v.Float64()
		number, isNumber = n, err == nil
	case bool:
		text = strconv.FormatBool(v)
	default:
		// Null, an object or a list: equal to no text.
		return truth(t.operator == "!=")
	}
	if t.operator == "=" || t.operator == "!=" {
		equal := truth(t.value.match(text))
		if t.value.isNumber && isNumber {
			equal = truth(number == t.value.number)
		}
		if t.operator == "!=" {
			return equal.Not()
		}
		return equal
	}
	if !isNumber {
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return False
		}
		number = n
	}
	return truth(ordered(t.operator, number, t.value.number))
}

func ordered(operator string, a, b float64) bool {
	switch operator {
	case "<":
		return a < b
	case ">":
		return a > b
	case "<=":
		return a <= b
	}
	return a >= b
}
