package escalate_test

import (
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/escalate/trial"
)

// caseTime is the moment of the tests.
var caseTime = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

var load = sync.OnceValues(func() ([]*technique.Technique, error) {
	return technique.Load(technique.Source{FS: content.Files, Dir: "escalations"})
})

func shipped(t testing.TB) []*technique.Technique {
	t.Helper()
	ts, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func TestCasesOfEveryTechniqueHold(t *testing.T) {
	for _, r := range trial.Run(shipped(t), shipped(t)) {
		if !r.OK {
			t.Errorf("%s: %s: got %s, want %s %s", r.File, r.Case, r.Got, r.Want, r.Err)
		}
	}
}
