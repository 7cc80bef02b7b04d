package permission_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/permission"
)

// peopled is an account in which some texts are the same, some are no policies, and more
// than a few are parsed at once.
func peopled() *facts.Snapshot {
	s := complete()
	f := &s.Facts
	f.Policies = []facts.Policy{{ARN: own + "policy/all", Document: facts.Document{Text: allow("*", "*", "")}, Versions: []facts.Document{{Name: "v1", Text: allow("iam:*", "*", "")}}}}
	f.Groups = []facts.Group{{ARN: own + "group/g", Name: "g", InlinePolicies: []facts.Document{{Name: "broken", Text: `{"Statement":`}}}}
	for i := range 90 {
		u := facts.User{ARN: fmt.Sprintf("%suser/u%d", own, i), Name: fmt.Sprint("u", i), InlinePolicies: []facts.Document{{Name: "p", Text: allow("s3:GetObject", fmt.Sprintf("arn:aws:s3:::b%d/*", i%60), "")}}}
		switch i {
		case 1:
			u.AttachedPolicies = []string{own + "policy/all"}
		case 2:
			u.Groups = []string{"g"}
		case 3:
			u.InlinePolicies[0].Text = allow("iam:CreateAccessKey", own+"user/u1", "")
		}
		f.Users = append(f.Users, u)
	}
	for i, who := range []string{`"AWS":"arn:aws:iam::444455556666:root"`, `"Service":"lambda.amazonaws.com"`, `"AWS":"*"`, `"AWS":"*"`} {
		f.Roles = append(f.Roles, facts.Role{ARN: fmt.Sprintf("%srole/r%d", own, i), Name: fmt.Sprint("r", i), Path: "/", Trust: facts.Document{
			Text: strings.Replace(allow("sts:AssumeRole", "*", ""), `"Resource":"*"`, `"Principal":{`+who+`}`, 1),
		}})
	}
	return s
}

// answers are what an Account says of everybody.
func answers(a *permission.Account, s *facts.Snapshot) (out []string) {
	say := func(about any, x permission.Answer) { out = append(out, fmt.Sprint(about, " ", x)) }
	for i := range s.Facts.Users {
		u := &s.Facts.Users[i]
		say(u.Name, a.Privileged(u))
		for _, d := range u.InlinePolicies {
			say(u.Name, a.Allows(d.Name, d.Text, "s3:GetObject", "arn:$partition:s3:::b1/x", nil))
		}
	}
	say("g", a.GroupHolds(&s.Facts.Groups[0]))
	for i := range s.Facts.Roles {
		r := &s.Facts.Roles[i]
		say(r.Name, a.Anyone(r))
		list, x := a.Outside(r)
		say(list, x)
		say(r.Name, a.Deputy(r, []string{"lambda.amazonaws.com"}))
	}
	return out
}

func TestDocumentsThatWereReadBefore(t *testing.T) {
	s := peopled()
	want := answers(permission.Of(s), s)
	if !slices.ContainsFunc(want, func(x string) bool { return strings.Contains(x, "can become administrator") }) {
		t.Fatalf("got %q, want a path among them", want)
	}
	documents := permission.Read(s)
	for range 2 { // the second shares them with the first
		if diff := cmp.Diff(want, answers(documents.Account(s), s)); diff != "" {
			t.Errorf("(-parsed when asked +parsed before):\n%s", diff)
		}
	}
}
