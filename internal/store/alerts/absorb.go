package alerts

import (
	"context"

	"github.com/rootkeep/rootkeep/internal/alert"
)

// absorb closes the alerts that a late event joined into this one.
func (r *round) absorb(ctx context.Context, a *Alert, keys []string) error {
	for _, key := range keys {
		from := r.known[key]
		if from == nil || from == a || from.State == alert.Closed {
			continue
		}
		if err := r.inherit(ctx, a, from); err != nil {
			return err
		}
		from.End(alert.PartOf(a.ID), r.now)
		r.tell(from)
		if err := from.keep(ctx, r.tx); err != nil {
			return err
		}
	}
	return nil
}

// inherit has an alert take over from one that becomes part of it. An owner who may not work at
// it does not get it. Where people were told of the one that ends, and nobody of the one that goes
// on, that is told by itself, or is as it was put off if it is no more.
func (r *round) inherit(ctx context.Context, a, from *Alert) error {
	had := a.Owner
	if a.Inherit(&from.Alert); a.Owner != had {
		if err := r.disown(ctx, a); err != nil {
			return err
		}
	}
	if from.Muted != "" || from.Told.IsZero() || a.Muted != alert.ByStorm && (a.Muted != "" || !a.Told.IsZero()) {
		return nil
	}
	a.heir = true
	if a.Owner == from.Owner && len(alert.Accounts(&a.Found)) <= len(alert.Accounts(&from.Found)) {
		a.PutOff(&from.Alert, r.now)
	}
	return nil
}
