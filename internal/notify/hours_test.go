package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/notify/hours"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRoutesByTagAndTime(t *testing.T) {
	office := &hours.Hours{Days: []string{"mon-fri"}, From: "08:00", To: "18:00", Zone: "Europe/Berlin"}
	night := &hours.Hours{Days: []string{"fri", "sat"}, From: "22:00", To: "06:00", Zone: "Europe/Berlin"}
	for _, test := range []struct {
		name  string
		route notify.Route
		tags  []string
		at    string
		want  string // part of why not; "" if it is taken
	}{
		{"a tag", notify.Route{Tags: []string{"team-*", "root"}}, []string{"prod", "team-a"}, "2026-11-02T09:00:00Z", ""},
		{"no such tag", notify.Route{Tags: []string{"team-*"}}, []string{"prod"}, "2026-11-02T09:00:00Z", "no tag is team-*"},
		{"no tag at all", notify.Route{Tags: []string{"team-*"}}, nil, "2026-11-02T09:00:00Z", "no tag is team-*"},
		{"the first minute of a working day", notify.Route{Hours: office}, nil, "2026-11-02T07:00:00Z", ""},
		{"the minute before it", notify.Route{Hours: office}, nil, "2026-11-02T06:59:59Z", "Mon 07:59 is not within mon-fri 08:00-18:00 Europe/Berlin"},
		{"the end is outside", notify.Route{Hours: office}, nil, "2026-11-02T17:00:00Z", "Mon 18:00 is not within"},
		{"an hour earlier in summer", notify.Route{Hours: office}, nil, "2026-07-06T06:00:00Z", ""},
		{"a Sunday", notify.Route{Hours: office}, nil, "2026-11-01T09:00:00Z", "Sun 10:00"},
		{"across midnight, before it", notify.Route{Hours: night}, nil, "2026-11-06T21:30:00Z", ""},
		{"across midnight, after it, on a day that is not named", notify.Route{Hours: night}, nil, "2026-11-08T04:59:00Z", ""},
		{"the night before the first day", notify.Route{Hours: night}, nil, "2026-11-06T04:00:00Z", "Fri 05:00"},
		{"whole days, from one week into the next", notify.Route{Hours: &hours.Hours{Days: []string{"sat-mon"}, Zone: "Asia/Kolkata"}}, nil, "2026-11-01T18:29:00Z", ""},
		{"whole days, over", notify.Route{Hours: &hours.Hours{Days: []string{"sat-mon"}, Zone: "Asia/Kolkata"}}, nil, "2026-11-02T18:30:00Z", "Tue 00:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.route.Ways = []string{"desk"}
			r, err := notify.NewRouter([]string{"desk"}, []notify.Route{test.route})
			if err != nil {
				t.Fatal(err)
			}
			n := notify.Notice{Topic: "alert", Severity: rootkeep.High, Tags: test.tags}
			got := r.Explain(n, at(t, test.at))
			if len(got) != 1 || (got[0].Not == "") != (test.want == "") || !strings.Contains(got[0].Not, test.want) {
				t.Errorf("got %+v, want %q", got, test.want)
			}
			if taken := len(r.Ways(n, at(t, test.at))) == 1; taken != (test.want == "") {
				t.Errorf("taken: got %v, want %v", taken, test.want == "")
			}
			if len(test.tags) == 0 && test.route.Tags == nil && len(r.Ways(n, time.Time{})) != 1 {
				t.Error("got no way when hours are left aside")
			}
		})
	}
}

func TestQuietHours(t *testing.T) {
	night := notify.Quiet{Below: "high", Hours: &hours.Hours{From: "22:00", To: "07:00", Zone: "Europe/Berlin"}}
	weekend := notify.Quiet{Below: "medium", Ways: []string{"desk"}, Hours: &hours.Hours{Days: []string{"sat", "sun"}, Zone: "Europe/Berlin"}}
	for _, test := range []struct {
		name, way, topic, severity, at, want string // want: "" if it is not held
	}{
		{"a medium one at night", "pager", "alert", "medium", "2026-11-03T23:10:30Z", "2026-11-04T06:00:00Z"},
		{"by day", "pager", "alert", "medium", "2026-11-03T12:00:00Z", ""},
		{"a high one at night", "pager", "alert", "high", "2026-11-03T23:10:30Z", ""},
		{"a critical one", "pager", "alert", "critical", "2026-11-03T23:10:30Z", ""},
		{"one about root, however low", "pager", "root-unexplained", "low", "2026-11-03T23:10:30Z", ""},
		{"the night in which summer time begins", "pager", "alert", "low", "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"},
		{"the night in which it ends", "pager", "alert", "low", "2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z"},
		{"two after each other: the night before a weekend", "desk", "alert", "low", "2026-11-06T22:00:00Z", "2026-11-09T06:00:00Z"},
		{"a weekend is not every way's", "pager", "alert", "low", "2026-11-07T12:00:00Z", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := notify.NewRouter([]string{"desk", "pager"}, nil, night, weekend)
			if err != nil {
				t.Fatal(err)
			}
			severity, err := rootkeep.ParseSeverity(test.severity)
			if err != nil {
				t.Fatal(err)
			}
			got := r.Held(notify.Notice{Topic: test.topic, Severity: severity}, test.way, at(t, test.at))
			shown := ""
			if !got.IsZero() {
				shown = got.UTC().Format(time.RFC3339)
			}
			if shown != test.want {
				t.Errorf("got held until %q, want %q", shown, test.want)
			}
		})
	}
}

// A time that summer time leaves out holds nothing, one that comes twice holds twice.
func TestQuietHoursAtTheChangeOfSummerTime(t *testing.T) {
	r, err := notify.NewRouter([]string{"desk"}, nil, notify.Quiet{Below: "high", Hours: &hours.Hours{From: "02:15", To: "02:45", Zone: "Europe/Berlin"}})
	if err != nil {
		t.Fatal(err)
	}
	n := notify.Notice{Topic: "alert", Severity: rootkeep.Low}
	for begin, want := range map[string]int{"2026-03-29T00:00:00Z": 0, "2026-10-25T00:00:00Z": 60, "2026-10-26T00:00:00Z": 30} {
		held := 0
		for m := range 180 {
			when := at(t, begin).Add(time.Duration(m) * time.Minute)
			if until := r.Held(n, "desk", when); !until.IsZero() {
				held++
				if until.Before(when) || until.Sub(when) > 30*time.Minute {
					t.Errorf("%s: held until %s, want half an hour at the most", when, until)
				}
			}
		}
		if held != want {
			t.Errorf("from %s: held for %d minutes, want %d", begin, held, want)
		}
	}
}

func TestHoursThatAreRefused(t *testing.T) {
	for name, h := range map[string]hours.Hours{
		"no zone": {From: "22:00", To: "07:00"}, "a zone that is none": {Zone: "Mars/Base"}, "the zone of the machine": {Zone: "Local"},
		"one time": {From: "22:00", Zone: "UTC"}, "the same time twice": {From: "22:00", To: "22:00", Zone: "UTC"}, "no time": {From: "25:00", To: "07:00", Zone: "UTC"},
		"no day": {Days: []string{"monday"}, Zone: "UTC"}, "half a span": {Days: []string{"mon-"}, Zone: "UTC"},
	} {
		if _, err := notify.NewRouter([]string{"desk"}, []notify.Route{{Ways: []string{"desk"}, Hours: &h}}); err == nil {
			t.Errorf("%s: got a route, want a refusal", name)
		}
	}
	ends := &hours.Hours{From: "22:00", To: "07:00", Zone: "UTC"}
	for name, q := range map[string]notify.Quiet{
		"no hours": {Below: "high"}, "no severity": {Hours: ends}, "a severity that is none": {Below: "loud", Hours: ends}, "a way that is none": {Below: "high", Hours: ends, Ways: []string{"fax"}},
		"always": {Below: "high", Hours: &hours.Hours{Zone: "UTC"}},
	} {
		if _, err := notify.NewRouter([]string{"desk"}, nil, q); err == nil {
			t.Errorf("%s: got quiet hours, want a refusal", name)
		}
	}
	if _, err := notify.NewRouter([]string{"desk"}, []notify.Route{{Ways: []string{"desk"}, Tags: []string{"["}}}); err == nil {
		t.Error("got a route by a pattern that is none, want a refusal")
	}
}
