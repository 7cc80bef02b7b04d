package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/ledger"
)

// Exported is what an export wrote.
type Exported struct {
	Schema  string `json:"schema"`
	Folder  string `json:"folder"`
	Origin  string `json:"origin"`
	Size    int64  `json:"size"`
	Written int    `json:"written"` // files
	Kept    int    `json:"kept"`    // files of full tiles that were there
}

// Export writes the log as C2SP tlog-tiles into a folder. An export that is there is
// brought up to date if the log extends it; full tiles are not written twice. Then all
// of it is read again and checked.
func (b *Book) Export(ctx context.Context, folder string, progress func(done, total int)) (*Exported, error) {
	out := &Exported{Schema: "rootkeep/ledger-export/1", Folder: folder}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("export the ledger: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("export the ledger: %w", err)
	}
	defer root.Close()
	err = b.view(ctx, func(v view) error {
		if v.head.Size == 0 {
			return errors.New("export the ledger: it has no entry yet")
		}
		if err := b.extends(v, root.FS()); err != nil {
			return err
		}
		out.Origin, out.Size = v.head.Origin, v.head.Size
		return out.write(v, root, progress)
	})
	if err != nil {
		return nil, err
	}
	if _, err := CheckFolder(root.FS(), b.Keys.Origin, b.Keys.Verifier, nil); err != nil {
		return nil, fmt.Errorf("%w; hint: an older export in %s was changed: take another folder", err, folder)
	}
	return out, nil
}

// extends refuses a folder with another log's export, or one of a longer log.
func (b *Book) extends(v view, files fs.FS) error {
	keys, err := b.Keys.Known()
	if err != nil {
		return err
	}
	older, err := ledger.OpenFolder(files, b.Keys.Origin, keys)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("the folder holds something else: %w; hint: take another folder", err)
	}
	if err := v.extends(older.Head); err != nil {
		return fmt.Errorf("the export in the folder: %w", err)
	}
	return nil
}

// extends checks that the log is a continuation of an older head.
func (v view) extends(older ledger.Checkpoint) error {
	if older.Size > v.head.Size {
		return fmt.Errorf("a checkpoint of %d entries, the log has %d: history was rolled back, or this is an older copy of the store", older.Size, v.head.Size)
	}
	proof, err := ledger.Extends(older, v.head.Checkpoint, store.Hashes(v.ctx, v.r))
	if err != nil {
		return err
	}
	return ledger.CheckExtends(older, v.head.Checkpoint, proof)
}

func (e *Exported) write(v view, root *os.Root, progress func(done, total int)) error {
	total := ledger.ExportFiles(v.head.Size)
	log := entries.NewLog(v.ctx, v.r)
	return ledger.Export(v.head.Checkpoint, v.head.Signed, log.Leaf, hashesOf(v), func(path string, data []byte) error {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if progress != nil {
			progress(e.Written+e.Kept, total)
		}
		if ledger.Immutable(path) {
			if there, err := fs.ReadFile(root.FS(), path); err == nil && bytes.Equal(there, data) {
				e.Kept++
				return nil
			}
		}
		e.Written++
		return writeWhole(root, path, data)
	})
}

// hashesOf reads hashes of tiles: those of one tile lie close together.
func hashesOf(v view) tlog.HashReader { return store.Hashes(v.ctx, v.r) }

// writeWhole writes a file whole or not at all: whoever follows the export never reads
// half a tile.
func writeWhole(root *os.Root, path string, data []byte) error {
	if err := root.MkdirAll(filepath.Dir(filepath.FromSlash(path)), 0o755); err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	unfinished := path + ".new"
	err := root.WriteFile(unfinished, data, 0o644)
	if err == nil {
		err = root.Rename(unfinished, path)
	}
	if err != nil {
		return fmt.Errorf("export the ledger: %w", err)
	}
	return nil
}

// CheckFolder checks an exported log by verifier keys and gives its head.
func CheckFolder(files fs.FS, origin string, keys []string, progress func(done, total int64)) (*ledger.Folder, error) {
	verifiers, err := known(keys)
	if err != nil {
		return nil, err
	}
	f, err := ledger.OpenFolder(files, origin, verifiers)
	if err != nil {
		return nil, err
	}
	return f, f.Check(func(n int64) {
		if progress != nil {
			progress(n, f.Head.Size)
		}
	})
}
