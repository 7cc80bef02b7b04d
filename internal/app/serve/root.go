package serve

import (
	"context"
	"path"
	"strings"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// follow brings the changes of a request for root to where the request has come.
func follow(ctx context.Context, tx *store.Tx, x *access.Request) error {
	switch {
	case x.Override && x.State == access.Approved:
		return changes.Follow(ctx, tx, x.ID, changes.Approved, x.Ends)
	case x.State == access.Lapsed:
		return changes.Follow(ctx, tx, x.ID, changes.Expired, x.Ends)
	case x.State == access.Withdrawn && !x.Granted.IsZero():
		return changes.Follow(ctx, tx, x.ID, changes.Withdrawn, x.Ends)
	}
	return changes.Decided(ctx, tx, x.Matter)
}

// recorded keeps the root sessions that rootkeep was given, and those that it was refused
// while it only looked: what comes of them in the logs is told apart by that.
func recorded(ctx context.Context, tx *store.Tx, name string, s facts.Session) error {
	if !s.Root || s.AccessKey == "" && !strings.HasPrefix(name, "SC-") {
		return nil
	}
	touched, err := rootlog.RecordSession(ctx, tx, rootlog.Session{AccessKey: s.AccessKey, Account: s.Account, End: s.End, Name: name, Policy: path.Base(s.Role), Start: s.Start})
	if err != nil {
		return err
	}
	_, err = access.Judge(ctx, tx, touched)
	return err
}
