package kinds

import (
	"context"
	"errors"
	"fmt"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/change"
)

// ErrStopped is of a change that was begun and did not end applied.
var ErrStopped = errors.New("the change did not end applied")

// Mend plans a change of an account and applies it, as an operator does whom nobody has to
// approve anything for. It makes no call that changes anything if the change is refused.
func (w *World) Mend(ctx context.Context, k *change.Kind, id rootkeep.AccountID, with map[string]any) (*change.Plan, error) {
	t := &trial{World: w, kind: k, of: &change.Case{}}
	if err := t.begin(); err != nil {
		return nil, err
	}
	p, err := k.Plan(ctx, t.reader, caseID, w.at(id, k), with, w.Now())
	if err != nil {
		return nil, err
	}
	out, err := k.Apply(ctx, t.run(p, nil))
	if err == nil && out.State != change.Applied {
		err = fmt.Errorf("%w: %s: %s", ErrStopped, out.State, out.Why)
	}
	return p, err
}
