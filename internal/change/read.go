package change

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/internal/change/difference"
	"github.com/rootkeep/rootkeep/internal/change/expr"
)

// read asks for the state that the kind is about, by the IDs of its reads.
func (k *Kind) read(ctx context.Context, r Reader, p *Plan) (map[string]any, error) {
	state := map[string]any{}
	for i := range k.Reads {
		q := &k.Reads[i]
		v := p.values().With("prior", state)
		got, err := q.state(ctx, r, p, v)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", q.ID, err)
		}
		state[q.ID] = got
	}
	return state, nil
}

// lasting is a state without what changes by itself.
func (k *Kind) lasting(state map[string]any) map[string]any {
	out := map[string]any{}
	for i := range k.Reads {
		if v, ok := state[k.Reads[i].ID]; ok && !k.Reads[i].Passing {
			out[k.Reads[i].ID] = v
		}
	}
	return out
}

func (q *Read) state(ctx context.Context, r Reader, p *Plan, v expr.Values) (any, error) {
	if q.First != nil {
		got, err := q.First.state(ctx, r, p, v)
		if err != nil {
			return nil, fmt.Errorf("first %s: %w", q.First.ID, err)
		}
		prior, _ := v["prior"].(map[string]any)
		prior = maps.Clone(prior)
		prior[q.First.ID] = got
		v = v.With("prior", prior)
	}
	if q.Each.None() {
		return q.one(ctx, r, p, v)
	}
	items, err := q.Each.List(v)
	if err != nil {
		return nil, fmt.Errorf("each: %w", err)
	}
	if len(items) > maxItems {
		return nil, fmt.Errorf("each: %d items, at most %d", len(items), maxItems)
	}
	out := []any{}
	for _, item := range items {
		got, err := q.one(ctx, r, p, v.With("item", item))
		if err != nil {
			return nil, err
		}
		out = append(out, got)
	}
	return out, nil
}

// one asks once. What is not there is nil.
func (q *Read) one(ctx context.Context, r Reader, p *Plan, v expr.Values) (any, error) {
	if ok, err := q.When.Holds(v); err != nil || !ok {
		return nil, err
	}
	with, err := q.With.Object(v)
	if err != nil {
		return nil, fmt.Errorf("with: %w", err)
	}
	c, err := q.At.call(p, q.Call, with, v)
	if err != nil {
		return nil, err
	}
	got, err := r.Read(ctx, c)
	var refusal *Refusal
	if errors.As(err, &refusal) && slices.Contains(q.None, refusal.Code) {
		return nil, nil
	}
	if refusal != nil && refusal.Denied && !q.Denied.None() {
		unseen, err := q.Denied.Eval(v)
		if err != nil {
			return nil, fmt.Errorf("denied: %w", err)
		}
		return unseen, nil
	}
	if err != nil {
		return nil, err
	}
	if q.Keep.None() {
		return got, nil
	}
	kept, err := q.Keep.Eval(v.With("got", got))
	if err != nil {
		return nil, fmt.Errorf("keep: %w", err)
	}
	return kept, nil
}

// fulfilled says whether a state is what the plan wants, and if not, why.
func (k *Kind) fulfilled(p *Plan, state map[string]any) (bool, string) {
	if p.Exact {
		state = k.lasting(state)
	}
	if d := difference.Of(state, p.Wants, p.Exact); len(d) > 0 {
		return false, fmt.Sprintf("%s is not as wanted", d[0].Path)
	}
	if k.Verify.None() || p.Undoes != "" { // which says what holds after the change, not after its undo
		return true, ""
	}
	ok, err := k.Verify.Holds(p.values().With("after", state))
	switch {
	case err != nil:
		return false, "verify: " + err.Error()
	case !ok:
		return false, "verify does not hold"
	}
	return true, ""
}
