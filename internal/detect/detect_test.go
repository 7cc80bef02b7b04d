package detect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/internal/rule"
)

func shipped(t testing.TB) (*detect.Pack, rule.Bases) {
	t.Helper()
	pack, err := detect.Load([]rule.Source{{FS: content.Files, Dir: "detections"}}, detect.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		t.Fatal(err)
	}
	return pack, bases
}

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// event is a base event at an offset from Monday morning, patched.
func event(t testing.TB, bases rule.Bases, base string, at time.Duration, set map[string]any) map[string]any {
	t.Helper()
	e, err := rule.Patch{Base: base, Set: set}.Apply(bases)
	if err != nil {
		t.Fatal(err)
	}
	e["eventTime"] = monday.Add(at).Format(time.RFC3339)
	if _, own := set["eventID"]; !own {
		e["eventID"] = fmt.Sprintf("%08x-0000-4000-8000-%012x", len(base), uint64(at)+uint64(rand.Uint32())<<16)
	}
	return e
}

// hunt reads files of records, one worker for each entry of shares; a share
// lists the files its worker reads.
func hunt(t testing.TB, pack *detect.Pack, o detect.Options, files [][]map[string]any, shares [][]int) *detect.Result {
	t.Helper()
	h, err := detect.NewHunt(pack, o)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, h, files, shares)
}

func run(t testing.TB, h *detect.Hunt, files [][]map[string]any, shares [][]int) *detect.Result {
	t.Helper()
	fields, err := cloudtrail.CompileFields(h.Fields())
	if err != nil {
		t.Fatal(err)
	}
	var workers []*detect.Worker
	for _, share := range shares {
		w := h.NewWorker()
		r := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: h.Derived()})
		for _, n := range share {
			text, err := json.Marshal(map[string]any{"Records": files[n]})
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("file-%d", n)
			open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
			stats := r.Read(context.Background(), cloudtrail.Input{Name: name, Open: open}, func(rec *cloudtrail.Record) error {
				w.Observe(rec, name)
				return nil
			})
			if len(stats.Problems) > 0 {
				t.Fatalf("%s: %v", name, stats.Problems)
			}
		}
		workers = append(workers, w)
	}
	res, err := h.Finish(workers)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func one(t testing.TB, pack *detect.Pack, o detect.Options, records ...map[string]any) *detect.Result {
	return hunt(t, pack, o, [][]map[string]any{records}, [][]int{{0}})
}

// story is a morning with a root takeover, failures, spread over hours.
func story(t testing.TB, bases rule.Bases) []map[string]any {
	var out []map[string]any
	for i := range 12 {
		out = append(out, event(t, bases, "root-signin-failure", time.Duration(i)*20*time.Second, nil))
	}
	out = append(out,
		event(t, bases, "root-signin", 5*time.Minute, map[string]any{"additionalEventData.MFAUsed": "No"}),
		event(t, bases, "root-create-access-key", 7*time.Minute, nil),
		event(t, bases, "stop-logging", 9*time.Minute, nil),
		event(t, bases, "root-signin", 3*time.Hour, nil),
	)
	for i := range 25 {
		out = append(out, event(t, bases, "get-secret-value", time.Duration(i)*7*time.Second, map[string]any{"requestParameters.secretId": fmt.Sprint("secret-", i)}))
	}
	return out
}

func TestOrderFilesAndWorkersDoNotShow(t *testing.T) {
	pack, bases := shipped(t)
	records := story(t, bases)
	// Every record lies in a file of its own, so that evidence names the same
	// file in whatever order they are read.
	files := make([][]map[string]any, len(records))
	all := make([]int, len(records))
	for i, r := range records {
		files[i], all[i] = []map[string]any{r}, i
	}
	want := hunt(t, pack, detect.Options{}, files, [][]int{all})
	if len(want.Alerts) < 5 || len(want.Sessions) != 2 {
		t.Fatalf("the story gives %d alerts and %d root sessions, want at least 5 and 2", len(want.Alerts), len(want.Sessions))
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		shares := make([][]int, 1+rng.IntN(4))
		for _, n := range rng.Perm(len(files)) {
			w := rng.IntN(len(shares))
			shares[w] = append(shares[w], n)
		}
		got := hunt(t, pack, detect.Options{}, files, shares)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, %d workers: the result differs (-one worker +shuffled):\n%s", seed, len(shares), diff)
		}
	}
}

func TestDuplicatesCountOnce(t *testing.T) {
	pack, bases := shipped(t)
	records := story(t, bases)
	once := one(t, pack, detect.Options{}, records...)
	twice := one(t, pack, detect.Options{}, append(records, records...)...)
	if twice.Totals.Duplicates != int64(len(records)) || twice.Totals.Events != once.Totals.Events {
		t.Errorf("read twice: got %d events and %d duplicates, want %d and %d", twice.Totals.Events, twice.Totals.Duplicates, once.Totals.Events, len(records))
	}
	if diff := cmp.Diff(once.Alerts, twice.Alerts); diff != "" {
		t.Errorf("alerts differ when every record comes twice (-once +twice):\n%s", diff)
	}
}

func find(alerts []rootkeep.Alert, rule string) *rootkeep.Alert {
	for i := range alerts {
		for _, hit := range alerts[i].Rules {
			if hit.Name == rule {
				return &alerts[i]
			}
		}
	}
	return nil
}

func TestRootSessions(t *testing.T) {
	pack, bases := shipped(t)
	tests := []struct {
		name    string
		records []map[string]any
		want    []int // events of each session
		mfa     string
	}{
		{"events within an hour are one session", []map[string]any{
			event(t, bases, "root-signin", 0, nil), event(t, bases, "root-create-access-key", 59*time.Minute, nil),
		}, []int{2}, "yes"},
		{"a gap of more than an hour makes two", []map[string]any{
			event(t, bases, "root-signin", 0, nil), event(t, bases, "root-create-access-key", 61*time.Minute, nil),
		}, []int{1, 1}, "yes"},
		{"a session without MFA says no", []map[string]any{
			event(t, bases, "root-signin", 0, map[string]any{"additionalEventData.MFAUsed": "No"}),
		}, []int{1}, "no"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := one(t, pack, detect.Options{}, tt.records...)
			var got []int
			for _, s := range res.Sessions {
				got = append(got, s.Events)
				if s.Approval != "approval not checked" {
					t.Errorf("approval: got %q, want approval not checked", s.Approval)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Fatalf("events of each session (-want +got):\n%s", diff)
			}
			if res.Sessions[0].MFA != tt.mfa {
				t.Errorf("MFA: got %q, want %q", res.Sessions[0].MFA, tt.mfa)
			}
		})
	}
}

func TestThresholdStatesAreOneAlert(t *testing.T) {
	pack, bases := shipped(t)
	var records []map[string]any
	for i := range 12 {
		records = append(records, event(t, bases, "root-signin-failure", time.Duration(i)*20*time.Second, nil))
	}
	few, many := one(t, pack, detect.Options{}, records[:6]...), one(t, pack, detect.Options{}, records...)
	for _, tt := range []struct {
		name  string
		res   *detect.Result
		state string
		count int
	}{{"six failures alert", few, "open", 6}, {"twelve escalate the same alert", many, "escalated", 12}} {
		t.Run(tt.name, func(t *testing.T) {
			a := find(tt.res.Alerts, "root-signin-failures")
			if a == nil {
				t.Fatalf("no alert of root-signin-failures in %d alerts", len(tt.res.Alerts))
			}
			if a.State != tt.state || a.Count != tt.count {
				t.Errorf("got state %s with %d events, want %s with %d", a.State, a.Count, tt.state, tt.count)
			}
		})
	}
	if a, b := find(few.Alerts, "root-signin-failures"), find(many.Alerts, "root-signin-failures"); a != nil && b != nil && a.ID != b.ID {
		t.Errorf("the alert's ID changed with its state: %s and %s", a.ID, b.ID)
	}
}

func TestListsMoveTheLevel(t *testing.T) {
	pack, bases := shipped(t)
	stop := event(t, bases, "stop-logging", 0, map[string]any{"sourceIPAddress": "203.0.113.66"})
	plain := find(one(t, pack, detect.Options{}, stop).Alerts, "trail-stopped")
	atlas := &origin.Atlas{}
	if err := atlas.Threats.Read("bad.txt", strings.NewReader("203.0.113.0/24 source=feed\n")); err != nil {
		t.Fatal(err)
	}
	listed := find(one(t, pack, detect.Options{Atlas: atlas}, stop).Alerts, "trail-stopped")
	if plain == nil || listed == nil {
		t.Fatal("trail-stopped raised no alert")
	}
	if listed.Level != plain.Level.Raise() {
		t.Errorf("level from a listed address: got %s, want one above %s", listed.Level, plain.Level)
	}
	if diff := cmp.Diff([]string{"on threat list feed"}, listed.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestNarrowing(t *testing.T) {
	pack, bases := shipped(t)
	records := []map[string]any{
		event(t, bases, "stop-logging", -time.Second, nil), event(t, bases, "stop-logging", 0, nil),
		event(t, bases, "stop-logging", time.Hour, nil), event(t, bases, "stop-logging", 30*time.Minute, map[string]any{"recipientAccountId": "999999999999"}),
	}
	account, err := rootkeep.ParseAccountID(records[0]["recipientAccountId"].(string))
	if err != nil {
		t.Fatal(err)
	}
	res := one(t, pack, detect.Options{Since: monday, Until: monday.Add(time.Hour), Accounts: []rootkeep.AccountID{account}}, records...)
	if res.Totals.Events != 1 || res.Totals.Before != 1 || res.Totals.Outside != 2 {
		t.Errorf("got %d events inside, %d before and %d outside, want 1, 1 and 2", res.Totals.Events, res.Totals.Before, res.Totals.Outside)
	}
}

func TestAWildTimeIsNoTime(t *testing.T) {
	pack, bases := shipped(t)
	stop := event(t, bases, "stop-logging", 0, nil)
	for _, at := range []string{"9999-12-31T23:59:59-00:01", "1970-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "soon"} {
		wild := event(t, bases, "root-signin", 0, nil)
		wild["eventTime"] = at
		res := one(t, pack, detect.Options{}, stop, wild)
		if res.Totals.Untimed != 1 || res.Totals.First != monday || res.Totals.Last != monday {
			t.Errorf("eventTime %s: got %d untimed, %s to %s, want 1 and Monday morning", at, res.Totals.Untimed, res.Totals.First, res.Totals.Last)
		}
		if a := find(res.Alerts, "root-console-signin"); a == nil || !a.First.IsZero() {
			t.Errorf("eventTime %s: got %v, want an alert at an unknown time", at, a)
		}
		if _, err := json.Marshal(res); err != nil {
			t.Errorf("eventTime %s: %v", at, err)
		}
	}
}
