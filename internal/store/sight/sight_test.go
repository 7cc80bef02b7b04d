package sight_test

import (
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

func TestWhatIsInSight(t *testing.T) {
	const a, b, c = "111111111111", "222222222222", "333333333333"
	for name, test := range map[string]struct {
		sight sight.Sight
		sees  []rootkeep.AccountID
		want  string
		args  []any
	}{
		"everything":      {sight.All(), []rootkeep.AccountID{a, b, c}, "", nil},
		"nothing":         {sight.Sight{}, nil, " WHERE 1 = 0", nil},
		"of no accounts":  {sight.Of(nil), nil, " WHERE 1 = 0", nil},
		"of two accounts": {sight.Of([]rootkeep.AccountID{c, a, c}), []rootkeep.AccountID{a, c}, " WHERE id IN ($1, $2)", []any{a, c}},
	} {
		for _, id := range []rootkeep.AccountID{a, b, c} {
			if got, want := test.sight.Sees(id), slices.Contains(test.sees, id); got != want {
				t.Errorf("%s: sees %s: got %v, want %v", name, id, got, want)
			}
		}
		w := &clause.Where{}
		if test.sight.Keep(w, "id"); w.String() != test.want || !slices.Equal(w.Args, test.args) {
			t.Errorf("%s: got %q %v, want %q %v", name, w.String(), w.Args, test.want, test.args)
		}
		if test.sight.Everything() != (name == "everything") {
			t.Errorf("%s: everything is %v", name, test.sight.Everything())
		}
	}
}
