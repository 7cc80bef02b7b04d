// Package filterpattern is the filter language of CloudWatch Logs metric filters: a
// pattern and a log event go in; whether the event matches comes out. The whole
// grammar is read: terms, optional and excluded terms, phrases, regular expressions,
// space-delimited fields in brackets, and JSON expressions in braces. Where AWS does
// not say what a comparison gives, the answer is Unknown.
//
// Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax for metric
// filters, subscription filters, filter log events, and Live Tail".
package filterpattern

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Truth is a three-valued answer.
type Truth int8

// The three values.
const (
	False Truth = iota
	Unknown
	True
)

// String is the word.
func (t Truth) String() string { return [...]string{"no", "unknown", "yes"}[t] }

// Not turns the answer about.
func (t Truth) Not() Truth { return True - t }

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// Pattern is a parsed pattern. The zero Pattern matches every event, as an empty one
// does.
type Pattern struct {
	expr   node    // JSON, or nil
	fields []field // space-delimited, or nil
	terms  []term
}

// maxPattern is AWS's quota on a pattern, characters (PutMetricFilter).
const maxPattern = 1024

// Error says what was expected at a byte of the pattern.
type Error struct {
	Offset int
	Want   string
}

// Error is offset and expectation.
func (e *Error) Error() string {
	return fmt.Sprintf("filter pattern, character %d: %s", e.Offset+1, e.Want)
}

// Parse reads a pattern. The error is an *Error.
func Parse(text string) (*Pattern, error) {
	if len(text) > maxPattern {
		return nil, &Error{maxPattern, "longer than 1,024 characters"}
	}
	p := parser{text: text}
	p.space()
	var out Pattern
	var err error
	switch {
	case p.done():
	case p.take("{"):
		if out.expr, err = p.or(0); err == nil && !p.take("}") {
			err = p.fail("want && or || or }")
		}
	case p.take("["):
		out.fields, err = p.fields()
	default:
		out.terms, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	if p.space(); !p.done() {
		return nil, p.fail("text after the end of the pattern")
	}
	return &out, nil
}

// Match says whether a log event matches. A JSON pattern does not match an event
// that is not JSON.
func (p *Pattern) Match(event []byte) Truth {
	var v any
	if p.expr != nil {
		d := json.NewDecoder(strings.NewReader(string(event)))
		d.UseNumber()
		if d.Decode(&v) != nil {
			return False
		}
	}
	return p.MatchValue(event, v)
}

// MatchValue is Match for an event whose JSON was decoded already, numbers as
// json.Number: many patterns meet the same event.
func (p *Pattern) MatchValue(event []byte, decoded any) Truth {
	switch {
	case p.expr != nil:
		return p.expr.eval(decoded)
	case p.fields != nil:
		return p.delimited(string(event))
	}
	return p.matchTerms(string(event))
}

// JSON says whether the pattern is a JSON expression.
func (p *Pattern) JSON() bool { return p.expr != nil }

// parser reads a pattern from left to right.
type parser struct {
	text string
	at   int
}

func (p *parser) fail(want string) error { return &Error{p.at, want} }
func (p *parser) done() bool             { return p.at >= len(p.text) }
func (p *parser) rest() string           { return p.text[p.at:] }

func (p *parser) space() {
	for !p.done() && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take passes over a token if it comes next.
func (p *parser) take(token string) bool {
	p.space()
	if !strings.HasPrefix(p.rest(), token) {
		return false
	}
	p.at += len(token)
	return true
}

// word passes over a key word of any case that ends there.
func (p *parser) word(w string) bool {
	p.space()
	rest := p.rest()
	if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) {
		return false
	}
	if len(rest) > len(w) && isWord(rest[len(w)]) {
		return false
	}
	p.at += len(w)
	return true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// quoted reads what stands in double quotation marks, of which the first was taken.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for ; !p.done(); p.at++ {
		switch c := p.text[p.at]; {
		case c == '\\' && p.at+1 < len(p.text):
			p.at++
			b.WriteByte(p.text[p.at])
		case c == '"':
			p.at++
			return b.String(), nil
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fail(`want a closing "`)
}
