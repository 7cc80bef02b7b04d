package escalate_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate"
)

// noWay are the principals of the corpus whose name says that they escalate, and that
// cannot: each with why.
var noWay = map[string]string{
	"user/privesc-AssumeRole-start-user":                 "has no policy; the role that begins the chain trusts somebody else",
	"user/privesc2-SetExistingDefaultPolicyVersion-user": "its policy has one version only",
	"role/privesc2-SetExistingDefaultPolicyVersion-role": "its policy has one version only",
	"user/privesc9-AttachRolePolicy-user":                "no role trusts it: it can change roles but be none of them",
	"user/privesc12-PutRolePolicy-user":                  "no role trusts it: it can change roles but be none of them",
	"role/privesc7-AttachUserPolicy-role":                "a role is no user: it can change users but be none of them",
	"role/privesc10-PutUserPolicy-role":                  "a role is no user: it can change users but be none of them",
	"role/privesc8-AttachGroupPolicy-role":               "a role is in no group",
	"role/privesc11-PutGroupPolicy-role":                 "a role is in no group",
	"role/privesc13-AddUserToGroup-role":                 "a role joins no group",
	"role/privesc-permissive-role-trust":                 "has no policy; it is what others may assume",
}

// TestCorpus asks about an account that nobody here made. Its principals are named
// for what they show: privesc and fn ones escalate, fp ones do not.
func TestCorpus(t *testing.T) {
	f, err := os.Open("../../../shared/corpora/authorization-details/example.json")
	if err != nil {
		t.Skip("skipped: ../shared/corpora/authorization-details is not there")
	}
	defer f.Close()
	a, err := account.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	r, err := escalate.Search(a, escalate.Options{Techniques: shipped(t), Now: caseTime, Outside: true})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range r.Administrators {
		got[r.Name(s.Principal)] = "administrator"
	}
	for _, p := range r.Paths {
		got[r.Name(p.From)] = p.Certainty.String() + " by " + p.Steps[0].ID
	}
	for _, arn := range r.Unreachable {
		got[r.Name(arn)] = "no path"
	}
	judged := 0
	for _, i := range a.Identities() {
		name := r.Name(i.Principal.ARN)
		_, base, _ := strings.Cut(name, "/")
		escalates := strings.HasPrefix(base, "privesc") || strings.HasPrefix(base, "fn")
		if !escalates && !strings.HasPrefix(base, "fp") {
			continue
		}
		judged++
		t.Logf("%-70s %s", name, got[name])
		if why := noWay[name]; why != "" {
			escalates = false
			t.Logf("%-70s %s", "", why)
		}
		if found := got[name] != "no path"; found != escalates {
			t.Errorf("%s: got %s, want a path: %v", name, got[name], escalates)
		}
	}
	if judged != 86 {
		t.Errorf("got %d principals with a name that tells, want 86", judged)
	}
	if len(r.Outside) != 3 {
		t.Errorf("got %d ways in from outside, want 3: the management account, its stack sets, the SAML provider", len(r.Outside))
	}
}
