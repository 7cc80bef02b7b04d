package sigma

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma/pattern"
)

// subject is one value under test, with the forms of it that tests ask for.
type subject struct {
	text   []byte                // decoded; of an object its plain text
	plain  []byte                // buffer of that
	folded [pattern.Folds][]byte // by folding, where have is set
	have   [pattern.Folds]bool
}

func (s *subject) read(v rootkeep.Value) {
	s.text = v.Text
	if v.Kind == rootkeep.Object {
		s.plain = pattern.AppendPlain(s.plain[:0], v.Text)
		s.text = s.plain
	}
	s.have = [pattern.Folds]bool{}
}

// form is the value folded, computed once for all tests that want it.
func (s *subject) form(f pattern.Fold) []byte {
	if f == 0 {
		return s.text
	}
	if !s.have[f] {
		s.folded[f] = pattern.AppendFold(s.folded[f][:0], s.text, f)
		s.have[f] = true
	}
	return s.folded[f]
}

// test decides about one value.
type test interface {
	holds(s *subject) bool
	cost() int // relative, to order tests
}

// stringTest matches a pattern.
type stringTest struct{ *pattern.Pattern }

func (t stringTest) holds(s *subject) bool { return t.Match(s.form(t.Fold())) }

func (t stringTest) cost() int {
	switch shape, _ := t.Shape(); shape {
	case pattern.Equal, pattern.Prefix, pattern.Suffix, pattern.Anything:
		return 1
	case pattern.Infix:
		return 4
	}
	return 8
}

// regexTest searches a regular expression.
type regexTest struct{ *regexp.Regexp }

func (t regexTest) holds(s *subject) bool { return t.Match(s.text) }
func (t regexTest) cost() int             { return 50 }

// cidrTest holds for addresses in a network, never for other text.
type cidrTest struct{ netip.Prefix }

func (t cidrTest) holds(s *subject) bool {
	a, ok := parseAddr(s.text)
	return ok && t.Contains(a)
}

func (t cidrTest) cost() int { return 5 }

// numberEqual holds for the same text, or for the same number written otherwise.
type numberEqual struct {
	text     string // lower case
	number   float64
	fraction bool // written with a point or exponent
}

func (t numberEqual) holds(s *subject) bool {
	if string(s.form(pattern.FoldCase)) == t.text {
		return true
	}
	// Two integers that are written differently are different; comparing them as
	// floats would make account IDs beyond 2^53 equal.
	n, fraction, ok := parseNumber(s.text)
	return ok && (fraction || t.fraction) && n == t.number
}

func (t numberEqual) cost() int { return 2 }

// ordering compares numerically; text that is no JSON number does not match.
type ordering struct {
	op    operator
	bound float64
}

func (t ordering) holds(s *subject) bool {
	n, _, ok := parseNumber(s.text)
	return ok && t.op.compare(n, t.bound)
}

func (t ordering) cost() int { return 2 }

func (o operator) compare(n, bound float64) bool {
	switch o {
	case opLT:
		return n < bound
	case opLTE:
		return n <= bound
	case opGT:
		return n > bound
	case opGTE:
		return n >= bound
	}
	return n == bound
}

// timeTest compares a part of a date such as 2026-11-22T10:00:00Z, as written:
// no zone is converted.
type timeTest struct {
	part  string
	op    operator
	bound float64
}

func (t timeTest) holds(s *subject) bool {
	n, ok := timePart(s.text, t.part)
	return ok && t.op.compare(float64(n), t.bound)
}

func (t timeTest) cost() int { return 3 }

// timePart reads YYYY-MM-DD, and for minute and hour also hh:mm after a T or a
// blank. The week is that of ISO 8601.
func timePart(text []byte, part string) (int, bool) {
	if len(text) < 10 || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	year, ok1 := digits(text[:4])
	month, ok2 := digits(text[5:7])
	day, ok3 := digits(text[8:10])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, false
	}
	switch part {
	case "year":
		return year, true
	case "month":
		return month, true
	case "day":
		return day, true
	case "week":
		_, week := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).ISOWeek()
		return week, true
	}
	if len(text) < 16 || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' {
		return 0, false
	}
	hour, ok1 := digits(text[11:13])
	minute, ok2 := digits(text[14:16])
	if !ok1 || !ok2 || hour > 23 || minute > 59 {
		return 0, false
	}
	if part == "hour" {
		return hour, true
	}
	return minute, true
}

func digits(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// maxNumber bounds the text that is read as a number; longer text is no number.
const maxNumber = 64

// parseNumber reads a number as JSON writes it (RFC 8259 section 6), so that
// account ID 012345670123 is text; fraction tells a point or exponent.
func parseNumber(b []byte) (n float64, fraction, ok bool) {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := countDigits(b[min(i, len(b)):])
	if len(b) > maxNumber || whole == 0 || (whole > 1 && b[i] == '0') {
		return 0, false, false
	}
	i += whole
	if i < len(b) && b[i] == '.' {
		d := countDigits(b[i+1:])
		if d == 0 {
			return 0, false, false
		}
		i += 1 + d
		fraction = true
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		d := countDigits(b[i:])
		if d == 0 {
			return 0, false, false
		}
		i += d
		fraction = true
	}
	if i != len(b) {
		return 0, false, false
	}
	n, err := strconv.ParseFloat(string(b), 64)
	return n, fraction, err == nil
}

func countDigits(b []byte) int {
	for i, c := range b {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(b)
}

// parseAddr reads an IP address; IPv4 mapped into IPv6 counts as IPv4. Text that
// cannot be an address is refused first, because netip allocates its errors.
func parseAddr(b []byte) (netip.Addr, bool) {
	if len(b) < 2 || len(b) > 45 {
		return netip.Addr{}, false
	}
	colon, dot := false, false
	for _, c := range b {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		case c == ':':
			colon = true
		case c == '.':
			dot = true
		default:
			return netip.Addr{}, false
		}
	}
	if !colon && !dot {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(string(b))
	return a.Unmap(), err == nil
}

// parsePrefix reads 10.0.0.0/8, 2001:db8::/32 or a single address.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, fmt.Errorf("%q is not a network; want 10.0.0.0/8 or 2001:db8::/32", s)
	}
	if p.Masked() != p {
		return p, fmt.Errorf("network %s has host bits; hint: write %s", s, p.Masked())
	}
	return p, nil
}
