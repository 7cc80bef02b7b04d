package proof

import (
	"context"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
)

// Shown is one entry with all that lies beside it and how it is proven.
type Shown struct {
	Schema string `json:"schema"`
	Line
	Head   int64    `json:"head"` // entries of the log that the path leads to
	Path   []string `json:"path"` // of hashes, from the leaf's sibling to the top
	Origin string   `json:"origin"`
}

// Show reads an entry and proves it.
func (b *Book) Show(ctx context.Context, n int64) (*Shown, error) {
	var p *entries.Proved
	err := b.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		p, err = entries.Prove(ctx, b.Store, r, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &Shown{Schema: "rootkeep/ledger-entry/1", Line: line(p.Entry), Head: p.Head.Size, Origin: p.Head.Origin, Path: []string{}}
	for _, h := range p.Receipt.Proof {
		out.Path = append(out.Path, h.String())
	}
	for i := range out.Payloads {
		load, shown := &p.Beside[i], &out.Payloads[i]
		switch {
		case !load.Erased.IsZero():
			shown.Erased = &load.Erased
		case utf8.Valid(load.Data):
			shown.Size, shown.Text = len(load.Data), string(load.Data)
		default:
			shown.Size, shown.Base64 = len(load.Data), load.Data
		}
	}
	return out, nil
}
