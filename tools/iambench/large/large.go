// Package large is the accounts that benchmarks of questions about an account share.
// They are made up, deterministic, and as varied as real ones.
package large

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Account is the account of all principals.
const Account = "111122223333"

// Details are the authorization details of an account of n principals, half users and
// half roles: four of forty managed policies, two inline policies of their own, a
// boundary for every other.
func Details(n int) string {
	m := mix{rand.New(rand.NewPCG(1, 2))}
	type object = map[string]any
	var policies, users, roles []object
	managed := func(name string, text string) object {
		return object{"PolicyName": name, "Arn": "arn:aws:iam::" + Account + ":policy/" + name, "DefaultVersionId": "v1",
			"PolicyVersionList": []object{{"VersionId": "v1", "IsDefaultVersion": true, "Document": json.RawMessage(text)}}}
	}
	for i := range 40 {
		policies = append(policies, managed(fmt.Sprintf("p%d", i), m.policy(1000+m.IntN(8)*1000)))
	}
	policies = append(policies, managed("fence", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},
		{"Effect":"Deny","Action":["iam:*Boundary"],"Resource":"*"}]}`))
	for i := range n {
		var attached, inline []object
		for range 4 {
			attached = append(attached, object{"PolicyArn": fmt.Sprintf("arn:aws:iam::%s:policy/p%d", Account, m.IntN(40))})
		}
		for k := range 2 {
			inline = append(inline, object{"PolicyName": fmt.Sprintf("in%d", k), "PolicyDocument": json.RawMessage(m.policy(600))})
		}
		p := object{"Path": "/", "AttachedManagedPolicies": attached, "Tags": []object{{"Key": "team", "Value": []string{"red", "blue"}[i%2]}}}
		if i%2 == 0 {
			p["PermissionsBoundary"] = object{"PermissionsBoundaryArn": "arn:aws:iam::" + Account + ":policy/fence"}
		}
		if i%4 < 2 {
			p["UserName"], p["UserId"], p["Arn"], p["UserPolicyList"] = fmt.Sprintf("u%d", i), fmt.Sprintf("AIDA%d", i), fmt.Sprintf("arn:aws:iam::%s:user/u%d", Account, i), inline
			users = append(users, p)
			continue
		}
		p["RoleName"], p["RoleId"], p["Arn"], p["RolePolicyList"] = fmt.Sprintf("r%d", i), fmt.Sprintf("AROA%d", i), fmt.Sprintf("arn:aws:iam::%s:role/r%d", Account, i), inline
		p["AssumeRolePolicyDocument"] = json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
		roles = append(roles, p)
	}
	text, err := json.Marshal(object{"UserDetailList": users, "RoleDetailList": roles, "Policies": policies})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Guardrails are three levels of service control policies with a guardrail each.
func Guardrails() (g account.Guardrails) {
	for _, name := range []string{"root", "ou", "account"} {
		p, err := iam.Parse(name, []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
 {"Effect":"Deny","Action":["organizations:LeaveOrganization","cloudtrail:StopLogging","cloudtrail:Delete*"],"Resource":"*"},
 {"Effect":"Deny","NotAction":["iam:*","sts:*","organizations:*","route53:*","cloudfront:*"],"Resource":"*",
  "Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-3","eu-west-1"]},"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ops/*"}}}]}`))
		if err != nil {
			panic(err) // the text above is a policy
		}
		g.SCPs = append(g.SCPs, []*iam.Policy{p})
	}
	return g
}

// mix writes policies as accounts have them: names and prefixes of real actions,
// most on every resource, some on patterns, some with conditions.
type mix struct{ *rand.Rand }

func (m mix) policy(size int) string {
	var b strings.Builder
	b.WriteString(`{"Version":"2012-10-17","Statement":[`)
	for n := 0; n == 0 || b.Len() < size; n++ {
		if n > 0 {
			b.WriteByte(',')
		}
		m.statement(&b)
	}
	b.WriteString(`]}`)
	return b.String()
}

func (m mix) statement(b *strings.Builder) {
	services := metadata.Services()
	fmt.Fprintf(b, `{"Effect":%q,"Action":[`, []string{"Allow", "Allow", "Allow", "Allow", "Allow", "Deny"}[m.IntN(6)])
	service := ""
	for i := range 4 + m.IntN(20) {
		if i > 0 {
			b.WriteByte(',')
		}
		if i%6 == 0 {
			service = services[m.IntN(len(services))]
		}
		actions := metadata.Actions(service)
		name := actions[m.IntN(len(actions))].Name
		switch m.IntN(5) {
		case 0:
			name = name[:min(len(name), 4)] + "*"
		case 1:
			name = []string{"Get*", "List*", "Describe*"}[m.IntN(3)]
		}
		fmt.Fprintf(b, `"%s:%s"`, service, name)
	}
	resource := `"*"`
	if types := metadata.ResourceTypes(service); m.IntN(3) == 0 && len(types) > 0 {
		t := types[m.IntN(len(types))]
		resource = fmt.Sprintf(`["arn:aws:%s:*:%s:thing/%d/*","arn:aws:s3:::bucket-%d/*"]`, strings.Split(t.ARN, ":")[2], Account, m.IntN(50), m.IntN(50))
	}
	fmt.Fprintf(b, `],"Resource":%s`, resource)
	switch m.IntN(8) {
	case 0:
		b.WriteString(`,"Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-3","eu-west-1"]}}`)
	case 1:
		b.WriteString(`,"Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}`)
	}
	b.WriteByte('}')
}
