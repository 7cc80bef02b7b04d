// Package medium is the principal that benchmarks of the evaluator share: three
// identity policies of 33 KB together, three levels of service control policies with
// a guardrail each, and a permissions boundary. It reads one object of a bucket.
package medium

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
)

// The question.
const (
	Action    = "s3:GetObject"
	Resource  = "arn:aws:s3:::logs/2026/11/22/a.gz"
	Account   = "111122223333"
	Principal = "arn:aws:sts::111122223333:assumed-role/app/s1"
)

// Context is the request context.
func Context() map[string][]string {
	return map[string][]string{
		"aws:RequestedRegion": {"eu-west-3"}, "aws:PrincipalArn": {"arn:aws:iam::111122223333:role/app"}, "aws:SecureTransport": {"true"},
		"aws:SourceIp": {"192.0.2.1"}, "aws:PrincipalOrgID": {"o-abc"},
	}
}

// Text is a policy as it is written.
type Text struct{ Name, Policy string }

// Texts are the policies by layer; SCPs has one list a level, from the root down.
type Texts struct {
	Identity, Boundary []Text
	SCPs               [][]Text
}

// Policies are the principal's policies.
func Policies() Texts {
	level := func(name string) []Text { return []Text{{"FullAWSAccess", fullAccess}, {name, guardrail(name)}} }
	return Texts{
		Identity: []Text{{"a", Bulky(1, 16000)}, {"b", Bulky(1000, 16000)}, {"c", s3Writer}},
		Boundary: []Text{{"boundary", boundary}},
		SCPs:     [][]Text{level("root"), level("ou"), level("account")},
	}
}

// Compile makes the policies ready.
func (t Texts) Compile() (*iam.Set, error) {
	var p iam.Policies
	list := func(texts []Text) (out []*iam.Policy, err error) {
		for _, text := range texts {
			compiled, err := iam.Parse(text.Name, []byte(text.Policy))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", text.Name, err)
			}
			out = append(out, compiled)
		}
		return out, nil
	}
	var err error
	if p.Identity, err = list(t.Identity); err != nil {
		return nil, err
	}
	if p.Boundary, err = list(t.Boundary); err != nil {
		return nil, err
	}
	for _, texts := range t.SCPs {
		level, err := list(texts)
		if err != nil {
			return nil, err
		}
		p.SCPs = append(p.SCPs, level)
	}
	return iam.NewSet(p)
}

// Request is the question for the evaluator.
func Request() (*iam.Request, error) {
	p, err := iam.ParsePrincipal(Principal)
	if err != nil {
		return nil, err
	}
	return &iam.Request{Action: Action, Resource: Resource, ResourceAccount: Account, Principal: p, Context: iam.NewContext(Context())}, nil
}

// Bulky is a policy of about size bytes over many services, as AWS's job-function
// policies are: names, name prefixes, a few conditions.
func Bulky(seed, size int) string {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[`)
	for n := seed; b.Len() < size; n++ {
		if n > seed {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"Sid":"S%d","Effect":"Allow","Action":[`, n)
		for i := range 24 {
			if i > 0 {
				b.WriteByte(',')
			}
			switch service := fmt.Sprintf("svc%d", (n*7+i)%60); i % 3 {
			case 0:
				fmt.Fprintf(&b, `"%s:Get*"`, service)
			case 1:
				fmt.Fprintf(&b, `"%s:DescribeThing%d"`, service, i)
			default:
				fmt.Fprintf(&b, `"%s:ListThings%d"`, service, n)
			}
		}
		if n%4 == 0 {
			b.WriteString(`],"Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-3","eu-west-1"]}}}`)
		} else {
			fmt.Fprintf(&b, `],"Resource":["arn:aws:svc%d:*:111122223333:thing/*","arn:aws:s3:::bucket-%d/*"]}`, n%60, n)
		}
	}
	b.WriteString(`]}`)
	return b.String()
}

const s3Writer = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:PutObject"],"Resource":["arn:aws:s3:::logs","arn:aws:s3:::logs/*"]},
 {"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-3"}}},
 {"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`

const boundary = `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":["s3:*","ec2:*","lambda:*","dynamodb:*","logs:*"],"Resource":"*"},
 {"Effect":"Deny","Action":["iam:*Boundary"],"Resource":"*"}]}`

func guardrail(sid string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"` + sid + `","Effect":"Deny","Action":["organizations:LeaveOrganization","cloudtrail:StopLogging","cloudtrail:Delete*"],"Resource":"*"},
 {"Effect":"Deny","NotAction":["iam:*","sts:*","organizations:*","route53:*","cloudfront:*"],"Resource":"*",
  "Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-3","eu-west-1"]},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ops/*"}}}]}`
}

const fullAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
