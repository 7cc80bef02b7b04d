package filterpattern

import (
	"regexp"
	"strconv"
	"strings"
)

// selector names properties of a JSON event: $.userIdentity.type, $.list[0], $.a[*].b.
type selector []step

// step is a member by name, an element by index, or all of either.
type step struct {
	name  string
	index int // of a list; -1: not an index
	every bool
}

func (p *parser) selector() (selector, error) {
	p.space()
	if !strings.HasPrefix(p.rest(), "$") {
		return nil, p.fail("want a property such as $.eventName")
	}
	p.at++
	var out selector
	for !p.done() {
		switch p.text[p.at] {
		case '.':
			p.at++
			start := p.at
			for !p.done() && (isWord(p.text[p.at]) || strings.IndexByte("-*:/@", p.text[p.at]) >= 0) {
				p.at++
			}
			name := p.text[start:p.at]
			if name == "" {
				if !strings.HasPrefix(p.rest(), "[") {
					return nil, p.fail("want the name of a property")
				}
				continue // $.['a.b'] reads on in brackets
			}
			out = append(out, step{name: name, index: -1, every: name == "*"})
		case '[':
			s, err := p.bracket()
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		default:
			if len(out) == 0 {
				return nil, p.fail("want . or [ after $")
			}
			return out, nil
		}
	}
	return out, nil
}

// bracket reads [0], [*] or ['a name with any.character'].
func (p *parser) bracket() (step, error) {
	end := strings.IndexByte(p.rest(), ']')
	if end < 0 {
		return step{}, p.fail("want a closing ]")
	}
	inner := strings.TrimSpace(p.text[p.at+1 : p.at+end])
	quoted := len(inner) >= 2 && (inner[0] == '\'' || inner[0] == '"') && inner[len(inner)-1] == inner[0]
	n, err := strconv.Atoi(inner)
	switch {
	case inner == "*":
		p.at += end + 1
		return step{index: -1, every: true}, nil
	case quoted:
		p.at += end + 1
		return step{name: inner[1 : len(inner)-1], index: -1}, nil
	case err != nil || n < 0:
		return step{}, p.fail("want an index, * or a quoted name in brackets")
	}
	p.at += end + 1
	return step{index: n}, nil
}

// find lists the values that the selector names in an event.
func (s selector) find(event any) []any {
	found := []any{event}
	for _, st := range s {
		var next []any
		for _, v := range found {
			next = st.step(next, v)
		}
		found = next
	}
	return found
}

func (s step) step(out []any, v any) []any {
	switch v := v.(type) {
	case map[string]any:
		if s.every {
			for _, member := range v {
				out = append(out, member)
			}
		} else if member, ok := v[s.name]; ok && s.index < 0 {
			out = append(out, member)
		}
	case []any:
		if s.every {
			return append(out, v...)
		}
		if s.index >= 0 && s.index < len(v) {
			out = append(out, v[s.index])
		}
	}
	return out
}

// value is what a property is compared with: a number, a text in which * stands for
// any text, or a regular expression between percent signs.
type value struct {
	text     string
	number   float64
	isNumber bool
	regexp   *regexp.Regexp
}

// value reads up to one of the characters in stop.
func (p *parser) value(stop string) (value, error) {
	p.space()
	switch {
	case p.take(`"`):
		text, err := p.quoted()
		return value{text: text}, err
	case strings.HasPrefix(p.rest(), "%"):
		re, err := p.regexp()
		return value{regexp: re}, err
	}
	start := p.at
	for !p.done() && strings.IndexByte(stop, p.text[p.at]) < 0 {
		p.at++
	}
	text := p.text[start:p.at]
	if text == "" {
		return value{}, p.fail("want a value")
	}
	n, err := strconv.ParseFloat(text, 64)
	return value{text: text, number: n, isNumber: err == nil}, nil
}

// regexp reads %...%. AWS allows a part of the usual syntax, without groups; what it
// refuses is refused here.
func (p *parser) regexp() (*regexp.Regexp, error) {
	p.at++
	end := strings.IndexByte(p.rest(), '%')
	if end < 0 {
		return nil, p.fail("want a closing %")
	}
	text := p.text[p.at : p.at+end]
	for i, c := range []byte(text) {
		if !isWord(c) && strings.IndexByte(":_#=@/;,-^$?[]{}|\\*+. ", c) < 0 {
			p.at += i
			return nil, p.fail("AWS does not allow this character in a regular expression")
		}
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, p.fail("want a regular expression: " + err.Error())
	}
	p.at += end + 1
	return re, nil
}

// match compares with a text; case counts.
func (v value) match(text string) bool {
	if v.regexp != nil {
		return v.regexp.MatchString(text)
	}
	return wild(v.text, text)
}

// wild matches * as any text. Going back to the last star alone is enough.
func wild(pattern, text string) bool {
	star, back := -1, 0
	i, j := 0, 0
	for j < len(text) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, back = i, j
			i++
		case i < len(pattern) && pattern[i] == text[j]:
			i++
			j++
		case star >= 0:
			back++
			i, j = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
