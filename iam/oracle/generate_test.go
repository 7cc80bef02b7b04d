package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// The generator writes cases that the other evaluator accepts: real actions with
// resources of their type, global condition keys, policies that AWS would save.

const (
	ours   = "111111111111"
	theirs = "222222222222"
)

type object = map[string]any

// call is an action with the resources it works on; ACCOUNT stands for the owner.
type call struct {
	action    string
	resources []string
	policy    string // kind of resource policy: "", "plain", "key", "trust"
	rcp       bool   // RCPs cover the service
}

func calls() []call {
	return []call{
		{"s3:GetObject", []string{"arn:aws:s3:::logs/2026/a.gz", "arn:aws:s3:::data/bob/x", "arn:aws:s3:::data/k"}, "plain", true},
		{"s3:ListBucket", []string{"arn:aws:s3:::logs", "arn:aws:s3:::data"}, "plain", true},
		{"s3:DeleteBucketPolicy", []string{"arn:aws:s3:::logs"}, "plain", true},
		{"sqs:SendMessage", []string{"arn:aws:sqs:eu-west-3:ACCOUNT:jobs"}, "plain", true},
		{"kms:Decrypt", []string{"arn:aws:kms:eu-west-3:ACCOUNT:key/1234abcd-12ab-34cd-56ef-1234567890ab"}, "key", true},
		{"sts:AssumeRole", []string{"arn:aws:iam::ACCOUNT:role/app", "arn:aws:iam::ACCOUNT:role/ops/admin"}, "trust", true},
		{"secretsmanager:GetSecretValue", []string{"arn:aws:secretsmanager:eu-west-3:ACCOUNT:secret:db-AbCdEf"}, "plain", true},
		{"s3:PutObject", []string{"arn:aws:s3:::data/team/red/k", "arn:aws:s3:::data/bob/x"}, "plain", true},
		{"s3:ListAllMyBuckets", []string{"*"}, "", true},
		{"sns:Publish", []string{"arn:aws:sns:eu-west-3:ACCOUNT:topic"}, "plain", false},
		{"dynamodb:GetItem", []string{"arn:aws:dynamodb:eu-west-3:ACCOUNT:table/t"}, "plain", true},
		{"ec2:StartInstances", []string{"arn:aws:ec2:eu-west-3:ACCOUNT:instance/i-0123456789abcdef0"}, "", false},
		{"lambda:InvokeFunction", []string{"arn:aws:lambda:eu-west-3:ACCOUNT:function:f"}, "plain", false},
		{"iam:CreateUser", []string{"arn:aws:iam::ACCOUNT:user/bob", "arn:aws:iam::ACCOUNT:user/team/ann"}, "", false},
		{"iam:PassRole", []string{"arn:aws:iam::ACCOUNT:role/app"}, "", false},
		{"ec2:DescribeInstances", []string{"*"}, "", false},
		{"sts:GetCallerIdentity", []string{"*"}, "", false},
	}
}

type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

// some picks one value, or a list of one to three.
func (g generator) some(from []string) any {
	if g.chance(60) {
		return pick(g, from...)
	}
	var out []string
	for range 1 + g.IntN(3) {
		out = append(out, pick(g, from...))
	}
	return out
}

func (g generator) oneCase(id int) object {
	c := pick(g, calls()...)
	owner := ours
	if g.chance(30) {
		owner = theirs
	}
	resource := strings.ReplaceAll(pick(g, c.resources...), "ACCOUNT", owner)
	if resource == "*" {
		owner = ours
	}
	principal := pick(g,
		"arn:aws:iam::"+ours+":user/bob", "arn:aws:iam::"+ours+":user/team/ann", "arn:aws:sts::"+ours+":assumed-role/app/s1",
		"arn:aws:sts::"+ours+":assumed-role/admin/s2", "arn:aws:sts::"+ours+":federated-user/fed", "arn:aws:iam::"+ours+":root",
		"arn:aws:sts::"+ours+":assumed-role/app/s2", "cloudtrail.amazonaws.com", "*")
	if c.action == "sts:GetCallerIdentity" { // nobody else calls it
		principal = pick(g, "arn:aws:iam::"+ours+":user/bob", "arn:aws:sts::"+ours+":assumed-role/app/s1")
	}
	if owner == theirs && g.chance(30) {
		principal = pick(g, "arn:aws:sts::"+theirs+":assumed-role/app/s1", "arn:aws:iam::"+theirs+":user/bob", "arn:aws:iam::"+theirs+":root")
	}
	request := object{"action": c.action, "resource": resource, "resourceAccount": owner, "principal": principal, "context": g.context(c, principal)}
	if strings.HasPrefix(c.action, "s3:") && g.chance(15) {
		request["restrictPublicBuckets"] = true
	}
	out := object{"id": id, "request": request}
	signed := strings.HasPrefix(principal, "arn:")
	if signed {
		g.ownPolicies(out, c, resource, strings.Contains(principal, ":sts:"))
	}
	if c.policy != "" && g.chance(65) {
		out["resource"] = g.policy(c, resource, "resource")
	}
	if c.rcp && g.chance(20) {
		levels := []any{}
		for range 1 + g.IntN(2) {
			levels = append(levels, []any{object{"name": "rcp", "policy": g.policy(c, resource, "rcp")}})
		}
		out["rcps"] = levels
	}
	if g.chance(12) {
		out["endpoint"] = []any{object{"name": "endpoint", "policy": g.policy(c, resource, "endpoint")}}
	}
	return out
}

// ownPolicies adds the layers on the caller's side.
func (g generator) ownPolicies(out object, c call, resource string, session bool) {
	named := func(kind string, n int) []any {
		list := []any{}
		for i := range n {
			list = append(list, object{"name": fmt.Sprintf("%s%d", kind, i), "policy": g.policy(c, resource, kind)})
		}
		return list
	}
	out["identity"] = named("identity", g.IntN(3))
	if g.chance(25) {
		out["boundary"] = named("boundary", 1)
	}
	if session && g.chance(25) {
		out["session"] = named("session", 1)
	}
	if g.chance(30) {
		levels := []any{}
		for range 1 + g.IntN(3) {
			n := 1 + g.IntN(2)
			if g.chance(4) {
				n = 0 // a level without a policy denies
			}
			levels = append(levels, named("scp", n))
		}
		out["scps"] = levels
	}
}

func (g generator) policy(c call, resource, kind string) object {
	statements := []any{}
	for range 1 + g.IntN(3) {
		statements = append(statements, g.statement(c, resource, kind))
	}
	version := "2012-10-17"
	if kind != "rcp" && g.chance(5) {
		version = "2008-10-17"
	}
	p := object{"Version": version, "Statement": statements}
	if len(statements) == 1 && g.chance(30) {
		p["Statement"] = statements[0]
	}
	return p
}

func (g generator) statement(c call, resource, kind string) object {
	s := object{"Effect": "Allow"}
	if kind == "rcp" || g.chance(25) {
		s["Effect"] = "Deny"
	}
	service, name, _ := strings.Cut(c.action, ":")
	actions := []string{
		c.action, service + ":*", service + ":" + name[:3] + "*", service + ":*" + name[len(name)-4:], service + ":?" + name[1:],
		strings.ToUpper(service) + ":" + strings.ToLower(name), service + ":Other*", "*", "ec2:RunInstances", "s3:*", "iam:Get*",
	}
	if kind == "rcp" {
		actions = actions[:5]
	}
	if kind != "rcp" && g.chance(12) {
		s["NotAction"] = g.some(actions[1:])
	} else {
		s["Action"] = g.some(actions)
	}
	if !(kind == "resource" && c.policy == "trust") {
		key := "Resource"
		if kind != "rcp" && g.chance(12) {
			key = "NotResource"
		}
		s[key] = g.some(g.resources(c, resource, kind))
	}
	if kind == "resource" || kind == "rcp" || kind == "endpoint" {
		g.principalElement(s, kind)
	}
	if g.chance(45) {
		s["Condition"] = g.condition(c)
	}
	return s
}

func (g generator) resources(c call, resource, kind string) []string {
	if resource == "*" || kind == "resource" && c.policy == "key" {
		return []string{"*"}
	}
	half := resource[:len(resource)-3]
	out := []string{
		resource, "*", half + "*", half + "???", "*", resource + "x", strings.Replace(resource, "a", "?", 1), half + "*" + resource[len(resource)-1:],
	}
	switch {
	case strings.HasSuffix(resource, "/bob/x"):
		out = append(out, "arn:aws:s3:::data/${aws:username}/*", "arn:aws:s3:::data/${aws:username, 'bob'}/x", "arn:aws:s3:::*/${aws:userid,'bob'}/?")
	case strings.HasSuffix(resource, "/team/red/k"):
		out = append(out, "arn:aws:s3:::data/team/${aws:PrincipalTag/team}/*", "arn:aws:s3:::data/team/${AWS:principaltag/TEAM}/k")
	}
	parts := strings.SplitN(resource, ":", 6)
	for _, i := range []int{1, 3, 4} {
		wild := slices.Clone(parts)
		if wild[i] != "" {
			wild[i] = pick(g, "*", wild[i][:1]+"*", "*"+wild[i][1:], strings.Repeat("?", len(wild[i])))
		}
		out = append(out, strings.Join(wild, ":"))
	}
	return out
}

func (g generator) principalElement(s object, kind string) {
	if kind != "resource" {
		s["Principal"] = "*"
		return
	}
	arns := []string{
		"arn:aws:iam::" + ours + ":user/bob", "arn:aws:iam::" + ours + ":user/team/ann", "arn:aws:iam::" + ours + ":role/app",
		"arn:aws:iam::" + ours + ":role/ops/admin", "arn:aws:sts::" + ours + ":assumed-role/app/s1", "arn:aws:sts::" + ours + ":federated-user/fed",
		ours, "arn:aws:iam::" + ours + ":root", theirs, "arn:aws:iam::" + theirs + ":role/app", "arn:aws:iam::" + theirs + ":user/bob",
		"arn:aws:sts::" + theirs + ":assumed-role/app/s1",
	}
	switch n := g.IntN(100); {
	case n < 25:
		s["Principal"] = "*"
	case n < 35:
		s["Principal"] = object{"AWS": "*"}
	case n < 43:
		s["Principal"] = object{"Service": g.some([]string{"cloudtrail.amazonaws.com", "config.amazonaws.com"})}
	case n < 46:
		s["Principal"] = object{"Service": "cloudtrail.amazonaws.com", "AWS": g.some(arns)}
	case n < 50 && s["Effect"] == "Deny":
		s["NotPrincipal"] = object{"AWS": g.some(arns)}
	default:
		s["Principal"] = object{"AWS": g.some(arns)}
	}
}
