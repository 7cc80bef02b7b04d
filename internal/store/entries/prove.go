package entries

import (
	"context"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Proved is an entry with its proof and with payloads that are those it stands for.
type Proved struct {
	Entry
	Beside  []Payload // in the order of the entry's digests
	Head    store.Head
	Receipt *ledger.Receipt
}

// Prove reads an entry with all that lies beside it, and checks that it is in the log
// and the payloads are its own. The error for one that is not is a *ledger.Fault.
func Prove(ctx context.Context, s *store.Store, r *store.Reader, n int64) (*Proved, error) {
	e, err := Get(ctx, r, n)
	if err != nil {
		return nil, err
	}
	out := &Proved{Entry: *e}
	if out.Head, err = s.Head(ctx, r); err != nil {
		return nil, err
	}
	if out.Receipt, err = ledger.NewReceipt(n, out.Head.Checkpoint, out.Head.Signed, store.Hashes(ctx, r)); err != nil {
		return nil, err
	}
	if err := out.Receipt.In(out.Head.Checkpoint, e.Leaf); err != nil {
		return nil, &ledger.Fault{Entry: n, Reason: err.Error()}
	}
	payloads, err := Payloads(ctx, r, n)
	if err != nil {
		return nil, err
	}
	return out, out.take(payloads)
}

func (p *Proved) take(payloads []Payload) error {
	there := map[string]Payload{}
	for _, load := range payloads {
		there[load.Name] = load
	}
	for _, d := range p.Payloads {
		load, ok := there[d.Name]
		switch {
		case !ok:
			return &ledger.Fault{Entry: p.N, Reason: fmt.Sprintf("payload %s is missing", d.Name)}
		case load.Erased.IsZero() && !load.Matches(d):
			return &ledger.Fault{Entry: p.N, Reason: fmt.Sprintf("payload %s is not the one that the entry stands for", d.Name)}
		}
		p.Beside = append(p.Beside, load)
	}
	return nil
}
