package posture_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// What an account is judged by is what the cases have tested.
func TestControlsWithoutCasesAreTheSame(t *testing.T) {
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		t.Fatal(err)
	}
	want := shipped(t)
	got, problems := posture.Load(bases, rule.Source{FS: content.Files, Dir: "controls", Tested: true})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, c := range got {
		if len(c.Cases) > 0 {
			t.Errorf("%s: got %d cases, want none", c.ID, len(c.Cases))
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(posture.Control{}, posture.Watch{}), cmpopts.IgnoreFields(posture.Control{}, "Cases")); diff != "" {
		t.Errorf("(-with cases +without):\n%s", diff)
	}
	s := monitored()
	if diff := cmp.Diff(posture.Evaluate(s, want, posture.Setting{Now: now}), posture.Evaluate(s, got, posture.Setting{Now: now})); diff != "" {
		t.Errorf("findings (-with cases +without):\n%s", diff)
	}
}

// Nobody has run the cases of a user's own file: it needs them.
func TestACaseIsNotLeftOutUnsaid(t *testing.T) {
	text := `id: mine
kind: control
title: Mine
severity: low
why: Because.
pass: facts.root.mfa_enabled
fix: {console: Mend it.}
source: us
cases:
  - {name: one, facts: {root: {mfa_enabled: true}}, wants: pass}
  - {name: two, facts: {root: {mfa_enabled: false}}, want: fail}
`
	source := rule.Source{FS: fstest.MapFS{"mine.yaml": {Data: []byte(text)}}, Dir: "."}
	if _, problems := posture.Load(nil, source); len(problems) != 1 {
		t.Errorf("a misspelt key in a case: got %v, want one problem", problems)
	}
	source.Tested = true
	if got, problems := posture.Load(nil, source); len(problems) > 0 || len(got) != 1 {
		t.Errorf("cases that are not read: got %v, want a control", problems)
	}
}
