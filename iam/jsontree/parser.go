package jsontree

import (
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

type parser struct {
	src    string
	at     int
	values int
	open   []Value // items of the objects and lists that are being read
}

// close takes the items read since the object or list began, in a list of their
// exact size.
func (p *parser) close(from int) []Value {
	kids := slices.Clone(p.open[from:])
	p.open = p.open[:from]
	return kids
}

func (p *parser) fail(want string) error { return &Error{p.at, want} }

func (p *parser) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.at < len(p.src) {
		return p.src[p.at]
	}
	return 0
}

// value gives the value itself, not a place for it: that would be on the heap.
func (p *parser) value(depth int) (v Value, err error) {
	if p.values++; p.values > MaxValues {
		return v, p.fail("more than 1048576 values in one document")
	}
	v.Start = int32(p.at)
	switch c := p.peek(); {
	case p.at >= len(p.src):
		return v, p.fail("document ends early, want a value")
	case c == '{' || c == '[':
		if depth >= MaxDepth {
			return v, p.fail("nested more than 100 levels deep")
		}
		if c == '{' {
			v.Kind = Object
			v.Kids, err = p.object(depth)
		} else {
			v.Kind = List
			v.Kids, err = p.list(depth)
		}
	case c == '"':
		v.Kind = String
		v.Text, err = p.text()
	case c == '-' || c >= '0' && c <= '9':
		v.Kind, err = Number, p.number()
		v.Text = p.src[v.Start:p.at]
	default:
		v.Kind, v.Text, err = p.word()
	}
	v.End = int32(p.at)
	return v, err
}

func (p *parser) word() (Kind, string, error) {
	for _, w := range []struct {
		text string
		kind Kind
	}{{"true", Bool}, {"false", Bool}, {"null", Null}} {
		if end := p.at + len(w.text); end <= len(p.src) && p.src[p.at:end] == w.text {
			p.at = end
			return w.kind, w.text, nil
		}
	}
	return Null, "", p.fail("want a value")
}

func (p *parser) object(depth int) ([]Value, error) {
	p.at++
	p.space()
	if p.peek() == '}' {
		p.at++
		return nil, nil
	}
	from := len(p.open)
	for {
		p.space()
		if p.peek() != '"' {
			return nil, p.fail(`want a key in double quotes`)
		}
		start := int32(p.at)
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		span := Span{start, int32(p.at)}
		p.space()
		if p.peek() != ':' {
			return nil, p.fail(`want ":" after a key`)
		}
		p.at++
		p.space()
		kid, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		kid.Key, kid.KeySpan = key, span
		p.open = append(p.open, kid)
		if more, err := p.next('}'); !more || err != nil {
			return p.close(from), err
		}
	}
}

func (p *parser) list(depth int) ([]Value, error) {
	p.at++
	p.space()
	if p.peek() == ']' {
		p.at++
		return nil, nil
	}
	from := len(p.open)
	for {
		p.space()
		kid, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		p.open = append(p.open, kid)
		if more, err := p.next(']'); !more || err != nil {
			return p.close(from), err
		}
	}
}

// next passes over a comma, or over the end of the object or list.
func (p *parser) next(end byte) (more bool, err error) {
	p.space()
	switch p.peek() {
	case ',':
		p.at++
		return true, nil
	case end:
		p.at++
		return false, nil
	}
	return false, p.fail(`want "," or "` + string(end) + `"`)
}

func (p *parser) digits() bool {
	from := p.at
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	return p.at > from
}

func (p *parser) number() error {
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else if !p.digits() {
		return p.fail("want a digit")
	}
	if p.peek() == '.' {
		p.at++
		if !p.digits() {
			return p.fail("want a digit after the decimal point")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if !p.digits() {
			return p.fail("want a digit in the exponent")
		}
	}
	return nil
}

// text reads a string that starts at the current quote.
func (p *parser) text() (string, error) {
	p.at++
	from := p.at
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case c == '"':
			s := p.src[from:p.at]
			if !utf8.ValidString(s) {
				p.at = from
				return "", p.fail("text that is not UTF-8")
			}
			p.at++
			return s, nil
		case c == '\\':
			return p.escaped(from)
		case c < 0x20:
			return "", p.fail("control character in a string, want an escape")
		}
		p.at++
	}
	return "", p.fail("document ends inside a string")
}

// escaped goes on where text met the first backslash.
func (p *parser) escaped(from int) (string, error) {
	out := append([]byte(nil), p.src[from:p.at]...)
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case c == '"':
			if !utf8.Valid(out) {
				p.at = from
				return "", p.fail("text that is not UTF-8")
			}
			p.at++
			return string(out), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		case c < 0x20:
			return "", p.fail("control character in a string, want an escape")
		default:
			out = append(out, c)
			p.at++
		}
	}
	return "", p.fail("document ends inside a string")
}

func (p *parser) escape() (rune, error) {
	p.at++
	c := p.peek()
	switch c {
	case '"', '\\', '/':
		p.at++
		return rune(c), nil
	case 'b', 'f', 'n', 'r', 't':
		p.at++
		return map[byte]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[c], nil
	case 'u':
		r, err := p.hex()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if p.peek() == '\\' && p.at+1 < len(p.src) && p.src[p.at+1] == 'u' {
			p.at++
			low, err := p.hex()
			if err != nil {
				return 0, err
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, nil
			}
		}
		return 0, p.fail("half of a surrogate pair")
	}
	return 0, p.fail("unknown escape")
}

// hex reads uXXXX.
func (p *parser) hex() (rune, error) {
	if p.at+5 > len(p.src) {
		return 0, p.fail("want four hexadecimal digits")
	}
	var r rune
	for _, c := range p.src[p.at+1 : p.at+5] {
		r <<= 4
		switch {
		case c >= '0' && c <= '9':
			r |= rune(c - '0')
		case c >= 'a' && c <= 'f':
			r |= rune(c-'a') + 10
		case c >= 'A' && c <= 'F':
			r |= rune(c-'A') + 10
		default:
			return 0, p.fail("want four hexadecimal digits")
		}
	}
	p.at += 5
	return r, nil
}
