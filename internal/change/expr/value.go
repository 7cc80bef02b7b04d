package expr

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Bounds of one value.
const (
	maxDepth = 64
	// maxSize is in steps: one for each value in it and for each 10 bytes of text. A list
	// of lists that are the same one is small in memory, and is not when it is written out.
	maxSize = 1_000_000
	perStep = 10 // bytes
)

// plain is a value as JSON has it.
func plain(v ref.Val) (any, error) {
	w := walk{left: maxSize}
	return w.plain(v, 0)
}

// walk goes through a value, and no further than it may.
type walk struct{ left int }

func (w *walk) step(text int) error {
	if w.left -= 1 + text/perStep; w.left < 0 {
		return fmt.Errorf("a value has more than %d parts", maxSize)
	}
	return nil
}

func (w *walk) plain(v ref.Val, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("a value is nested too deeply")
	}
	text, _ := v.(types.String)
	if err := w.step(len(text)); err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(x), nil
	case types.Int:
		return int64(x), nil
	case types.Uint:
		return int64(x), nil
	case types.Double:
		return float64(x), nil
	case types.String:
		return string(x), nil
	case types.Timestamp:
		return x.UTC().Format(time.RFC3339), nil
	case *types.Optional:
		if !x.HasValue() {
			return nil, nil
		}
		return w.plain(x.GetValue(), depth+1)
	case traits.Mapper:
		return w.members(x, depth)
	case traits.Lister:
		out := []any{}
		for it := x.Iterator(); it.HasNext() == types.True; {
			p, err := w.plain(it.Next(), depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
		return out, nil
	case *types.Err:
		return nil, x
	}
	return nil, fmt.Errorf("a value of type %s has no place in a plan", v.Type().TypeName())
}

func (w *walk) members(m traits.Mapper, depth int) (any, error) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("a map with the key %v, want texts", key)
		}
		p, err := w.plain(m.Get(key), depth+1)
		if err == nil {
			err = w.step(len(name))
		}
		if err != nil {
			return nil, err
		}
		out[string(name)] = p
	}
	return out, nil
}

// price is what a call costs in CEL's cost units: fixed, and for each step of what goes in
// and comes out.
type price struct{ fixed, step uint64 }

// prices are those of the functions of this package: CEL takes one unit for a function that
// it does not know, whatever it is given.
var prices = map[string]price{
	"parse": {1, 3}, "json": {1, 4}, "overlay": {1, 8}, "statements": {1, 5}, "several": {1, 4}, "merge": {1, 5}, "without": {1, 5}, "decide": {100, 20},
	"template": {20_000, 2}, // its file is read each time
	answerOf:   {100, 0},    // what went before is looked through
}

// pricing is of cost.ActualCostEstimator.
type pricing struct{}

// CallCost is nil where it is CEL's own.
func (pricing) CallCost(function, _ string, args []ref.Val, out ref.Val) *uint64 {
	p, ok := prices[function]
	if !ok {
		return nil
	}
	w := walk{left: maxSize}
	if p.step > 0 {
		for _, v := range append(slices.Clone(args), out) {
			w.count(v, 0)
		}
	}
	units := p.fixed + p.step*uint64(maxSize-max(w.left, 0))
	return &units
}

// count takes the steps of a value, as far as it may.
func (w *walk) count(v ref.Val, depth int) {
	text, _ := v.(types.String)
	if w.step(len(text)) != nil || depth > maxDepth {
		return
	}
	switch x := v.(type) {
	case traits.Mapper:
		for it := x.Iterator(); it.HasNext() == types.True && w.left > 0; {
			key := it.Next()
			w.count(key, depth+1)
			w.count(x.Get(key), depth+1)
		}
	case traits.Lister:
		for it := x.Iterator(); it.HasNext() == types.True && w.left > 0; {
			w.count(it.Next(), depth+1)
		}
	}
}
