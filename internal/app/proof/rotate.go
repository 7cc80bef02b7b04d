package proof

import (
	"context"
	"errors"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/ledger"
)

// Rotated says where a change of keys stands.
type Rotated struct {
	Schema   string   `json:"schema"`
	Verifier string   `json:"verifier"` // the new key
	Entry    int64    `json:"entry"`    // that names it
	Signing  []string `json:"signing"`  // IDs of the keys that sign now
	Finished bool     `json:"finished"`
}

// BeginRotation makes a new key that signs beside the one before and names it in the
// ledger. When it was cut off half-way, it goes on where it was. address is the store's.
func (b *Book) BeginRotation(ctx context.Context, address string) (*Rotated, error) {
	if !b.Keys.Changing() {
		if _, err := b.Keys.Begin(); err != nil {
			return nil, err
		}
		if err := b.reopen(ctx, address); err != nil {
			return nil, err
		}
	}
	public := b.Keys.Pending()
	id, err := ledger.KeyID(public)
	if err != nil {
		return nil, err
	}
	err = b.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, found, err := anchors.NamedBy(ctx, &tx.Reader, id)
		if err != nil || found {
			return err
		}
		return tx.Record(ledger.KeyEntry, id, "system", ledger.NewPayload(ledger.KeyPayload, []byte(public+"\n")))
	})
	if err != nil {
		return nil, err
	}
	n, err := b.keepChange(ctx, public, id)
	return &Rotated{"rootkeep/ledger-rotation/1", public, n, b.Keys.SigningIDs(), false}, err
}

// reopen makes the store sign with the keys of the file as it is now.
func (b *Book) reopen(ctx context.Context, address string) error {
	if err := b.Store.Close(); err != nil {
		return err
	}
	return b.open(ctx, address)
}

// keepChange keeps the checkpoint that proves the change: it covers the entry, and the
// key before signed it.
func (b *Book) keepChange(ctx context.Context, public, id string) (int64, error) {
	k := anchors.Key{Verifier: public}
	err := b.view(ctx, func(v view) error {
		n, found, err := anchors.NamedBy(v.ctx, v.r, id)
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("no entry of the ledger names the key %s; hint: rootkeep ledger rotate-key", id)
		}
		k.Entry, k.Signed = n, v.head.Signed
		before := b.Keys.Verifier[:len(b.Keys.Verifier)-1]
		for _, old := range before {
			if ledger.SignedWith(v.head.Signed, old) {
				return nil
			}
		}
		return fmt.Errorf("the newest checkpoint is not signed by a key before %s", id)
	})
	if err != nil {
		return 0, err
	}
	return k.Entry, anchors.AddKey(ctx, b.Store, k)
}

// ErrStillOld is that somebody still signs with the old key alone.
var ErrStillOld = errors.New("the newest checkpoint is not signed with the new key: a server still runs with the key file as it was; hint: restart every server, then try again")

// FinishRotation takes the older key out of the file. From then on the new one signs
// alone, so every server must have read the file before.
func (b *Book) FinishRotation(ctx context.Context) (*Rotated, error) {
	public := b.Keys.Pending()
	if public == "" {
		return nil, errors.New("no change of keys is under way; hint: rootkeep ledger rotate-key begins one")
	}
	id, err := ledger.KeyID(public)
	if err != nil {
		return nil, err
	}
	n, err := b.keepChange(ctx, public, id)
	if err != nil {
		return nil, err
	}
	if err := b.view(ctx, func(v view) error {
		if !ledger.SignedWith(v.head.Signed, public) {
			return ErrStillOld
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if err := b.Keys.Finish(); err != nil {
		return nil, err
	}
	return &Rotated{"rootkeep/ledger-rotation/1", public, n, b.Keys.SigningIDs(), true}, nil
}

// changes reads the proofs of all changes of keys.
func (v view) changes() ([]*ledger.KeyChange, error) {
	keys, err := anchors.Keys(v.ctx, v.r)
	if err != nil {
		return nil, err
	}
	var out []*ledger.KeyChange
	for _, k := range keys {
		change, err := v.change(k)
		if err != nil {
			return nil, fmt.Errorf("change of keys by entry %d: %w", k.Entry, err)
		}
		out = append(out, change)
	}
	return out, nil
}

func (v view) change(k anchors.Key) (*ledger.KeyChange, error) {
	e, err := entries.Get(v.ctx, v.r, k.Entry)
	if err != nil {
		return nil, err
	}
	payloads, err := entries.Payloads(v.ctx, v.r, k.Entry)
	if err != nil {
		return nil, err
	}
	there := entries.There(payloads)
	if len(there) != 1 {
		return nil, errors.New("its payload is missing")
	}
	// The size of that checkpoint is what it says; who signed it is checked by Next.
	head, err := ledger.ReadCheckpoint(k.Signed)
	if err != nil {
		return nil, err
	}
	receipt, err := ledger.NewReceipt(k.Entry, head, k.Signed, store.Hashes(v.ctx, v.r))
	if err != nil {
		return nil, err
	}
	return &ledger.KeyChange{Leaf: e.Leaf, Verifier: there[0], Receipt: receipt}, nil
}
