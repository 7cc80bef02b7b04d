package origin

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// List names addresses, ranges, autonomous systems and user agents. The text
// form is one entry a line:
//
//	203.0.113.7                              an address
//	198.51.100.0/24  source=abuse.example    a range, with the list that says so
//	AS64500  until=2026-12-31                an autonomous system, with its last day
//	agent:pacu  source="our red team"        a user agent that contains this text
//
// Empty lines and lines that start with # are skipped.
//
// Ranges are looked up by length, so a list of a hundred thousand costs an
// address at most 130 map look-ups; user agents are compared one by one. The
// zero value is an empty list.
type List struct {
	ranges map[netip.Prefix][]entry
	bits   [2][129]bool // lengths in use, IPv4 and IPv6
	asns   map[uint][]entry
	agents []entry
	fickle bool // some entry looks at the time or the user agent
}

type entry struct {
	prefix netip.Prefix
	asn    uint
	agent  string // lower case
	source string
	until  int64 // Unix seconds of the end of the last day, 0 for ever
}

const listLine = 4096 // longest line of a list, bytes

// Empty says that the list has no entry.
func (l *List) Empty() bool { return len(l.ranges)+len(l.asns)+len(l.agents) == 0 }

// Ranges are the addresses and ranges that the list still names at a time, in order.
func (l *List) Ranges(at time.Time) []netip.Prefix {
	var out []netip.Prefix
	for p, entries := range l.ranges {
		if slices.ContainsFunc(entries, func(e entry) bool { return e.until == 0 || at.Unix() < e.until }) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return out
}

func (l *List) add(e entry) {
	if e.until != 0 || e.agent != "" {
		l.fickle = true
	}
	switch {
	case e.agent != "":
		l.agents = append(l.agents, e)
	case e.asn != 0:
		if l.asns == nil {
			l.asns = map[uint][]entry{}
		}
		l.asns[e.asn] = append(l.asns[e.asn], e)
	default:
		if l.ranges == nil {
			l.ranges = map[netip.Prefix][]entry{}
		}
		l.ranges[e.prefix] = append(l.ranges[e.prefix], e)
		l.bits[family(e.prefix.Addr())][e.prefix.Bits()] = true
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// Read adds the entries of a file; name stands in for a missing source. A line
// that cannot be read is an error that names it.
func (l *List) Read(name string, r io.Reader) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, listLine), listLine)
	line := 0
	for scanner.Scan() {
		line++
		text := strings.TrimSpace(scanner.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		e, err := parseEntry(text)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if e.source == "" {
			e.source = name
		}
		l.add(e)
	}
	switch err := scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%s:%d: the line is longer than %d bytes; want one entry a line", name, line+1, listLine)
	case err != nil:
		return fmt.Errorf("%s:%d: %w", name, line+1, err)
	}
	return nil
}

func parseEntry(text string) (entry, error) {
	var e entry
	what, rest, err := cutWord(text)
	if err != nil {
		return e, err
	}
	if err := e.name(what); err != nil {
		return e, err
	}
	for rest != "" {
		var word string
		if word, rest, err = cutWord(rest); err != nil {
			return e, err
		}
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "source":
			e.source = value
		case "until":
			day, err := time.Parse(time.DateOnly, value)
			if err != nil {
				return e, fmt.Errorf("until %q: want a day such as 2026-12-31", value)
			}
			e.until = day.AddDate(0, 0, 1).Unix()
		default:
			return e, fmt.Errorf("%q: want source=NAME or until=DAY", word)
		}
	}
	return e, nil
}

func (e *entry) name(what string) error {
	lower := strings.ToLower(what)
	if agent, ok := strings.CutPrefix(lower, "agent:"); ok {
		if agent == "" {
			return fmt.Errorf("%q: the user agent is empty and would match every call", what)
		}
		e.agent = agent
		return nil
	}
	if number, ok := strings.CutPrefix(lower, "as"); ok {
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || n == 0 {
			return fmt.Errorf("%q: want an AS number such as AS64500", what)
		}
		e.asn = uint(n)
		return nil
	}
	if prefix, err := netip.ParsePrefix(what); err == nil {
		e.prefix = unmapped(prefix).Masked()
		return nil
	}
	addr, err := netip.ParseAddr(what)
	if err != nil {
		return fmt.Errorf("%q: want an address, a range, AS<number> or agent:<text>", what)
	}
	addr = addr.Unmap().WithZone("")
	e.prefix = netip.PrefixFrom(addr, addr.BitLen())
	return nil
}

// unmapped turns a range of IPv4-mapped IPv6 addresses into the IPv4 range:
// addresses are looked up in that form.
func unmapped(p netip.Prefix) netip.Prefix {
	const mapped = 96 // bits before the IPv4 address, RFC 4291 section 2.5.5.2
	if !p.Addr().Is4In6() || p.Bits() < mapped {
		return p
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped)
}

// cutWord takes the first word; double quotes hold words together.
func cutWord(s string) (word, rest string, err error) {
	var b strings.Builder
	quoted := false
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case (r == ' ' || r == '\t') && !quoted:
			return b.String(), strings.TrimLeft(s[i:], " \t"), nil
		default:
			b.WriteRune(r)
		}
	}
	if quoted {
		return "", "", fmt.Errorf("%q: a quote is not closed", s)
	}
	return b.String(), "", nil
}

// match returns the sources of the entries that hold the origin, each once.
func (l *List) match(o Origin, agent string, at int64) []string {
	var out []string
	take := func(e entry) {
		if (e.until == 0 || at < e.until) && !slices.Contains(out, e.source) {
			out = append(out, e.source)
		}
	}
	if o.Addr.IsValid() {
		for bits, used := range l.bits[family(o.Addr)][:o.Addr.BitLen()+1] {
			if !used {
				continue
			}
			if prefix, err := o.Addr.Prefix(bits); err == nil {
				for _, e := range l.ranges[prefix] {
					take(e)
				}
			}
		}
	}
	for _, e := range l.asns[o.Place.ASN] {
		take(e)
	}
	if len(l.agents) > 0 {
		agent = strings.ToLower(agent)
	}
	for _, e := range l.agents {
		if strings.Contains(agent, e.agent) {
			take(e)
		}
	}
	return out
}
