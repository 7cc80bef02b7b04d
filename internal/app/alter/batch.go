package alter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	web "github.com/rootkeep/rootkeep/internal/web/changes"
)

// PlanBatch plans several changes, all or none.
func (e *Engine) PlanBatch(ctx context.Context, actor people.Actor, about string, list []web.Wanted, canaries int) (*changes.Batch, []*changes.Change, error) {
	for _, w := range list { // no account is read for who may not plan for all
		if err := e.mayPlan(ctx, actor, w.Account); err != nil {
			return nil, nil, err
		}
	}
	var placed []changes.Placed
	for i, w := range list {
		p, err := e.plan(ctx, actor, newID("CH", e.Now()), w)
		if errors.Is(err, change.ErrNothing) {
			continue // an account that is as it should be needs no change
		}
		if err != nil {
			return nil, nil, fmt.Errorf("account %s: %w", w.Account, err)
		}
		placed = append(placed, changes.Placed{Plan: p, Canary: i < canaries})
	}
	return e.keepBatch(ctx, actor, changes.Batch{About: about}, placed)
}

// keepBatch keeps plans; the first is a canary if those that were to be have nothing to
// change.
func (e *Engine) keepBatch(ctx context.Context, actor people.Actor, wish changes.Batch, placed []changes.Placed) (b *changes.Batch, out []*changes.Change, err error) {
	if len(placed) == 0 {
		return nil, nil, change.ErrNothing
	}
	if len(placed) > 1 && !placed[0].Canary {
		placed[0].Canary = true
	}
	err = e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		b, out, err = e.Desk.PlanBatch(ctx, tx, actor, wish, placed)
		return err
	})
	return b, out, err
}

// UndoBatch plans how the changes of a batch are undone that the actor may read, without
// those that are named: all or none, the last one first, which is the canary. What stands
// in the way is a *change.Refused with every reason.
func (e *Engine) UndoBatch(ctx context.Context, actor people.Actor, id string, without []string) (*changes.Batch, []*changes.Change, error) {
	b, of, err := e.toUndo(ctx, actor, id, without)
	if err != nil {
		return nil, nil, err
	}
	var placed []changes.Placed
	refused := &change.Refused{Kind: "undo of batch " + id}
	for _, c := range slices.Backward(of) {
		if why := notNow(c); why != "" {
			refused.Reasons = append(refused.Reasons, c.ID+" in "+string(c.Account)+": "+why)
			continue
		}
		if !c.Undoable() {
			continue // nothing was done, or it is undone; what is approved waits for canaries that are undone
		}
		p, err := e.planUndo(ctx, actor, newID("CH", e.Now()), "", c)
		var aws *change.Refusal
		switch {
		case errors.Is(err, change.ErrNothing):
		case errors.As(err, &aws), errors.Is(err, web.ErrAWS), ctx.Err() != nil:
			return nil, nil, fmt.Errorf("undo %s in %s: %w", c.ID, c.Account, err)
		case err != nil:
			refused.Reasons = append(refused.Reasons, c.ID+" in "+string(c.Account)+": "+err.Error())
		default:
			placed = append(placed, changes.Placed{Plan: p})
		}
	}
	if len(refused.Reasons) > 0 {
		return nil, nil, refused
	}
	return e.keepBatch(ctx, actor, changes.Batch{About: undoAbout(b), Undoes: id}, placed)
}

// toUndo reads the changes of a batch that are to be undone.
func (e *Engine) toUndo(ctx context.Context, actor people.Actor, id string, without []string) (b *changes.Batch, of []*changes.Change, err error) {
	err = e.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if b, of, err = e.Desk.GetBatch(ctx, r, actor, id, e.Now()); err != nil {
			return err
		}
		if b.Undoes != "" {
			return fmt.Errorf("batch %s undoes %s; hint: plan the changes of that one again: %w", id, b.Undoes, changes.ErrState)
		}
		for _, out := range without {
			if !slices.ContainsFunc(of, func(c *changes.Change) bool { return c.ID == out }) {
				return fmt.Errorf("batch %s has no change %s: %w", id, out, store.ErrNotFound)
			}
		}
		of = slices.DeleteFunc(of, func(c *changes.Change) bool { return slices.Contains(without, c.ID) })
		for _, c := range of {
			if err := e.Desk.MayPlan(ctx, r, actor, c.Account); err != nil {
				return err
			}
		}
		return nil
	})
	return b, of, err
}

// notNow says why a change can be neither undone now nor passed over, "" otherwise.
func notNow(c *changes.Change) string {
	switch c.State {
	case changes.Applying:
		return "it is being applied; hint: wait until it has ended"
	case changes.Undoing:
		return "change " + c.UndoneBy + " undoes it; hint: go on with that one, or leave it out"
	}
	return ""
}

// undoAbout is what a batch says that undoes another one.
func undoAbout(b *changes.Batch) string {
	about := "Undo " + b.ID + ": " + b.About
	if len(about) > 200 {
		about = strings.ToValidUTF8(about[:200], "")
	}
	return about
}

// ApplyBatch leaves a batch to a job: it begins with the first change that is approved, or
// goes on with the one that the batch halted at.
func (e *Engine) ApplyBatch(ctx context.Context, actor people.Actor, id string) (*changes.Batch, error) {
	var b *changes.Batch
	err := e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		var of []*changes.Change
		if b, of, err = e.Desk.GetBatch(ctx, &tx.Reader, actor, id, tx.Now()); err != nil {
			return err
		}
		for _, c := range of {
			if err := e.Desk.MayApply(ctx, &tx.Reader, actor, c.Account); err != nil {
				return err
			}
		}
		next, err := e.Desk.Next(ctx, &tx.Reader, actor, id, tx.Now())
		switch {
		case err != nil:
			return err
		case next == nil:
			return fmt.Errorf("nothing of batch %s is left to be applied: %w", id, changes.ErrState)
		}
		payload, err := json.Marshal(batchJob{id, actor.ID})
		if err != nil {
			return err
		}
		_, err = storejobs.Ask(ctx, tx, actor.ID, job.Job{Kind: BatchKind, Key: id + "/" + newID("JO", tx.Now()), Payload: payload})
		return err
	})
	if err == nil {
		e.Wake()
	}
	return b, err
}

// appliesBatch applies what is approved of a batch, in its order, and ends at the first
// change that does not end well. Whoever asked has to be allowed to still.
func (e *Engine) appliesBatch(ctx context.Context, j *job.Job, report func(string)) error {
	var w batchJob
	if err := strict(j.Payload, &w); err != nil {
		return job.Permanent(err)
	}
	for n := 1; ; n++ {
		var c *changes.Change
		err := e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			actor, err := stored.ActorOf(ctx, &tx.Reader, w.Actor)
			if err != nil {
				return err
			}
			next, err := e.Desk.Next(ctx, &tx.Reader, actor, w.Batch, tx.Now())
			if err != nil || next == nil {
				return err
			}
			// The lease is this job's at once: nobody else has a job for this run.
			mine := changes.Hold{Owner: j.ID, Lease: tx.Now().Add(lease)}
			if next.State == changes.Applying { // its server is gone
				c, err = changes.Take(ctx, tx, next.ID, mine)
				return err
			}
			c, err = e.begin(ctx, tx, actor, next.ID, next.Hash, mine)
			return err
		})
		if errors.Is(err, changes.ErrLost) {
			return fmt.Errorf("batch %s waits for one of its changes, which somebody else applies: %w", w.Batch, err)
		}
		if err != nil {
			return job.Permanent(err)
		}
		if c == nil {
			report("nothing of it is left to be applied")
			return nil
		}
		report(fmt.Sprintf("change %d: %s in %s", n, c.Kind, c.Account))
		ended, err := e.run(ctx, c, func(string) {})
		if err != nil {
			return err
		}
		if !ended.Done() {
			report(fmt.Sprintf("ends at %s, which is %s", ended.ID, ended.State))
			return nil
		}
	}
}
