package filterpattern

import (
	"regexp"
	"strconv"
	"strings"
)

// term is one word or phrase of an unstructured pattern.
type term struct {
	text     string
	regexp   *regexp.Regexp
	optional bool // ?term: one of these must be there
	excluded bool // -term: must not be there
}

func (p *parser) terms() ([]term, error) {
	var out []term
	for p.space(); !p.done(); p.space() {
		t := term{optional: p.take("?")}
		if !t.optional {
			t.excluded = p.take("-")
		}
		v, err := p.value(" \t\r\n")
		if err != nil {
			return nil, err
		}
		t.text, t.regexp = v.text, v.regexp
		out = append(out, t)
	}
	return out, nil
}

// matchTerms wants every plain term, no excluded one, and one of the optional ones.
// AWS ignores optional terms beside others ("Match terms in unstructured log
// events").
func (p *Pattern) matchTerms(event string) Truth {
	optional, others, any := 0, 0, false
	for _, t := range p.terms {
		found := strings.Contains(event, t.text)
		if t.regexp != nil {
			found = t.regexp.MatchString(event)
		}
		switch {
		case t.optional:
			optional++
			any = any || found
			continue
		case t.excluded == found:
			return False
		}
		others++
	}
	return truth(optional == 0 || others > 0 || any)
}

// field is one position of a space-delimited pattern.
type field struct {
	dots  bool // ...: any number of fields
	tests []comparison
	any   bool // tests are alternatives
}

type comparison struct {
	operator string
	value    value
}

// fields reads [a, b = 1, c != x* && c != y, ..., d], of which the bracket was taken.
func (p *parser) fields() ([]field, error) {
	out := []field{}
	for {
		if p.take("...") {
			out = append(out, field{dots: true})
		} else {
			f, err := p.field()
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
		switch {
		case p.take(","):
		case p.take("]"):
			return out, nil
		default:
			return nil, p.fail("want , or ]")
		}
	}
}

func (p *parser) field() (f field, err error) {
	for {
		p.space()
		start := p.at
		for !p.done() && (isWord(p.text[p.at]) || p.text[p.at] == '-' || p.text[p.at] == '.') {
			p.at++
		}
		if p.at == start {
			return f, p.fail("want the name of a field")
		}
		compared := false
		for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
			if p.take(operator) {
				v, err := p.value(" \t\r\n,]&|")
				if err != nil {
					return f, err
				}
				f.tests = append(f.tests, comparison{operator, v})
				compared = true
				break
			}
		}
		switch {
		case compared && p.take("&&"):
		case compared && p.take("||"):
			f.any = true
		default:
			return f, nil
		}
	}
}

// delimited matches the fields of an event: separated by spaces, held together by
// quotation marks or brackets.
func (p *Pattern) delimited(event string) Truth {
	words := split(event)
	dots := -1
	for i, f := range p.fields {
		if f.dots {
			dots = i
		}
	}
	if dots < 0 && len(words) != len(p.fields) || len(words) < len(p.fields)-1 {
		return False
	}
	for i, f := range p.fields {
		at := i
		if dots >= 0 && i > dots {
			at = len(words) - (len(p.fields) - i)
		}
		if !f.dots && !f.match(words[at]) {
			return False
		}
	}
	return True
}

func (f field) match(word string) bool {
	for _, c := range f.tests {
		ok := c.match(word)
		if ok == f.any {
			return ok
		}
	}
	return !f.any || len(f.tests) == 0
}

func (c comparison) match(word string) bool {
	n, err := strconv.ParseFloat(word, 64)
	number := err == nil && c.value.isNumber
	switch c.operator {
	case "=":
		return number && n == c.value.number || c.value.match(word)
	case "!=":
		return !(number && n == c.value.number || c.value.match(word))
	}
	return number && ordered(c.operator, n, c.value.number)
}

func split(event string) []string {
	var out []string
	for event = strings.TrimSpace(event); event != ""; event = strings.TrimLeft(event, " ") {
		end, skip := strings.IndexByte(event, ' '), 0
		if closing := strings.IndexByte(`"]`, map[byte]byte{'"': '"', '[': ']'}[event[0]]); closing >= 0 {
			if i := strings.IndexByte(event[1:], `"]`[closing]); i >= 0 {
				event, end, skip = event[1:], i, 1
			}
		}
		if end < 0 {
			end = len(event)
		}
		out = append(out, event[:end])
		event = event[min(end+skip, len(event)):]
	}
	return out
}
