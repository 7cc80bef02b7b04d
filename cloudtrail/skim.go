package cloudtrail

import "io"

// skimmer finds the end of a JSON value of any size, stretch by stretch, without
// keeping or checking it. The zero value stands before a value.
type skimmer struct {
	depth   int
	quoted  bool // in a string
	escaped bool // after a backslash
	scalar  bool // in a number or word at depth 0
}

// skim reads on in b. It returns how many bytes belong to the value, and whether
// it ended with them.
func (t *skimmer) skim(b []byte) (int, bool) {
	for i, c := range b {
		switch {
		case t.escaped:
			t.escaped = false
		case t.quoted:
			t.escaped = c == '\\'
			if t.quoted = c != '"'; !t.quoted && t.depth == 0 {
				return i + 1, true
			}
		case c == '"' && !t.scalar:
			t.quoted = true
		case (c == '{' || c == '[') && !t.scalar:
			t.depth++
		case t.depth > 0:
			if c != '}' && c != ']' {
				continue
			}
			if t.depth--; t.depth == 0 {
				return i + 1, true
			}
		case c <= ' ' || c == ',' || c == '}' || c == ']':
			return i, true
		default:
			t.scalar = true
		}
	}
	return len(b), false
}

// skipValue moves behind the value at the window's position.
func (p *parser) skipValue() error { return p.skim(&skimmer{}) }

// skim is skipValue from the middle of a value.
func (p *parser) skim(t *skimmer) error {
	w := p.w
	for {
		n, done := t.skim(w.buf[w.pos:w.end])
		w.pos += n
		if done {
			return nil
		}
		err := p.moreAtAnyCost()
		if err == io.EOF && t.scalar {
			return nil
		}
		if err != nil {
			return p.cut(err, "the rest of a value")
		}
	}
}
