// Package large invents an account of the size that the speed of judging is measured
// with.
package large

import (
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// Own begins the ARNs of the account's users, roles, groups and policies.
const Own = "arn:aws:iam::111122223333:"

// Statement allows actions, each in quotes, on a resource.
func Statement(actions, resource string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":[%s],"Resource":%q}`, actions, resource)
}

// Document is a policy of statements.
func Document(name string, statements ...string) facts.Document {
	text := ""
	for i, s := range statements {
		if i > 0 {
			text += ","
		}
		text += s
	}
	return facts.Document{Name: name, Text: `{"Version":"2012-10-17","Statement":[` + text + `]}`}
}

// Trust lets a principal, as JSON, take a role; condition may be empty.
func Trust(principal, condition string) facts.Document {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return Document("", `{"Effect":"Allow","Principal":`+principal+`,"Action":"sts:AssumeRole"`+condition+`}`)
}

// Snapshot is an account of 77 users, 723 roles, 9 groups and 63 policies, the size that
// issue 813 of elastic/cloudbeat gives, with the habits of a company: a function's role has an
// inline policy of its own, pipelines pass roles, some accounts of others are trusted.
// Every fact was observed at the given moment.
func Snapshot(now time.Time) *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: "111122223333"}
	s.Facts.Root = facts.Root{HasPassword: true, MFAEnabled: true}
	s.Facts.PasswordPolicy = facts.PasswordPolicy{Set: true, MinimumLength: 14, UsersMayChange: true}
	for _, p := range facts.Paths() {
		s.Observe(p.Call, now, "", p.Name)
	}
	f := &s.Facts
	for i := range 60 {
		text := Document(fmt.Sprintf("%spolicy/team%d", Own, i),
			Statement(`"s3:GetObject","s3:PutObject","s3:ListBucket"`, fmt.Sprintf("arn:aws:s3:::team%d-*", i)),
			Statement(`"logs:CreateLogStream","logs:PutLogEvents","ec2:Describe*"`, "*"),
			Statement(`"dynamodb:GetItem","dynamodb:PutItem","dynamodb:Query"`, fmt.Sprintf("arn:aws:dynamodb:*:111122223333:table/team%d-*", i)))
		f.Policies = append(f.Policies, facts.Policy{ARN: text.Name, Attachments: 3, Document: text, Versions: []facts.Document{}})
	}
	for _, p := range []facts.Policy{
		{ARN: "arn:aws:iam::aws:policy/AdministratorAccess", AWS: true, Document: Document("AdministratorAccess", Statement(`"*"`, "*"))},
		{ARN: Own + "policy/deploy", Document: Document("deploy", Statement(`"iam:PassRole"`, Own+"role/fn-*"), Statement(`"lambda:*","cloudformation:*"`, "*"))},
		{ARN: Own + "policy/mfa", Document: Document("mfa", `{"Effect":"Deny","NotAction":["iam:EnableMFADevice","iam:ListMFADevices"],"Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`)},
	} {
		p.Attachments = 5
		f.Policies = append(f.Policies, p)
	}
	for i := range 9 {
		f.Groups = append(f.Groups, facts.Group{ARN: fmt.Sprintf("%sgroup/g%d", Own, i), Name: fmt.Sprintf("g%d", i), AttachedPolicies: []string{f.Policies[i].ARN, f.Policies[20+i].ARN, Own + "policy/mfa"}})
	}
	f.Groups[0].AttachedPolicies = append(f.Groups[0].AttachedPolicies, "arn:aws:iam::aws:policy/AdministratorAccess")
	for i := range 77 {
		f.Users = append(f.Users, facts.User{
			ARN: fmt.Sprintf("%suser/u%d", Own, i), Name: fmt.Sprintf("u%d", i), HasPassword: i%4 != 0, MFAEnabled: true, Groups: []string{fmt.Sprintf("g%d", i%9)},
			Devices: []facts.Device{{Serial: "s", Kind: "fido"}}, AccessKeys: []facts.AccessKey{{Active: i%2 == 0, Created: now.AddDate(0, 0, -i)}},
		})
	}
	for i := range 723 {
		f.Roles = append(f.Roles, role(i))
	}
	return s
}

func role(i int) facts.Role {
	r := facts.Role{Name: fmt.Sprintf("fn-%d", i), Path: "/", AttachedPolicies: []string{fmt.Sprintf("%spolicy/team%d", Own, i%60)}}
	r.InlinePolicies = []facts.Document{Document("own", Statement(`"s3:GetObject","sqs:SendMessage","kms:Decrypt"`, fmt.Sprintf("arn:aws:s3:::fn-%d/*", i)),
		Statement(`"dynamodb:*Item","dynamodb:Query"`, fmt.Sprintf("arn:aws:dynamodb:*:111122223333:table/fn-%d", i)), Statement(`"xray:PutTraceSegments","logs:*"`, "*"))}
	switch {
	case i%12 == 0:
		r.Path, r.InlinePolicies, r.Trust = "/aws-service-role/x.amazonaws.com/", nil, Trust(`{"Service":"x.amazonaws.com"}`, "")
	case i%20 == 1:
		r.Trust = Trust(fmt.Sprintf(`{"AWS":"arn:aws:iam::%012d:root"}`, 444455550000+i%7), fmt.Sprintf(`{"StringEquals":{"sts:ExternalId":"id-%d"}}`, i))
	case i%50 == 2:
		r.Trust, r.AttachedPolicies = Trust(`{"AWS":"arn:aws:iam::111122223333:root"}`, ""), []string{"arn:aws:iam::aws:policy/AdministratorAccess"}
	case i%50 == 3:
		r.Trust, r.AttachedPolicies = Trust(`{"Service":"codebuild.amazonaws.com"}`, ""), []string{Own + "policy/deploy"}
	case i%3 == 0:
		r.Trust, r.Profiles = Trust(`{"Service":"ec2.amazonaws.com"}`, ""), []string{fmt.Sprintf("%sinstance-profile/%d", Own, i)}
	default:
		r.Trust = Trust(`{"Service":["lambda.amazonaws.com","states.amazonaws.com"]}`, fmt.Sprintf(`{"StringEquals":{"aws:SourceAccount":"111122223333"},"ArnLike":{"aws:SourceArn":"arn:aws:*:*:111122223333:*%d"}}`, i))
	}
	r.ARN = Own + "role" + r.Path + r.Name
	return r
}
