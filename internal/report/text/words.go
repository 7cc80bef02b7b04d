package text

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits on what a person is shown of one hostile string, in runes.
const (
	Short = 80  // a name, an address, an ID
	Line  = 200 // a title, a path, a user agent
	Long  = 400 // a note, an error, guidance
)

// Grouped writes n with commas: 1,204,331.
func Grouped[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Counted is n and the noun in its number: 1 event, 2 events. Match and address
// take "es".
func Counted[N int | int64](n N, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "s"), strings.HasSuffix(noun, "ch"):
		noun += "es"
	default:
		noun += "s"
	}
	return Grouped(n) + " " + noun
}

// Bytes is a size in decimal units: 1.2 GB.
func Bytes(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1000, 0
	for f >= 999.95 && i < len(units)-1 {
		f, i = f/1000, i+1
	}
	return fmt.Sprintf("%.1f %cB", f, units[i])
}

// Stamp is a time in UTC to the second, without the zone.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return "time unknown"
	}
	return t.UTC().Format(time.DateTime)
}

// Period is "2026-11-20 03:11:09 to 03:26:40 UTC (15m31s)".
func Period(first, last time.Time) string {
	if first.Equal(last) {
		return Stamp(first) + " UTC"
	}
	end := Stamp(last)
	if day := len(time.DateOnly); end[:day] == Stamp(first)[:day] {
		end = end[day+1:]
	}
	return fmt.Sprintf("%s to %s UTC (%s)", Stamp(first), end, Span(last.Sub(first)))
}

// Days is 2026-11-01..11-22; a single day is named once, the year again only when
// it differs.
func Days(first, last time.Time) string {
	a, b := first.UTC().Format(time.DateOnly), last.UTC().Format(time.DateOnly)
	switch {
	case a == b:
		return a
	case a[:4] == b[:4]:
		return a + ".." + b[5:]
	default:
		return a + ".." + b
	}
}

// Span is a duration in the largest two units that it has: 3d4h, 15m31s, 4m.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	units := []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	d = d.Round(time.Second)
	for i, u := range units[:len(units)-1] {
		if d < u.size {
			continue
		}
		s := fmt.Sprintf("%d%s", d/u.size, u.name)
		if rest := d % u.size / units[i+1].size; rest > 0 {
			s += fmt.Sprintf("%d%s", rest, units[i+1].name)
		}
		return s
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// List joins the visible form of each element by commas.
func List[T ~string](list []T, limit int) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = Visible(string(s), limit)
	}
	return strings.Join(out, ", ")
}

// Accounts says of which accounts something is: its one, or "12 accounts: 111122223333,
// 444455556666 and 10 more" with so many of several named. Further ones are not listed.
func Accounts[T ~string](one T, several []T, further bool, named int) string {
	if one != "" || len(several) == 0 {
		return Visible(string(one), Short)
	}
	s := Counted(len(several), "account")
	if further {
		s = "more than " + s
	}
	named = min(named, len(several))
	if named == 0 {
		return s
	}
	s += ": " + List(several[:named], Short)
	if more := len(several) - named; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}
