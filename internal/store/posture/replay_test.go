package posture_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// judged is a scan: what it judged by, and what each resource came to, by control and name.
type judged struct {
	taken    time.Time
	controls []string
	found    map[string]rootkeep.Status
}

// blind says whether something of a control is not known.
func (j judged) blind(control string) bool {
	for key, status := range j.found {
		if strings.HasPrefix(key, control+" ") && status == rootkeep.Unknown {
			return true
		}
	}
	return false
}

// after is what is known of a resource after some scans: it was found last by one of
// them, and no later one looked and could say that it is gone.
func after(history []judged, key string) (status rootkeep.Status, seen int, known bool) {
	control, _, _ := strings.Cut(key, " ")
	for seen = len(history) - 1; seen >= 0; seen-- {
		status, known = history[seen].found[key]
		if known {
			break
		}
		if slices.Contains(history[seen].controls, control) && !history[seen].blind(control) {
			return 0, 0, false
		}
	}
	for _, later := range history[seen+1:] {
		if known && later.blind(control) && (status == rootkeep.Pass || status == rootkeep.NotApplicable) {
			status = rootkeep.Unknown
		}
	}
	return status, seen, known
}

func replay(history []judged) []string {
	out := []string{}
	for _, key := range []string{"RT-01 a", "RT-01 b", "US-01 a", "US-01 b"} {
		status, seen, known := after(history, key)
		if !known {
			continue
		}
		first, changed := 0, 0
		for n := 1; n <= len(history); n++ {
			was, _, before := after(history[:n-1], key)
			is, _, now := after(history[:n], key)
			if now && !before {
				first, changed = n-1, n-1
			}
			if now && was != is {
				changed = n - 1
			}
		}
		day := func(n int) string { return history[n].taken.Format("2") }
		line := fmt.Sprintf("%s %s since %s, changed %s", key, status, day(first), day(changed))
		if seen < len(history)-1 {
			line += ", seen " + day(seen)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// draw is a sequence of scans of two controls over two resources.
func draw(t *rapid.T) []judged {
	var out []judged
	for n := range rapid.IntRange(1, 8).Draw(t, "scans") {
		j := judged{taken: day1.AddDate(0, 0, n), found: map[string]rootkeep.Status{}}
		for _, control := range []string{"RT-01", "US-01"} {
			if !rapid.Bool().Draw(t, "judges "+control) {
				continue
			}
			j.controls = append(j.controls, control)
			for _, resource := range []string{"a", "b"} {
				if status := rapid.IntRange(-1, 4).Draw(t, control+" "+resource); status >= 0 {
					j.found[control+" "+resource] = rootkeep.Status(status)
				}
			}
		}
		out = append(out, j)
	}
	return out
}

func (j judged) findings(id rootkeep.AccountID) []rootkeep.Finding {
	var out []rootkeep.Finding
	for key, status := range j.found {
		control, resource, _ := strings.Cut(key, " ")
		out = append(out, finding(id, control, resource, status))
	}
	return out
}

// The findings after a sequence of scans are those of a replay that works everything out
// from all that was ever seen.
func TestScansAgainstANaiveReplay(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		history := draw(t)
		known, since := map[string]*posture.Finding{}, time.Time{}
		for _, j := range history {
			known, since = posture.Merge(known, j.findings(alpha), j.controls, since, j.taken), j.taken
		}
		got := shorts(slices.Collect(maps.Values(known)))
		if diff := cmp.Diff(got, replay(history)); diff != "" {
			t.Fatalf("got (-), want (+)\n%s", diff)
		}
	})
}

// The same through a database: one account for each of a few sequences.
func TestScansInAStoreAgainstANaiveReplay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for seed := range 3 {
			history := rapid.Custom(draw).Example(seed)
			id := rootkeep.AccountID(fmt.Sprintf("%012d", seed))
			for n, j := range history {
				scan(t, s, fmt.Sprintf("SC-%d-%d", seed, n), account(id, j.taken), j.controls, j.findings(id)...)
			}
			got := shorts(all(t, s, admin, posture.Filter{Accounts: []rootkeep.AccountID{id}}, posture.ByUrgency))
			if diff := cmp.Diff(got, replay(history)); diff != "" {
				t.Errorf("got (-), want (+)\n%s", diff)
			}
		}
	})
}
