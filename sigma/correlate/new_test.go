package correlate_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

const failuresThenSuccess = `
title: Failed sign-in
name: failure
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {outcome: Failure}
  condition: selection
---
title: Sign-in
name: success
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {outcome: Success}
  condition: selection
---
title: Three failures
name: failures
correlation:
  type: event_count
  rules: [failure]
  group-by: [address, user]
  timespan: 5m
  condition: {gte: 3}
---
title: Success after failures
correlation:
  type: temporal_ordered
  rules: [failures, success]
  group-by: [who]
  timespan: 1h
  aliases:
    who: {failures: user, success: user}
level: high
`

func TestCompiledCorrelationsFire(t *testing.T) {
	docs, err := sigma.Parse("failures.yaml", []byte(failuresThenSuccess))
	if err != nil {
		t.Fatal(err)
	}
	set, problems := sigma.Compile(docs, sigma.Options{})
	if len(problems) > 0 {
		t.Fatalf("problems: got %v, want none", problems)
	}
	c, m := correlate.New(set), set.NewMatcher()
	signIn := func(at int64, user, outcome string) {
		v := rootkeep.NewView(len(set.Fields()), 0)
		for path, text := range map[string]string{"user": user, "outcome": outcome, "address": "192.0.2.1"} {
			field, _ := set.FieldNumber(path)
			v.Add(field, rootkeep.Value{Kind: rootkeep.String, Text: []byte(text)})
		}
		c.Observe(v, m.Match(v, nil), at, party.Who{}, func() *rootkeep.Event {
			return &rootkeep.Event{ID: outcome, Time: time.Unix(at, 0)}
		})
	}
	signIn(0, "ada", "Failure")
	signIn(60, "ada", "Failure")
	signIn(90, "bob", "Success")
	signIn(120, "ada", "Failure")
	signIn(180, "ada", "Success")

	type outcome struct {
		Title   string
		Group   []string
		Crossed int64
		Events  int
	}
	var got []outcome
	for _, f := range c.Flush(math.MaxInt64) {
		got = append(got, outcome{set.Correlations()[f.Correlation].Title, f.Group, f.Crossed, len(f.Events)})
	}
	want := []outcome{
		{"Three failures", []string{"192.0.2.1", "ada"}, 120, 3},
		{"Success after failures", []string{"ada"}, 180, 4},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("firings (-want +got):\n%s", diff)
	}
}
