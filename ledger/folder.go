package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Bounds of a file of an export that is read: it may come from anybody.
const (
	maxTile    = tlog.HashSize << tileHeight
	maxEntries = (2 + MaxLeaf) << tileHeight
)

// Folder is an exported log that is read, file by file as they are needed. It is not
// safe for concurrent use.
type Folder struct {
	Head    Checkpoint
	Signed  []byte
	files   fs.FS
	tiles   map[int]cached // newest read of each level
	entries cached
	leaves  [][]byte // of entries
}

type cached struct {
	path string
	data []byte
}

// OpenFolder reads the checkpoint of an export and checks that a known key signed it.
func OpenFolder(files fs.FS, origin string, known note.Verifiers) (*Folder, error) {
	signed, err := readBounded(files, "checkpoint", maxCheckpoint)
	if err != nil {
		return nil, err
	}
	head, err := OpenCheckpoint(signed, origin, known)
	if err != nil {
		return nil, err
	}
	return &Folder{Head: head, Signed: signed, files: files, tiles: map[int]cached{}}, nil
}

func readBounded(files fs.FS, path string, most int64) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("export: %s: %w", path, err)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("export: %s: more than %d bytes", path, most)
	}
	return data, nil
}

// Check recomputes the whole log from its entries and compares every tile. The error is
// a *Fault, or the file system's.
func (f *Folder) Check(progress func(n int64)) error {
	return Check(f.Head, func(n int64) ([]byte, error) {
		if progress != nil && n&0xfff == 0 {
			progress(n)
		}
		return f.Leaf(n)
	}, f.hash)
}

// Leaf reads an entry.
func (f *Folder) Leaf(n int64) ([]byte, error) {
	t := f.tile(0, n>>tileHeight)
	if path := entriesPath(t); f.entries.path != path {
		data, err := readBounded(f.files, path, maxEntries)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &Fault{n, "no file " + path}
		}
		if err != nil {
			return nil, err
		}
		leaves, err := ParseEntries(data)
		if err != nil || len(leaves) != t.W {
			return nil, &Fault{t.N << tileHeight, fmt.Sprintf("%s holds %d entries, want %d (%v)", path, len(leaves), t.W, err)}
		}
		f.entries, f.leaves = cached{path, data}, leaves
	}
	return f.leaves[n&(1<<tileHeight-1)], nil
}

// ReadHashes is that of tlog.HashReader, for proofs.
func (f *Folder) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		var err error
		if out[i], err = f.hash(index); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// hash is a stored hash: one of a tile, or made of the tile's hashes.
func (f *Folder) hash(index int64) (tlog.Hash, error) {
	level, n := tlog.SplitStoredHashIndex(index)
	first := n << level // entry that the hash begins with
	t := tlog.TileForIndex(tileHeight, index)
	t = f.tile(t.L, t.N)
	path := tilePath(t)
	if f.tiles[t.L].path != path {
		data, err := readBounded(f.files, path, maxTile)
		if errors.Is(err, fs.ErrNotExist) {
			return tlog.Hash{}, &Fault{first, "no file " + path}
		}
		if err != nil {
			return tlog.Hash{}, err
		}
		if len(data) != t.W*tlog.HashSize {
			return tlog.Hash{}, &Fault{first, fmt.Sprintf("%s has %d bytes, want %d", path, len(data), t.W*tlog.HashSize)}
		}
		f.tiles[t.L] = cached{path, data}
	}
	h, err := tlog.HashFromTile(t, f.tiles[t.L].data, index)
	if err != nil {
		return h, &Fault{first, path + ": " + err.Error()}
	}
	return h, nil
}

// tile is a tile of a level, as wide as the log fills it.
func (f *Folder) tile(level int, n int64) tlog.Tile { return tileOf(f.Head.Size, level, n) }

func tileOf(size int64, level int, n int64) tlog.Tile {
	hashes := size >> (tileHeight * level)
	return tlog.Tile{H: tileHeight, L: level, N: n, W: int(min(hashes-n<<tileHeight, 1<<tileHeight))}
}

// ErrNoFile is a path that an export of this size does not have.
var ErrNoFile = errors.New("ledger: no such file in an export of this log")

// TileFile makes one file of an export by its path: tile/LEVEL/N or tile/entries/N, full or
// as wide as the path says, if the log is that long (C2SP tlog-tiles).
func TileFile(path string, size int64, leaf func(n int64) ([]byte, error), read tlog.HashReader) ([]byte, error) {
	t, isEntries, ok := parsePath(path)
	if !ok || t.L > 63/tileHeight || t.N > size>>tileHeight {
		return nil, ErrNoFile
	}
	if widest := tileOf(size, t.L, t.N); widest.W < t.W {
		return nil, ErrNoFile
	}
	if isEntries {
		return entries(t, leaf)
	}
	data, err := tlog.ReadTileData(t, read)
	if err != nil {
		return nil, fmt.Errorf("ledger: %s: %w", path, err)
	}
	return data, nil
}

// parsePath is the inverse of tilePath and entriesPath: no tile has two paths.
func parsePath(path string) (t tlog.Tile, isEntries, ok bool) {
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, cut := strings.Cut(rest, "/")
	if !ok || !cut || len(rest) > 64 {
		return t, false, false
	}
	t = tlog.Tile{H: tileHeight, W: 1 << tileHeight}
	if isEntries = level == "entries"; !isEntries {
		n, err := strconv.ParseUint(level, 10, 6)
		if err != nil {
			return t, false, false
		}
		t.L = int(n)
	}
	if number, width, partial := strings.Cut(rest, ".p/"); partial {
		w, err := strconv.ParseUint(width, 10, tileHeight)
		if err != nil || w == 0 {
			return t, false, false
		}
		rest, t.W = number, int(w)
	}
	for part := range strings.SplitSeq(rest, "/") {
		n, err := strconv.ParseUint(strings.TrimPrefix(part, "x"), 10, 32)
		if err != nil || n > 999 || t.N > 1<<50 {
			return t, false, false
		}
		t.N = t.N*1000 + int64(n)
	}
	again := tilePath(t)
	if isEntries {
		again = entriesPath(t)
	}
	return t, isEntries, again == path
}
