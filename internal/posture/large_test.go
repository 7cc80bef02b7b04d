package posture_test

import (
	"fmt"
	"testing"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

const own = "arn:aws:iam::111122223333:"

func statementOf(actions, resource string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":[%s],"Resource":%q}`, actions, resource)
}

func documentOf(name string, statements ...string) facts.Document {
	text := ""
	for i, s := range statements {
		if i > 0 {
			text += ","
		}
		text += s
	}
	return facts.Document{Name: name, Text: `{"Version":"2012-10-17","Statement":[` + text + `]}`}
}

func trustOf(principal, condition string) facts.Document {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return documentOf("", `{"Effect":"Allow","Principal":`+principal+`,"Action":"sts:AssumeRole"`+condition+`}`)
}

// large is an account of 77 users, 723 roles, 9 groups and 63 policies, the size that
// issue 813 of elastic/cloudbeat gives, with the habits of a company: a function's role has an
// inline policy of its own, pipelines pass roles, some accounts of others are trusted.
func large() *facts.Snapshot {
	s := account()
	f := &s.Facts
	f.Users, f.Policies = nil, nil
	for i := range 60 {
		text := documentOf(fmt.Sprintf("%spolicy/team%d", own, i),
			statementOf(`"s3:GetObject","s3:PutObject","s3:ListBucket"`, fmt.Sprintf("arn:aws:s3:::team%d-*", i)),
			statementOf(`"logs:CreateLogStream","logs:PutLogEvents","ec2:Describe*"`, "*"),
			statementOf(`"dynamodb:GetItem","dynamodb:PutItem","dynamodb:Query"`, fmt.Sprintf("arn:aws:dynamodb:*:111122223333:table/team%d-*", i)))
		f.Policies = append(f.Policies, facts.Policy{ARN: text.Name, Attachments: 3, Document: text, Versions: []facts.Document{}})
	}
	for _, p := range []facts.Policy{
		{ARN: "arn:aws:iam::aws:policy/AdministratorAccess", AWS: true, Document: documentOf("AdministratorAccess", statementOf(`"*"`, "*"))},
		{ARN: own + "policy/deploy", Document: documentOf("deploy", statementOf(`"iam:PassRole"`, own+"role/fn-*"), statementOf(`"lambda:*","cloudformation:*"`, "*"))},
		{ARN: own + "policy/mfa", Document: documentOf("mfa", `{"Effect":"Deny","NotAction":["iam:EnableMFADevice","iam:ListMFADevices"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`)},
	} {
		p.Attachments = 5
		f.Policies = append(f.Policies, p)
	}
	for i := range 9 {
		f.Groups = append(f.Groups, facts.Group{ARN: fmt.Sprintf("%sgroup/g%d", own, i), Name: fmt.Sprintf("g%d", i), AttachedPolicies: []string{f.Policies[i].ARN, f.Policies[20+i].ARN, own + "policy/mfa"}})
	}
	f.Groups[0].AttachedPolicies = append(f.Groups[0].AttachedPolicies, "arn:aws:iam::aws:policy/AdministratorAccess")
	for i := range 77 {
		f.Users = append(f.Users, facts.User{
			ARN: fmt.Sprintf("%suser/u%d", own, i), Name: fmt.Sprintf("u%d", i), HasPassword: i%4 != 0, MFAEnabled: true, Groups: []string{fmt.Sprintf("g%d", i%9)},
			Devices: []facts.Device{{Serial: "s", Kind: "fido"}}, AccessKeys: []facts.AccessKey{{Active: i%2 == 0, Created: now.AddDate(0, 0, -i)}},
		})
	}
	for i := range 723 {
		f.Roles = append(f.Roles, largeRole(i))
	}
	return s
}

func largeRole(i int) facts.Role {
	r := facts.Role{Name: fmt.Sprintf("fn-%d", i), Path: "/", AttachedPolicies: []string{fmt.Sprintf("%spolicy/team%d", own, i%60)}}
	r.InlinePolicies = []facts.Document{documentOf("own", statementOf(`"s3:GetObject","sqs:SendMessage","kms:Decrypt"`, fmt.Sprintf("arn:aws:s3:::fn-%d/*", i)),
		statementOf(`"dynamodb:*Item","dynamodb:Query"`, fmt.Sprintf("arn:aws:dynamodb:*:111122223333:table/fn-%d", i)), statementOf(`"xray:PutTraceSegments","logs:*"`, "*"))}
	switch {
	case i%12 == 0:
		r.Path, r.InlinePolicies, r.Trust = "/aws-service-role/x.amazonaws.com/", nil, trustOf(`{"Service":"x.amazonaws.com"}`, "")
	case i%20 == 1:
		r.Trust = trustOf(fmt.Sprintf(`{"AWS":"arn:aws:iam::%012d:root"}`, 444455550000+i%7), fmt.Sprintf(`{"StringEquals":{"sts:ExternalId":"id-%d"}}`, i))
	case i%50 == 2:
		r.Trust, r.AttachedPolicies = trustOf(`{"AWS":"arn:aws:iam::111122223333:root"}`, ""), []string{"arn:aws:iam::aws:policy/AdministratorAccess"}
	case i%50 == 3:
		r.Trust, r.AttachedPolicies = trustOf(`{"Service":"codebuild.amazonaws.com"}`, ""), []string{own + "policy/deploy"}
	case i%3 == 0:
		r.Trust, r.Profiles = trustOf(`{"Service":"ec2.amazonaws.com"}`, ""), []string{fmt.Sprintf("%sinstance-profile/%d", own, i)}
	default:
		r.Trust = trustOf(`{"Service":["lambda.amazonaws.com","states.amazonaws.com"]}`, fmt.Sprintf(`{"StringEquals":{"aws:SourceAccount":"111122223333"},"ArnLike":{"aws:SourceArn":"arn:aws:*:*:111122223333:*%d"}}`, i))
	}
	r.ARN = own + "role" + r.Path + r.Name
	return r
}

func BenchmarkEvaluate(b *testing.B) {
	controls := shipped(b)
	s := large()
	f := &s.Facts
	if len(f.Users) != 77 || len(f.Roles) != 723 || len(f.Groups) != 9 || len(f.Policies) != 63 {
		b.Fatal("the account has another size")
	}
	b.ReportAllocs()
	for b.Loop() {
		b.ReportMetric(float64(len(posture.Evaluate(s, controls, posture.Setting{Now: now}))), "findings")
	}
}
