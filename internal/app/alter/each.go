package alter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	web "github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/ledger"
)

// LeftOut is a change that is not in a batch, and why: Err is change.ErrNothing, a
// *change.Refused, or what kept the account from being read.
type LeftOut struct {
	web.Wanted
	Err error
}

// PlanEach plans what can be planned of several changes as one batch. One account that
// cannot be changed, or read, keeps no other one from it: it is left out, and named. The
// first ones that are not left out, so many, are canaries. told, if it is not nil, hears how
// many of them were read.
func (e *Engine) PlanEach(ctx context.Context, actor people.Actor, about string, list []web.Wanted, canaries int, told func(read int)) (*changes.Batch, []*changes.Change, []LeftOut, error) {
	var placed []changes.Placed
	var left []LeftOut
	for i, w := range list {
		if told != nil {
			told(i)
		}
		if err := e.mayPlan(ctx, actor, w.Account); err != nil {
			return nil, nil, nil, err
		}
		p, err := e.plan(ctx, actor, newID("CH", e.Now()), w)
		if ctx.Err() != nil || errors.Is(err, web.ErrAWS) { // no account can be read
			return nil, nil, nil, errors.Join(ctx.Err(), err)
		}
		if err != nil {
			left = append(left, LeftOut{w, err})
			continue
		}
		placed = append(placed, changes.Placed{Plan: p, Canary: len(placed) < max(1, canaries)})
	}
	b, out, err := e.keepBatch(ctx, actor, changes.Batch{About: about}, placed)
	return b, out, left, err
}

// Look reads for a request for root, in sessions that are named as those of a scan. Each is
// in the ledger before it is used, as root.entered of the request. Whoever calls it has seen
// to what the actor may.
func (e *Engine) Look(ctx context.Context, actor people.Actor, request string, read func(change.Reader) error) error {
	base, err := session.Open(ctx, e.AWS)
	if err != nil {
		return fmt.Errorf("%w: %w", web.ErrAWS, err)
	}
	name := newID("SC", e.Now())
	reader, err := ask.Begin(base, session.Entry{Role: e.ReadRole, Name: name, Own: true, Refused: e.refused(ctx, name), Entered: func(s facts.Session) error {
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		return e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.Record("root.entered", request, actor.ID, ledger.NewPayload("session", text)), e.Recorded(ctx, tx, name, s))
		})
	}})
	if err != nil {
		return err
	}
	defer reader.End()
	return read(reader)
}
