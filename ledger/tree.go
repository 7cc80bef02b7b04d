package ledger

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// LeafHash is the hash of a leaf in the tree, base64 (RFC 6962, section 2.1).
func LeafHash(leaf []byte) string { return tlog.RecordHash(leaf).String() }

// Appended is what appending leaves adds to a log: the hashes to keep, from index
// First of the stored hashes on, and the new head. It is to be kept in one transaction
// with the leaves.
type Appended struct {
	First  int64
	Hashes []tlog.Hash
	Head   Checkpoint
}

// Append adds leaves to the log whose head is given. read gives stored hashes by their
// index; it is asked for some twenty of the log's right edge.
func Append(head Checkpoint, leaves [][]byte, read tlog.HashReader) (*Appended, error) {
	out := &Appended{First: tlog.StoredHashCount(head.Size), Head: head}
	both := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return out.read(indexes, read) })
	for _, leaf := range leaves {
		if len(leaf) == 0 || len(leaf) > MaxLeaf {
			return nil, fmt.Errorf("ledger: leaf of %d bytes, want 1 to %d", len(leaf), MaxLeaf)
		}
		hashes, err := tlog.StoredHashes(out.Head.Size, leaf, both)
		if err != nil {
			return nil, fmt.Errorf("ledger: append entry %d: %w", out.Head.Size, err)
		}
		out.Hashes = append(out.Hashes, hashes...)
		out.Head.Size++
	}
	root, err := tlog.TreeHash(out.Head.Size, both)
	if err != nil {
		return nil, fmt.Errorf("ledger: head of %d entries: %w", out.Head.Size, err)
	}
	out.Head.Root = root
	return out, nil
}

// read gives new hashes from memory and asks the store for the others, at once.
func (a *Appended) read(indexes []int64, store tlog.HashReader) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var old []int64
	var places []int
	for i, index := range indexes {
		if n := index - a.First; n >= 0 && n < int64(len(a.Hashes)) {
			out[i] = a.Hashes[n]
			continue
		}
		old, places = append(old, index), append(places, i)
	}
	if len(old) == 0 {
		return out, nil
	}
	hashes, err := store.ReadHashes(old)
	if err != nil {
		return nil, err
	}
	if len(hashes) != len(old) {
		return nil, fmt.Errorf("got %d stored hashes, asked for %d", len(hashes), len(old))
	}
	for i, place := range places {
		out[place] = hashes[i]
	}
	return out, nil
}

// Fault is the first thing in a log that is not as its checkpoint says.
type Fault struct {
	Entry  int64 // number of the entry, -1 if it is the log as a whole
	Reason string
}

// Error says which entry and why.
func (f *Fault) Error() string {
	if f.Entry < 0 {
		return "ledger: " + f.Reason
	}
	return fmt.Sprintf("ledger: entry %d: %s", f.Entry, f.Reason)
}

// Check recomputes a whole log: every leaf against its stored hash, every stored hash
// against those below it, the head against the checkpoint. leaf and hash give what is
// stored; both are asked in order, once each. The error is a *Fault, or the reader's.
func Check(head Checkpoint, leaf func(n int64) ([]byte, error), hash func(index int64) (tlog.Hash, error)) error {
	parsed := func(n int64) ([]byte, error) {
		text, err := leaf(n)
		if err != nil {
			return nil, err
		}
		if _, err := ParseEntry(text); err != nil {
			return nil, &Fault{n, err.Error()}
		}
		return text, nil
	}
	return CheckParsed(head, parsed, hash)
}

// CheckParsed is Check for a caller whose leaf has parsed each entry already.
func CheckParsed(head Checkpoint, leaf func(n int64) ([]byte, error), hash func(index int64) (tlog.Hash, error)) error {
	var edge []tlog.Hash // of the complete subtrees so far, the largest first
	for n := range head.Size {
		text, err := leaf(n)
		if err != nil {
			return err
		}
		h, index := tlog.RecordHash(text), tlog.StoredHashIndex(0, n)
		// The leaf completes a subtree of each level below the lowest 0 of its number.
		for level := 0; ; level++ {
			stored, err := hash(index + int64(level))
			if err != nil {
				return err
			}
			if stored != h {
				return &Fault{n, fmt.Sprintf("its stored hash of level %d is not that of the entries", level)}
			}
			if n>>level&1 == 0 {
				break
			}
			last := len(edge) - 1
			h, edge = tlog.NodeHash(edge[last], h), edge[:last]
		}
		edge = append(edge, h)
	}
	if rootOf(edge) != head.Root {
		return &Fault{-1, fmt.Sprintf("the %d entries make another head than the checkpoint's", head.Size)}
	}
	return nil
}

// rootOf is the root of the tree of an edge; that of no leaf is the hash of nothing (RFC
// 6962, section 2.1).
func rootOf(edge []tlog.Hash) tlog.Hash {
	if len(edge) == 0 {
		return sha256.Sum256(nil)
	}
	root := edge[len(edge)-1]
	for _, h := range slices.Backward(edge[:len(edge)-1]) {
		root = tlog.NodeHash(h, root)
	}
	return root
}
