package content_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/lint"
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

// A finding that names a template must name one that is there.
func TestEveryTemplateThatTheLinterNamesIsThere(t *testing.T) {
	templates, err := template.Load(template.Source{FS: content.Files, Dir: "policies"})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, code := range lint.Codes() {
		for _, m := range regexp.MustCompile(`rootkeep iam template show ([a-z0-9-]+)`).FindAllStringSubmatch(code.Fix, -1) {
			named++
			if _, ok := templates.Find(m[1]); !ok {
				t.Errorf("%s names the template %q, which is not there", code.Name, m[1])
			}
		}
	}
	if named < 10 {
		t.Errorf("got %d references to templates, want those of every wrong sample", named)
	}
}

// Templates speak of each other by id, in words such as "trust-mfa-human does".
func TestTemplatesNameOnlyTemplatesThatAreThere(t *testing.T) {
	templates, err := template.Load(template.Source{FS: content.Files, Dir: "policies"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range templates {
		for _, text := range append(append([]string{p.Why, p.Attach.To, p.Attach.NotTo}, p.DoesNot...), p.NoTwin) {
			for _, id := range regexp.MustCompile(`\b(?:scp|rcp|trust|bucket|rootkeep|key|mfa|break|log|incident)(?:-[a-z0-9]+)+\b`).FindAllString(text, -1) {
				if _, ok := templates.Find(id); !ok {
					t.Errorf("%s speaks of %q, which is no template", p.ID, id)
				}
			}
		}
	}
}
