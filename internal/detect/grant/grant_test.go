package grant

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const account = "111122223333"

func allow(action, resource string, more ...string) string {
	return statement("Allow", action, resource, more...)
}

func deny(action, resource string, more ...string) string {
	return statement("Deny", action, resource, more...)
}

func statement(effect, action, resource string, more ...string) string {
	return fmt.Sprintf(`{"Effect":%q,"Action":%s,"Resource":%s%s}`, effect, action, resource, strings.Join(more, ""))
}

// of puts statements together.
func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func when(operator, key, value string) string {
	return fmt.Sprintf(`,"Condition":{%q:{%q:%q}}`, operator, key, value)
}

type judgementCase struct {
	name     string
	rule     string
	document string
	service  string // iam if empty
	holder   string
	bad      bool
	finding  string // a part of it
}

func run(t *testing.T, tests []judgementCase) {
	t.Helper()
	var j Judge
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			service := tt.service
			if service == "" {
				service = "iam"
			}
			got := j.Of(tt.rule, Document{Text: []byte(tt.document), Account: account, Service: service, Holder: tt.holder})
			if got.Bad != tt.bad || !strings.Contains(got.Finding, tt.finding) {
				t.Errorf("got bad %v, %q, want %v, %q", got.Bad, got.Finding, tt.bad, tt.finding)
			}
			if got.Bad != (got.Finding != "") {
				t.Errorf("bad %v with finding %q, want one exactly for bad", got.Bad, got.Finding)
			}
		})
	}
}

func TestAdministrator(t *testing.T) {
	letters := func(prefix string) string {
		var out []string
		for c := 'a'; c <= 'z'; c++ {
			out = append(out, fmt.Sprintf("%q", prefix+string(c)+"*"))
		}
		return "[" + strings.Join(out, ",") + "]"
	}
	const mine = `"arn:aws:iam::111122223333:role/mine"`
	run(t, []judgementCase{
		{name: "everything everywhere", rule: Administrator, document: document(allow(`"*"`, `"*"`)), bad: true, finding: "statement 0 allows changes on any resource in"},
		{name: "the statement is named", rule: Administrator, document: document(allow(`"s3:Get*"`, `"*"`), allow(`"*"`, `"*"`, `,"Sid":"Ops"`)), bad: true, finding: "statement 1 (Ops) allows"},
		{name: "all services by one pattern", rule: Administrator, document: document(allow(`"*:*"`, `"*"`)), bad: true},
		{name: "all services, a letter at a time", rule: Administrator, document: document(allow(strings.ReplaceAll(letters(""), "*", "*:*"), `"*"`)), bad: true},
		{name: "all of IAM", rule: Administrator, document: document(allow(`["s3:Get*","iam:*"]`, `["*"]`)), bad: true, finding: "iam:PutRolePolicy, iam:AttachRolePolicy, iam:UpdateAssumeRolePolicy on any role"},
		{name: "all of IAM, a letter at a time and in two statements", rule: Administrator, document: document(allow(letters("iam:")[:80]+"]", `"*"`), allow("["+letters("iam:")[82:], `"*"`)), bad: true},
		{name: "a star with a question mark is a star", rule: Administrator, document: document(allow(`"?*:*"`, `"*"`)), bad: true},
		{name: "all ARNs", rule: Administrator, document: document(allow(`"*"`, `"arn*"`)), bad: true},
		{name: "all of IAM on all users and roles", rule: Administrator, document: document(allow(`"iam:*"`, `["arn:aws:iam::*:user/*","arn:aws:iam::*:role/*"]`)), bad: true},
		{name: "NotAction allows the rest", rule: Administrator, document: document(`{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`), bad: true},
		{name: "NotAction on one resource does not", rule: Administrator, document: document(`{"Effect":"Allow","NotAction":"s3:*","Resource":` + mine + `}`)},
		{name: "NotResource is everywhere else", rule: Administrator, document: document(`{"Effect":"Allow","Action":"*","NotResource":` + mine + `}`), bad: true},
		{name: "only with MFA is said", rule: Administrator, document: document(allow(`"*"`, `"*"`, when("Bool", "aws:MultiFactorAuthPresent", "true"))), bad: true, finding: "only if Bool aws:MultiFactorAuthPresent [true]"},
		{name: "a Deny without MFA is said", rule: Administrator, document: document(allow(`"*"`, `"*"`), deny(`"*"`, `"*"`, when("BoolIfExists", "aws:MultiFactorAuthPresent", "false"))), bad: true, finding: "only if not (BoolIfExists"},
		{name: "a Deny of everything takes it all back", rule: Administrator, document: document(allow(`"*"`, `"*"`), deny(`"*"`, `"*"`))},
		{name: "a Deny of all but one service does", rule: Administrator, document: document(allow(`"*"`, `"*"`), `{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}`)},
		{name: "a Deny of one service does not", rule: Administrator, document: document(allow(`"*"`, `"*"`), deny(`"s3:*"`, `"*"`)), bad: true},
		{name: "a Deny of one bucket does not", rule: Administrator, document: document(allow(`"*"`, `"*"`), deny(`"*"`, `"arn:aws:s3:::b/*"`)), bad: true},
		{name: "of another account", rule: Administrator, document: document(allow(`"*"`, `"*"`, when("StringEquals", "aws:PrincipalAccount", "999988887777")))},
		{name: "of this account", rule: Administrator, document: document(allow(`"*"`, `"*"`, when("StringEquals", "aws:PrincipalAccount", account))), bad: true},
		{name: "one service", rule: Administrator, document: document(allow(`"s3:*"`, `"*"`))},
		{name: "reading everything", rule: Administrator, document: document(allow(`["*:Get*","*:List*","*:Describe*"]`, `"*"`))},
		{name: "a Deny alone", rule: Administrator, document: document(deny(`"*"`, `"*"`))},
		{name: "all of IAM on one role", rule: Administrator, document: document(allow(`"iam:*"`, mine))},
		{name: "all of IAM without what gives rights", rule: Administrator, document: document(allow(`"iam:*"`, `"*"`), deny(`["iam:Put*","iam:Attach*"]`, `"*"`))},
		{name: "URL escapes are read", rule: Administrator, document: "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D", bad: true, finding: "statement 0"},
	})
}

func TestEscalating(t *testing.T) {
	bob := "arn:aws:iam::111122223333:user/bob"
	own := `"arn:aws:iam::111122223333:policy/own"`
	run(t, []judgementCase{
		{name: "administrator leads there", rule: Escalating, document: document(allow(`"*"`, `"*"`)), bad: true},
		{name: "inline policies of anybody", rule: Escalating, document: document(allow(`"iam:Put*"`, `"*"`)), bad: true, finding: "iam:PutUserPolicy on any user"},
		{name: "a question mark hides nothing", rule: Escalating, document: document(allow(`"iam:Pu?UserPolicy"`, `"*"`)), bad: true},
		{name: "capitals hide nothing", rule: Escalating, document: document(allow(`"IAM:putuserpolicy"`, `"*"`)), bad: true},
		{name: "Put without what gives rights", rule: Escalating, document: document(allow(`"iam:Put*"`, `"*"`), deny(`["iam:Put*Policy","iam:Put*Boundary"]`, `"*"`))},
		{name: "a policy on oneself by variable", rule: Escalating, document: document(allow(`"iam:PutUserPolicy"`, `"arn:aws:iam::*:user/${aws:username}"`)), bad: true, finding: "on the holder itself"},
		{name: "the same variable in the old version is a text", rule: Escalating, document: strings.Replace(document(allow(`"iam:PutUserPolicy"`, `"arn:aws:iam::*:user/${aws:username}"`)), "2012-10-17", "2008-10-17", 1)},
		{name: "a policy on oneself by name", rule: Escalating, holder: bob, document: document(allow(`"iam:PutUserPolicy"`, `"`+bob+`"`)), bad: true, finding: "on the holder itself"},
		{name: "a policy on another by name", rule: Escalating, holder: bob, document: document(allow(`"iam:PutUserPolicy"`, `"arn:aws:iam::111122223333:user/ann"`))},
		{name: "own access keys are self-service", rule: Escalating, document: document(allow(`"iam:CreateAccessKey"`, `"arn:aws:iam::*:user/${aws:username}"`))},
		{name: "anybody's access keys are not", rule: Escalating, document: document(allow(`"iam:CreateAccessKey"`, `"arn:aws:iam::*:user/*"`)), bad: true},
		{name: "a policy that rewrites itself", rule: Escalating, holder: strings.Trim(own, `"`), document: document(allow(`"iam:CreatePolicyVersion"`, own)), bad: true},
		{name: "attaching read-only access", rule: Escalating, document: document(allow(`"iam:AttachUserPolicy"`, `"*"`, when("ArnEquals", "iam:PolicyARN", "arn:aws:iam::aws:policy/ReadOnlyAccess")))},
		{name: "attaching any policy of AWS", rule: Escalating, document: document(allow(`"iam:AttachUserPolicy"`, `"*"`, when("ArnLike", "iam:PolicyARN", "arn:aws:iam::aws:policy/*"))), bad: true},
		{name: "passing any role", rule: Escalating, document: document(allow(`["iam:PassRole","ec2:RunInstances"]`, `"*"`)), bad: true, finding: "iam:PassRole on any role to ec2.amazonaws.com"},
		{name: "passing any role to a service that runs code", rule: Escalating, document: document(allow(`"iam:PassRole"`, `"*"`, when("StringEquals", "iam:PassedToService", "lambda.amazonaws.com"))), bad: true},
		{name: "passing any role to one that runs none", rule: Escalating, document: document(allow(`"iam:PassRole"`, `"*"`, when("StringEquals", "iam:PassedToService", "monitoring.rds.amazonaws.com")))},
		{name: "passing roles of a path", rule: Escalating, document: document(allow(`"iam:PassRole"`, `"arn:aws:iam::*:role/app/*"`))},
		{name: "creating users under a boundary is said", rule: Escalating, document: document(allow(`"iam:PutUserPolicy"`, `"*"`, when("ArnEquals", "iam:PermissionsBoundary", "arn:aws:iam::111122223333:policy/b"))), bad: true, finding: "only if ArnEquals iam:PermissionsBoundary"},
		{name: "for one user only is said", rule: Escalating, document: document(allow(`"iam:PutUserPolicy"`, `"*"`, when("StringEquals", "aws:username", "ann"))), bad: true},
		{name: "for another user than the holder", rule: Escalating, holder: bob, document: document(allow(`"iam:PutUserPolicy"`, `"*"`, when("StringEquals", "aws:username", "ann")))},
		{name: "updating any function", rule: Escalating, document: document(allow(`"lambda:Update*"`, `"*"`)), bad: true},
		{name: "updating any function of one Region", rule: Escalating, document: document(allow(`"lambda:Update*"`, `"arn:aws:lambda:ap-south-1:111122223333:function:*"`)), bad: true},
		{name: "updating functions of a name", rule: Escalating, document: document(allow(`"lambda:Update*"`, `"arn:aws:lambda:*:*:function:mine:*"`))},
		{name: "assuming any role", rule: Escalating, document: document(allow(`"sts:*"`, `"*"`)), bad: true, finding: "sts:AssumeRole on any role"},
		{name: "commands on any instance", rule: Escalating, document: document(allow(`"ssm:SendCommand"`, `"*"`)), bad: true},
		{name: "commands on instances with no document", rule: Escalating, document: document(allow(`"ssm:SendCommand"`, `"arn:aws:ec2:*:*:instance/*"`))},
		{name: "reading IAM", rule: Escalating, document: document(allow(`["iam:Get*","iam:List*"]`, `"*"`))},
	})
}

func trust(principal string, more ...string) string {
	return document(`{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole*"` + strings.Join(more, "") + `}`)
}

func TestOutsiderTrust(t *testing.T) {
	const other = `{"AWS":"arn:aws:iam::999988887777:root"}`
	const github = `{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}`
	run(t, []judgementCase{
		{name: "everybody", rule: OutsiderTrust, document: trust(`"*"`), bad: true, finding: "sts:AssumeRole to any AWS account"},
		{name: "another account", rule: OutsiderTrust, document: trust(other), bad: true, finding: "to account 999988887777"},
		{name: "a star in a list", rule: OutsiderTrust, document: trust(`{"AWS":["arn:aws:iam::111122223333:root","*"]}`), bad: true},
		{name: "another account's role", rule: OutsiderTrust, document: trust(`{"AWS":"arn:aws:iam::999988887777:role/ops/deploy"}`), bad: true, finding: "role/ops/deploy"},
		{name: "another account with an external ID is said", rule: OutsiderTrust, document: trust(other, when("StringEquals", "sts:ExternalId", "x1")), bad: true, finding: "only if StringEquals sts:ExternalId [x1]"},
		{name: "another account of the organization is said", rule: OutsiderTrust, document: trust(other, when("StringEquals", "aws:PrincipalOrgID", "o-abc")), bad: true, finding: "only if StringEquals aws:PrincipalOrgID"},
		{name: "another account that a Deny takes out", rule: OutsiderTrust, document: document(`{"Effect":"Allow","Principal":`+other+`,"Action":"sts:AssumeRole"}`, `{"Effect":"Deny","Principal":`+other+`,"Action":"sts:*"}`)},
		{name: "everybody of the organization", rule: OutsiderTrust, document: trust(`"*"`, when("StringEquals", "aws:PrincipalOrgID", "o-abc"))},
		{name: "everybody of any organization", rule: OutsiderTrust, document: trust(`"*"`, when("StringLike", "aws:PrincipalOrgID", "o-*")), bad: true},
		{name: "everybody, if the organization is sent", rule: OutsiderTrust, document: trust(`"*"`, when("StringEquals", "aws:PrincipalAccount", account))},
		{name: "everybody of one other account", rule: OutsiderTrust, document: trust(`"*"`, when("StringEquals", "aws:PrincipalAccount", "999988887777")), bad: true, finding: "account 999988887777"},
		{name: "everybody who is a role of another account", rule: OutsiderTrust, document: trust(`"*"`, when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::999988887777:role/*")), bad: true},
		{name: "everybody but another account", rule: OutsiderTrust, document: trust(`"*"`, when("StringNotEquals", "aws:PrincipalAccount", "999988887777")), bad: true, finding: "any AWS account"},
		{name: "the own account", rule: OutsiderTrust, document: trust(`{"AWS":["111122223333","arn:aws:iam::111122223333:role/x"]}`)},
		{name: "a service", rule: OutsiderTrust, document: trust(`{"Service":"ec2.amazonaws.com"}`)},
		{name: "a service for another account", rule: OutsiderTrust, document: trust(`{"Service":"codebuild.amazonaws.com"}`, when("StringEquals", "aws:SourceAccount", "999988887777")), bad: true, finding: "account 999988887777 through AWS services"},
		{name: "a service for the own account", rule: OutsiderTrust, document: trust(`{"Service":"codebuild.amazonaws.com"}`, when("StringEquals", "aws:SourceAccount", account))},
		{name: "an own identity provider", rule: OutsiderTrust, document: trust(`{"Federated":"arn:aws:iam::111122223333:saml-provider/x"}`)},
		{name: "another account's identity provider", rule: OutsiderTrust, document: trust(`{"Federated":"arn:aws:iam::999988887777:saml-provider/x"}`), bad: true},
		{name: "a public identity provider", rule: OutsiderTrust, document: trust(`{"Federated":"accounts.google.com"}`), bad: true},
		{name: "everybody on GitHub", rule: OutsiderTrust, document: trust(github, when("StringEquals", "token.actions.githubusercontent.com:aud", "sts.amazonaws.com")), bad: true, finding: "any customer of token.actions.githubusercontent.com"},
		{name: "everybody on GitHub by a star", rule: OutsiderTrust, document: trust(github, when("StringLike", "token.actions.githubusercontent.com:sub", "repo:*")), bad: true},
		{name: "one repository on GitHub", rule: OutsiderTrust, document: trust(github, when("StringLike", "token.actions.githubusercontent.com:sub", "repo:acme/app:*"))},
		{name: "everybody but one", rule: OutsiderTrust, document: document(`{"Effect":"Allow","NotPrincipal":{"AWS":"999988887777"},"Action":"*"}`), bad: true},
		{name: "a user that was deleted", rule: OutsiderTrust, document: trust(`{"AWS":"AIDAEXAMPLE0000000001"}`)},
		{name: "a principal of no known form", rule: OutsiderTrust, document: trust(`{"AWS":"arn:aws:iam::999988887777:role/*"}`), bad: true, finding: "is of no form that AWS knows"},
		{name: "a star inside a Deny", rule: OutsiderTrust, document: document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}`, `{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}`)},
	})
}

// bucket is an Allow of a bucket policy.
func bucket(principal string, more ...string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"` + strings.Join(more, "") + `}`
}

func TestEverybodyGrant(t *testing.T) {
	const tls = `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`
	cases := []judgementCase{
		{name: "everybody", document: document(bucket(`"*"`)), bad: true, finding: "to anybody"},
		{name: "everybody over TLS", document: document(bucket(`{"AWS":"*"}`), tls), bad: true, finding: "to anybody"},
		{name: "everybody on every resource", document: document(strings.Replace(bucket(`"*"`), `"arn:aws:s3:::b/*"`, `"*"`, 1)), bad: true},
		{name: "everybody but for a Deny of everybody", document: document(bucket(`"*"`), `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)},
		{name: "everybody but for a Deny outside the organization", document: document(bucket(`"*"`), `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-abc"}}}`)},
		{name: "everybody who is signed", document: document(bucket(`"*"`, when("StringNotEquals", "aws:PrincipalType", "Anonymous"))), bad: true, finding: "to any AWS account"},
		{name: "everybody through one endpoint", document: document(bucket(`"*"`, when("StringEquals", "aws:SourceVpce", "vpce-1234")))},
		{name: "everybody through any endpoint", document: document(bucket(`"*"`, when("StringLike", "aws:SourceVpce", "vpce-*"))), bad: true},
		{name: "everybody in one network", document: document(bucket(`"*"`, when("IpAddress", "aws:SourceIp", "198.51.100.0/24")))},
		{name: "everybody in half of the internet", document: document(bucket(`"*"`, when("IpAddress", "aws:SourceIp", "128.0.0.0/1"))), bad: true},
		{name: "everybody for one source", document: document(bucket(`"*"`, when("ArnLike", "aws:SourceArn", "arn:aws:sns:*:111122223333:t")))},
		{name: "everybody for one source if it is sent", document: document(bucket(`"*"`, when("ArnLikeIfExists", "aws:SourceArn", "arn:aws:sns:*:111122223333:t"))), bad: true},
		{name: "everybody with a referer is said", document: document(bucket(`"*"`, when("StringLike", "aws:Referer", "https://example.com/*"))), bad: true, finding: "only if StringLike aws:Referer"},
		{name: "everybody, through an endpoint only with a header", document: document(bucket(`"*"`, when("StringLike", "aws:SourceVpce", "vpce-*")), bucket(`"*"`, `,"Condition":{"StringLike":{"aws:Referer":"x"},"Null":{"aws:SourceVpce":"true"}}`)), bad: true, finding: "statement 0 allows s3:GetObject to anybody"},
		{name: "another account is not everybody", document: document(bucket(`{"AWS":"999988887777"}`), tls)},
		{name: "a canonical user is not everybody", document: document(bucket(`{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`), tls)},
		{name: "an action newer than the table", document: document(strings.Replace(bucket(`"*"`), "s3:Get*", "s3:NewlyInvented", 1)), bad: true},
		{name: "everything but one action", document: document(strings.Replace(bucket(`"*"`), `"Action":"s3:Get*"`, `"NotAction":"s3:PutObject"`, 1)), bad: true},
	}
	for i := range cases {
		cases[i].rule, cases[i].service, cases[i].holder = EverybodyGrant, "s3", "arn:aws:s3:::b"
	}
	canonical := cases[slices.IndexFunc(cases, func(c judgementCase) bool { return strings.HasPrefix(c.name, "a canonical user") })]
	canonical.name, canonical.rule, canonical.bad, canonical.finding = "a canonical user may be an outsider", OutsiderTrust, true, "canonical user"
	key := judgementCase{name: "a key for another account", rule: OutsiderTrust, service: "kms", bad: true, finding: "account 999988887777",
		document: document(`{"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"kms:*","Resource":"*"}`)}
	run(t, append(cases, canonical, key))
}

func TestUnreadableIsBad(t *testing.T) {
	for name, text := range map[string]string{
		"cut off":                  `{"Statement":[{"Effect":"Allow","Action":"s3:Get`,
		"no statement":             `{}`,
		"hidden by CloudTrail":     `HIDDEN_DUE_TO_SECURITY_REASONS`,
		"left out by CloudTrail":   `{"requestParametersOmitted":true,"omitted":true}`,
		"empty":                    ``,
		"a list":                   `[1,2]`,
		"two Statements":           `{"Statement":[],"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`,
		"no effect":                document(`{"Action":"s3:GetObject","Resource":"*"}`),
		"larger than any policy":   document(deny(`"s3:GetObject"`, `"*"`)) + strings.Repeat(" ", 10) + strings.Repeat("x", maxDocument),
		"an operator that is none": document(allow(`"s3:GetObject"`, `"*"`, when("StringResembles", "aws:username", "x"))),
		"escapes that are none":    `%7B%2`,
	} {
		for rule := range rules {
			if got := of(rule, Document{Text: []byte(text), Account: account, Service: "s3"}); !got.Bad || !strings.Contains(got.Finding, "taken as bad") {
				t.Errorf("%s, %s: got bad %v, %q, want it taken as bad and said", rule, name, got.Bad, got.Finding)
			}
		}
	}
}

// The kinds of policy differ: what belongs to one kind is not judged as another.
func TestWrongKindIsBad(t *testing.T) {
	for rule, text := range map[string]string{Administrator: trust(`{"AWS":"111122223333"}`), OutsiderTrust: document(deny(`"*"`, `"*"`))} {
		if got := of(rule, Document{Text: []byte(text), Account: account, Service: "iam"}); !got.Bad {
			t.Errorf("%s: got a policy of another kind judged good", rule)
		}
	}
}

func TestAnswersAreRememberedPerPlace(t *testing.T) {
	var j Judge
	text := []byte(trust(`{"AWS":"111122223333"}`))
	for _, tt := range []struct {
		account string
		bad     bool
	}{{"111122223333", false}, {"999988887777", true}, {"111122223333", false}, {"", true}} {
		d := Document{Text: text, Service: "iam"}
		if tt.account != "" {
			d.Account = "111122223333"
		}
		if tt.account == "999988887777" {
			d.Account = "999988887777"
		}
		if got := j.Of(OutsiderTrust, d); got.Bad != tt.bad {
			t.Errorf("account %q: got bad %v, %s, want %v", tt.account, got.Bad, got.Finding, tt.bad)
		}
	}
}

func TestHostileWorkIsBounded(t *testing.T) {
	var condition, buckets strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&condition, "%q:%q,", fmt.Sprintf("aws:RequestTag/%d", i), "*a*a*a*b")
	}
	for i := range 600 {
		vpc := bucket(`"*"`, when("StringEquals", "aws:SourceVpc", "vpc-1"))
		buckets.WriteString(strings.NewReplacer(`"s3:Get*"`, `"*"`, ":::b/", fmt.Sprintf(":::b%d/", i)).Replace(vpc) + ",")
	}
	conditions := strings.TrimSuffix(allow(`"*"`, `"*"`), "}") + `,"Condition":{"StringNotLike":{` + strings.TrimSuffix(condition.String(), ",") + `}}}`
	for _, tt := range []struct{ rule, text, finding string }{
		{Administrator, document(conditions, strings.TrimSuffix(strings.Repeat(deny(`"*"`, `"arn:aws:s3:::*a*b"`)+",", 300), ",")), "only if StringNotLike"},
		{EverybodyGrant, document(strings.TrimSuffix(buckets.String(), ",")), "taken as bad: it asks for more work"},
		{OutsiderTrust, document(strings.TrimSuffix(buckets.String(), ",")), "taken as bad: it asks for more work"},
	} {
		start := time.Now()
		got := of(tt.rule, Document{Text: []byte(tt.text), Account: account, Service: "s3"})
		if !got.Bad || !strings.Contains(got.Finding, tt.finding) {
			t.Errorf("%s, %d bytes: got bad %v, %s, want %s", tt.rule, len(tt.text), got.Bad, got.Finding, tt.finding)
		}
		// A tenth of a second at leisure; far more on a busy machine.
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("%s, %d bytes: took %v", tt.rule, len(tt.text), took)
		}
	}
}

func TestHostileTextIsBounded(t *testing.T) {
	long := strings.Repeat("x", 100000)
	for _, text := range []string{
		document(allow(`"*"`, `"*"`, `,"Sid":"`+long+`"`)), document(allow(`"*"`, `"*"`, when("StringLike", "aws:"+long, long))), trust(`{"AWS":"` + long + `"}`),
	} {
		for rule := range rules {
			if got := of(rule, Document{Text: []byte(text), Account: account, Service: "iam"}); len(got.Finding) > 4*longestFinding {
				t.Errorf("%s: got a finding of %d bytes, want at most %d", rule, len(got.Finding), 4*longestFinding)
			}
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte(document(allow(`"*"`, `"*"`))), "s3")
	f.Add([]byte(trust(`{"AWS":["*"],"Federated":"accounts.google.com"}`, when("StringLike", "aws:SourceArn", "arn:aws:sns:*:999988887777:${aws:username}"))), "iam")
	f.Add([]byte(document(`{"Effect":"Allow","NotPrincipal":{"CanonicalUser":"x"},"NotAction":"k?s:*","NotResource":"arn:*"}`)), "kms")
	f.Add([]byte("%7B"), "iam")
	f.Fuzz(func(t *testing.T, text []byte, service string) {
		for rule := range rules {
			d := Document{Text: text, Account: account, Service: service}
			got := of(rule, d)
			if got.Bad != (got.Finding != "") || len(got.Finding) > 4*longestFinding {
				t.Errorf("%s: bad %v with a finding of %d bytes", rule, got.Bad, len(got.Finding))
			}
			if _, err := read(text); err != nil && !got.Bad {
				t.Errorf("%s: an unreadable document passes", rule)
			}
			if again := of(rule, d); again != got {
				t.Errorf("%s: got %v, then %v", rule, got, again)
			}
		}
	})
}

func BenchmarkAdministrator(b *testing.B) {
	d := Document{Text: []byte(document(allow(`["s3:Get*","ec2:*"]`, `"*"`), deny(`"iam:*"`, `"*"`))), Account: account, Service: "iam"}
	for b.Loop() {
		of(Escalating, d)
	}
}
