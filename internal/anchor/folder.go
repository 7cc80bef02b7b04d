package anchor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/rootkeep/rootkeep/ledger"
)

// Folder keeps checkpoints as files of a folder, one each, that are never written again.
// It is worth as much as the folder is out of reach: a share that only appends, a disk
// of another machine, paper.
type Folder struct{ Path string }

const (
	maxCheckpoint = 64 << 10 // bytes
	maxHeld       = 100_000  // checkpoints that are looked at
)

// Put writes a checkpoint. One that is there already must be the same.
func (f *Folder) Put(_ context.Context, head ledger.Checkpoint, signed []byte) ([]byte, error) {
	if err := os.MkdirAll(f.Path, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(f.Path, Name(head.Size))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if errors.Is(err, fs.ErrExist) {
		return nil, same(path, signed)
	}
	if err != nil {
		return nil, err
	}
	_, err = file.Write(signed)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, fmt.Errorf("%w; hint: remove %s, which may be cut", err, path)
	}
	folder, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	_ = folder.Sync() // the name must last through a loss of power; some systems cannot sync a folder
	return nil, folder.Close()
}

func same(path string, signed []byte) error {
	there, err := readCheckpoint(path)
	switch {
	case err != nil, bytes.Contains(there, []byte("\n\n")) && bytes.Equal(body(there), body(signed)):
		return err
	case bytes.HasPrefix(signed, there):
		return fmt.Errorf("%s is cut; hint: remove it", path)
	}
	return fmt.Errorf("%s holds another checkpoint of that size: history was rewritten, or this is another ledger's folder", path)
}

// body is what is signed: after a change of keys the same head has other signatures.
func body(signed []byte) []byte {
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	return text
}

func readCheckpoint(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxCheckpoint+1))
	if err == nil && len(text) > maxCheckpoint {
		err = fmt.Errorf("%s: too long for a checkpoint", path)
	}
	return text, err
}

var heldName = regexp.MustCompile(`^(\d{20})\.checkpoint$`)

// Held reads the checkpoints of more than after entries.
func (f *Folder) Held(ctx context.Context, after int64) ([][]byte, error) {
	names, err := os.ReadDir(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, n := range names {
		m := heldName.FindStringSubmatch(n.Name())
		if m == nil {
			continue
		}
		size, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || size <= after {
			continue
		}
		if len(out) == maxHeld {
			return nil, fmt.Errorf("more than %d checkpoints", maxHeld)
		}
		text, err := readCheckpoint(filepath.Join(f.Path, n.Name()))
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}
