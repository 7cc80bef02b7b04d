package matrix

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// glob is text with wildcards: bytes, and the two wildcards as negative numbers.
type glob []int16

const (
	star int16 = -1 // any text
	any1 int16 = -2 // one character
)

// region is a set of ARNs: a glob for each of the six parts.
type region [6]glob

func globOf(tokens []pattern.Token, c *iam.Context) (g glob) {
	for _, t := range tokens {
		switch t.Kind {
		case pattern.Star:
			g = g.star()
		case pattern.Any:
			g = append(g, any1)
		case pattern.Variable:
			if values, there := c.Values(t.Text); there == condition.True && len(values) == 1 {
				g = g.text(values[0])
			} else {
				g = g.star() // may be any text
			}
		default:
			g = g.text(t.Text)
		}
	}
	return g
}

func (g glob) star() glob {
	if len(g) > 0 && g[len(g)-1] == star {
		return g
	}
	return append(g, star)
}

func (g glob) text(s string) glob {
	for i := range len(s) {
		g = append(g, int16(s[i]))
	}
	return g
}

// exact says whether the region is one ARN.
func (r *region) exact() bool {
	for _, g := range r {
		if _, literal := g.literal(); !literal {
			return false
		}
	}
	return true
}

// literal is the text of a glob without wildcards; false for another.
func (g glob) literal() (string, bool) {
	out := make([]byte, len(g))
	for i, c := range g {
		if c < 0 {
			return "", false
		}
		out[i] = byte(c)
	}
	return string(out), true
}

// regionOf reads a Resource pattern as package iam does: parts that are missing
// stand for any text. It says false for stars only, which cover what is no ARN too.
func regionOf(text string, variables bool, c *iam.Context) (r region, ok bool) {
	if strings.Trim(text, "*") == "" {
		return r, false
	}
	parts := strings.SplitN(text, ":", 6)
	for i := range r {
		r[i] = glob{star}
		if i < len(parts) && (i < 5 || len(parts) == 6) {
			p := pattern.Parse(parts[i], pattern.Syntax{Wildcards: true, Variables: variables && i == 5})
			r[i] = globOf(p.Tokens(), c)
		}
	}
	return r, true
}

// String is the region as a policy would write it.
func (r *region) String() string {
	var b strings.Builder
	for i, g := range r {
		if i > 0 {
			b.WriteByte(':')
		}
		for _, c := range g {
			switch c {
			case star:
				b.WriteByte('*')
			case any1:
				b.WriteByte('?')
			default:
				b.WriteByte(byte(c))
			}
		}
	}
	return b.String()
}

// witness is an ARN of the region. A wildcard becomes the probe, which no policy
// mentions: what matches the witness there is a wildcard.
func (r *region) witness(probe, account string) string {
	var b strings.Builder
	for i, g := range r {
		if i > 0 {
			b.WriteByte(':')
		}
		for _, c := range g {
			switch {
			case c == star && i == 4:
				b.WriteString(account)
			case c == star:
				b.WriteString(probe)
			case c == any1:
				b.WriteByte(probe[0])
			default:
				b.WriteByte(byte(c))
			}
		}
	}
	return b.String()
}

// meet is what two regions have in common, in as few regions as that takes: ab* and
// *bc meet in ab*bc and in abc. It says false if that is too much to find out; then
// there may be more than is given.
func (r *region) meet(s *region) (out []region, all bool) {
	for i := range r {
		if r[i].apart(s[i]) {
			return nil, true // the usual case
		}
	}
	out, all = []region{{}}, true
	for i := range r {
		globs, found := r[i].meet(s[i])
		all = all && found
		var next []region
		for _, o := range out {
			for _, g := range globs {
				o[i] = g
				next = append(next, o)
			}
		}
		if out = next; len(out) == 0 {
			return nil, all
		}
	}
	return out, all
}

// Bounds on comparing two globs: their sizes multiplied, the steps taken, and the
// shapes in which they meet.
const (
	maxMeet   = 1 << 16
	maxSteps  = 1 << 12
	maxShapes = 8
)

// apart says whether two globs begin with different letters.
func (g glob) apart(h glob) bool {
	for i := 0; at(g, i) >= 0 && at(h, i) >= 0; i++ {
		if g[i] != h[i] {
			return true
		}
	}
	return false
}

func (g glob) meet(h glob) (out []glob, all bool) {
	switch {
	case h.holds(g):
		return []glob{g}, true
	case g.holds(h):
		return []glob{h}, true
	}
	if g.apart(h) {
		return nil, true
	}
	if len(g)*len(h) > maxMeet {
		return nil, false
	}
	m := newMeeting(g, h)
	m.shapes(0, 0, nil)
	for n, s := range m.out { // leave out what another shape covers
		covered := slices.ContainsFunc(out, func(o glob) bool { return o.holds(s) }) ||
			slices.ContainsFunc(m.out[n+1:], func(o glob) bool { return o.holds(s) && !s.holds(o) })
		if !covered {
			out = append(out, s)
		}
	}
	return out[:min(len(out), maxShapes)], m.steps <= maxSteps && len(out) <= maxShapes
}

// holds says whether g covers all that h stands for. It may miss that for globs in
// which stars and question marks follow each other.
func (g glob) holds(h glob) bool {
	star0, back := -1, 0
	i, j := 0, 0
	for j < len(h) {
		switch a := at(g, i); {
		case a == star:
			star0, back = i, j
			i++
		case a == h[j] || a == any1 && h[j] != star:
			i++
			j++
		case star0 >= 0:
			back++
			i, j = star0+1, back
		default:
			return false
		}
	}
	for at(g, i) == star {
		i++
	}
	return i == len(g)
}

// holds says whether r covers all that s stands for.
func (r *region) holds(s *region) bool {
	for i := range r {
		if !r[i].holds(s[i]) {
			return false
		}
	}
	return true
}

// none stands for what follows the end of a glob.
const none int16 = -3

func at(g glob, i int) int16 {
	if i < len(g) {
		return g[i]
	}
	return none
}

// meeting knows which rests of two globs have a text in common.
type meeting struct {
	g, h  glob
	width int
	yes   []bool
	steps int
	out   []glob
}

// shapes adds every way in which what is left of the globs meets, behind done.
func (m *meeting) shapes(i, j int, done glob) {
	if m.steps++; m.steps > maxSteps || !m.can(i, j) {
		return
	}
	a, b := at(m.g, i), at(m.h, j)
	done = slices.Clip(done)
	switch {
	case a == none && b == none:
		m.out = append(m.out, done)
	case a == star && b == star:
		m.shapes(i, j+1, done.star())
		m.shapes(i+1, j, done.star())
	case a == star:
		if b != none {
			m.shapes(i, j+1, append(done, b)) // the star takes it
		}
		m.shapes(i+1, j, done)
	case b == star:
		if a != none {
			m.shapes(i+1, j, append(done, a))
		}
		m.shapes(i, j+1, done)
	default:
		m.shapes(i+1, j+1, append(done, max(a, b))) // a letter rather than any character
	}
}

func newMeeting(g, h glob) *meeting {
	m := &meeting{g: g, h: h, width: len(h) + 1, yes: make([]bool, (len(g)+1)*(len(h)+1))}
	for i := len(g); i >= 0; i-- {
		for j := len(h); j >= 0; j-- {
			a, b := at(g, i), at(h, j)
			ok := false
			switch {
			case a == none && b == none:
				ok = true
			case a == star && (m.can(i+1, j) || b != none && m.can(i, j+1)):
				ok = true
			case b == star && (m.can(i, j+1) || a != none && m.can(i+1, j)):
				ok = true
			case a >= any1 && a != star && b >= any1 && b != star && (a == b || a == any1 || b == any1):
				ok = m.can(i+1, j+1)
			}
			m.yes[i*m.width+j] = ok
		}
	}
	return m
}

func (m *meeting) can(i, j int) bool {
	at := i*m.width + j
	return j < m.width && at < len(m.yes) && m.yes[at]
}
