package correlate

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
)

// correlation is one correlation rule with the state of its groups.
type correlation struct {
	number int
	spec   *sigma.Correlation
	groups map[string]*group // by the encoded values of group-by

	key, text []byte // scratch: encoded group and counted value
	// The event fed last and the group it went to: an event that matches several
	// rules of the correlation is still one event.
	serial uint64
	last   *group
}

// group is one value of group-by.
type group struct {
	values []string
	state  state
}

// state is what a correlation remembers of one group.
type state interface {
	add(s sighting)
	// merge takes over the state of the same group in another correlator.
	merge(other state)
	// settle returns what fired within s, up to silence for an absence, and drops
	// what cannot matter after s.
	settle(s span, silence int64) []Firing
	// idle says that the group would not be missed.
	idle() bool
	living
}

// sighting is one mark on its way into a state.
type sighting struct {
	mark
	input int
	text  []byte // the encoded value, for new_value; valid during the call
	from  origin
}

// span is the time in (after, until].
type span struct{ after, until int64 }

func newCorrelation(number int, spec *sigma.Correlation) *correlation {
	return &correlation{number: number, spec: spec, groups: map[string]*group{}}
}

func newState(spec *sigma.Correlation) state {
	switch spec.Type {
	case sigma.NewValue:
		return newBaseline(spec)
	case sigma.Absence:
		return newActivity(spec)
	default:
		return newWindow(spec)
	}
}

// observe takes a match of one input at time t. serial tells events apart.
func (c *correlation) observe(from origin, input int, t int64, serial uint64) {
	in := &c.spec.Inputs[input]
	var g *group
	events := int32(1)
	for i := 0; ; i++ {
		k, found, more := c.keyOf(from, in, input, i)
		if !more {
			break
		}
		if !found {
			continue
		}
		if g == nil {
			g = c.group(from, in)
			if c.serial == serial && c.last == g {
				if !c.countsRules() {
					break
				}
				events = 0
			}
			c.serial, c.last = serial, g
		}
		g.state.add(sighting{mark{t: t, key: k, n: events}, input, c.text, from})
		if c.spec.Type == sigma.ValueCount {
			events = 0 // its further values are no further events
		}
	}
	if in.Needed && g != nil {
		g.state.add(sighting{mark{t: t, key: neededKey}, input, nil, from})
	}
}

func (c *correlation) countsRules() bool {
	return c.spec.Type.Temporal()
}

// keyOf is what the i-th mark of a match counts as. found is false when that
// value gives no mark, more when there is no i-th value.
func (c *correlation) keyOf(from origin, in *sigma.Input, input, i int) (k key, found, more bool) {
	switch c.spec.Type {
	case sigma.NewValue:
		found, more = c.readText(from, in, i)
		return key{}, found, more // it goes by the text
	case sigma.ValueCount:
		return c.digestOf(from, in, i)
	case sigma.ValuePercentile:
		if c.spec.Percentile == 0 {
			return c.digestOf(from, in, i)
		}
		return numberOf(from, in, i)
	case sigma.ValueSum, sigma.ValueAvg:
		return numberOf(from, in, i)
	case sigma.Temporal, sigma.TemporalOrdered:
		return ruleKey(input), true, i == 0
	default:
		return key{}, true, i == 0
	}
}

func (c *correlation) digestOf(from origin, in *sigma.Input, i int) (k key, found, more bool) {
	if found, more = c.readText(from, in, i); found {
		k = digestKey(c.text)
	}
	return k, found, more
}

// readText leaves the encoded i-th value of the counted field, or the tuple of
// several fields, in c.text.
func (c *correlation) readText(from origin, in *sigma.Input, i int) (found, more bool) {
	c.text = c.text[:0]
	if len(in.Fields) > 1 && i > 0 {
		return false, false
	}
	for _, field := range in.Fields {
		v, ok := from.value(field, i)
		if !ok {
			return false, false
		}
		if missing(v) {
			return false, true
		}
		c.text = appendText(c.text, v.Text)
	}
	return true, true
}

func numberOf(from origin, in *sigma.Input, i int) (k key, found, more bool) {
	v, ok := from.value(in.Fields[0], i)
	if !ok {
		return key{}, false, false
	}
	x, found := parseNumber(v)
	return numberKey(x), found, true
}

// parseNumber reads a JSON number, or text that is a decimal number: CloudTrail
// gives many numbers as text.
func parseNumber(v rootkeep.Value) (float64, bool) {
	if v.Kind != rootkeep.Number && v.Kind != rootkeep.String {
		return 0, false
	}
	text := string(v.Text)
	if strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false // ParseFloat also takes hexadecimal, infinities and NaN
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil
}

func missing(v rootkeep.Value) bool {
	return v.Kind == rootkeep.Absent || v.Kind == rootkeep.Null || v.Kind == rootkeep.Array
}

// group finds the group of a match, or makes it.
func (c *correlation) group(from origin, in *sigma.Input) *group {
	c.key = c.key[:0]
	for _, field := range in.Group {
		v, _ := from.value(field, 0)
		c.key = appendText(c.key, v.Text)
	}
	g := c.groups[string(c.key)]
	if g == nil {
		k := string(c.key)
		g = &group{decodeTexts(k), newState(c.spec)}
		c.groups[k] = g
	}
	return g
}

// longest is how many bytes of a text are kept as they are.
const longest = 256

// appendText appends a text behind its length, so that no two lists of texts
// encode alike. A longer text is cut and marked by a digest of the whole: the
// result is longer than any text kept as it is, so the two cannot be confused.
func appendText(dst, text []byte) []byte {
	if len(text) <= longest {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(text)))
		return append(dst, text...)
	}
	sum := sha256.Sum256(text)
	dst = binary.BigEndian.AppendUint16(dst, longest+1+2*digestSize)
	dst = append(dst, text[:longest]...)
	dst = append(dst, '~')
	return hex.AppendEncode(dst, sum[:digestSize])
}

// decodeTexts splits what appendText joined.
func decodeTexts(encoded string) []string {
	var texts []string
	for len(encoded) > 0 {
		n := 2 + int(encoded[0])<<8 + int(encoded[1])
		texts = append(texts, encoded[2:n])
		encoded = encoded[n:]
	}
	return texts
}

func (c *correlation) merge(other *correlation) {
	for k, og := range other.groups {
		if g := c.groups[k]; g != nil {
			g.state.merge(og.state)
		} else {
			c.groups[k] = og
		}
	}
}

// settle settles every group and forgets those that are idle.
func (c *correlation) settle(s span, silence int64) []Firing {
	var all []Firing
	for k, g := range c.groups {
		for _, f := range g.state.settle(s, silence) {
			f.Correlation, f.Group = c.number, g.values
			if f.Steps == nil {
				f.Steps = make([]int64, len(c.spec.Steps)) // the type has none to cross
			}
			all = append(all, f)
		}
		if g.state.idle() {
			delete(c.groups, k)
		}
	}
	c.last = nil // it may be one of them
	return all
}

func compareFirings(a, b Firing) int {
	return cmp.Or(
		cmp.Compare(a.Crossed, b.Crossed),
		cmp.Compare(a.Correlation, b.Correlation),
		slices.Compare(a.Group, b.Group),
		cmp.Compare(a.NewValue, b.NewValue),
	)
}
