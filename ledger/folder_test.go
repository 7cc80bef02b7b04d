package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/rootkeep/rootkeep/ledger"
)

// folder exports the book.
func (b *book) folder() fstest.MapFS {
	b.t.Helper()
	files := fstest.MapFS{}
	if err := ledger.Export(b.head, b.signed, b.leaf, b, func(path string, data []byte) error {
		files[path] = &fstest.MapFile{Data: data}
		return nil
	}); err != nil {
		b.t.Fatal(err)
	}
	return files
}

func checkFolder(b *book, files fstest.MapFS) error {
	f, err := ledger.OpenFolder(files, origin, b.known())
	if err != nil {
		return err
	}
	return f.Check(nil)
}

func TestAnExportIsCheckedByItself(t *testing.T) {
	for _, size := range []int{1, 2, 255, 256, 257, 600} {
		b := newBook(t)
		b.add(size)
		if err := checkFolder(b, b.folder()); err != nil {
			t.Errorf("%d entries: %v", size, err)
		}
	}
}

func TestEveryFlippedByteOfAnExportIsNamedByItsEntry(t *testing.T) {
	b := newBook(t)
	b.add(520)
	files := b.folder()
	flips := map[string]int64{ // byte: entry that the fault names
		"tile/0/000 0": 0, "tile/0/000 8191": 255, "tile/0/001 32": 257, "tile/0/002.p/8 255": 519, "tile/1/000.p/2 0": 255, "tile/1/000.p/2 63": 511,
		"tile/entries/000 2": 0, "tile/entries/002.p/8 40": 512,
	}
	for at, entry := range flips {
		var path string
		var i int
		if _, err := fmt.Sscan(at, &path, &i); err != nil {
			t.Fatal(err)
		}
		files[path].Data[i] ^= 1
		var fault *ledger.Fault
		if err := checkFolder(b, files); !errors.As(err, &fault) || fault.Entry != entry {
			t.Errorf("%s: got %v, want a fault of entry %d", at, err, entry)
		}
		files[path].Data[i] ^= 1
	}
	for path := range files {
		for _, change := range []func([]byte) []byte{
			func(d []byte) []byte { return d[:len(d)-1] },
			func(d []byte) []byte { return append(bytes.Clone(d), 0) },
			func(d []byte) []byte { return nil },
		} {
			whole := files[path]
			files[path] = &fstest.MapFile{Data: change(whole.Data)}
			if checkFolder(b, files) == nil {
				t.Errorf("%s, changed in length, is taken", path)
			}
			files[path] = whole
		}
		whole := files[path]
		delete(files, path)
		if checkFolder(b, files) == nil {
			t.Errorf("%s is missing, and that is taken", path)
		}
		files[path] = whole
	}
}

func TestAFileOfAnExportIsMadeByItsPath(t *testing.T) {
	b := newBook(t)
	b.add(600)
	for path, file := range b.folder() {
		if path == "checkpoint" {
			continue
		}
		got, err := ledger.TileFile(path, b.head.Size, b.leaf, b)
		if err != nil || !bytes.Equal(got, file.Data) {
			t.Errorf("%s: got %d bytes, %v, want %d", path, len(got), err, len(file.Data))
		}
	}
	narrower, err := ledger.TileFile("tile/0/002.p/3", b.head.Size, b.leaf, b)
	if err != nil || !bytes.Equal(narrower, b.folder()["tile/0/002.p/88"].Data[:96]) {
		t.Errorf("a narrower tile: got %d bytes, %v", len(narrower), err)
	}
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/00/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/", "tile/0/002", "tile/0/002.p/89", "tile/0/003.p/1",
		"tile/0/../000", "tile/-1/000", "tile/8/000", "tile/9/000", "tile/63/000.p/1", "tile/64/000", "tile/0/x000/000", "tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/000/000",
		"tile/entries/003", "tile/entries/+00", "tile/data/000", "checkpoint", "tile/2/000.p/1",
	} {
		if _, err := ledger.TileFile(path, b.head.Size, b.leaf, b); !errors.Is(err, ledger.ErrNoFile) {
			t.Errorf("%q: got %v, want no file", path, err)
		}
	}
}

func TestAnExportProvesConsistency(t *testing.T) {
	b := newBook(t)
	b.add(300)
	older := b.head
	b.add(300)
	f, err := ledger.OpenFolder(b.folder(), origin, b.known())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := ledger.Extends(older, f.Head, f)
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.CheckExtends(older, f.Head, proof); err != nil {
		t.Error(err)
	}
}

func FuzzOpenFolder(f *testing.F) {
	b := newBook(f)
	b.add(3)
	files := b.folder()
	f.Add(files["tile/entries/000.p/3"].Data, files["tile/0/000.p/3"].Data, b.signed)
	f.Add([]byte{0, 0}, []byte{}, b.signed)
	known, real := b.known(), files["tile/entries/000.p/3"].Data
	f.Fuzz(func(t *testing.T, entries, tile, signed []byte) {
		files := fstest.MapFS{"checkpoint": {Data: signed}, "tile/entries/000.p/3": {Data: entries}, "tile/0/000.p/3": {Data: tile}}
		folder, err := ledger.OpenFolder(files, origin, known)
		if err != nil {
			return
		}
		if err := folder.Check(nil); err == nil && !bytes.Equal(entries, real) {
			t.Error("other entries are taken for those of the checkpoint")
		}
	})
}

func FuzzTileFile(f *testing.F) {
	b := newBook(f)
	b.add(300)
	f.Add("tile/0/000")
	f.Add("tile/entries/001.p/44")
	files := b.folder()
	f.Fuzz(func(t *testing.T, path string) {
		data, err := ledger.TileFile(path, b.head.Size, b.leaf, b)
		if want := files[path]; want != nil && path != "checkpoint" && (err != nil || !bytes.Equal(data, want.Data)) {
			t.Errorf("%q: got %v", path, err)
		}
		if err == nil && len(data) == 0 {
			t.Errorf("%q: an empty file", path)
		}
	})
}
