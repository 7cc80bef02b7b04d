package content_test

import (
	"context"
	"testing"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/cases"
	"github.com/rootkeep/rootkeep/internal/rule"
)

func TestEveryDetectionLoadsAndItsCasesHold(t *testing.T) {
	pack, err := detect.Load([]rule.Source{{FS: content.Files, Dir: "detections"}}, detect.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pack.Problems {
		t.Errorf("problem: %s", p)
	}
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cases.Run(context.Background(), pack, bases) {
		if !r.OK {
			t.Errorf("%s: %s: got %q, want %q %s", r.Detection, r.Case, r.Got, r.Want, r.Err)
		}
	}
}
