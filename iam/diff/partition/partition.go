// Package partition divides texts into the classes that a list of patterns can tell
// apart. Patterns go in; out comes, for every class that is not empty, one text of it
// and which patterns cover that text. Whatever a policy says about a text by these
// patterns alone, it says about the text that stands for its class.
//
// The patterns are run side by side, one character at a time (the subset
// construction): every set of places that they can be in together is visited once,
// over the shortest text that leads there. Nothing is guessed, so the classes are
// complete, or Split says that there are too many.
package partition

import (
	"strings"
	"unicode"

	"github.com/rootkeep/rootkeep/iam/pattern"
)

// Pattern is a pattern made ready: a text is covered if one of its alternatives covers
// it. The zero Pattern covers nothing.
type Pattern struct{ alternatives [][]element }

// element is one character, or one wildcard.
type element struct {
	kind pattern.Kind // Literal, Any or Star
	char rune
	fold bool // case does not count
	part bool // a wildcard that does not cover a colon
}

// Glob is a pattern of literals and wildcards that may cover any character. The
// tokens must hold no variable.
func Glob(tokens []pattern.Token) Pattern { return one(elements(tokens, false)) }

// ParseGlob is Glob of a text with * and ?.
func ParseGlob(text string) Pattern { return Glob(parse(text)) }

// ParseARN is ARN of a text with * and ?.
func ParseARN(text string) Pattern { return ARN(parse(text)) }

func parse(text string) []pattern.Token {
	p := pattern.Parse(text, pattern.Syntax{Wildcards: true})
	return p.Tokens()
}

func one(elements []element) Pattern { return Pattern{[][]element{elements}} }

// Fold is a literal text in any case.
func Fold(text string) Pattern {
	return one(elements([]pattern.Token{{Kind: pattern.Literal, Text: text}}, true))
}

// Union covers what one of the patterns covers. Patterns that need not be told apart
// are joined, because the number of classes grows with how many cross each other.
func Union(patterns ...Pattern) (out Pattern) {
	for _, p := range patterns {
		out.alternatives = append(out.alternatives, p.alternatives...)
	}
	return out
}

func elements(tokens []pattern.Token, fold bool) []element {
	var out []element
	for _, t := range tokens {
		if t.Kind != pattern.Literal {
			out = append(out, element{kind: t.Kind})
			continue
		}
		for _, r := range t.Text {
			out = append(out, element{kind: pattern.Literal, char: r, fold: fold})
		}
	}
	return out
}

// colons is how many separate the six parts of an ARN.
const colons = 5

// ARN is a pattern for ARNs: in the first five parts a wildcard does not cover a
// colon. A pattern with fewer parts covers nothing.
func ARN(tokens []pattern.Token) Pattern {
	out, missing := arn(tokens)
	if missing > 0 {
		return Pattern{}
	}
	return one(out)
}

// ShortARN is ARN, but parts that are missing at the end stand for any value.
func ShortARN(tokens []pattern.Token) Pattern {
	out, missing := arn(tokens)
	for range missing {
		out = append(out, element{kind: pattern.Literal, char: ':'}, element{kind: pattern.Star, part: true})
	}
	if missing > 0 {
		out[len(out)-1].part = false // the last part may hold colons
	}
	return one(out)
}

func arn(tokens []pattern.Token) (out []element, missing int) {
	out = elements(tokens, false)
	missing = colons
	for i := range out {
		e := &out[i]
		if e.kind != pattern.Literal {
			e.part = missing > 0
		} else if e.char == ':' && missing > 0 {
			missing--
		}
	}
	return out, missing
}

// Cell is one class: a text of it, and for each pattern whether it covers the text.
type Cell struct {
	Text string
	In   []bool
}

// Match says whether the pattern covers a text.
func (p Pattern) Match(text string) bool {
	m := newMachine([]Pattern{p})
	places := m.start()
	for _, r := range text {
		places = m.step(places, r)
	}
	return m.accepts(places)[0]
}

// Limits of Split: beyond them it gives up. Policies stay far below.
const (
	maxElements = 40_000 // characters of all patterns
	maxSteps    = 60_000 // sets of places, and texts tried from them
)

// Split finds the classes of the texts that universe covers. It is not ok when there
// are more than most, or too many places to follow; the cells are then some of them.
func Split(patterns []Pattern, universe Pattern, most int) (cells []Cell, ok bool) {
	m := newMachine(append(patterns[:len(patterns):len(patterns)], universe))
	if len(m.elements) > maxElements {
		return nil, false
	}
	type node struct {
		places []int32
		parent int
		char   rune
	}
	nodes := []node{{places: m.start(), parent: -1}}
	seen := map[string]bool{m.key(nodes[0].places): true}
	found := map[string]bool{}
	text := func(i int) string {
		var back []rune
		for ; nodes[i].parent >= 0; i = nodes[i].parent {
			back = append(back, nodes[i].char)
		}
		var b strings.Builder
		for j := len(back) - 1; j >= 0; j-- {
			b.WriteRune(back[j])
		}
		return b.String()
	}
	steps := 0
	for i := 0; i < len(nodes); i++ {
		at := nodes[i].places
		if in := m.accepts(at); in[len(patterns)] {
			key := cellKey(in)
			if !found[key] {
				found[key] = true
				cells = append(cells, Cell{text(i), in[:len(patterns)]})
			}
		}
		for _, r := range m.choices(at) {
			// The work of a step grows with the places that are followed.
			if steps += 1 + len(at)/16; steps > maxSteps || len(cells) > most {
				return cells, false
			}
			next := m.step(at, r)
			if !m.alive(next) {
				continue
			}
			if key := m.key(next); !seen[key] {
				seen[key] = true
				nodes = append(nodes, node{next, i, r})
			}
		}
	}
	return cells, true
}

func cellKey(in []bool) string {
	b := make([]byte, len(in))
	for i, v := range in {
		if v {
			b[i] = 1
		}
	}
	return string(b)
}

// machine runs patterns side by side. A place is an index into elements; each
// alternative of a pattern ends with a place of its own, at which the pattern covers
// what was read.
type machine struct {
	elements []element
	of       []int32 // pattern of each place
	first    []int32 // places of all alternatives
	last     int32   // first place of the last pattern
	count    int
}

const endKind = pattern.Variable // no element is a variable

func newMachine(patterns []Pattern) *machine {
	m := &machine{count: len(patterns)}
	for i, p := range patterns {
		m.last = int32(len(m.elements))
		for _, elements := range p.alternatives {
			m.first = append(m.first, int32(len(m.elements)))
			m.elements = append(append(m.elements, elements...), element{kind: endKind})
			for len(m.of) < len(m.elements) {
				m.of = append(m.of, int32(i))
			}
		}
	}
	return m
}

func (m *machine) start() []int32 {
	var out []int32
	for _, first := range m.first {
		out = m.enter(out, first)
	}
	return m.settle(out)
}

// settle leaves only one place to a pattern that covers whatever follows: what else it
// could be in makes no difference any more.
func (m *machine) settle(places []int32) []int32 {
	var settled []int32 // places where a pattern settles, one a pattern
	for _, place := range places {
		e := &m.elements[place]
		if e.kind == pattern.Star && !e.part && m.elements[place+1].kind == endKind &&
			(len(settled) == 0 || m.of[settled[len(settled)-1]] != m.of[place]) {
			settled = append(settled, place)
		}
	}
	if len(settled) == 0 {
		return places
	}
	out := places[:0]
	for _, place := range places {
		for len(settled) > 1 && m.of[settled[0]] < m.of[place] {
			settled = settled[1:]
		}
		if m.of[place] != m.of[settled[0]] || place == settled[0] || place == settled[0]+1 {
			out = append(out, place)
		}
	}
	return out
}

// enter adds a place, and those after the stars that begin there. Places are added in
// rising order, so that one which is there already is near the end.
func (m *machine) enter(out []int32, place int32) []int32 {
	for {
		if n := len(out); n > 0 && out[n-1] >= place {
			return out
		}
		out = append(out, place)
		if m.elements[place].kind != pattern.Star {
			return out
		}
		place++
	}
}

func (m *machine) step(places []int32, r rune) []int32 {
	out := make([]int32, 0, len(places))
	for _, place := range places {
		e := &m.elements[place]
		switch {
		case e.kind == endKind || !e.covers(r):
		case e.kind == pattern.Star:
			out = m.enter(out, place)
		default:
			out = m.enter(out, place+1)
		}
	}
	return m.settle(out)
}

func (e *element) covers(r rune) bool {
	switch {
	case e.kind != pattern.Literal:
		return !e.part || r != ':'
	case e.fold:
		return sameFold(e.char, r)
	}
	return e.char == r
}

func sameFold(a, b rune) bool {
	if a == b {
		return true
	}
	for f := unicode.SimpleFold(a); f != a; f = unicode.SimpleFold(f) {
		if f == b {
			return true
		}
	}
	return false
}

func (m *machine) accepts(places []int32) []bool {
	in := make([]bool, m.count)
	for _, place := range places {
		if m.elements[place].kind == endKind {
			in[m.of[place]] = true
		}
	}
	return in
}

// alive says whether the last pattern, the universe, may still cover a longer text.
func (m *machine) alive(places []int32) bool {
	return len(places) > 0 && places[len(places)-1] >= m.last
}

// fillers are what stands for a character that no pattern names.
const fillers = "xyzabcdefghijklmnopqrstuvw0123456789-_XYZABCDEFGHIJKLMNOPQRSTUVW"

// choices are the characters that the places tell apart: those that a literal names,
// the colon, and one that stands for all others.
func (m *machine) choices(places []int32) []rune {
	var out []rune
	have := map[rune]bool{}
	add := func(r rune) {
		if !have[r] {
			have[r] = true
			out = append(out, r)
		}
	}
	wild := false
	for _, place := range places {
		e := &m.elements[place]
		switch {
		case e.kind == endKind:
		case e.kind != pattern.Literal:
			wild = true
			if e.part {
				add(':')
			}
		default:
			add(e.char)
			if e.fold {
				for f := unicode.SimpleFold(e.char); f != e.char; f = unicode.SimpleFold(f) {
					add(f)
				}
			}
		}
	}
	if !wild {
		return out
	}
	// It comes first, so that it is what stands for a wildcard in a text.
	return append([]rune{filler(have)}, out...)
}

func filler(not map[rune]bool) rune {
	for _, r := range fillers {
		if !not[r] {
			return r
		}
	}
	r := rune(0x4e00) // a plane of letters is larger than any limit of Split
	for not[r] {
		r++
	}
	return r
}

func (m *machine) key(places []int32) string {
	b := make([]byte, 0, 3*len(places))
	for _, p := range places {
		b = append(b, byte(p), byte(p>>8), byte(p>>16))
	}
	return string(b)
}
