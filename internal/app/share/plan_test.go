package share

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
)

// world is a work whose processes come and die.
type world struct {
	view
	parts, next int
	moves       int // parts that got another owner
}

func (w *world) join() {
	w.next++
	w.processes = append(w.processes, fmt.Sprintf("host-%d/%d", w.next%3, w.next))
	slices.Sort(w.processes)
}

func (w *world) die(i int) {
	for part, owner := range w.owners {
		if owner == w.processes[i] {
			w.owners[part] = "" // its lease ended
		}
	}
	w.processes = slices.Delete(w.processes, i, i+1)
}

// look is what one process does in its turn.
func (w *world) look(t *rapid.T, process string) {
	leave, take := w.step(process)
	if len(leave) > 0 && len(take) > 0 {
		t.Fatalf("%s leaves %v and takes %v", process, leave, take)
	}
	for _, part := range leave {
		if w.owners[part] != process {
			t.Fatalf("%s leaves part %d of %q", process, part, w.owners[part])
		}
		w.owners[part] = ""
	}
	for _, part := range take {
		if w.owners[part] != "" {
			t.Fatalf("%s takes part %d of %s", process, part, w.owners[part])
		}
		w.owners[part] = process
		w.moves++
	}
}

// settle lets all look until nothing moves.
func (w *world) settle(t *rapid.T) {
	for range 3 {
		for _, p := range rapid.Permutation(w.processes).Draw(t, "order") {
			w.look(t, p)
		}
	}
}

func (w *world) counts() map[string]int {
	out := map[string]int{}
	for _, owner := range w.owners {
		out[owner]++
	}
	return out
}

func TestPartsAreSharedEvenly(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		parts := rapid.IntRange(1, 100).Draw(t, "parts")
		w := &world{parts: parts, view: view{owners: make([]string, parts)}}
		w.join()
		for range rapid.IntRange(1, 12).Draw(t, "events") {
			before := len(w.processes)
			w.moves = 0
			joins := rapid.Bool().Draw(t, "joins") || before == 1
			if joins {
				w.join()
			} else {
				w.die(rapid.IntRange(0, before-1).Draw(t, "who"))
			}
			for range rapid.IntRange(0, 5).Draw(t, "looks") { // some look often, some not at all
				w.look(t, rapid.SampledFrom(w.processes).Draw(t, "who looks"))
			}
			w.settle(t)
			n := len(w.processes)
			counts := w.counts()
			if counts[""] > 0 {
				t.Fatalf("%d of %d parts have no owner among %d processes", counts[""], parts, n)
			}
			for _, p := range w.processes {
				if got := counts[p]; got < parts/n || got > (parts+n-1)/n {
					t.Fatalf("%s has %d of %d parts among %d processes", p, got, parts, n)
				}
			}
			// A share moves, and one part more for each process whose turn it is to have one less.
			if most := (parts+before-1)/before + n; before > 1 && w.moves > most {
				t.Fatalf("%d parts of %d moved when the processes became %d instead of %d, want at most %d", w.moves, parts, n, before, most)
			}
		}
	})
}

func TestOneThatDoesNotLiveTakesNothing(t *testing.T) {
	v := view{processes: []string{"a"}, owners: []string{"", "b", ""}}
	if leave, take := v.step("b"); !slices.Equal(leave, []int{1}) || len(take) != 0 {
		t.Errorf("got leave %v, take %v, want it to leave its part", leave, take)
	}
	if leave, take := v.step("a"); len(leave) != 0 || !slices.Equal(take, []int{0, 2}) {
		t.Errorf("got leave %v, take %v, want it to take what is free", leave, take)
	}
}
