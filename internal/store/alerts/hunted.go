package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
		case !contains(f, &a.Found) && !contains(&a.Found, f):
			return fmt.Errorf("alert %s is %w: %s", f.ID, ErrOther, a.Found.Account)
		case a.Key != "" || !contains(f, &a.Found) || f.Level < a.Found.Level || f.Level == a.Found.Level && f.Count <= a.Found.Count:
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

// contains says whether an alert is about all accounts that another is about: one of several
// may have been of one of them, by fewer logs.
func contains(f, of *rootkeep.Alert) bool {
	mine, theirs := alert.Accounts(f), alert.Accounts(of)
	if f.AccountsOmitted == 0 && of.AccountsOmitted > 0 || len(theirs) == 0 && len(mine) > 0 {
		return false
	}
	missing := func(id rootkeep.AccountID) bool {
		return !slices.ContainsFunc(mine, func(m rootkeep.AccountID) bool { return store.Kept(string(m), short) == store.Kept(string(id), short) })
	}
	return f.AccountsOmitted > 0 || !slices.ContainsFunc(theirs, missing)
}
