package proof

import (
	"unicode/utf8"

	"context"

	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/ledger"
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
	var out *Shown
	err := b.view(ctx, func(v view) error {
		e, err := entries.Get(v.ctx, v.r, n)
		if err != nil {
			return err
		}
		receipt, err := v.receipt(n)
		if err != nil {
			return err
		}
		if err := receipt.In(v.head.Checkpoint, e.Leaf); err != nil {
			return err
		}
		out = &Shown{Schema: "rootkeep/ledger-entry/1", Line: line(*e), Head: v.head.Size, Origin: v.head.Origin, Path: []string{}}
		for _, h := range receipt.Proof {
			out.Path = append(out.Path, h.String())
		}
		payloads, err := entries.Payloads(v.ctx, v.r, n)
		if err != nil {
			return err
		}
		return out.beside(e, payloads)
	})
	return out, err
}

// beside fills in the texts of payloads that are those of the entry.
func (s *Shown) beside(e *entries.Entry, payloads []entries.Payload) error {
	there := map[string]entries.Payload{}
	for _, p := range payloads {
		there[p.Name] = p
	}
	for i := range s.Payloads {
		p, ok := there[s.Payloads[i].Name]
		switch {
		case !ok:
			return &ledger.Fault{Entry: e.N, Reason: "payload " + s.Payloads[i].Name + " is missing"}
		case !p.Erased.IsZero():
			s.Payloads[i].Erased = &p.Erased
			continue
		case !p.Matches(e.Entry.Payloads[i]):
			return &ledger.Fault{Entry: e.N, Reason: "payload " + p.Name + " is not the one that the entry stands for"}
		}
		if s.Payloads[i].Size = len(p.Data); utf8.Valid(p.Data) {
			s.Payloads[i].Text = string(p.Data)
		} else {
			s.Payloads[i].Base64 = p.Data
		}
	}
	return nil
}
