package fault_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// late is how much later than it happened an event may be delivered.
const late = 15 * time.Minute

// object is a log file.
type object struct {
	name string
	data []byte
}

// trail draws events of the last eighty minutes, of all kinds that the shipped detections are
// tested with and sign-ins of root that fail, in the order of their delivery: each object up
// to 15 minutes later than its time.
func trail(t *testing.T, seed uint64, objects int) []object {
	t.Helper()
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		t.Fatal(err)
	}
	// A hunt judges by all that its input tells of watched trails, live detection by what it
	// has heard: these tell.
	teach := []string{"create-trail", "update-trail", "put-event-selectors", "put-advanced-event-selectors", "create-trail-foreign"}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(bases)), func(name string) bool { return slices.Contains(teach, name) })
	d := rand.New(rand.NewPCG(seed, 1))
	const span, each = 80 * time.Minute, 4
	begin := time.Now().Add(-span).Truncate(time.Second)
	type delivery struct {
		object
		at time.Duration
	}
	var all []delivery
	for n := range objects {
		at := span * time.Duration(n) / time.Duration(objects)
		var records []any
		for i := range each {
			base := names[d.IntN(len(names))]
			if d.IntN(3) == 0 {
				base = "root-signin-failure"
			}
			set := map[string]any{"recipientAccountId": fmt.Sprintf("%012d", 111122223333+d.IntN(3))}
			if d.IntN(2) == 0 {
				set["sourceIPAddress"] = []string{"203.0.113.7", "198.51.100.7"}[d.IntN(2)]
			}
			records = append(records, event(t, bases, base, set, fmt.Sprintf("%08d-0000-4000-8000-%012d", n, i), begin.Add(at+time.Duration(d.IntN(30))*time.Second)))
		}
		all = append(all, delivery{packed(t, fmt.Sprintf("%06d.json", n), records...), at + time.Duration(d.Int64N(int64(late)))})
	}
	slices.SortStableFunc(all, func(a, b delivery) int { return int(a.at - b.at) })
	out := make([]object, len(all))
	for i, one := range all {
		out[i] = one.object
	}
	return out
}

// event is a base event with some fields, an ID and a time.
func event(t *testing.T, bases rule.Bases, base string, set map[string]any, id string, at time.Time) map[string]any {
	t.Helper()
	e, err := rule.Patch{Base: base, Set: set}.Apply(bases)
	if err != nil {
		t.Fatalf("%s: %v", base, err)
	}
	e["eventID"], e["eventTime"] = id, at.UTC().Format(time.RFC3339)
	return e
}

func packed(t *testing.T, name string, records ...any) object {
	t.Helper()
	data, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	return object{name, data}
}

// failures are failed sign-ins of an account's root user, some seconds apart from each other.
func failures(t *testing.T, name, account string, from time.Time, first, n int) object {
	t.Helper()
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		t.Fatal(err)
	}
	var records []any
	for i := first; i < first+n; i++ {
		set := map[string]any{"recipientAccountId": account, "userIdentity.accountId": account}
		records = append(records, event(t, bases, "root-signin-failure", set, fmt.Sprintf("%s-0000-4000-8000-%08d", account, i), from.Add(time.Duration(i)*5*time.Second)))
	}
	return packed(t, name, records...)
}

// put leaves an object in a folder, whole under its name.
func (o object) put(t *testing.T, folder string) {
	t.Helper()
	path := filepath.Join(folder, o.name)
	unfinished := filepath.Join(folder, "."+strings.ReplaceAll(o.name, "/", "-"))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(unfinished, o.data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(unfinished, path); err != nil {
		t.Fatal(err)
	}
}
