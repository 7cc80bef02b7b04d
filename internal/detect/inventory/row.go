package inventory

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/wire"
)

// Write writes what is listed.
func (x *Index) Write(w *wire.Writer) {
	entries := slices.SortedFunc(maps.Keys(x.of), func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	w.Len(len(entries))
	for _, e := range entries {
		w.Text(e.kind)
		w.Text(e.name)
		w.Len(len(x.of[e]))
		for _, o := range x.of[e] {
			w.Bool(o.arn)
			w.Text(string(o.region))
			w.Text(string(o.account))
		}
	}
}

// ReadIndex reads what Write wrote.
func ReadIndex(r *wire.Reader) *Index {
	x := &Index{of: map[entry][]owner{}}
	for range r.Len() {
		e := entry{r.Text(), r.Text()}
		n := r.Len()
		if !Known(e.kind) || n > maxOwners || len(x.of) >= maxLearnt {
			r.Fail()
			return x
		}
		for range n {
			x.of[e] = append(x.of[e], owner{r.Bool(), rootkeep.Region(r.Text()), rootkeep.AccountID(r.Text())})
		}
	}
	return x
}
