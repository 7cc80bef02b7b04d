package change

import (
	"maps"
	"slices"
	"strconv"

	"github.com/rootkeep/rootkeep/internal/change/expr"
)

// maxDifferences bounds what a plan shows.
const maxDifferences = 300

// differences are the values of a state that are not as wanted, by their paths. A read
// whose state is a map may be wanted in part: members that are not named stay as they
// are, unless exact. What lies deeper is wanted as a whole.
func differences(state, wants map[string]any, exact bool) []Difference {
	out := []Difference{}
	for _, id := range slices.Sorted(maps.Keys(both(state, wants, exact))) {
		have, is := state[id].(map[string]any)
		want, ok := wants[id].(map[string]any)
		if !is || !ok {
			out = differ(out, id, state[id], wants[id])
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(both(have, want, exact))) {
			out = differ(out, id+"."+name, have[name], want[name])
		}
	}
	return out
}

// both has the names that are compared.
func both(state, wants map[string]any, exact bool) map[string]any {
	out := maps.Clone(wants)
	if exact {
		maps.Copy(out, state)
	}
	return out
}

func differ(out []Difference, path string, before, wants any) []Difference {
	if len(out) >= maxDifferences || expr.Same(before, wants) {
		return out
	}
	have, is := before.(map[string]any)
	want, ok := wants.(map[string]any)
	if is && ok {
		for _, name := range slices.Sorted(maps.Keys(both(have, want, true))) {
			out = differ(out, path+"."+name, have[name], want[name])
		}
		return out
	}
	had, is := before.([]any)
	wanted, ok := wants.([]any)
	if is && ok && len(had) == len(wanted) {
		for i := range wanted {
			out = differ(out, path+"."+strconv.Itoa(i), had[i], wanted[i])
		}
		return out
	}
	return append(out, Difference{Path: path, Before: before, After: wants})
}
