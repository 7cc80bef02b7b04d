package detect_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// weeks are the story, and before and after it what first-seen baselines and windows take
// days to tell.
func weeks(t testing.TB, bases rule.Bases) []map[string]any {
	out := story(t, bases)
	for day := range 20 {
		out = append(out, event(t, bases, "send-command", time.Duration(day-19)*24*time.Hour, nil))
	}
	return append(out,
		event(t, bases, "send-command", 4*time.Hour, map[string]any{"userIdentity.arn": "arn:aws:iam::111122223333:user/evil", "userIdentity.userName": "evil"}),
		event(t, bases, "create-user", -time.Minute, map[string]any{"requestParameters.userName": "bob"}),
		event(t, bases, "create-access-key", time.Minute, map[string]any{"requestParameters.userName": "bob"}),
		event(t, bases, "root-signin", -50*time.Minute, nil),
		event(t, bases, "root-signin", -3*time.Hour, nil),
	)
}

// TestThePeriodSelectsAlerts holds a hunt with a beginning to two without: crossings and
// root sessions are those of all records as far as they reach into the period, all else is
// that of the records within.
func TestThePeriodSelectsAlerts(t *testing.T) {
	pack, bases := shipped(t)
	records := weeks(t, bases)
	whole := one(t, pack, detect.Options{}, records...)
	fromAll := func(a rootkeep.Alert) bool { return a.Kind != "group" }
	seen := map[string]bool{}
	for _, at := range []time.Duration{-100 * 24 * time.Hour, -48 * time.Hour, -2 * time.Hour, 0, time.Second, 90 * time.Second, 8 * time.Minute, 2 * time.Hour, 4 * time.Hour, 5 * time.Hour} {
		since := monday.Add(at)
		within := []map[string]any{}
		for _, r := range records {
			if r["eventTime"].(string) >= since.Format(time.RFC3339) {
				within = append(within, r)
			}
		}
		var told int
		got := one(t, pack, detect.Options{Since: since}, records...)
		counted := hunt(t, pack, detect.Options{Since: since, OnMatch: func(detect.Match) { told++ }}, [][]map[string]any{records, records}, [][]int{{0, 1}})
		cut := one(t, pack, detect.Options{}, within...)

		want := slices.DeleteFunc(slices.Clone(whole.Alerts), func(a rootkeep.Alert) bool { return !fromAll(a) || a.Last.Before(since) })
		for _, a := range want {
			for _, what := range []string{a.Kind, a.Rules[0].Name} {
				seen[what] = seen[what] || a.First.Before(since)
			}
		}
		want = append(want, slices.DeleteFunc(slices.Clone(cut.Alerts), fromAll)...)
		slices.SortFunc(want, byID)
		if diff := cmp.Diff(places(want), places(sorted(got.Alerts))); diff != "" {
			t.Errorf("since %s: alerts (-want +got):\n%s", since, diff)
		}
		if diff := cmp.Diff(places(sorted(got.Alerts)), places(sorted(counted.Alerts))); diff != "" {
			t.Errorf("since %s: every record twice (-once +twice):\n%s", since, diff)
		}
		sessions := slices.DeleteFunc(slices.Clone(whole.Sessions), func(s detect.Session) bool { return s.End.Before(since) })
		if diff := cmp.Diff(append([]detect.Session{}, sessions...), got.Sessions); diff != "" {
			t.Errorf("since %s: sessions (-want +got):\n%s", since, diff)
		}
		totals := cut.Totals
		totals.Before = int64(len(records) - len(within))
		if diff := cmp.Diff(totals, got.Totals); diff != "" || int64(told) != cut.Totals.Matches {
			t.Errorf("since %s: %d matches told of %d; totals (-want +got):\n%s", since, told, cut.Totals.Matches, diff)
		}
		if diff := cmp.Diff(cut.Places, got.Places); diff != "" {
			t.Errorf("since %s: places (-want +got):\n%s", since, diff)
		}
	}
	for _, what := range []string{"remote-command-by-newcomer", "user-created-then-armed", "root-signin-failures", "session"} {
		if before, met := seen[what]; !met || !before && what != "remote-command-by-newcomer" {
			t.Errorf("%s: met %t, with what came before the period %t; the test tells nothing", what, met, before)
		}
	}
}

func byID(a, b rootkeep.Alert) int { return strings.Compare(a.ID, b.ID) }

func sorted(alerts []rootkeep.Alert) []rootkeep.Alert {
	alerts = slices.Clone(alerts)
	slices.SortFunc(alerts, byID)
	return alerts
}

// places are alerts without where their records lie.
func places(alerts []rootkeep.Alert) []rootkeep.Alert {
	alerts = append([]rootkeep.Alert{}, alerts...)
	for i := range alerts {
		alerts[i].Events = slices.Clone(alerts[i].Events)
		for j := range alerts[i].Events {
			alerts[i].Events[j].File, alerts[i].Events[j].Offset = "", 0
		}
	}
	return alerts
}

// A copy of an event that claims to be older must not hide the one within the period.
func TestACopyFromBeforeThePeriodHidesNothing(t *testing.T) {
	pack, bases := shipped(t)
	id := map[string]any{"eventID": "aaaaaaaa-0000-4000-8000-00000000000a"}
	older, real := event(t, bases, "root-signin", -24*time.Hour, id), event(t, bases, "root-signin", 0, id)
	for i, records := range [][]map[string]any{{older, real}, {real, older}} {
		res := one(t, pack, detect.Options{Since: monday}, records...)
		if len(res.Sessions) != 1 || res.Totals.Events != 1 || res.Totals.Altered != 1 {
			t.Errorf("order %d: %d sessions, %+v; want one session, one event, one altered", i, len(res.Sessions), res.Totals)
		}
	}
}

// A resource that is watched by what came before is watched, and what happened to it then
// is no alert.
func TestWatchedResourcesBeforeThePeriod(t *testing.T) {
	pack, bases := shipped(t)
	name := map[string]any{"requestParameters.s3BucketName": "org-logs", "requestParameters.bucketName": "org-logs"}
	res := one(t, pack, detect.Options{Since: monday},
		event(t, bases, "create-trail", -48*time.Hour, name), event(t, bases, "log-bucket-deleted", -time.Hour, name), event(t, bases, "log-bucket-policy", time.Hour, name))
	if find(res.Alerts, "log-bucket-deleted") != nil || res.Totals.Matches != 1 || len(res.Alerts) != 1 {
		t.Errorf("%d matches, alerts %v; want that of the policy alone", res.Totals.Matches, res.Alerts)
	}
}

// However much from before the period waits for the inventory, it takes no room from what
// is within.
func TestRecordsBeforeThePeriodLeaveItsRoom(t *testing.T) {
	pack, bases := shipped(t)
	h, err := detect.NewHunt(pack, detect.Options{Since: monday, Inventory: inventory.List{"bucket": {"org-logs"}}})
	if err != nil {
		t.Fatal(err)
	}
	fields, err := cloudtrail.CompileFields(h.Fields())
	if err != nil {
		t.Fatal(err)
	}
	r, w := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: h.Derived()}), h.NewWorker()
	observe := func(times int, bucket string, at time.Duration, padding int) {
		raw, err := json.Marshal(event(t, bases, "log-bucket-policy", at, map[string]any{
			"eventID": nil, "requestParameters.bucketName": bucket, "requestParameters.padding": strings.Repeat("x", padding),
		}))
		if err != nil {
			t.Fatal(err)
		}
		rec, err := r.One(raw)
		if err != nil {
			t.Fatal(err)
		}
		for range times {
			w.Observe(rec, "file")
		}
	}
	observe(520, "website", -24*time.Hour, 256<<10) // 130 MB
	observe(1, "org-logs", time.Hour, 0)
	res, err := h.Finish([]*detect.Worker{w})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Alerts) != 1 || res.Totals.Before != 520 || res.Totals.Matches != 1 {
		t.Errorf("got %d alerts, %+v; want one of the one event within", len(res.Alerts), res.Totals)
	}
	if notices := fmt.Sprint(res.Notices); !strings.Contains(notices, "393 records from before the period") || strings.Contains(notices, "watched resources were not judged") {
		t.Errorf("got %s", notices)
	}
}

// Silence is not told of what was left out unread.
func TestSilenceBeforeWhatWasRead(t *testing.T) {
	_, bases := shipped(t)
	pack, err := detect.Load([]rule.Source{{FS: fstest.MapFS{"silent.yaml": {Data: []byte(silent)}}, Dir: "."}}, detect.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var records []map[string]any
	for hour := range 6 {
		records = append(records, event(t, bases, "get-caller-identity", time.Duration(hour-72)*time.Hour, nil))
	}
	records = append(records, event(t, bases, "get-caller-identity", 2*time.Hour, nil))
	for read, want := range map[time.Time]int{{}: 1, monday.Add(-72 * time.Hour): 1, monday.Add(-24 * time.Hour): 0} {
		res := one(t, pack, detect.Options{Since: monday, ReadFrom: read}, records...)
		if len(res.Alerts) != want {
			t.Errorf("read from %v: got %d alerts, want %d", read, len(res.Alerts), want)
		}
	}
}

const silent = `title: Calls
name: calls
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: GetCallerIdentity}
  condition: selection
level: informational
---
title: Silent
name: silent
correlation: {type: absence, rules: [calls], group-by: [recipientAccountId], timespan: 1d}
level: high
`

// What the learning time lacks because of the period the notice says.
func TestTheNoticeOfLearningNamesThePeriod(t *testing.T) {
	pack, bases := shipped(t)
	records := []map[string]any{event(t, bases, "send-command", -time.Hour, nil), event(t, bases, "send-command", time.Hour, nil)}
	for read, want := range map[time.Time]string{
		{}:                          "",
		monday.Add(-10 * time.Hour): "because of --since, no log delivered before 2026-03-02 was read from buckets for them",
	} {
		res := one(t, pack, detect.Options{Since: monday, ReadFrom: read}, records...)
		text := fmt.Sprint(res.Notices)
		if !strings.Contains(text, "still learning") || strings.Contains(text, "--since") != (want != "") || !strings.Contains(text, want) {
			t.Errorf("read from %v: got %s, want %q", read, text, want)
		}
	}
}
