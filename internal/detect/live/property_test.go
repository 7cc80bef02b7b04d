package live_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/sigma"
)

const baseRule = `title: Call %[1]s
id: 00000000-0000-4000-8000-00000000000%[1]s
name: call-%[1]s
level: medium
tags: [attack.%[2]s]
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: Describe%[1]s}
  condition: selection
---
`

const windowRule = `title: Window %[1]s
id: 00000000-0000-4000-9000-0000000000%02[2]d
name: %[1]s
level: high
tags: [attack.impact]
correlation:
  type: %[3]s
  rules: [%[4]s]
  group-by: [%[5]s]
  timespan: %[6]s
  condition: {%[7]s}
  generate: true
%[8]s---
`

// everyType are rules with every type of correlation, and correlations of correlations.
func everyType(t testing.TB) *detect.Pack {
	t.Helper()
	text := fmt.Sprintf(baseRule, "1", "discovery") + fmt.Sprintf(baseRule, "2", "discovery") + fmt.Sprintf(baseRule, "3", "impact")
	for i, w := range [][]any{
		{"many", "event_count", "call-1, call-2", "rootkeep.principal", "10m", "gte: 3", "rootkeep: {escalate: {gte: 5, level: critical}}\n"},
		{"few", "event_count", "call-1", "recipientAccountId", "10m", "lte: 1", ""},
		{"two", "event_count", "call-3", "recipientAccountId", "30m", "eq: 2", ""},
		{"names", "value_count", "call-1, call-2", "recipientAccountId", "10m", "gte: 3, field: requestParameters.name", ""},
		{"both", "temporal", "call-1, call-2", "rootkeep.principal", "5m", "gte: 2", ""},
		{"ordered", "temporal_ordered", "call-1, call-2, call-3", "recipientAccountId", "20m", "gte: 3", ""},
		{"sum", "value_sum", "call-1", "rootkeep.principal", "10m", "gte: 12, field: requestParameters.size", ""},
		{"average", "value_avg", "call-1, call-3", "recipientAccountId", "10m", "gt: 6, field: requestParameters.size", ""},
		{"median", "value_percentile", "call-2", "recipientAccountId", "10m", "gte: 6, percentile: 50, field: requestParameters.size", ""},
		{"rare", "value_percentile", "call-2", "recipientAccountId", "30m", "lte: 20, field: requestParameters.name", ""},
		{"first", "new_value", "call-1, call-2", "recipientAccountId", "1h", "field: requestParameters.name", ""},
		{"silent", "absence", "call-1", "recipientAccountId", "40m", "", ""},
		{"often", "event_count", "many", "rootkeep.principal", "1h", "gte: 2", ""},
		{"after", "temporal_ordered", "often, call-3", "rootkeep.principal", "2h", "gte: 2", ""},
		{"quiet-twice", "event_count", "silent", "recipientAccountId", "6h", "gte: 2", ""},
	} {
		one := fmt.Sprintf(windowRule, append([]any{w[0], i}, w[1:]...)...)
		if w[5] == "" {
			one = strings.Replace(one, "  condition: {}\n", "", 1)
		}
		text += one
	}
	return load(t, text)
}

func load(t testing.TB, text string) *detect.Pack {
	t.Helper()
	pack, err := detect.Load([]rule.Source{{FS: fstest.MapFS{"rules.yml": {Data: []byte(text)}}, Dir: "."}}, detect.LoadOptions{})
	if err != nil || len(pack.Problems) > 0 {
		t.Fatal(err, pack.Problems)
	}
	return pack
}

// drawCalls are events that the rules of everyType take.
func drawCalls(t *rapid.T, bases rule.Bases) []record {
	span := rapid.SampledFrom([]int{600, 3600, 8 * 3600}).Draw(t, "span")
	var out []record
	for i := range rapid.IntRange(1, 40).Draw(t, "events") {
		set := map[string]any{
			"eventSource": "ec2.amazonaws.com", "eventName": "Describe" + rapid.SampledFrom([]string{"1", "1", "2", "3"}).Draw(t, "call"),
			"userIdentity.type":                             "AssumedRole",
			"userIdentity.sessionContext.sessionIssuer.arn": "arn:aws:iam::111122223333:role/" + rapid.SampledFrom([]string{"x", "x", "y"}).Draw(t, "role"),
			"requestParameters.name":                        rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name"),
			"requestParameters.size":                        rapid.IntRange(1, 9).Draw(t, "size"),
			"sourceIPAddress":                               rapid.SampledFrom([]string{"203.0.113.1", "203.0.113.2"}).Draw(t, "address"),
		}
		if rapid.IntRange(0, 5).Draw(t, "failed") == 0 {
			set["errorCode"] = "AccessDenied"
		}
		at := time.Duration(rapid.IntRange(0, span).Draw(t, "at")) * time.Second
		out = append(out, event(t, bases, "assumed-root-call", uuid(i), at, set))
	}
	return out
}

// deliver draws when the records come: late, in any order, some of them again.
func deliver(t *rapid.T, records []record, lateness time.Duration) []record {
	var out []record
	late := int(lateness/time.Second) - 1
	for _, r := range records {
		r.comes = r.at + int64(rapid.IntRange(0, late).Draw(t, "delay"))
		out = append(out, r)
		if rapid.IntRange(0, 4).Draw(t, "again") == 0 {
			r.comes += int64(rapid.IntRange(0, 4*late).Draw(t, "redelivery"))
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b record) int { return cmp.Compare(a.comes, b.comes) })
	return out
}

// replay delivers records in portions to processes that end, and whose transactions
// fail.
func replay(t *rapid.T, pack *detect.Pack, o live.Options, delivered []record) *store {
	s := newStore()
	w := newWatch(t, pack, s, o)
	for len(delivered) > 0 {
		n := rapid.IntRange(1, len(delivered)).Draw(t, "portion")
		for _, r := range delivered[:n] {
			w.observe(r)
		}
		now := delivered[n-1].comes
		switch rapid.SampledFrom([]string{"on", "on", "restart", "fail", "expire"}).Draw(t, "then") {
		case "fail":
			w.changes(now)
			w = newWatch(t, pack, s, o)
			continue
		case "restart":
			w.step(now)
			w = newWatch(t, pack, s, o)
		case "expire":
			w.step(now)
			s.expire(now)
		default:
			w.step(now)
		}
		delivered = delivered[n:]
	}
	return s
}

// last is when all records have come and their time is settled.
func last(records []record, lateness time.Duration) (observed, now int64) {
	for _, r := range records {
		observed = max(observed, r.comes)
	}
	return observed, observed + int64(lateness/time.Second)
}

func TestEveryTypeAgreesWithAHunt(t *testing.T) {
	pack := everyType(t)
	_, bases := shipped(t)
	lot.Check(t, func(t *rapid.T) {
		lateness := rapid.SampledFrom([]time.Duration{15 * time.Minute, live.DefaultLateness}).Draw(t, "lateness")
		records := drawCalls(t, bases)
		delivered := deliver(t, records, lateness)
		o := live.Options{Lateness: lateness, Memory: rapid.SampledFrom([]int{1, 1 << 20}).Draw(t, "memory")}
		s := replay(t, pack, o, delivered)
		observed, now := last(delivered, lateness)
		newWatch(t, pack, s, o).step(now)
		want := hunt(t, pack, detect.Options{Observed: time.Unix(observed, 0)}, records)
		compare(t, pack, want, s)
	})
}

// compare holds what live detection came to against a hunt over the same records.
func compare(t failer, pack *detect.Pack, want *detect.Result, s *store) {
	t.Helper()
	if diff := gocmp.Diff(withoutGrown(pack, want.Alerts), withoutGrown(pack, s.found()), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("alerts (-hunt +live):\n%s", diff)
	}
	if got, want := int64(s.totals.Matches), want.Totals.Matches; got != want {
		t.Fatalf("matches: got %d, want %d", got, want)
	}
	if s.totals.Late > 0 || len(s.totals.Notices) > 0 {
		t.Fatalf("got %d late events and notices %q, want none", s.totals.Late, s.totals.Notices)
	}
}

// withoutGrown leaves out, of the alerts of correlations of correlations, what their
// events say: an outer alert keeps what an inner one showed when it was settled.
func withoutGrown(pack *detect.Pack, alerts []rootkeep.Alert) []rootkeep.Alert {
	chained := map[string]bool{}
	for _, c := range pack.Set.Correlations() {
		if slices.ContainsFunc(c.Inputs, func(in sigma.Input) bool { return in.Correlation >= 0 }) {
			chained[c.Name] = true
		}
	}
	out := slices.Clone(alerts)
	for i, a := range out {
		if chained[a.Rules[0].Name] {
			out[i] = rootkeep.Alert{Level: a.Level, Title: a.Title, Kind: a.Kind, State: a.State, First: a.First, Last: a.Last, Count: a.Count, Rules: a.Rules}
		}
	}
	return canonical(out)
}
