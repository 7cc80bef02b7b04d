// Package difference compares states of what kinds of change read: values as JSON has them
// go in, the paths at which they differ come out.
package difference

import (
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/rootkeep/rootkeep/internal/change/expr"
)

// Difference is one value that changes. Before or After is nil where there is none.
type Difference struct {
	After  any    `json:"after"`
	Before any    `json:"before"`
	Path   string `json:"path"`
}

// most bounds what a plan shows.
const most = 300

// Of are the values of a state that are not as wanted, by their paths. A read
// whose state is a map may be wanted in part: members that are not named stay as they
// are, unless exact. What lies deeper is wanted as a whole.
func Of(state, wants map[string]any, exact bool) []Difference {
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
	if len(out) >= most || expr.Same(before, wants) {
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

// Strays are the values of a state that are neither as before nor as wanted, nor between the
// two: what somebody else changed while calls of a plan were made, with what was before as
// what they should be again. A list lies between if
// each of its elements stands in one of them, and it has all that stand in both.
func Strays(now, before, wants map[string]any) []Difference {
	out := []Difference{}
	for _, id := range slices.Sorted(maps.Keys(both(now, before, true))) {
		is := now[id]
		want, ok := wants[id]
		if !ok {
			want = before[id]
		}
		if part, named := want.(map[string]any); named && ok {
			if was, there := before[id].(map[string]any); there { // members that are not named stay as they are
				want = both(part, was, true)
			} else if made, there := is.(map[string]any); there { // and of what came to be they are AWS's to set
				is = only(made, part)
			}
		}
		out = stray(out, id, is, before[id], want)
	}
	return out
}

// only has the members of a map that another one names.
func only(m, names map[string]any) map[string]any {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(name string, _ any) bool { _, named := names[name]; return !named })
	return m
}

func stray(out []Difference, path string, now, before, want any) []Difference {
	if len(out) >= most || expr.Same(now, before) || expr.Same(now, want) || between(now, before, want) {
		return out
	}
	is, ok := now.(map[string]any)
	was, wasMap := before.(map[string]any)
	will, willMap := want.(map[string]any)
	if ok && (wasMap || before == nil) && (willMap || want == nil) {
		for _, name := range slices.Sorted(maps.Keys(both(is, both(was, will, true), true))) {
			out = stray(out, path+"."+name, is[name], was[name], will[name])
		}
		return out
	}
	list, listed := now.([]any)
	had, _ := before.([]any)
	wanted, _ := want.([]any)
	if listed && len(list) == len(had) && len(list) == len(wanted) {
		for i := range list {
			out = stray(out, path+"."+strconv.Itoa(i), list[i], had[i], wanted[i])
		}
		return out
	}
	return append(out, Difference{Path: path, Before: now, After: before})
}

func between(now, before, want any) bool {
	is, ok := now.([]any)
	was, listed := before.([]any)
	will, wanted := want.([]any)
	if !ok || !listed && before != nil || !wanted && want != nil {
		return false
	}
	has, err := texts(is)
	had, err1 := texts(was)
	wants, err2 := texts(will)
	if errors.Join(err, err1, err2) != nil {
		return false
	}
	for e := range has {
		if !had[e] && !wants[e] {
			return false
		}
	}
	for e := range had {
		if wants[e] && !has[e] {
			return false
		}
	}
	return true
}

// texts are the elements of a list as JSON: lists may be long.
func texts(list []any) (map[string]bool, error) {
	out := map[string]bool{}
	for _, e := range list {
		text, err := expr.Encode(e)
		if err != nil {
			return nil, err
		}
		out[string(text)] = true
	}
	return out, nil
}
