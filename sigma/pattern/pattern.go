// Package pattern compiles the strings of Sigma rules: text with the wildcards
// * and ?, escaped by backslashes, that a whole field value has to match (Sigma
// Rules Specification, "String Wildcard" and "Escaping").
//
// The text of a rule goes through Parse, then any of the encodings and anchors,
// then Compile. What comes out matches values that the caller has folded.
package pattern

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"
)

// Wildcard is a part of a Text that stands for more than itself.
type Wildcard uint8

// The wildcards; None marks a literal part.
const (
	None    Wildcard = iota
	AnyRun           // *: any number of characters
	AnyChar          // ?: exactly one character
)

// Part is a literal or a wildcard.
type Part struct {
	Literal  string // when Wildcard is None, not empty
	Wildcard Wildcard
}

// Text is a parsed Sigma string. The empty Text is the empty string.
type Text []Part

// Parse reads a Sigma string. A backslash escapes *, ? and itself, and is a
// plain character before anything else.
func Parse(s string) Text {
	var t Text
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			t = append(t, Part{Literal: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`\*?`, s[i+1]) >= 0:
			i++
			lit.WriteByte(s[i])
		case c == '*':
			flush()
			t = append(t, Part{Wildcard: AnyRun})
		case c == '?':
			flush()
			t = append(t, Part{Wildcard: AnyChar})
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return t
}

// Contains puts * around the text, StartsWith after it and EndsWith before it.
func (t Text) Contains() Text { return t.EndsWith().StartsWith() }

// StartsWith puts * after the text.
func (t Text) StartsWith() Text { return append(t[:len(t):len(t)], Part{Wildcard: AnyRun}) }

// EndsWith puts * before the text.
func (t Text) EndsWith() Text { return append(Text{{Wildcard: AnyRun}}, t...) }

// errWildcard is returned by encodings, which have no image of a wildcard.
var errWildcard = errors.New(`an encoded value cannot hold * or ?; write \* or \? for the character itself`)

// plain is the text of a Text without wildcards.
func (t Text) plain() (string, error) {
	switch {
	case len(t) == 0:
		return "", nil
	case len(t) == 1 && t[0].Wildcard == None:
		return t[0].Literal, nil
	}
	return "", errWildcard
}

// Fold says which differences between a pattern and a value do not matter. The
// caller applies AppendFold to the value; Compile applies it to the pattern.
type Fold uint8

// The foldings, which combine.
const (
	FoldCase Fold = 1 << iota // Unicode simple lower case
	FoldDash                  // all characters that windash exchanges are one
	folds                     // number of combinations
)

// Folds is the number of combinations of foldings, for arrays indexed by Fold.
const Folds = int(folds)

// Pattern is a compiled Text. It is immutable.
type Pattern struct {
	fold  Fold
	shape Shape
	lit   string // of every shape but Glob and Anything
	infix []byte // lit again, of Infix
	glob  glob
}

// Shape is the form of a pattern, for callers that index patterns.
type Shape uint8

// The shapes. All but Glob and Anything are described by one literal.
const (
	Equal    Shape = iota
	Prefix         // literal*
	Suffix         // *literal
	Infix          // *literal*
	Anything       // *
	Glob           // whatever else
)

// Compile builds a pattern. Values given to Match must be folded by fold.
func Compile(t Text, fold Fold) *Pattern {
	parts := make(Text, 0, len(t))
	for _, p := range t {
		if p.Wildcard == AnyRun && len(parts) > 0 && parts[len(parts)-1].Wildcard == AnyRun {
			continue
		}
		if p.Wildcard == None {
			p.Literal = string(AppendFold(nil, []byte(p.Literal), fold))
		}
		parts = append(parts, p)
	}
	p := &Pattern{fold: fold}
	p.shape, p.lit = classify(parts)
	switch p.shape {
	case Infix:
		p.infix = []byte(p.lit)
	case Glob:
		p.glob = newGlob(parts)
	}
	return p
}

func classify(parts Text) (Shape, string) {
	kinds := ""
	lit := ""
	for _, p := range parts {
		switch p.Wildcard {
		case None:
			kinds += "a"
			lit = p.Literal
		case AnyRun:
			kinds += "*"
		default:
			return Glob, ""
		}
		if len(kinds) > 3 {
			return Glob, ""
		}
	}
	switch kinds {
	case "", "a":
		return Equal, lit
	case "a*":
		return Prefix, lit
	case "*a":
		return Suffix, lit
	case "*a*":
		return Infix, lit
	case "*":
		return Anything, ""
	}
	return Glob, ""
}

// Fold is the folding that values need before Match.
func (p *Pattern) Fold() Fold { return p.fold }

// Shape is the form of the pattern, and the literal that describes it together
// with the form; the literal is empty for Glob and Anything.
func (p *Pattern) Shape() (Shape, string) { return p.shape, p.lit }

// Match says whether the whole folded value matches.
func (p *Pattern) Match(value []byte) bool {
	switch p.shape {
	case Equal:
		return string(value) == p.lit
	case Prefix:
		return len(value) >= len(p.lit) && string(value[:len(p.lit)]) == p.lit
	case Suffix:
		return len(value) >= len(p.lit) && string(value[len(value)-len(p.lit):]) == p.lit
	case Infix:
		return bytes.Contains(value, p.infix)
	case Anything:
		return true
	}
	return p.glob.match(value)
}

// glob is the general pattern: segments between the runs of *.
type glob struct {
	segments           []segment
	openStart, openEnd bool // the pattern starts, ends with *
}

// segment is a run of parts without AnyRun.
type segment struct {
	parts Text
	lead  []byte // the literal that it starts with, nil when it starts with ?
}

func newGlob(parts Text) glob {
	g := glob{
		openStart: parts[0].Wildcard == AnyRun,
		openEnd:   parts[len(parts)-1].Wildcard == AnyRun,
	}
	var seg segment
	for _, p := range append(parts, Part{Wildcard: AnyRun}) {
		if p.Wildcard != AnyRun {
			seg.parts = append(seg.parts, p)
			continue
		}
		if len(seg.parts) > 0 {
			if first := seg.parts[0]; first.Wildcard == None {
				seg.lead = []byte(first.Literal)
			}
			g.segments = append(g.segments, seg)
		}
		seg = segment{}
	}
	return g
}

// match places each segment as far left as it goes: an earlier end leaves more
// room to the segments that follow, so no other placement needs a try.
func (g *glob) match(value []byte) bool {
	pos := 0
	for i := range g.segments {
		seg := &g.segments[i]
		first, last := i == 0 && !g.openStart, i == len(g.segments)-1 && !g.openEnd
		if first {
			pos = seg.matchAt(value, 0)
		} else {
			pos = seg.find(value, pos, last)
		}
		if pos < 0 || (last && pos != len(value)) {
			return false
		}
	}
	return true
}

// find looks for the segment from pos on and returns where it ends, or -1. With
// toEnd it must end where the value ends.
func (seg *segment) find(value []byte, pos int, toEnd bool) int {
	for pos <= len(value) {
		step := 1
		if seg.lead != nil {
			i := bytes.Index(value[pos:], seg.lead)
			if i < 0 {
				return -1
			}
			pos += i
		} else if _, n := utf8.DecodeRune(value[pos:]); n > 1 {
			step = n // ? must not start inside a character
		}
		if end := seg.matchAt(value, pos); end >= 0 && (!toEnd || end == len(value)) {
			return end
		}
		pos += step
	}
	return -1
}

// matchAt matches the segment at one place and returns where it ends, or -1.
func (seg *segment) matchAt(value []byte, pos int) int {
	for _, p := range seg.parts {
		if p.Wildcard == AnyChar {
			if pos == len(value) {
				return -1
			}
			_, n := utf8.DecodeRune(value[pos:])
			pos += n
			continue
		}
		if len(value)-pos < len(p.Literal) || string(value[pos:pos+len(p.Literal)]) != p.Literal {
			return -1
		}
		pos += len(p.Literal)
	}
	return pos
}
