package condition

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam/pattern"
)

// value is one value of a policy, prepared for its family. A malformed value is
// one that AWS could not compare, such as a number that is none.
type value struct {
	text      string
	pattern   pattern.Pattern
	parts     *[arnParts]pattern.Pattern // of an ARN without variables
	prefix    netip.Prefix
	number    float64
	time      time.Time
	malformed bool
	exact     bool // StringEquals without a variable: want is all there is to know
	want      string
}

func newValue(op Operator, text string, variables bool) value {
	v := value{text: text}
	ok := true
	switch op.Family {
	case StringEquals, StringEqualsIgnoreCase, StringLike, Bool:
		v.pattern = pattern.Parse(text, pattern.Syntax{Wildcards: op.Wildcards(), Variables: variables})
		v.want, v.exact = v.pattern.Exact()
		ok = op.Family != Bool || isBool(text) || v.pattern.HasVariables()
	case ARN:
		v.pattern = pattern.Parse(text, pattern.Syntax{Wildcards: true, Variables: variables})
		if !v.pattern.HasVariables() {
			var parts [arnParts]string
			parts, ok = SplitARN(text)
			v.parts = new([arnParts]pattern.Pattern)
			for i, part := range parts {
				v.parts[i] = pattern.Parse(part, pattern.Syntax{Wildcards: true})
			}
		}
	case NumericEquals, NumericLess, NumericLessEquals, NumericGreater, NumericGreaterEquals:
		v.number, ok = ParseNumber(text)
	case DateEquals, DateLess, DateLessEquals, DateGreater, DateGreaterEquals:
		v.time, ok = ParseDate(text)
	case IPAddress:
		v.prefix, ok = ParsePrefix(text)
	case Binary:
		_, err := base64.StdEncoding.DecodeString(text)
		ok = err == nil
	}
	v.malformed = !ok
	return v
}

// verdict is the outcome of comparing one value of the request with one of the
// policy. Incomparable is what AWS's documentation leaves open: a value of the
// wrong form on either side.
type verdict uint8

const (
	differs verdict = iota
	unresolved
	unknown
	incomparable
	equals
)

// compare judges one request value by one policy value, before negation.
func (v *value) compare(op Operator, got string, c *Context) verdict {
	if v.malformed {
		return incomparable
	}
	switch op.Family {
	case StringEquals, StringLike:
		if v.exact {
			return fromOK(true, got == v.want)
		}
		match, resolved := MatchPattern(&v.pattern, got, c)
		return fromTruth(match, resolved)
	case StringEqualsIgnoreCase, Bool:
		return v.fold(op, got, c)
	case ARN:
		return v.arn(got, c)
	case Binary:
		a, err := base64.StdEncoding.DecodeString(got)
		b, _ := base64.StdEncoding.DecodeString(v.text)
		return fromOK(err == nil, string(a) == string(b))
	case IPAddress:
		addr, ok := ParsePrefix(got)
		return fromOK(ok, ok && v.prefix.Bits() <= addr.Bits() && v.prefix.Contains(addr.Addr()))
	case NumericEquals, NumericLess, NumericLessEquals, NumericGreater, NumericGreaterEquals:
		n, ok := ParseNumber(got)
		return fromOK(ok, ordered(op.Family-NumericEquals, order(n, v.number)))
	}
	t, ok := ParseDate(got)
	return fromOK(ok, ordered(op.Family-DateEquals, t.Compare(v.time)))
}

func fromTruth(match, resolved Truth) verdict {
	switch {
	case resolved == False:
		return unresolved
	case match == Unknown:
		return unknown
	case match == True:
		return equals
	}
	return differs
}

func fromOK(comparable, same bool) verdict {
	switch {
	case !comparable:
		return incomparable
	case same:
		return equals
	}
	return differs
}

func order(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// ordered reads a comparison by the position of its family after Equals.
func ordered(relation Family, order int) bool {
	switch relation {
	case 0:
		return order == 0
	case 1:
		return order < 0
	case 2:
		return order <= 0
	case 3:
		return order > 0
	}
	return order >= 0
}

// fold compares without regard to case.
func (v *value) fold(op Operator, got string, c *Context) verdict {
	if op.Family == Bool && !isBool(got) {
		return incomparable
	}
	if v.exact {
		return fromOK(true, strings.EqualFold(v.want, got))
	}
	var buf [room]pattern.Token
	ts, known := Resolve(v.pattern.Tokens(), c, buf[:])
	if known != True {
		return fromTruth(known, known)
	}
	var b strings.Builder
	for _, t := range ts {
		b.WriteString(t.Text)
	}
	want := b.String()
	return fromOK(op.Family != Bool || isBool(want), strings.EqualFold(want, got))
}

func isBool(s string) bool {
	if s == "true" || s == "false" {
		return true
	}
	return strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
}

func (v *value) arn(got string, c *Context) verdict {
	if v.pattern.HasVariables() {
		var buf [room]pattern.Token
		ts, known := Resolve(v.pattern.Tokens(), c, buf[:])
		if known != True {
			return fromTruth(known, known)
		}
		return fromOK(true, matchARN(ts, got))
	}
	parts, ok := SplitARN(got)
	if !ok {
		return incomparable
	}
	for i := range parts {
		if !v.parts[i].Match(parts[i]) {
			return differs
		}
	}
	return equals
}

// ParseNumber accepts integers and decimals, which is what AWS documents, not the
// exponents, special values and hexadecimal forms of strconv.
func ParseNumber(s string) (float64, bool) {
	if s == "" || strings.Trim(s, "+-.0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// ParseDate accepts the W3C profile of ISO 8601 (time with offset, day, month) and
// seconds since 1970.
func ParseDate(s string) (time.Time, bool) {
	if s != "" && strings.Trim(s, "0123456789") == "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n > 1<<40 {
			return time.Time{}, false
		}
		if len(s) == 4 { // W3C: a year alone; as seconds it would be in the first hours of 1970
			t, err := time.Parse("2006", s)
			return t, err == nil
		}
		return time.Unix(n, 0), true
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", time.DateOnly, "2006-01"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// ParsePrefix reads an address or a range; host bits do not count.
func ParsePrefix(s string) (netip.Prefix, bool) {
	if strings.IndexByte(s, '/') >= 0 {
		p, err := netip.ParsePrefix(s)
		return p.Masked(), err == nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// WideRange says whether text is an IP range that S3 counts as public: shorter than
// /8 for IPv4, shorter than /32 for IPv6, or no range at all.
func WideRange(text string) bool {
	p, ok := ParsePrefix(text)
	if !ok {
		return true
	}
	if p.Addr().Is4() {
		return p.Bits() < 8
	}
	return p.Bits() < 32
}
