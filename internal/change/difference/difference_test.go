package difference_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/change/difference"
)

func TestStraysAreWhatSomebodyElseChanged(t *testing.T) {
	type object = map[string]any
	list := func(x ...any) []any { return x }
	for _, c := range []struct {
		name             string
		now, prior, want any
		strays           int
	}{
		{"a list on the way", list("a", "c"), list("a", "b"), list("a", "c"), 0},
		{"half of a list is gone", list("b", "c"), list("a", "b", "c"), list("c"), 0},
		{"a list with what is in neither", list("a", "x"), list("a", "b"), list("a"), 1},
		{"a list without what both have", list("b"), list("a", "b"), list("a", "c"), 1},
		{"a list that came to be", list(), nil, list("a"), 0},
		{"one of a list of maps", list(object{"n": int64(1)}, object{"n": int64(5)}), list(object{"n": int64(1)}, object{"n": int64(2)}), list(object{"n": int64(3)}, object{"n": int64(4)}), 1},
		{"what came to be has a member that is not named", object{"a": "w", "b": "y"}, nil, object{"a": "w"}, 0},
		{"what came to be is somebody else's", object{"a": "x"}, nil, object{"a": "w"}, 1},
		{"a member of a map that is not named", object{"a": "x", "b": "y"}, object{"a": "x", "b": "z"}, object{"a": "w"}, 1},
	} {
		got := difference.Strays(object{"read": c.now}, object{"read": c.prior}, object{"read": c.want})
		if len(got) != c.strays {
			t.Errorf("%s: got %v, want %d", c.name, got, c.strays)
		}
	}
}
