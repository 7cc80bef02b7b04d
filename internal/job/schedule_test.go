package job_test

import (
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/job"
)

func TestTheNextTimeOfASchedule(t *testing.T) {
	for _, test := range []struct {
		name, cron, zone, at string
		want                 []string // one after the other
	}{
		{"every morning", "0 6 * * *", "UTC", "2026-03-01T06:00:00Z", []string{"2026-03-02T06:00:00Z", "2026-03-03T06:00:00Z"}},
		{"in the middle of a minute", "*/15 * * * *", "UTC", "2026-03-01T06:14:59Z", []string{"2026-03-01T06:15:00Z", "2026-03-01T06:30:00Z"}},
		{"working days", "0 6 * * 1-5", "UTC", "2026-03-06T07:00:00Z", []string{"2026-03-09T06:00:00Z"}},
		{"a morning moves with summer time", "0 6 * * *", "Europe/Berlin", "2026-03-28T05:00:00Z", []string{"2026-03-29T04:00:00Z", "2026-03-30T04:00:00Z"}},
		{"a time that summer time leaves out comes once, an hour off", "30 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", []string{"2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"}},
		{"a time that comes twice counts once", "30 2 * * *", "Europe/Berlin", "2026-10-24T00:30:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		{"asked in the second of the two hours", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", []string{"2026-10-26T01:30:00Z"}},
		{"every hour goes through both of them", "0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", []string{"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"}},
		{"half an hour off", "0 9 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", []string{"2026-01-01T03:30:00Z"}},
		{"the 29th of February", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := job.Schedule{Cron: test.cron, Zone: test.zone}
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, test.at)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if at, err = s.After(at); err != nil {
					t.Fatal(err)
				}
				if got := at.Format(time.RFC3339); got != want {
					t.Fatalf("got %s, want %s", got, want)
				}
			}
		})
	}
}

func TestASchedulePassesOverNoDay(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"} {
		s := job.Schedule{Cron: "30 2 * * *", Zone: zone}
		at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		for day := range 365 {
			next, err := s.After(at)
			if err != nil {
				t.Fatal(err)
			}
			if gap := next.Sub(at); day > 0 && (gap < 22*time.Hour || gap > 26*time.Hour) {
				t.Errorf("%s: %v from %s to %s, want about a day", zone, gap, at, next)
			}
			at = next
		}
	}
}

func TestASchedulesTimesAreChecked(t *testing.T) {
	for _, s := range []job.Schedule{
		{Cron: "", Zone: "UTC"}, {Cron: "0 6 * *", Zone: "UTC"}, {Cron: "* 0 6 * * *", Zone: "UTC"}, {Cron: "@hourly", Zone: "UTC"},
		{Cron: "0 25 * * *", Zone: "UTC"}, {Cron: "0 6 31 2 *", Zone: "UTC"}, {Cron: "0 6 * * *", Zone: "Mars/Base"},
	} {
		if err := s.Check(); err == nil {
			t.Errorf("%q in %q: got no error, want one", s.Cron, s.Zone)
		}
	}
}
