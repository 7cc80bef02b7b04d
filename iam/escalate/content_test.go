package escalate_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/escalate"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

func shipped(t testing.TB) []*technique.Technique {
	t.Helper()
	ts, err := technique.Load(technique.Source{FS: content.Files, Dir: "escalations"})
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func TestCasesOfEveryTechniqueHold(t *testing.T) {
	for _, r := range escalate.RunCases(shipped(t)) {
		if !r.OK {
			t.Errorf("%s: %s: got %s, want %s %s", r.File, r.Case, r.Got, r.Want, r.Err)
		}
	}
}
