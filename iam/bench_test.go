package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
)

// bulky is a policy of about size bytes over many services, as AWS's job-function
// policies are: names, name prefixes, a few conditions.
func bulky(seed, size int) string {
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

func guardrail(sid string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"` + sid + `","Effect":"Deny","Action":["organizations:LeaveOrganization","cloudtrail:StopLogging","cloudtrail:Delete*"],"Resource":"*"},
 {"Effect":"Deny","NotAction":["iam:*","sts:*","organizations:*","route53:*","cloudfront:*"],"Resource":"*",
  "Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-3","eu-west-1"]},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ops/*"}}}]}`
}

const fullAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// mediumPrincipal is section 7 of the specification: three identity policies of 33
// KB together, three SCP levels with a guardrail each, a boundary.
func mediumPrincipal(tb testing.TB) (*iam.Set, *iam.Request) {
	tb.Helper()
	parse := func(name, text string) *iam.Policy {
		p, err := iam.Parse(name, []byte(text))
		if err != nil {
			tb.Fatal(err)
		}
		return p
	}
	level := func(name string) []*iam.Policy {
		return []*iam.Policy{parse("FullAWSAccess", fullAccess), parse(name, guardrail(name))}
	}
	set, err := iam.NewSet(iam.Policies{
		Identity: []*iam.Policy{parse("a", bulky(1, 16000)), parse("b", bulky(1000, 16000)), parse("c", s3Writer)},
		Boundary: []*iam.Policy{parse("boundary", `{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":["s3:*","ec2:*","lambda:*","dynamodb:*","logs:*"],"Resource":"*"},
 {"Effect":"Deny","Action":["iam:*Boundary"],"Resource":"*"}]}`)},
		SCPs: [][]*iam.Policy{level("root"), level("ou"), level("account")},
	})
	if err != nil {
		tb.Fatal(err)
	}
	p, err := iam.ParsePrincipal("arn:aws:sts::111122223333:assumed-role/app/s1")
	if err != nil {
		tb.Fatal(err)
	}
	return set, &iam.Request{
		Action: "s3:GetObject", Resource: "arn:aws:s3:::logs/2026/11/22/a.gz", ResourceAccount: "111122223333", Principal: p,
		Context: iam.NewContext(map[string][]string{
			"aws:RequestedRegion": {"eu-west-3"}, "aws:PrincipalArn": {"arn:aws:iam::111122223333:role/app"}, "aws:SecureTransport": {"true"},
			"aws:SourceIp": {"192.0.2.1"}, "aws:PrincipalOrgID": {"o-abc"},
		}),
	}
}

func BenchmarkDecide(b *testing.B) {
	set, r := mediumPrincipal(b)
	if d := set.Decide(r); !d.Allowed() {
		b.Fatalf("got %v, want allowed", d)
	}
	b.ReportAllocs()
	for b.Loop() {
		set.Decide(r)
	}
}

func BenchmarkDecideDenied(b *testing.B) {
	set, r := mediumPrincipal(b)
	denied := *r
	denied.Action = "iam:CreateUser"
	denied.Resource = "arn:aws:iam::111122223333:user/x"
	b.ReportAllocs()
	for b.Loop() {
		set.Decide(&denied)
	}
}

func BenchmarkExplain(b *testing.B) {
	set, r := mediumPrincipal(b)
	b.ReportAllocs()
	for b.Loop() {
		set.Explain(r, iam.Matching)
	}
}

func BenchmarkCompile(b *testing.B) {
	text := []byte(bulky(1, 16000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := iam.Parse("a", text); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDecideAllocatesNothing(t *testing.T) {
	set, r := mediumPrincipal(t)
	if got := testing.AllocsPerRun(100, func() { set.Decide(r) }); got != 0 {
		t.Errorf("allocations per decision: got %v, want 0", got)
	}
}
