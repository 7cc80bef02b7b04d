package permission_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/permission"
)

const own = "arn:aws:iam::111122223333:"

// complete is a snapshot of which every fact is known.
func complete() *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: "111122223333", Taken: time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)}
	for _, p := range facts.Paths() {
		s.Observe(p.Call, s.Taken, "", p.Name)
	}
	return s
}

func allow(action, resource, more string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"` + more + `}]}`
}

func TestLocked(t *testing.T) {
	deny := strings.Replace(allow("*", "*", ""), "Allow", "Deny", 1)
	for name, c := range map[string]struct {
		texts []string
		want  iam.Truth
	}{
		"a deny of everything":             {[]string{allow("s3:*", "*", ""), deny}, iam.True},
		"one beside a policy that is none": {[]string{"{", deny}, iam.True},
		"a deny on a condition":            {[]string{strings.Replace(allow("*", "*", `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`), "Allow", "Deny", 1)}, iam.False},
		"a deny of one service":            {[]string{strings.Replace(allow("s3:*", "*", ""), "Allow", "Deny", 1)}, iam.False},
		"an Allow of everything":           {[]string{allow("*", "*", "")}, iam.False},
		"no policy":                        {nil, iam.False},
	} {
		t.Run(name, func(t *testing.T) {
			u := facts.User{ARN: own + "user/ann"}
			for _, text := range c.texts {
				u.InlinePolicies = append(u.InlinePolicies, facts.Document{Name: "p", Text: text})
			}
			if got := permission.Of(complete()).Locked(&u); got.Truth != c.want {
				t.Errorf("got %v, want %v", got.Truth, c.want)
			}
		})
	}
}

func TestAllows(t *testing.T) {
	const key = "arn:$partition:kms:*:$account:key/*"
	mfa := `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`
	tag := `,"Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}`
	for _, c := range []struct {
		name, text string
		absent     []string
		want       iam.Truth
	}{
		{"every key", allow("kms:Decrypt", "*", ""), nil, iam.True},
		{"every key of the account", allow("kms:*", "arn:aws:kms:*:111122223333:key/*", ""), nil, iam.True},
		{"every key of one Region", allow("kms:Decrypt", "arn:aws:kms:eu-west-3:111122223333:key/*", ""), nil, iam.True},
		{"one key", allow("kms:Decrypt", "arn:aws:kms:eu-west-3:111122223333:key/1234", ""), nil, iam.False},
		{"keys of another account", allow("kms:Decrypt", "arn:aws:kms:*:999999999999:key/*", ""), nil, iam.False},
		{"another action", allow("kms:DescribeKey", "*", ""), nil, iam.False},
		{"a condition that no fact tells", allow("kms:Decrypt", "*", mfa), nil, iam.Unknown},
		{"a tag that a key may have", allow("kms:Decrypt", "*", tag), nil, iam.Unknown},
		{"a tag that it is asked without", allow("kms:Decrypt", "*", tag), []string{"aws:ResourceTag/"}, iam.False},
		{"a Deny beside it", strings.Replace(allow("kms:Decrypt", "*", ""), `}]}`, `},{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}`, 1), nil, iam.False},
		{"no policy", `{"Statement":1}`, nil, iam.Unknown},
		{"no text", "", nil, iam.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := permission.Of(complete())
			for range 2 { // the second answer is one that was remembered
				got := a.Allows("p", c.text, "kms:Decrypt", key, c.absent)
				if got.Truth != c.want || (got.Why == "") != (c.want == iam.False) {
					t.Errorf("got %v, %q, want %v", got.Truth, got.Why, c.want)
				}
			}
		})
	}
}

// What is not read is not absent: a user whom the details do not have, a policy without
// its text and a list that was denied leave no answer.
func TestWhatIsNotReadIsUnknown(t *testing.T) {
	user := facts.User{ARN: own + "user/ann", Name: "ann"}
	lost := facts.User{ARN: own + "user/bob", Name: "bob", AttachedPolicies: []string{own + "policy/lost"}}
	member := facts.User{ARN: own + "user/eve", Name: "eve", Groups: []string{"nobody-knows"}}
	for _, c := range []struct {
		name string
		user facts.User
		gap  facts.Gap
		want iam.Truth
	}{
		{"all is known", user, facts.Gap{}, iam.False},
		{"its policies are not known", user, facts.Gap{Path: "users.attached_policies", Resource: user.ARN, Reason: "lost"}, iam.Unknown},
		{"those of another user are not known", user, facts.Gap{Path: "users.attached_policies", Resource: lost.ARN, Reason: "lost"}, iam.False},
		{"nobody's are known", user, facts.Gap{Path: "users.attached_policies", Reason: "lost", Permission: "iam:GetAccountAuthorizationDetails"}, iam.Unknown},
		{"no policy's text is known", user, facts.Gap{Path: "policies.document", Reason: "lost"}, iam.Unknown},
		{"a policy that is not there", lost, facts.Gap{}, iam.Unknown},
		{"a group that is not there", member, facts.Gap{}, iam.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := complete()
			s.Facts.Users = []facts.User{c.user}
			if c.gap.Path != "" {
				s.Gaps = []facts.Gap{c.gap}
			}
			got := permission.Of(s).Privileged(&s.Facts.Users[0])
			if got.Truth != c.want {
				t.Errorf("got %v %q %v, want %v", got.Truth, got.Why, got.Gaps, c.want)
			}
			if c.want == iam.Unknown && c.gap.Path != "" && !slices.Contains(got.Gaps, c.gap) {
				t.Errorf("got gaps %v, want %v among them", got.Gaps, c.gap)
			}
		})
	}
}

// An administrator whose policies could not be read may be whom another becomes.
func TestAPathToWhomNothingIsKnownOfIsUnknown(t *testing.T) {
	s := complete()
	s.Facts.Users = []facts.User{
		{ARN: own + "user/ann", Name: "ann", InlinePolicies: []facts.Document{{Name: "p", Text: allow("iam:UpdateLoginProfile", own+"user/bob", "")}}},
		{ARN: own + "user/bob", Name: "bob"},
	}
	if got := permission.Of(s).Escalates(own + "user/ann"); got.Truth != iam.False {
		t.Errorf("bob has no policy: got %v %q, want no path", got.Truth, got.Why)
	}
	s.Gaps = []facts.Gap{{Path: "users.inline_policies", Resource: own + "user/bob", Reason: "lost"}}
	if got := permission.Of(s).Escalates(own + "user/ann"); got.Truth != iam.Unknown {
		t.Errorf("bob's policies are not known: got %v %q, want unknown", got.Truth, got.Why)
	}
}

func TestLists(t *testing.T) {
	a := permission.Of(complete())
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3:GetObject","EC2:**","*"],"NotResource":"arn:aws:s3:::x"},
		{"Effect":"Deny","NotAction":"iam:*","Resource":"*","Condition":{"Bool":{"AWS:MultiFactorAuthPresent":"false"}}}]}`
	for part, want := range map[string][]string{
		permission.Services: {"*", "ec2", "s3"}, permission.Inverted: {"statement 1: NotResource"}, permission.Keys: {"aws:multifactorauthpresent"},
	} {
		if got, answer := a.List(part, "p", text); !slices.Equal(got, want) || answer.Truth != iam.False {
			t.Errorf("%s: got %v %v, want %v", part, got, answer, want)
		}
	}
	if got, _ := a.List(permission.Codes, "p", text); !slices.Contains(got, "RK_DENY_MISSES_LONG_TERM_KEYS") {
		t.Errorf("codes: got %v", got)
	}
	if _, answer := a.List(permission.Services, "p", "{"); answer.Truth != iam.Unknown || answer.Why == "" {
		t.Errorf("half a text: got %v", answer)
	}
}

// AWS's linter says of its managed policies which pass any role, or make any service-
// linked role: those allow it on a role of any name.
func TestAllowsAgreesWithAccessAnalyzer(t *testing.T) {
	const corpus = "../../../../shared/corpora/access-analyzer/"
	names, err := filepath.Glob(corpus + "findings/*.json")
	if err != nil || len(names) == 0 {
		t.Skip("skipped: ../shared/corpora/access-analyzer is not there")
	}
	a := permission.Of(complete())
	judged := 0
	for _, name := range names {
		said, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(corpus + "policies/" + filepath.Base(name))
		if err != nil {
			t.Fatal(err)
		}
		var findings []struct{ Code string }
		if err := json.Unmarshal(said, &findings); err != nil {
			t.Fatal(err)
		}
		for prefix, ask := range map[string][2]string{
			"PASS_ROLE_WITH_STAR":  {"iam:PassRole", "arn:$partition:iam::$account:role/*"},
			"CREATE_SLR_WITH_STAR": {"iam:CreateServiceLinkedRole", "arn:$partition:iam::$account:role/aws-service-role/*"},
		} {
			for _, f := range findings {
				if !strings.HasPrefix(f.Code, prefix) {
					continue
				}
				judged++
				if got := a.Allows(filepath.Base(name), string(text), ask[0], ask[1], nil); got.Truth == iam.False {
					t.Errorf("%s has %s, and allows no %s", filepath.Base(name), f.Code, ask[0])
				}
			}
		}
	}
	if judged != 12 {
		t.Errorf("findings about roles: got %d, want 12", judged)
	}
}

// Whatever a policy's text is, no question about it panics, and none that cannot be read
// is answered.
func FuzzDocument(f *testing.F) {
	f.Add(allow("*", "*", ""))
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}}}}`)
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:*"}}}]}`)
	f.Add(`{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":["111122223333","AIDAEXAMPLE"]},"NotAction":"","Resource":[]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s := complete()
		d := facts.Document{Name: "p", Text: text}
		s.Facts.Roles = []facts.Role{{ARN: own + "role/r", Name: "r", Trust: d, InlinePolicies: []facts.Document{d}}}
		s.Facts.Users = []facts.User{{ARN: own + "user/u", Name: "u", InlinePolicies: []facts.Document{d}}}
		a, role := permission.Of(s), &s.Facts.Roles[0]
		answers := []permission.Answer{a.Grants("p", text), a.Allows("p", text, "sts:AssumeRole", "arn:aws:iam::$account:role/*", nil), a.Anyone(role), a.Deputy(role, []string{"states.amazonaws.com"}), a.RoleHolds(role), a.UserHolds(&s.Facts.Users[0])}
		outside, known := a.Outside(role)
		for _, account := range outside {
			answers = append(answers, a.Tied(role, account), a.Bare(role, account))
		}
		if _, err := iam.Parse("p", []byte(text)); err != nil {
			for i, x := range append(answers, known) {
				if x.Truth != iam.Unknown {
					t.Errorf("question %d about a text that is no policy: got %v", i, x.Truth)
				}
			}
		}
	})
}
