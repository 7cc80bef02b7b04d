package access

import (
	"context"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// Rule gives an event a verdict as Judge does once it comes to another one.
func Rule(ctx context.Context, tx *store.Tx, e *rootlog.Event, to rootlog.Ruling) error {
	return tell(ctx, tx, e.Account, rule(nil, e, to), &Changes{})
}

// JudgeWith judges the events about a root user with bounds of its own.
func JudgeWith(ctx context.Context, tx *store.Tx, account rootkeep.AccountID, s rootlog.Span, events, requests int) (*Changes, error) {
	out := &Changes{}
	return out, judgeAll(ctx, tx, account, s, bounds{events, requests}, out)
}
