// Package hours are times of the week by the clock on the wall of a zone: when a route
// takes notices, when quiet hours hold them back.
package hours

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours are times of the week by the clock on the wall of a zone.
type Hours struct {
	Days []string `yaml:"days"` // mon to sun, and spans such as mon-fri; empty is every day
	From string   `yaml:"from"` // such as 22:00; with To empty, whole days
	To   string   `yaml:"to"`   // such as 07:00, which is of the next day if From is later; 24:00 is midnight
	Zone string   `yaml:"zone"` // of the tz database, such as Europe/Berlin
}

// Span is Hours that were checked.
type Span struct {
	days     [7]bool // by time.Weekday: on which they begin
	from, to int     // minutes of the day
	zone     *time.Location
	shown    string
}

const day = 24 * 60 // minutes

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Check refuses hours that are none.
func (h *Hours) Check() (*Span, error) {
	out := &Span{to: day}
	var err error
	if h.Zone == "" {
		return nil, errors.New("hours: no time zone; hint: zone: Europe/Berlin")
	}
	if out.zone, err = time.LoadLocation(h.Zone); err != nil || h.Zone == "Local" {
		return nil, fmt.Errorf("hours: time zone %q: want a name of the tz database, such as Europe/Berlin", h.Zone)
	}
	if (h.From == "") != (h.To == "") {
		return nil, errors.New("hours: from and to: one needs the other")
	}
	if h.From != "" {
		if out.from, err = minutes(h.From); err != nil {
			return nil, err
		}
		if out.to, err = minutes(h.To); err != nil {
			return nil, err
		}
		if out.from == out.to || out.from == day {
			return nil, fmt.Errorf("hours: from %s to %s: want two times of the day; hint: leave both out for whole days", h.From, h.To)
		}
	}
	if err := out.setDays(h.Days); err != nil {
		return nil, err
	}
	days := "every day"
	if len(h.Days) > 0 {
		days = strings.Join(h.Days, " ")
	}
	out.shown = fmt.Sprintf("%s %02d:%02d-%02d:%02d %s", days, out.from/60, out.from%60, out.to/60, out.to%60, h.Zone)
	return out, nil
}

func (h *Span) setDays(names []string) error {
	if len(names) == 0 {
		h.days = [7]bool{true, true, true, true, true, true, true}
	}
	for _, name := range names {
		first, last, span := strings.Cut(name, "-")
		if !span {
			last = first
		}
		from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if from < 0 || to < 0 {
			return fmt.Errorf("hours: day %q: want mon, tue, wed, thu, fri, sat, sun, or a span such as mon-fri", name)
		}
		for d := from; ; d = (d + 1) % 7 {
			h.days[d] = true
			if d == to {
				break
			}
		}
	}
	return nil
}

// minutes reads a time of the day.
func minutes(s string) (int, error) {
	if s == "24:00" {
		return day, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, fmt.Errorf("hours: time %q: want one such as 07:30", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// String is the hours as a person reads them.
func (h *Span) String() string { return h.shown }

// Clock is what the clock on the wall shows at a moment.
func (h *Span) Clock(at time.Time) string { return at.In(h.zone).Format("Mon 15:04") }

// Have says whether a moment is within the hours. An hour that summer time leaves out is
// never, one that comes twice is twice.
func (h *Span) Have(at time.Time) bool {
	local := at.In(h.zone)
	now, today := local.Hour()*60+local.Minute(), local.Weekday()
	if h.from < h.to {
		return h.days[today] && h.from <= now && now < h.to
	}
	yesterday := (today + 6) % 7
	return h.days[today] && now >= h.from || h.days[yesterday] && now < h.to
}

// Longest is how far the end of hours is looked for.
const Longest = 8 * 24 * time.Hour

// End is the first whole minute from a moment on that is not within the hours; false if
// there is none in sight. Minutes are gone through one by one: no rule of a zone is
// reckoned anew here.
func (h *Span) End(at time.Time) (time.Time, bool) {
	last := at.Add(Longest)
	for t := at; t.Before(last); t = t.Truncate(time.Minute).Add(time.Minute) {
		if !h.Have(t) {
			return t, true
		}
	}
	return time.Time{}, false
}
