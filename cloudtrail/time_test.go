package cloudtrail

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	tests := []struct {
		name, text string
		want       string // RFC 3339, "" if refused
	}{
		{"as CloudTrail writes it", "2026-11-22T13:05:09Z", "2026-11-22T13:05:09Z"},
		{"a leap day", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"the end of a year", "1999-12-31T23:59:59Z", "1999-12-31T23:59:59Z"},
		{"before 1970", "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"},
		{"the first time", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"the last time", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
		{"an offset out of the year 9999", "9999-12-31T23:59:59-00:01", ""},
		{"an offset out of the year 1", "0001-01-01T00:00:00+01:00", ""},
		{"a fraction", "2026-11-22T13:05:09.987Z", "2026-11-22T13:05:09Z"},
		{"a space and no zone", "2021-10-21 22:29:06", "2021-10-21T22:29:06Z"},
		{"a space and milliseconds", "2021-01-24 04:55:45.000", "2021-01-24T04:55:45Z"},
		{"a space and nanoseconds", "2025-01-20 16:52:14.123456789", "2025-01-20T16:52:14Z"},
		{"an offset", "2026-11-22T13:05:09+01:00", "2026-11-22T12:05:09Z"},
		{"an offset without colon", "2026-11-22T13:05:09.5-0530", "2026-11-22T18:35:09Z"},
		{"an offset across a year", "2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"},
		{"lower case", "2026-11-22t13:05:09z", "2026-11-22T13:05:09Z"},

		{"a day that does not exist", "2026-02-29T00:00:00Z", ""},
		{"month 13", "2026-13-01T00:00:00Z", ""},
		{"hour 24", "2026-11-22T24:00:00Z", ""},
		{"a leap second", "2016-12-31T23:59:60Z", ""},
		{"a date only", "2026-11-22", ""},
		{"a word", "redacted", ""},
		{"a letter for a digit", "2026-11-22T13:05:0xZ", ""},
		{"a bare point", "2026-11-22T13:05:09.Z", ""},
		{"something after the zone", "2026-11-22T13:05:09Zulu", ""},
		{"half an offset", "2026-11-22T13:05:09+1", ""},
		{"nothing", "", ""},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			unix, ok := ParseTime([]byte(c.text))
			got := ""
			if ok {
				got = time.Unix(unix, 0).UTC().Format(time.RFC3339)
			}
			if got != c.want {
				t.Errorf("ParseTime(%q): got %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestParseTimeAllocatesNothing(t *testing.T) {
	text := []byte("2026-11-22T13:05:09Z")
	if got := testing.AllocsPerRun(100, func() { ParseTime(text) }); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

// What time.Parse also reads is read alike; what time.Format writes is read.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-11-22T13:05:09Z", "0000-01-01T00:00:00.5+23:59", "2025-01-20 16:52:14.123456789", "1900-02-29T00:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return
		}
		if unix, ok := ParseTime([]byte(text)); ok && unix != want.Unix() {
			t.Errorf("ParseTime(%q): got %d, want %d", text, unix, want.Unix())
		}
		if year := want.UTC().Year(); year < 1 || year > 9999 {
			return
		}
		written := want.UTC().Format(time.RFC3339Nano)
		if unix, ok := ParseTime([]byte(written)); !ok || unix != want.Unix() {
			t.Errorf("ParseTime(%q): got %d, %v, want %d", written, unix, ok, want.Unix())
		}
	})
}
