package store

import (
	"fmt"
	"maps"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/ledger"
)

// TestTheEdgeIsThatOfAllHashes appends batches of any size with the edge alone, and
// compares the heads and edges with those worked out from all hashes.
func TestTheEdgeIsThatOfAllHashes(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		var all []tlog.Hash
		read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(indexes))
			for i, index := range indexes {
				out[i] = all[index]
			}
			return out, nil
		})
		head := ledger.Checkpoint{Origin: "test"}
		e := edge{hashes: map[int64]tlog.Hash{}}
		for range rapid.IntRange(1, 8).Draw(t, "batches") {
			var leaves [][]byte
			for i := range rapid.IntRange(1, 70).Draw(t, "entries") {
				leaves = append(leaves, fmt.Appendf(nil, "leaf %d of %d", i, head.Size))
			}
			added, err := ledger.Append(head, leaves, e)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, added.Hashes...)
			head, e = added.Head, e.after(added)
			root, err := tlog.TreeHash(head.Size, read)
			if err != nil || root != head.Root || root != e.root || e.size != head.Size {
				t.Fatalf("%d entries: got root %v and edge of %d, %v; want %v, %v", head.Size, head.Root, e.size, e.root, root, err)
			}
			want := map[int64]tlog.Hash{}
			for _, index := range edgeOf(head.Size) {
				want[index] = all[index]
			}
			if !maps.Equal(e.hashes, want) {
				t.Fatalf("%d entries: got edge %v, want %v", head.Size, e.hashes, want)
			}
		}
	})
}
