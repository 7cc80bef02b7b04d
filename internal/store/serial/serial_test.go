package serial

import (
	"slices"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestIDsOfOneMillisecondSortAsTheyAreMade(t *testing.T) {
	var p Process
	var made []string
	for range 100 {
		c := p.Change()
		made = append(made, c.ID("JO", noon), c.ID("JO", noon))
	}
	if !slices.IsSorted(made) || len(slices.Compact(slices.Clone(made))) != 200 {
		t.Errorf("got %q, want them in the order of their making", made)
	}
	c := p.Change()
	if next := c.ID("JO", noon.Add(time.Millisecond)); next <= made[199] {
		t.Errorf("got %s after %s", next, made[199])
	}
}

// Chance alone gives hundreds of IDs twice here.
func TestNoIDOfOneChangeIsMadeTwice(t *testing.T) {
	for name, at := range map[string]time.Time{"at once": noon, "behind another": noon.Add(-time.Hour), "overtaken by another": noon.Add(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			var p Process
			c, other := p.Change(), p.Change()
			other.ID("JO", noon)
			seen := map[string]bool{}
			for i := range 200_000 {
				if i == 100_000 && name == "overtaken by another" {
					other.ID("JO", at.Add(time.Millisecond))
				}
				id := c.ID("JO", at)
				if seen[id] {
					t.Fatalf("%s is made twice, as the last of %d", id, len(seen)+1)
				}
				seen[id] = true
			}
		})
	}
}

func TestChangesAtOnceShareNoID(t *testing.T) {
	var p Process
	var all sync.WaitGroup
	made := make([][]string, 8)
	for i := range made {
		all.Go(func() {
			c := p.Change()
			for range 1000 {
				made[i] = append(made[i], c.ID("JO", noon))
			}
		})
	}
	all.Wait()
	ids := slices.Concat(made...)
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 8000 {
		t.Errorf("got %d IDs, want all 8,000 to differ", n)
	}
}
