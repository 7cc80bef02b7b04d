package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is that of tlog-tiles: 256 hashes, or 256 entries, a file.
const tileHeight = 8

// Export writes the log as C2SP tlog-tiles: checkpoint, tile/LEVEL/N, tile/entries/N.
// put gets each file by its path, the checkpoint last; leaf and read give what is
// stored.
func Export(head Checkpoint, signed []byte, leaf func(n int64) ([]byte, error), read tlog.HashReader, put func(path string, data []byte) error) error {
	for _, t := range tiles(head.Size) {
		data, err := tlog.ReadTileData(t, read)
		if err != nil {
			return fmt.Errorf("ledger: %s: %w", tilePath(t), err)
		}
		if err := put(tilePath(t), data); err != nil {
			return err
		}
		if t.L > 0 {
			continue
		}
		bundle, err := entries(t, leaf)
		if err != nil {
			return err
		}
		if err := put(entriesPath(t), bundle); err != nil {
			return err
		}
	}
	return put("checkpoint", signed)
}

// ExportFiles is how many files Export writes of a log of that size.
func ExportFiles(size int64) int {
	return len(tiles(size)) + int((size+1<<tileHeight-1)>>tileHeight) + 1
}

// Immutable says whether an export's file is that of a full tile, which no longer log
// changes.
func Immutable(path string) bool { return path != "checkpoint" && !strings.Contains(path, ".p/") }

// tiles are all full tiles, and the last of each level as far as it is filled.
func tiles(size int64) []tlog.Tile {
	var out []tlog.Tile
	const width = 1 << tileHeight
	for level, hashes := 0, size; hashes > 0; level, hashes = level+1, hashes>>tileHeight {
		for n := range hashes / width {
			out = append(out, tlog.Tile{H: tileHeight, L: level, N: n, W: width})
		}
		if rest := int(hashes % width); rest > 0 {
			out = append(out, tlog.Tile{H: tileHeight, L: level, N: hashes / width, W: rest})
		}
	}
	return out
}

// entries is an entry bundle: each leaf after its length in two bytes, the high first.
func entries(t tlog.Tile, leaf func(n int64) ([]byte, error)) ([]byte, error) {
	var out []byte
	for i := range int64(t.W) {
		text, err := leaf(t.N<<tileHeight + i)
		if err != nil {
			return nil, err
		}
		out = binary.BigEndian.AppendUint16(out, uint16(len(text)))
		out = append(out, text...)
	}
	return out, nil
}

// ParseEntries reads an entry bundle.
func ParseEntries(bundle []byte) ([][]byte, error) {
	var out [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 {
			return nil, errors.New("entry bundle: ends in a length")
		}
		n := int(binary.BigEndian.Uint16(bundle))
		if bundle = bundle[2:]; len(bundle) < n || n == 0 || len(out) == 1<<tileHeight {
			return nil, errors.New("entry bundle: an empty, cut or surplus entry")
		}
		out, bundle = append(out, bundle[:n:n]), bundle[n:]
	}
	return out, nil
}

func tilePath(t tlog.Tile) string { return fmt.Sprintf("tile/%d/%s", t.L, place(t)) }

func entriesPath(t tlog.Tile) string { return "tile/entries/" + place(t) }

// place is the tile's number in groups of three digits, all but the last with an x, and
// its width if it is not full: x001/x234/067.p/12.
func place(t tlog.Tile) string {
	out := fmt.Sprintf("%03d", t.N%1000)
	for n := t.N / 1000; n > 0; n /= 1000 {
		out = fmt.Sprintf("x%03d/%s", n%1000, out)
	}
	if t.W < 1<<tileHeight {
		out += fmt.Sprintf(".p/%d", t.W)
	}
	return out
}
