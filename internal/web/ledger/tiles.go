package ledger

import (
	"context"
	"errors"
	"net/http"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/ledger"
)

// checkpoint and tile serve the log as C2SP tlog-tiles. Entries are in it, payloads are
// not.
func (a *area) checkpoint(w http.ResponseWriter, r *http.Request) error {
	return a.witnessed(r.Context(), func(_ context.Context, _ *store.Reader, head store.Head) error {
		if head.Size == 0 {
			return web.NotFound("checkpoint: the ledger has no entry yet")
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(head.Signed) // the client may be gone
		return nil
	})
}

func (a *area) tile(w http.ResponseWriter, r *http.Request) error {
	path := "tile/" + r.PathValue("path")
	var data []byte
	err := a.witnessed(r.Context(), func(ctx context.Context, reader *store.Reader, head store.Head) (err error) {
		data, err = ledger.TileFile(path, head.Size, entries.NewLog(ctx, reader).Leaf, store.Hashes(ctx, reader))
		return err
	})
	if errors.Is(err, ledger.ErrNoFile) {
		return web.NotFound("such tile")
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if a.PublicTiles && ledger.Immutable(path) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(data) // the client may be gone
	return nil
}

// witnessed reads the log for whom may read tiles.
func (a *area) witnessed(ctx context.Context, read func(context.Context, *store.Reader, store.Head) error) error {
	if !a.PublicTiles {
		if err := everywhere(ctx, people.Read); err != nil {
			return err
		}
	}
	return a.read(ctx, read)
}
