package content_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/policy"
	"github.com/rootkeep/rootkeep/iam/template"
)

func shippedTemplates(t *testing.T) template.Templates {
	t.Helper()
	templates, err := template.Load(template.Source{FS: content.Files, Dir: "policies"})
	if err != nil {
		t.Fatal(err)
	}
	return templates
}

func TestEveryPolicyTemplateIsProved(t *testing.T) {
	templates := shippedTemplates(t)
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
	templates := shippedTemplates(t)
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
	templates := shippedTemplates(t)
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

// A condition on a key that the action never sends makes an Allow grant nothing and a
// Deny deny nothing; an action without a resource type is not met by an ARN. The
// evaluator cannot see either, because a case brings its own context.
func TestTemplatesUseKeysAndResourcesThatTheirActionsHave(t *testing.T) {
	templates := shippedTemplates(t)
	for _, p := range templates {
		text, err := p.Render(p.Samples())
		if err != nil {
			t.Fatal(err)
		}
		doc, err := policy.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range doc.Statements {
			s := &doc.Statements[i]
			for _, name := range s.Action.Values() {
				service, action, _ := strings.Cut(name, ":")
				a, ok := metadata.FindAction(service, action)
				if !ok {
					continue // a pattern
				}
				if len(a.Resources) == 0 && p.Type != lint.Trust && !slices.Contains(s.Resource.Values(), "*") {
					t.Errorf("%s: %s: %s has no resource type, the statement names %v", p.ID, s.Sid.Value, name, s.Resource.Values())
				}
				for _, key := range serviceKeys(s) {
					if !known.SendsKey(a, key) {
						t.Errorf("%s: %s: %s does not send %s", p.ID, s.Sid.Value, name, key)
					}
				}
			}
		}
	}
}

// serviceKeys are the keys of a statement that belong to a service, as the table of
// keys names them. Claims of identity providers are not in the table.
func serviceKeys(s *policy.Statement) []string {
	var out []string
	if s.Condition == nil {
		return nil
	}
	for _, b := range s.Condition.Blocks {
		for _, k := range b.Keys {
			if info, ok := metadata.FindKey(k.Key.Value); ok && info.Category == metadata.NotGlobal {
				out = append(out, info.Name)
			}
		}
	}
	return out
}
