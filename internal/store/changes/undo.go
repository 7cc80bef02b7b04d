package changes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
)

// undo marks the change that another one, which begins, undoes. What it held, if it had
// stopped, is the undo's from now on.
func (d *Desk) undo(ctx context.Context, tx *store.Tx, actor people.Actor, c *Change) error {
	o, err := d.undoable(ctx, &tx.Reader, actor, c, tx.Now())
	if err != nil {
		return err
	}
	from := o.State
	o.State, o.before, o.UndoneBy = Undoing, from, c.ID
	if err := o.set(ctx, tx, from); err != nil {
		return err
	}
	return pass(ctx, tx, o.ID, c.ID)
}

// undid tells the change that was being undone how that ended. It records change.undone,
// change.partial or change.unverified of it.
func (c *Change) undid(ctx context.Context, tx *store.Tx) error {
	o, err := get(ctx, &tx.Reader, c.Undoes, tx.Now())
	if err != nil {
		return err
	}
	if o.State != Undoing || o.UndoneBy != c.ID {
		return fmt.Errorf("change %s is %s by %s, not by %s: %w", o.ID, o.State, o.UndoneBy, c.ID, ErrState)
	}
	reached, err := c.reached(ctx, tx)
	if err != nil {
		return err
	}
	verb := ""
	switch {
	case c.State == Applied:
		if o.before == Partial {
			o.Why = ""
		}
		o.State, o.Ended, verb = Undone, tx.Now(), "undone"
	case reached == nothing: // it is where it was
		o.State, o.UndoneBy = o.before, ""
		if o.State == Stopped {
			if err := pass(ctx, tx, c.ID, o.ID); err != nil {
				return err
			}
		}
	case c.State == Partial || reached == some:
		o.State, o.Ended, verb = Partial, tx.Now(), "partial"
		if err := o.tellsRest(ctx, tx, c); err != nil {
			return err
		}
	default:
		o.State, o.Ended, o.Why, verb = Unverified, tx.Now(), "its undo "+c.ID+" is not verified: "+c.Why, "unverified"
	}
	o.before, o.Lease = "", time.Time{}
	if err := o.set(ctx, tx, Undoing); err != nil || verb == "" {
		return err
	}
	return o.record(tx, verb, people.SystemActor.ID)
}

// reach is how many calls of a plan were made.
type reach int

const (
	nothing reach = iota
	some          // or maybe the first one
	all
)

func (c *Change) reached(ctx context.Context, tx *store.Tx) (reach, error) {
	p, err := c.Parsed()
	if err != nil {
		return nothing, err
	}
	made, err := Calls(ctx, &tx.Reader, c.ID)
	switch {
	case err != nil || len(made) == 0 && !c.Doubt && (c.State == Refused || len(p.Calls) > 0):
		return nothing, err
	case len(made) < len(p.Calls):
		return some, nil
	}
	return all, nil
}

// tellsRest says of a change that was undone in part which calls were undone, and which
// were not, and why.
func (c *Change) tellsRest(ctx context.Context, tx *store.Tx, undo *Change) error {
	p, err := c.Parsed()
	if err != nil {
		return err
	}
	made, err := Calls(ctx, &tx.Reader, c.ID)
	if err != nil {
		return err
	}
	by, err := UndoneCalls(ctx, &tx.Reader, c.ID)
	if err != nil {
		return err
	}
	n := len(made)
	if _, known := by[n]; known {
		c.Doubt = false // if it was made, it was undone
	} else if c.Doubt && n < len(p.Calls) {
		n++
	}
	var back, left []string
	for i := range n {
		call := &p.Calls[i]
		if _, undone := by[i]; undone {
			back = append(back, fmt.Sprint(i+1))
		} else if why := stays(call, undo.State); why != "" {
			left = append(left, fmt.Sprintf("call %d, %s: %s", i+1, call.Call, why))
		}
	}
	if len(back) == 0 {
		back = []string{"none"}
	}
	c.Why = told("its undo " + undo.ID + " is " + string(undo.State) + "; calls undone: " + strings.Join(back, ", ") + "; not undone: " + strings.Join(left, "; "))
	return nil
}

// stays says why a call that was made is not undone by an undo that ended in a state, ""
// if there is nothing to undo of it.
func stays(call *change.Planned, undo State) string {
	switch {
	case call.Final != "":
		return call.Final
	case len(call.Undo) == 0:
		return ""
	}
	return "the undo is " + string(undo) + " before that; hint: undo the change again"
}

// UndoneCalls says which calls of a change were undone: the ID of the undo, by the number of
// the call, from 0. A call is undone once every call is made that an undo plans for it.
func UndoneCalls(ctx context.Context, r *store.Reader, id string) (map[int]string, error) {
	undos, err := list(ctx, r, time.Time{}, `SELECT `+columns+` FROM change WHERE undoes = $1 AND run > 0 ORDER BY id`, id)
	if err != nil {
		return nil, err
	}
	out := map[int]string{}
	for _, u := range undos {
		p, err := u.Parsed()
		if err != nil {
			return nil, err
		}
		made, err := Calls(ctx, r, u.ID)
		if err != nil {
			return nil, err
		}
		n := min(len(made), len(p.Calls))
		for _, call := range p.Calls[:n] {
			rest := slices.ContainsFunc(p.Calls[n:], func(later change.Planned) bool { return later.Back == call.Back })
			if call.Back > 0 && !rest {
				out[call.Back-1] = u.ID
			}
		}
	}
	return out, nil
}
