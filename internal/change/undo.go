package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/change/difference"
	"github.com/rootkeep/rootkeep/internal/change/expr"
)

// ErrFinal is an undo of what cannot be undone.
var ErrFinal = errors.New("it cannot be undone")

// Undo reads the state and plans how what a change has done is undone: the calls that
// undo its calls, last first. after is the state that the change left, nil if it is not
// known: what differs from it was changed since by others, and is said. doubt says that
// the call after the last that was made may have been carried out as well. Calls that an
// earlier undo has undone are left alone.
//
// Of a change under a request for root, root is the ID of the request that the undo
// belongs to: what was approved with the change is its own plan, and no other one.
func (k *Kind) Undo(ctx context.Context, r Reader, id, root string, of *Plan, made []Made, doubt bool, after map[string]any, now time.Time) (*Plan, error) {
	switch {
	case of.Kind != k.ID || of.KindHash != k.hash:
		return nil, fmt.Errorf("change %s was planned by another version of %s; hint: its plan shows the state before", of.ID, of.Kind)
	case of.Undoes != "":
		return nil, fmt.Errorf("change %s is an undo itself; hint: plan %s again", of.ID, of.Kind)
	case len(of.Guide) > 0:
		return nil, fmt.Errorf("change %s was made by a person: %w", of.ID, ErrFinal)
	case len(made) == 0 && !doubt:
		return nil, fmt.Errorf("change %s: %w", of.ID, ErrNothing)
	}
	if err := k.ready(); err != nil {
		return nil, err
	}
	p := *of
	p.ID, p.For, p.Undoes, p.Created = id, root, of.ID, now.UTC().Truncate(time.Second)
	p.Title, p.Breaks = "Undo "+of.ID+": "+of.Title, "What came to depend on the change since."
	p.Answers, p.Calls, p.Final, p.Drift = expr.Answers{}, []Planned{}, []string{}, nil
	for _, m := range made {
		c := of.Calls[m.Number]
		p.Answers[c.Step] = append(p.Answers[c.Step], expr.Answered{Item: c.Item, Parts: m.Parts})
	}
	var err error
	if p.Prior, err = k.read(ctx, r, of); err != nil {
		return nil, fmt.Errorf("undo %s: %w", of.ID, err)
	}
	if after != nil {
		p.Drift = difference.Of(k.lasting(p.Prior), k.lasting(after), true)
	}
	last := len(made)
	if doubt && last < len(of.Calls) {
		last++
	}
	for n := last - 1; n >= 0; n-- {
		if n < len(made) && made[n].Undone {
			continue
		}
		if err := k.undoCall(&p, of, n); err != nil {
			return nil, fmt.Errorf("undo %s: %w", of.ID, err)
		}
	}
	switch {
	case len(p.Calls) == 0 && len(p.Final) > 0:
		return nil, fmt.Errorf("undo %s: %w: %s", of.ID, ErrFinal, p.Final[0])
	case len(p.Final) > 0: // a part stays: the state will not be the one before
		p.Wants, p.Exact = map[string]any{}, false
	default:
		p.Wants, p.Exact = k.lasting(of.Prior), true
	}
	p.Diff = difference.Of(k.lasting(p.Prior), p.Wants, p.Exact)
	_, err = p.Bytes()
	return &p, err
}

// undoCall adds the calls that undo one call. Expressions see the state as it was before
// the change.
func (k *Kind) undoCall(p, of *Plan, n int) error {
	c := of.Calls[n]
	s := k.step(c.Step)
	if s == nil {
		return fmt.Errorf("the kind has no step %s", c.Step)
	}
	if s.Final != "" {
		if !slices.Contains(p.Final, s.Final) {
			p.Final = append(p.Final, s.Final)
		}
		return nil
	}
	v := of.values().With("answers", p.Answers).With("item", c.Item)
	for i := range s.Undo {
		made, err := s.Undo[i].plan(of, v)
		if err != nil {
			return fmt.Errorf("call %s: %w", s.ID, err)
		}
		for j := range made {
			made[j].Back = n + 1
		}
		p.Calls = append(p.Calls, made...)
	}
	return nil
}
