package alerts

import (
	"context"
	"errors"
	"fmt"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
)

// ErrOther is an alert that is known of another account.
var ErrOther = errors.New("known of another account")

// Hunted takes in what a hunt found in logs. Nobody is told of it: whoever hunted has seen
// it. One that is known is replaced by one that tells more, and is new again then;
// one that live events show is left to them.
func Hunted(ctx context.Context, tx *store.Tx, list []rootkeep.Alert) error {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	found, err := find(ctx, &tx.Reader, "a.id", ids)
	if err != nil {
		return fmt.Errorf("read alerts: %w", err)
	}
	known := map[string]*Alert{}
	for _, a := range found {
		known[a.ID] = a
	}
	now := moment(tx.Now())
	for i := range list {
		f := &list[i]
		a, there := known[f.ID]
		switch {
		case !there:
			a = &Alert{Alert: alert.Alert{ID: f.ID, Found: *f, State: alert.New, Muted: alert.ByHunt, Opened: now}, Revision: 1, fresh: true}
			known[f.ID] = a
		case string(a.Found.Account) != store.Kept(string(f.Account), short):
			return fmt.Errorf("alert %s is %w: %s", f.ID, ErrOther, a.Found.Account)
		case a.Key != "" || f.Level < a.Found.Level || f.Level == a.Found.Level && f.Count <= a.Found.Count:
			continue
		default:
			a.Extend(&alert.Sighting{Alert: *f})
			a.Again(fmt.Sprintf("a hunt found more than what was dealt with: events: %d", f.Count), now)
		}
		if err := a.keep(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}
