package kinds

import (
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/internal/change"
)

// TestAKeyIsMadeOnce dies between the making of a key, which has no name, and its being
// written down: whoever goes on finds the key by the change's ID.
func TestAKeyIsMadeOnce(t *testing.T) {
	c, err := Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	k := c.Find("trail-create")
	r, p := start(t.Context(), t, k, &k.Cases[0])
	n := slices.IndexFunc(p.Calls, func(c change.Planned) bool { return c.Operation == "kms:CreateKey" })
	died := &troubled{trial: r, trouble: &trouble{unwritten: true}, number: n}
	if _, ok, err := died.apply(t.Context(), p, false); err != nil || !ok {
		t.Fatalf("died: %v, %v", ok, err)
	}
	again := &troubled{trial: r, done: len(r.made)}
	out, _, err := again.apply(t.Context(), p, true)
	if err != nil || out.State != change.Applied || !r.made[n].Before {
		t.Fatalf("got %s: %s, %v, and of the key %+v", out.State, out.Why, err, r.made[n])
	}
	keys, err := r.reader.Read(t.Context(), change.Call{Operation: "kms:ListKeys", Account: management, Region: home})
	if list, _ := keys["Keys"].([]any); err != nil || len(list) != 1 {
		t.Errorf("got the keys %v, %v, want one", keys, err)
	}
}
