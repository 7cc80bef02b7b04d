// Package values divides the values of one context key into the classes that conditions
// can tell apart. The tests of the key go in; out comes, for each class, one list of
// values that a request may have. Texts are divided by their patterns, numbers, dates
// and addresses at the values that the tests compare them with.
package values

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/diff/partition"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// Test is a test of the values of one context key. Tokens are its values in
// which the variables are resolved; Absent says that one of a value's variables has none.
type Test struct {
	Test    *condition.Test
	Context *iam.Context // what is known beside the key
	Tokens  [][]pattern.Token
	Absent  []bool
}

// eval judges a request that has these values of the key.
func (t *Test) eval(key string, values ...string) byte {
	c := t.Context.With(key, values...)
	return '0' + byte(t.Test.Eval(&c))
}

// The most classes of values of one key, values that its tests may list, and times that
// a test is tried with a value.
const (
	maxCells  = 256
	maxValues = 2000
	maxTrials = 50_000
)

// Cells are the values of a key that its tests can tell apart, one list of values
// for each class; the empty list is an absent key. It is complete when every request
// is like one of them for every test. Extra values are among them, as far as they differ.
func Cells(key string, tests []Test, extra []string) (cells [][]string, complete bool) {
	n := 0
	for _, t := range tests {
		n += len(t.Tokens)
	}
	if n > maxValues {
		return nil, false
	}
	single, complete := singleValues(tests)
	if len(tests)*(len(single)+len(extra)) > maxTrials {
		return nil, false
	}
	var base []string
	seen := map[string]bool{}
	add := func(values []string) bool {
		v := Truths(key, tests, values)
		if seen[v] {
			return false
		}
		seen[v] = true
		cells = append(cells, values)
		return true
	}
	for _, v := range append(slices.Clone(extra), single...) {
		if add([]string{v}) {
			base = append(base, v)
		}
	}
	add(nil)
	if add([]string{""}) {
		base = append(base, "")
	}
	if severalValues(key, tests) {
		all := severals(key, tests, append(base, ""))
		complete = complete && all != nil
		for _, values := range all {
			add(values)
		}
	}
	return cells, complete && len(cells) <= maxCells
}

// Truths is what the tests say of a request with these values, as text.
func Truths(key string, tests []Test, values []string) string {
	b := make([]byte, len(tests))
	for i := range tests {
		b[i] = tests[i].eval(key, values...)
	}
	return string(b)
}

// severalValues says whether requests may hold several values of the key: by the
// table, and for a key that it does not know by the tests.
func severalValues(key string, tests []Test) bool {
	if k, ok := metadata.FindKey(key); ok {
		return k.Type.Multivalued()
	}
	for _, t := range tests {
		if t.Test.Operator.Set != condition.Single && t.Test.Operator.Family != condition.Null {
			return true
		}
	}
	return false
}

// severals are lists of two and more values. What tests say of a list follows from
// what they say of some and of all of its values, so one list stands for each such
// pair. Nil: there are too many.
func severals(key string, tests []Test, base []string) [][]string {
	type sums struct{ some, all string }
	single := func(v string) string {
		b := make([]byte, len(tests))
		for i := range tests {
			values := []string{v}
			if tests[i].Test.Operator.Set != condition.Single {
				values = []string{v, v} // one empty text has a meaning of its own
			}
			b[i] = tests[i].eval(key, values...)
		}
		return string(b)
	}
	var out [][]string
	var queue []sums
	lists := map[sums][]string{}
	visit := func(s sums, list []string) {
		if _, ok := lists[s]; !ok {
			lists[s] = list
			queue = append(queue, s)
		}
	}
	bits := make([]string, len(base))
	for i, v := range base {
		bits[i] = single(v)
		visit(sums{bits[i], bits[i]}, []string{v})
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		list := lists[s]
		if len(list) == 1 {
			out = append(out, []string{list[0], list[0]})
		} else {
			out = append(out, list)
		}
		for i, v := range base {
			visit(sums{highest(s.some, bits[i]), lowest(s.all, bits[i])}, append(slices.Clip(list), v))
		}
		if len(lists) > maxCells || len(lists)*len(base)*len(tests) > maxTrials {
			return nil
		}
	}
	return out
}

func highest(a, b string) string { return combine(a, b, func(x, y byte) byte { return max(x, y) }) }
func lowest(a, b string) string  { return combine(a, b, func(x, y byte) byte { return min(x, y) }) }

func combine(a, b string, pick func(x, y byte) byte) string {
	out := []byte(a)
	for i := range out {
		out[i] = pick(out[i], b[i])
	}
	return string(out)
}

// form is a way in which values are compared. Tests of one key that compare in
// different ways are not put in relation to each other.
type form uint8

const (
	texts form = iota
	numbers
	dates
	addresses
	bytes
	forms
)

func formOf(f condition.Family) form {
	switch f {
	case condition.NumericEquals, condition.NumericLess, condition.NumericLessEquals, condition.NumericGreater, condition.NumericGreaterEquals:
		return numbers
	case condition.DateEquals, condition.DateLess, condition.DateLessEquals, condition.DateGreater, condition.DateGreaterEquals:
		return dates
	case condition.IPAddress:
		return addresses
	case condition.Binary:
		return bytes
	}
	return texts
}

// singleValues are values that stand for all that the tests tell apart.
func singleValues(tests []Test) (out []string, complete bool) {
	var by [forms][]Test
	n := 0
	for _, t := range tests {
		if t.Test.Operator.Family == condition.Null {
			continue
		}
		f := formOf(t.Test.Operator.Family)
		if len(by[f]) == 0 {
			n++
		}
		by[f] = append(by[f], t)
	}
	complete = n <= 1
	if n == 0 {
		return []string{"x"}, true
	}
	for f, group := range by {
		if len(group) == 0 {
			continue
		}
		switch form(f) {
		case numbers:
			out = append(out, numberValues(group)...)
		case dates:
			out = append(out, dateValues(group)...)
		case addresses:
			out = append(out, addressValues(group)...)
		case bytes:
			out = append(out, binaryValues(group)...)
		default:
			values, ok := textValues(group)
			out, complete = append(out, values...), complete && ok
		}
	}
	return append(out, "x"), complete // "x" is neither number, date nor address
}

// textValues divide texts by all values of the tests, and by what else decides: whether
// a text is an ARN, or a Boolean.
func textValues(tests []Test) ([]string, bool) {
	var ps []partition.Pattern
	for _, t := range tests {
		family := t.Test.Operator.Family
		switch family {
		case condition.ARN:
			ps = append(ps, anyARN())
		case condition.Bool:
			ps = append(ps, partition.Fold("true"), partition.Fold("false"))
		}
		for i, tokens := range t.Tokens {
			switch {
			case t.Absent[i]:
			case family == condition.StringEqualsIgnoreCase || family == condition.Bool:
				ps = append(ps, partition.Fold(literal(tokens)))
			case family == condition.ARN:
				// A value that is no ARN may be read as a plain pattern.
				ps = append(ps, partition.ARN(tokens), partition.Glob(tokens))
			default:
				ps = append(ps, partition.Glob(tokens))
			}
		}
	}
	cells, ok := partition.Split(ps, partition.ParseGlob("?*"), maxCells)
	out := make([]string, len(cells))
	// The values that most tests know come first: they read best in an example.
	rank := func(c partition.Cell) (n int) {
		for _, in := range c.In {
			if in {
				n++
			}
		}
		return n
	}
	slices.SortStableFunc(cells, func(a, b partition.Cell) int { return rank(b) - rank(a) })
	for i, c := range cells {
		out[i] = c.Text
	}
	return out, ok
}

func anyARN() partition.Pattern { return partition.ParseARN("*:*:*:*:*:*") }

func literal(tokens []pattern.Token) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString(t.Text)
	}
	return b.String()
}

// numberValues are the numbers of the tests, and one between each two and at the ends.
func numberValues(tests []Test) []string {
	var ns []float64
	for _, t := range tests {
		for _, v := range t.Test.Values {
			if n, ok := condition.ParseNumber(v); ok {
				ns = append(ns, n)
			}
		}
	}
	if len(ns) == 0 {
		return []string{"1"}
	}
	sort.Float64s(ns)
	ns = slices.Compact(ns)
	out := make([]float64, 0, 2*len(ns)+1)
	out = append(out, min(ns[0]-1, math.Nextafter(ns[0], math.Inf(-1))))
	for i, n := range ns {
		if i > 0 {
			out = append(out, between(ns[i-1], n))
		}
		out = append(out, n)
	}
	last := ns[len(ns)-1]
	out = append(out, max(last+1, math.Nextafter(last, math.Inf(1))))
	values := make([]string, 0, len(out))
	for _, n := range out {
		values = append(values, strconv.FormatFloat(n, 'f', -1, 64))
	}
	return values
}

// between is a number between two, if there is one.
func between(a, b float64) float64 {
	if m := a + (b-a)/2; !math.IsInf(m, 0) {
		return m
	}
	return a/2 + b/2
}

// dateValues do the same for times. Two times that are next to each other to the
// nanosecond have none between them.
func dateValues(tests []Test) []string {
	var ts []time.Time
	for _, t := range tests {
		for _, v := range t.Test.Values {
			if d, ok := condition.ParseDate(v); ok {
				ts = append(ts, d.UTC())
			}
		}
	}
	if len(ts) == 0 {
		return []string{"2026-01-01T00:00:00Z"}
	}
	slices.SortFunc(ts, time.Time.Compare)
	var out []time.Time
	out = append(out, ts[0].Add(-24*time.Hour))
	for i, t := range ts {
		if i > 0 {
			out = append(out, ts[i-1].Add(t.Sub(ts[i-1])/2))
		}
		out = append(out, t)
	}
	out = append(out, ts[len(ts)-1].Add(24*time.Hour))
	var values []string
	for _, t := range out {
		if t.Year() > 9999 { // RFC 3339 has no such year, seconds have
			values = append(values, strconv.FormatInt(t.Unix(), 10))
			continue
		}
		values = append(values, t.Format(time.RFC3339Nano))
	}
	return values
}

// addressValues are, for each range of the tests, an address in it and in no narrower
// one; and one of each family in no range.
func addressValues(tests []Test) []string {
	ranges := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	for _, t := range tests {
		for _, v := range t.Test.Values {
			if p, ok := condition.ParsePrefix(v); ok {
				ranges = append(ranges, p)
			}
		}
	}
	slices.SortFunc(ranges, func(a, b netip.Prefix) int {
		if d := a.Addr().Compare(b.Addr()); d != 0 {
			return d
		}
		return a.Bits() - b.Bits()
	})
	ranges = slices.Compact(ranges)
	var out []string
	for i, p := range ranges {
		if a, ok := firstFree(p, ranges[i+1:]); ok {
			out = append(out, a.String())
		}
	}
	return out
}

// firstFree is the first address of a range that none of the ranges after it, sorted,
// holds.
func firstFree(p netip.Prefix, after []netip.Prefix) (netip.Addr, bool) {
	a := p.Addr()
	for _, q := range after {
		if !p.Overlaps(q) || q.Bits() < p.Bits() || a.Less(q.Addr()) {
			break
		}
		if !q.Contains(a) {
			continue
		}
		if a = lastOf(q).Next(); !a.IsValid() || !p.Contains(a) {
			return a, false
		}
	}
	return a, true
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// binaryValues are the values of the tests and one that is none of them.
func binaryValues(tests []Test) []string {
	var out []string
	known := map[string]bool{}
	for _, t := range tests {
		for _, v := range t.Test.Values {
			if b, err := base64.StdEncoding.DecodeString(v); err == nil {
				out, known[string(b)] = append(out, v), true
			}
		}
	}
	for i := 0; ; i++ {
		if other := fmt.Sprint(i); !known[other] {
			return append(out, base64.StdEncoding.EncodeToString([]byte(other)))
		}
	}
}
