package value

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

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

// integer is text that JSON would call an integer, nil for any other.
func integer(text string) []byte {
	if _, fraction, ok := parseNumber([]byte(text)); !ok || fraction {
		return nil
	}
	return []byte(text)
}

// compareIntegers orders integers as JSON writes them, also those that a float64 cannot
// tell apart.
func compareIntegers(a, b []byte) int {
	a, minusA := bytes.CutPrefix(a, []byte("-"))
	b, minusB := bytes.CutPrefix(b, []byte("-"))
	minusA, minusB = minusA && a[0] != '0', minusB && b[0] != '0'
	order := cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b))
	switch {
	case minusA && minusB:
		return -order
	case minusA:
		return -1
	case minusB:
		return 1
	}
	return order
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
