package guardrail_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/guardrail"
	"github.com/rootkeep/rootkeep/internal/rule"
)

func shipped(t *testing.T) []*guardrail.Guardrail {
	t.Helper()
	templates, err := template.Load(template.Source{FS: content.Files, Dir: "policies"})
	if err != nil {
		t.Fatal(err)
	}
	list, problems := guardrail.Load(templates, rule.Source{FS: content.Files, Dir: "guardrails"})
	if err := errors.Join(problems...); err != nil {
		t.Fatal(err)
	}
	return list
}

// values are those of some organization for each guardrail, with what is different in
// another part of AWS.
func values(partition string) map[string]map[string]template.Values {
	p := template.Values{partition}
	role := func(account, name string) string { return "arn:" + partition + ":iam::" + account + ":role/" + name }
	return map[string]map[string]template.Values{
		"member-root": {"partition": p}, "root-keys": {"partition": p}, "broker": {"partition": p},
		"assume-root":  {"partition": p, "brokers": {role("444455556666", "acme/Root"), role("444455556666", "Scan"), role("777788889999", "Root")}},
		"broker-trust": {"organization": {"o-zyx9876543"}, "rootkeep_role": {role("444455556666", "rootkeep")}},
	}
}

func TestEveryGuardrailKeepsItsPromisesInEveryPartOfAWS(t *testing.T) {
	for _, g := range shipped(t) {
		for _, partition := range []string{"aws", "aws-us-gov", "aws-cn"} {
			set, ok := values(partition)[g.ID]
			if !ok {
				t.Fatalf("no values for %s", g.ID)
			}
			text, err := g.Render(g.Policy().Type, set)
			if err != nil {
				t.Errorf("%s in %s: %v", g.ID, partition, err)
			}
			if g.ID != "broker-trust" && !strings.Contains(string(text), "arn:"+partition+":") {
				t.Errorf("%s in %s says nothing of %s:\n%s", g.ID, partition, partition, text)
			}
		}
	}
}

// In the management account a boundary stands for a service control policy; what binds a
// root user has no such form.
func TestFormsForTheManagementAccount(t *testing.T) {
	for _, g := range shipped(t) {
		_, err := g.Render(lint.Boundary, values("aws")[g.ID])
		if want := g.ID == "assume-root"; (err == nil) != want {
			t.Errorf("%s as a boundary: %v, want it to be possible: %v", g.ID, err, want)
		}
	}
}

const policies = `id: scp-mine
kind: policy-template
title: Mine
type: scp
why: It is mine.
attach: {to: Members., not_to: Others.}
does_not: [Much.]
parameters:
  - {name: names, description: Names., type: text, list: true, wildcards: true, pattern: "[A-Z]+-\\*|\\*", example: [RR-*]}
policy: |
  {"Version": "2012-10-17", "Statement": [{"Sid": "Names", "Effect": "Deny", "Action": "sts:AssumeRoot", "Resource": "*", "Condition": {"StringNotLike": {"aws:SourceIdentity": ["{{names}}"]}}}]}
source: {title: a page, date: 2026-11-26}
setting: {principal: "arn:aws:iam::210987654321:role/a", account: "210987654321"}
cases:
  - {name: no name, action: "sts:AssumeRoot", resource: "arn:aws:iam::111122223333:root", want: explicitly_denied}
  - {name: a name, action: "sts:AssumeRoot", resource: "arn:aws:iam::111122223333:root", context: {"aws:SourceIdentity": RR-1}, want: allowed}
`

const mine = `id: mine
kind: guardrail
title: Names alone
why: They tell.
template: scp-mine
where: caller
management: It is not bound.
control: RT-29
promises:
  - {name: a stranger is refused, principal: "arn:aws:iam::210987654321:role/a", action: "sts:AssumeRoot", resource: "arn:aws:iam::111122223333:root", context: {"aws:SourceIdentity": ann}, want: explicitly_denied}
`

func load(t *testing.T, text string) ([]*guardrail.Guardrail, []error) {
	t.Helper()
	files := fstest.MapFS{"policies/scp-mine.yaml": {Data: []byte(policies)}, "guardrails/mine.yaml": {Data: []byte(text)}}
	templates, err := template.Load(template.Source{FS: files, Dir: "policies"})
	if err != nil {
		t.Fatal(err)
	}
	return guardrail.Load(templates, rule.Source{FS: files, Dir: "guardrails", Name: "own"})
}

func TestAPolicyThatDoesNotKeepItsPromisesIsRefused(t *testing.T) {
	list, problems := load(t, mine)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	g := list[0]
	if _, err := g.Render(lint.SCP, map[string]template.Values{"names": {"RR-*", "SC-*"}}); err != nil {
		t.Error(err)
	}
	_, err := g.Render(lint.SCP, map[string]template.Values{"names": {"RR-*", "*"}})
	var broken *guardrail.BrokenError
	if !errors.As(err, &broken) || len(broken.Broken) != 1 || !strings.Contains(err.Error(), `"a stranger is refused": sts:AssumeRoot is allowed, and would have to be explicitly_denied`) {
		t.Errorf("got %v, want the promise that is broken", err)
	}
	if _, err := g.Render(lint.Boundary, map[string]template.Values{"names": {"*"}}); !errors.As(err, &broken) {
		t.Errorf("got %v as a boundary, want a broken promise", err)
	}
	if _, err := g.Render(lint.SCP, nil); err == nil {
		t.Error("a parameter without a value was let through")
	}
}

func TestFilesThatAreNoGuardrailAreLeftOut(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"a key that is not known", "why:", "because:", "own/mine.yaml:4:1"},
		{"another kind", "kind: guardrail", "kind: rail", "want guardrail"},
		{"another id than the file's name", "id: mine", "id: yours", "want the same"},
		{"a template that is not there", "scp-mine", "scp-yours", "no policy template"},
		{"a place that is none", "where: caller", "where: there", "want one of"},
		{"no control", "RT-29", "root", "want the ID of a control"},
		{"nothing about the management account", "management: It is not bound.\n", "", "management account"},
		{"a parameter that the template has not", "ann}", `"{{ann}}"}`, `no parameter "ann"`},
		{"a promise that does not hold", "ann}", "RR-7}", "does not keep 1 of its promises"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, problems := load(t, strings.Replace(mine, tt.old, tt.new, 1))
			if len(list) != 0 || len(problems) != 1 || !strings.Contains(fmt.Sprint(problems), tt.want) {
				t.Errorf("got %d guardrails, problems %v; want one that says %q", len(list), problems, tt.want)
			}
		})
	}
}
