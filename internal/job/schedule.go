package job

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// Schedule makes jobs of a kind at the times of a cron expression.
type Schedule struct {
	ID      string
	Kind    string
	Payload []byte
	Cron    string // five fields: minute, hour, day of the month, month, day of the week
	Zone    string // of the tz database, such as Europe/Berlin
	Next    time.Time
	Enabled bool
	Version int64
}

// Check says what is wrong with the schedule's times.
func (s *Schedule) Check() error {
	if fields := strings.Fields(s.Cron); len(fields) != 5 || !gronx.IsValid(s.Cron) {
		return fmt.Errorf("cron %q: want five fields, such as 0 6 * * 1-5", s.Cron)
	}
	if _, err := time.LoadLocation(s.Zone); err != nil {
		return fmt.Errorf("time zone %q: want a name of the tz database, such as Europe/Berlin", s.Zone)
	}
	_, err := s.After(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	return err
}

const longestSearch = 400 // candidates

// After is the first time of the schedule after a moment, by the clock on the wall of
// its zone. A time that a change to summer time leaves out comes an hour off on that
// day, one that comes twice counts once. Where every hour counts, none is left out.
func (s *Schedule) After(at time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("time zone %q: want a name of the tz database, such as Europe/Berlin", s.Zone)
	}
	local := at.In(zone)
	if fields := strings.Fields(s.Cron); len(fields) == 5 && fields[1] == "*" {
		_, offset := local.Zone()
		next, err := gronx.NextTickAfter(s.Cron, at.In(time.FixedZone("", offset)), false)
		return next.UTC(), s.named(err)
	}
	// The library steps through hours; on a wall that knows no summer time no step is lost.
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0, time.UTC)
	for range longestSearch {
		if wall, err = gronx.NextTickAfter(s.Cron, wall, false); err != nil {
			return time.Time{}, s.named(err)
		}
		next := firstOf(time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, zone))
		if next.After(at) {
			return next.UTC(), nil
		}
	}
	return time.Time{}, s.named(errors.New("no time in sight"))
}

// firstOf is the first moment at which the clock on the wall shows what it shows at t:
// the end of summer time repeats an hour, or half of one.
func firstOf(t time.Time) time.Time {
	for _, back := range []time.Duration{time.Hour, 30 * time.Minute} {
		if earlier := t.Add(-back); earlier.Format(time.DateTime) == t.Format(time.DateTime) {
			return earlier
		}
	}
	return t
}

func (s *Schedule) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cron %q: %w", s.Cron, err)
}
