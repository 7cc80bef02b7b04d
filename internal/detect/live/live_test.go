package live_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// morning is a root takeover with failures and secrets being read, spread over hours.
func morning(t testing.TB, bases rule.Bases) []record {
	var out []record
	add := func(base string, at time.Duration, set map[string]any) {
		out = append(out, event(t, bases, base, uuid(len(out)), at, set))
	}
	for i := range 12 {
		add("root-signin-failure", time.Duration(i)*20*time.Second, nil)
	}
	add("root-signin", 5*time.Minute, map[string]any{"additionalEventData.MFAUsed": "No"})
	add("root-create-access-key", 7*time.Minute, nil)
	add("stop-logging", 9*time.Minute, nil)
	add("root-signin", 3*time.Hour, nil)
	for i := range 25 {
		add("get-secret-value", time.Duration(i)*7*time.Second, map[string]any{"requestParameters.secretId": fmt.Sprint("secret-", i)})
	}
	slices.SortStableFunc(out, func(a, b record) int { return cmp.Compare(a.at, b.at) })
	return out
}

func TestAMorningEventByEvent(t *testing.T) {
	pack, bases := shipped(t)
	records := morning(t, bases)
	s := newStore()
	w := newWatch(t, pack, s, live.Options{})
	now := int64(0)
	for _, r := range records {
		w.observe(r)
		now = max(now, r.at)
		w.step(now)
	}
	end := now + int64(live.DefaultLateness/time.Second)
	w.step(end)
	want := hunt(t, pack, detect.Options{Observed: time.Unix(now, 0)}, records)
	if len(want.Alerts) < 5 {
		t.Fatalf("the morning gives %d alerts, want at least 5", len(want.Alerts))
	}
	compare(t, pack, want, s)
}
