package changes

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/ledger"
)

// Batch is changes that are applied one after the other. It halts at the first that does
// not end applied, and those that are no canaries wait until all canaries are applied.
type Batch struct {
	ID      string
	About   string // typed by people: escape it
	Planner string
	Created time.Time
	Halted  string // ID of the change that it halted at, "" while it goes on
	Unseen  bool   // it halted at a change that the actor may not read, whose ID is left out
	Undoes  string // ID of a batch, or ""
}

// Placed is a plan in its place of a batch.
type Placed struct {
	Plan   *change.Plan
	Canary bool
}

// Bounds of a batch.
const (
	mostPlans = mostOpen
	mostBytes = 16 << 20 // of all plans
)

// PlanBatch keeps plans that are applied in their order; one of several has to be a
// canary. What it is about, and which batch it undoes, wish says. It records
// batch.planned, and change.planned of each.
func (d *Desk) PlanBatch(ctx context.Context, tx *store.Tx, actor people.Actor, wish Batch, list []Placed) (*Batch, []*Change, error) {
	about := strings.TrimSpace(wish.About)
	if about == "" || len(about) > 200 {
		return nil, nil, fmt.Errorf("%w: a batch says in 1 to 200 bytes what it is for", approvals.ErrInvalid)
	}
	if len(list) == 0 || len(list) > mostPlans {
		return nil, nil, fmt.Errorf("%w: a batch of %d changes, want 1 to %d", approvals.ErrInvalid, len(list), mostPlans)
	}
	b := &Batch{ID: tx.NewID("CB"), About: about, Planner: actor.ID, Created: tx.Now(), Undoes: wish.Undoes}
	_, err := tx.Exec(ctx, `INSERT INTO change_batch (id, about, planner, created, halted, undoes) VALUES ($1, $2, $3, $4, '', $5)`, b.ID, b.About, b.Planner, store.Micros(b.Created), b.Undoes)
	if err != nil {
		return nil, nil, fmt.Errorf("keep batch %s: %w", b.ID, err)
	}
	if err := tx.Record("batch.planned", b.ID, actor.ID, ledger.NewPayload("about", []byte(about))); err != nil {
		return nil, nil, err
	}
	var out []*Change
	size, canaries := 0, 0
	for i, p := range list {
		c, err := of(p.Plan, actor.ID, tx.Now())
		if err != nil {
			return nil, nil, err
		}
		if c.Batch, c.Place, c.Canary = b.ID, i+1, p.Canary; c.Canary {
			canaries++
		}
		if size += len(c.Plan); size > mostBytes {
			return nil, nil, fmt.Errorf("%w: the plans of the batch have more than %d bytes; hint: plan two batches", approvals.ErrInvalid, mostBytes)
		}
		if err := d.plan(ctx, tx, actor, c); err != nil {
			return nil, nil, err
		}
		out = append(out, c)
	}
	if canaries == 0 && len(list) > 1 {
		return nil, nil, fmt.Errorf("%w: no change of the batch is a canary; hint: name the account where it goes first", approvals.ErrInvalid)
	}
	return b, out, nil
}

// GetBatch reads a batch, and of its changes those that the actor may read, in their
// order; ErrNotFound if there is none that they may.
func (d *Desk) GetBatch(ctx context.Context, r *store.Reader, actor people.Actor, id string, now time.Time) (*Batch, []*Change, error) {
	b, err := batch(ctx, r, id)
	if err != nil {
		return nil, nil, err
	}
	all, err := list(ctx, r, now, `SELECT `+columns+` FROM change WHERE batch = $1 AND replaced = '' ORDER BY place`, id)
	if err != nil {
		return nil, nil, err
	}
	var out []*Change
	b.Unseen = b.Halted != ""
	for _, c := range all {
		place, err := d.Desk.Place(ctx, r, c.Account)
		if err != nil {
			return nil, nil, err
		}
		if actor.May(people.Read, place) {
			out = append(out, c)
			b.Unseen = b.Unseen && c.ID != b.Halted
		}
	}
	if len(out) == 0 {
		return nil, nil, fmt.Errorf("batch %s: %w", id, store.ErrNotFound)
	}
	if b.Unseen {
		b.Halted = ""
	}
	return b, out, nil
}

func batch(ctx context.Context, r *store.Reader, id string) (*Batch, error) {
	b := &Batch{ID: id}
	var created int64
	err := r.Row(ctx, `SELECT about, planner, created, halted, undoes FROM change_batch WHERE id = $1`, id).Scan(&b.About, &b.Planner, &created, &b.Halted, &b.Undoes)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, fmt.Errorf("batch %s: %w", id, store.ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read batch: %w", err)
	}
	b.Created = store.Time(created)
	return b, nil
}

// Next is the change of a batch that is to be begun next, or gone on with if the batch
// halted at it, or taken over if whoever applied it is gone; nil if nothing of it is left.
// What stands in the way is ErrState or ErrHalted, and is named; a change that somebody
// applies right now is ErrLost too.
func (d *Desk) Next(ctx context.Context, r *store.Reader, actor people.Actor, id string, now time.Time) (*Change, error) {
	b, of, err := d.GetBatch(ctx, r, actor, id, now)
	if err != nil {
		return nil, err
	}
	for _, c := range of {
		switch c.State {
		case Approved:
			return c, d.inTurn(ctx, r, actor, c, now)
		case Stopped:
			if c.ID == b.Halted {
				return c, nil
			} // else it was released, and goes on without it
		case Applying:
			if !now.Before(c.Lease) {
				return c, nil
			}
			return nil, fmt.Errorf("batch %s waits for change %s, which is %s: %w: %w", id, c.ID, c.State, ErrState, ErrLost)
		case Planned, Requested:
			return nil, fmt.Errorf("batch %s waits for change %s, which is %s: %w", id, c.ID, c.State, ErrState)
		}
	}
	return nil, nil
}

// inTurn is ErrHalted unless a change of a batch may begin: the batch has not halted at
// another one, and what comes before it is over. What it waits for is named to who may
// read that.
func (d *Desk) inTurn(ctx context.Context, r *store.Reader, actor people.Actor, c *Change, now time.Time) error {
	if c.Batch == "" {
		return nil
	}
	b, err := batch(ctx, r, c.Batch)
	if err != nil {
		return err
	}
	other, hint := b.Halted, "; hint: go on with that one, or release the batch"
	if other == "" || other == c.ID {
		hint = ""
		if other, err = c.behind(ctx, r); err != nil || other == "" {
			return err
		}
	}
	o, err := d.Get(ctx, r, actor, other, now)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("change %s of batch %s waits for one of an account that you may not read: %w", c.ID, c.Batch, ErrHalted)
	case err != nil:
		return err
	}
	return fmt.Errorf("change %s of batch %s waits for %s, which is %s: %w%s", c.ID, c.Batch, other, o.State, ErrHalted, hint)
}

// behind is the ID of the first change of its batch that a change waits for, "" for none.
// A canary that was undone since is no reason to go on.
func (c *Change) behind(ctx context.Context, r *store.Reader) (string, error) {
	waits := `canary = 1 AND NOT (state = 'applied' OR state = 'partial' AND undoes <> '')`
	if c.Canary {
		waits += ` AND place < $3`
	}
	others, err := store.Texts(ctx, r, `SELECT id FROM change WHERE batch = $1 AND id <> $2 AND replaced = '' AND (`+waits+` OR place <> $3 AND state = 'applying') ORDER BY place LIMIT 1`, c.Batch, c.ID, int64(c.Place))
	if err != nil {
		return "", fmt.Errorf("read batch %s: %w", c.Batch, err)
	}
	return strings.Join(others, ""), nil
}

// halt stops the batch of a change that did not end well, and lets it go on once the
// change that it halted at did.
func (c *Change) halt(ctx context.Context, tx *store.Tx) error {
	if c.Batch == "" {
		return nil
	}
	var err error
	if c.Done() {
		_, err = tx.Exec(ctx, `UPDATE change_batch SET halted = '' WHERE id = $1 AND halted = $2`, c.Batch, c.ID)
	} else {
		_, err = tx.Exec(ctx, `UPDATE change_batch SET halted = $2 WHERE id = $1 AND halted = ''`, c.Batch, c.ID)
	}
	if err != nil {
		return fmt.Errorf("halt batch %s: %w", c.Batch, err)
	}
	return nil
}

// Release lets a batch go on that halted, without the change that it halted at. Canaries
// are waited for all the same. It records batch.released.
func (d *Desk) Release(ctx context.Context, tx *store.Tx, actor people.Actor, id string) (*Batch, error) {
	b, seen, err := d.GetBatch(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	switch {
	case b.Unseen:
		return nil, fmt.Errorf("batch %s halted at a change of an account that you may not read: %w", id, approvals.ErrNotAllowed)
	case b.Halted == "":
		return nil, fmt.Errorf("batch %s has not halted: %w", id, ErrState)
	}
	for _, c := range seen {
		if c.ID != b.Halted {
			continue
		}
		if err := d.may(ctx, &tx.Reader, actor, c.Account, people.Apply, "release a batch that halted at"); err != nil {
			return nil, err
		}
		if err := tx.ExecOne(ctx, `UPDATE change_batch SET halted = '' WHERE id = $1 AND halted = $2`, id, b.Halted); err != nil {
			return nil, fmt.Errorf("release batch %s: %w", id, err)
		}
		b.Halted = ""
		return b, tx.Record("batch.released", id, actor.ID)
	}
	return nil, fmt.Errorf("batch %s halted at %s, which was planned again: %w", id, b.Halted, store.ErrConflict) // Replace moves it
}
