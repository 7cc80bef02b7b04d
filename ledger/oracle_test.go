package ledger_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/ledger"
)

// export is the files of a log, as Tessera's checker asks for them.
type export map[string][]byte

func (e export) ReadCheckpoint(context.Context) ([]byte, error) { return e["checkpoint"], nil }

func (e export) ReadTile(_ context.Context, l, i uint64, p uint8) ([]byte, error) {
	return e.file(layout.TilePath(l, i, p))
}

func (e export) ReadEntryBundle(_ context.Context, i uint64, p uint8) ([]byte, error) {
	return e.file(layout.EntriesPath(i, p))
}

func (e export) file(path string) ([]byte, error) {
	if text, ok := e[path]; ok {
		return text, nil
	}
	return nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
}

func leafHashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var out [][]byte
	for _, leaf := range b.Entries {
		out = append(out, rfc6962.DefaultHasher.HashLeaf(leaf))
	}
	return out, nil
}

// Tessera's own checker takes the export of a log, and no export with a flipped byte.
func TestTesseraTakesTheExport(t *testing.T) {
	b := newBook(t)
	b.add(600)
	files := export{}
	if err := ledger.Export(b.head, b.signed, b.leaf, b, func(path string, data []byte) error {
		files[path] = data
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(b.public)
	if err != nil {
		t.Fatal(err)
	}
	// A worker of the checker ends at its first fault; others have to take the rest.
	accepted := func() error {
		return fsck.New(origin, verifier, files, leafHashes, fsck.Opts{N: 8}).Check(t.Context())
	}
	if err := accepted(); err != nil {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, path := range []string{"tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/88"} {
		text := files[path]
		if len(text) == 0 {
			t.Fatalf("no %s", path)
		}
		text[len(text)/2] ^= 1
		if accepted() == nil {
			t.Errorf("%s: a flipped byte is taken", path)
		}
		text[len(text)/2] ^= 1
	}
	bundle, err := ledger.ParseEntries(files["tile/entries/002.p/88"])
	if err != nil || len(bundle) != 88 || string(bundle[3]) != string(b.leaves[515]) {
		t.Errorf("entry bundle: got %d entries, %v", len(bundle), err)
	}
}

// The reader of the format's authors understands a receipt and its checkpoint.
func TestAReceiptIsATLogProof(t *testing.T) {
	b := newBook(t)
	b.add(50)
	r, err := ledger.NewReceipt(17, b.head, b.signed, b)
	if err != nil {
		t.Fatal(err)
	}
	var p proof.TLogProof
	if err := p.Unmarshal(r.Marshal()); err != nil {
		t.Fatal(err)
	}
	if string(p.Marshal()) != string(r.Marshal()) || p.Index != 17 || len(p.Hashes) != len(r.Proof) {
		t.Errorf("got %s, want %s", p.Marshal(), r.Marshal())
	}
	verifier, err := note.NewVerifier(b.public)
	if err != nil {
		t.Fatal(err)
	}
	c, _, _, err := log.ParseCheckpoint(p.Checkpoint, origin, verifier)
	if err != nil || c.Size != 50 || string(c.Hash) != string(b.head.Root[:]) {
		t.Errorf("checkpoint: got %+v, %v", c, err)
	}
}
