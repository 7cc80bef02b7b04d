package escalate_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

// What an account is judged with is what the cases have tested.
func TestTechniquesWithoutCasesAreTheSame(t *testing.T) {
	want := slices.Clone(shipped(t))
	got, err := technique.Load(technique.Source{FS: content.Files, Dir: "escalations", Tested: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range got {
		if len(x.Cases) > 0 {
			t.Errorf("%s: got %d cases, want none", x.ID, len(x.Cases))
		}
	}
	for i := range want {
		x := *want[i]
		x.Cases = nil
		want[i] = &x
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-with cases +without):\n%s", diff)
	}
}
