package report

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep"
)

// tally is how many events one account or Region has.
type tally[K cmp.Ordered] struct {
	key    K
	events int64
}

// accounts seen, most events first.
func (h *Hunt) accounts() []tally[rootkeep.AccountID] {
	return count(h.Seen, func(s Seen) rootkeep.AccountID { return s.Account })
}

// regions seen, most events first.
func (h *Hunt) regions() []tally[rootkeep.Region] {
	return count(h.Seen, func(s Seen) rootkeep.Region { return s.Region })
}

func count[K cmp.Ordered](seen []Seen, key func(Seen) K) []tally[K] {
	events := map[K]int64{}
	for _, s := range seen {
		events[key(s)] += s.Events
	}
	var out []tally[K]
	for _, k := range slices.Sorted(maps.Keys(events)) {
		out = append(out, tally[K]{k, events[k]})
	}
	slices.SortStableFunc(out, func(a, b tally[K]) int { return cmp.Compare(b.events, a.events) })
	return out
}
