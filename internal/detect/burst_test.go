package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// countingRules ask for nothing but to be counted, as SigmaHQ's do: two tactics,
// so that an event may be in two groups, and two rules in one of them.
const countingRules = `title: Any call
id: 00000000-0000-4000-8000-000000000001
level: low
tags: [attack.discovery]
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventSource: ec2.amazonaws.com}
  condition: selection
---
title: One call
id: 00000000-0000-4000-8000-000000000002
level: medium
tags: [attack.discovery]
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: DescribeB}
  condition: selection
---
title: Another call
id: 00000000-0000-4000-8000-000000000003
level: high
tags: [attack.impact]
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: DescribeC}
  condition: selection
`

func counting(t testing.TB) *detect.Pack {
	t.Helper()
	pack, err := detect.Load([]rule.Source{{FS: fstest.MapFS{"rules.yml": {Data: []byte(countingRules)}}, Dir: "."}}, detect.LoadOptions{})
	if err != nil || len(pack.Problems) > 0 {
		t.Fatal(err, pack.Problems)
	}
	return pack
}

// bursts are files with events of a few callers and calls, repeated as CloudTrail
// repeats them, with duplicates, gaps, failures, odd IDs and records without a time.
func bursts(t testing.TB, bases rule.Bases, r *rand.Rand) [][]map[string]any {
	files := make([][]map[string]any, 3+r.IntN(6))
	serial := 0
	for f := range files {
		at := time.Duration(r.IntN(6)) * 40 * time.Minute
		var set map[string]any
		for range 1 + r.IntN(12) {
			if set == nil || r.IntN(2) == 0 {
				set = calling(r)
			}
			for range 1 + r.IntN(8) {
				serial++
				set["eventID"] = fmt.Sprintf("00000000-0000-4000-8000-%012d", serial)
				if r.IntN(20) == 0 {
					set["eventID"] = fmt.Sprint("odd-", serial)
				}
				e := event(t, bases, "assumed-root-call", at, set)
				e["userIdentity"].(map[string]any)["type"] = "AssumedRole"
				if r.IntN(40) == 0 {
					e["eventTime"] = "never"
				}
				files[f] = append(files[f], e)
				at += time.Duration(r.IntN(200)) * time.Second
			}
			at += time.Duration(r.IntN(3)) * 35 * time.Minute
		}
	}
	for range r.IntN(4) { // deliver a file twice
		files = append(files, slices.Clone(files[r.IntN(len(files))]))
	}
	return files
}

// calling is who calls what from where.
func calling(r *rand.Rand) map[string]any {
	set := map[string]any{
		"eventSource":     pick(r, "ec2.amazonaws.com", "ec2.amazonaws.com", "s3.amazonaws.com"),
		"eventName":       pick(r, "DescribeA", "DescribeB", "DescribeC"),
		"sourceIPAddress": pick(r, "203.0.113.1", "203.0.113.2"),
		"userAgent":       pick(r, "a", "b"),
		"userIdentity.sessionContext.sessionIssuer.arn": pick(r, "arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333:role/y"),
	}
	if r.IntN(4) == 0 {
		set["errorCode"] = "AccessDenied"
	}
	return set
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// With somebody who wants every match the engine judges each record while it is at
// hand. Without, it counts bursts and lets events wait; nobody may see that.
func TestCountingBurstsDoesNotShow(t *testing.T) {
	_, bases := shipped(t)
	pack := counting(t)
	// A duplicate has two files, and which of them evidence names depends on the order.
	files := cmpopts.IgnoreFields(rootkeep.Event{}, "File", "Offset")
	alerts := 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		input := bursts(t, bases, r)
		shares := make([][]int, 1+r.IntN(3))
		for n := range input {
			w := r.IntN(len(shares))
			shares[w] = append(shares[w], n)
		}
		all := []int{}
		for n := range input {
			all = append(all, n)
		}
		want := hunt(t, pack, detect.Options{OnMatch: func(detect.Match) {}}, input, [][]int{all})
		got := hunt(t, pack, detect.Options{}, input, shares)
		if diff := cmp.Diff(want, got, files); diff != "" {
			t.Fatalf("seed %d, %d workers: the result differs (-each by itself +counted):\n%s", seed, len(shares), diff)
		}
		alerts += len(want.Alerts)
	}
	if alerts < 100 {
		t.Errorf("got %d alerts over all seeds, want enough to compare", alerts)
	}
}

// A forged log begins a group with every event. What does not fit is counted, at
// its level, and the report says that callers are not told apart.
func TestGroupsWithoutEndAreCountedTogether(t *testing.T) {
	_, bases := shipped(t)
	h, err := detect.NewHunt(counting(t), detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h.SetRoom(100 << 10)
	const events = 500
	var file []map[string]any
	for i := range events {
		file = append(file, event(t, bases, "assumed-root-call", time.Duration(i)*2*time.Hour, map[string]any{
			"eventID": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "eventSource": "ec2.amazonaws.com", "eventName": pick(rand.New(rand.NewPCG(uint64(i), 1)), "DescribeA", "DescribeC"),
			"userIdentity.accountId": fmt.Sprintf("%012d", i), "sourceIPAddress": fmt.Sprint("address-", i),
		}))
	}
	res := run(t, h, [][]map[string]any{file}, [][]int{{0}})
	hits, together := 0, 0
	for _, a := range res.Alerts {
		for _, hit := range a.Rules {
			hits += hit.Count
		}
		if len(a.Notes) > 0 && a.Count > 100 {
			together++
		}
	}
	if int64(hits) != res.Totals.Matches || res.Totals.Matches < events {
		t.Errorf("alerts count %d matches, want all %d", hits, res.Totals.Matches)
	}
	if len(res.Alerts) > 100 || together != 2 {
		t.Errorf("got %d alerts, %d of many callers, want at most 100 and one for each of 2 tactics", len(res.Alerts), together)
	}
	if !slices.ContainsFunc(res.Notices, func(n string) bool { return strings.Contains(n, "counted together as (others)") }) {
		t.Errorf("notices: got %q, want one that says that groups were counted together", res.Notices)
	}
}
