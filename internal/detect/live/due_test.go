package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/detect/live"
)

// Rows of a part whose process is gone stay due, before those of this one.
func TestDueRowsOfAnotherPartKeepNoneWaiting(t *testing.T) {
	pack := load(t, fmt.Sprintf(baseRule, "1", "discovery")+strings.Replace(fmt.Sprintf(windowRule, "silent", 1, "absence", "call-1", "recipientAccountId", "1h", "", ""), "  condition: {}\n", "", 1))
	_, bases := shipped(t)
	call := func(n int, account string) record {
		return event(t, bases, "assumed-root-call", uuid(n), 0, map[string]any{"eventSource": "ec2.amazonaws.com", "eventName": "Describe1", "recipientAccountId": account})
	}
	s := newStore()
	all := newWatch(t, pack, s, live.Options{})
	theirs, ours := call(0, "111122223333"), call(1, "444455556666")
	all.observe(theirs)
	all.step(monday.Unix())
	var data []byte
	var way string
	for key, row := range s.rows {
		if strings.HasPrefix(key, "w/") {
			data, way = row.Data, key[:strings.LastIndex(key, "/")+1]
		}
	}
	var owned []uint64
	rec, err := all.reader.One(ours.raw)
	if err != nil {
		t.Fatal(err)
	}
	owned, _ = all.engine.Route(rec)
	all.observe(ours)
	all.step(monday.Unix())
	due := monday.Add(3 * time.Hour).Unix()
	for i := range 10_500 {
		key := fmt.Sprintf("%s!%05d", way, i)
		s.rows[key] = live.Row{Key: key, Data: data, Due: due}
	}
	w := newWatch(t, pack, s, live.Options{Owns: func(hash uint64) bool { return slices.Contains(owned, hash) }})
	for range 2 {
		w.step(due)
	}
	if got := statesOf(s, "silent"); !slices.Equal(got, []string{"open 1"}) {
		t.Errorf("the silence of this part: got %q, want open 1", got)
	}
}

// Steps come with each batch of events, and time goes on by the second.
func TestDueRowsAreLookedForWhenTimeGoesOn(t *testing.T) {
	s := newStore()
	w := newWatch(t, load(t, fmt.Sprintf(baseRule, "1", "discovery")), s, live.Options{})
	for _, c := range []struct {
		name  string
		after int64 // seconds
		want  int   // questions since the start
	}{
		{"the first step asks", 0, 1}, {"another at the same time does not", 0, 1}, {"one a second later does", 1, 2}, {"time does not go back", 0, 2},
	} {
		if w.step(monday.Unix() + c.after); s.asked != c.want {
			t.Errorf("%s: got %d questions, want %d", c.name, s.asked, c.want)
		}
	}
}
