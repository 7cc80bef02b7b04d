package content_test

import (
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/template"
)

func TestEveryPolicyTemplateIsProved(t *testing.T) {
	templates, err := template.Load(template.Source{FS: content.Files, Dir: "policies"})
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[int]bool{}
	for _, p := range templates {
		numbers[p.Number] = true
	}
	for n := 1; n <= 59; n++ {
		if !numbers[n] {
			t.Errorf("there is no template of number %d", n)
		}
	}
	now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	for _, p := range templates {
		t.Run(p.ID, func(t *testing.T) {
			t.Parallel()
			for _, r := range p.RunCases() {
				if !r.OK {
					t.Errorf("%s: %s: got %q, want %q %s", r.Case, r.Action, r.Got, r.Want, r.Err)
				}
			}
			for _, r := range p.RunTwin() {
				if !r.OK {
					t.Errorf("as a boundary: %s: %s: got %q, want %q %s", r.Case, r.Action, r.Got, r.Want, r.Err)
				}
			}
			for _, part := range p.Unproved() {
				t.Errorf("no case fails without %s", part)
			}
			findings, unraised := p.Lint(now)
			for _, f := range findings {
				t.Errorf("the linter finds %s: %s", f.Code, f.Message)
			}
			for _, a := range unraised {
				t.Errorf("%s is accepted, but the linter does not find it", a.Code)
			}
		})
	}
}
