package main

import (
	"fmt"
	"strings"
	"time"
)

// caller is who calls during one burst.
type caller struct {
	kind     string
	identity string // userIdentity, as JSON
	arn      string
	role     string // name of the role or user
	address  string // JSON string content
	agent    string // JSON string content
	endpoint string // vpcEndpointId, when the call comes through one
	aws      bool   // an AWS service calls: no TLS details
	console  bool
}

// kinds are the callers that calls.yaml may name.
func kinds() map[string]func(callerDraw) caller {
	return map[string]func(callerDraw) caller{
		"instance": callerDraw.instance, "task": callerDraw.task, "lambda": callerDraw.lambda, "pod": callerDraw.pod,
		"pipeline": callerDraw.pipeline, "linked": callerDraw.linked, "forwarded": callerDraw.forwarded,
		"console": callerDraw.console, "cli": callerDraw.cli, "user": callerDraw.user, "service": callerDraw.service,
		"signin": callerDraw.signin, "root": callerDraw.root,
	}
}

// callerDraw is what a caller is drawn from.
type callerDraw struct {
	dice  dice
	place *place
	at    time.Time
	call  *call
}

// sessionOf describes an assumed role.
type sessionOf struct {
	role, path, name string
	id               uint64 // of the session
	lifetime         time.Duration
	extra            string // of sessionContext, with a leading comma
	mfa              string
	invokedBy        string
}

// assumed writes the identity of a role session. The session, its key and its
// creation follow from its name and the time slot it lives in.
func (c callerDraw) assumed(s sessionOf) caller {
	acct := c.place.account.id
	slot := uint64(c.at.Unix()+int64(s.id%uint64(s.lifetime/time.Second))) / uint64(s.lifetime/time.Second)
	created := time.Unix(int64(slot*uint64(s.lifetime/time.Second))-int64(s.id%uint64(s.lifetime/time.Second)), 0).UTC()
	roleID := "AROA" + digits(hash(hashText(s.role), hashText(acct)), base32Digits, 17)
	key := "ASIA" + digits(hash(s.id, slot, hashText(acct)), base32Digits, 16)
	arn := "arn:aws:sts::" + acct + ":assumed-role/" + s.role + "/" + s.name
	invoked := ""
	if s.invokedBy != "" {
		invoked = `,"invokedBy":"` + s.invokedBy + `"`
	}
	mfa := s.mfa
	if mfa == "" {
		mfa = "false"
	}
	return caller{
		arn: arn, role: s.role,
		identity: `{"type":"AssumedRole","principalId":"` + roleID + `:` + s.name + `","arn":"` + arn + `","accountId":"` + acct +
			`","accessKeyId":"` + key + `","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"` + roleID +
			`","arn":"arn:aws:iam::` + acct + `:role` + s.path + s.role + `","accountId":"` + acct + `","userName":"` + s.role +
			`"},"attributes":{"creationDate":"` + created.Format(time.RFC3339) + `","mfaAuthenticated":"` + mfa + `"}` + s.extra + `}` + invoked + `}`,
	}
}

// team is one of the company's teams with its applications.
func team(k uint64) string {
	teams := []string{"payments", "search", "checkout", "catalog", "identity", "ledger", "media", "routing", "pricing", "insight", "platform", "mobile"}
	return teams[k%uint64(len(teams))]
}

func (c callerDraw) roleName(what string, n int) string {
	return fmt.Sprintf("%s-%s-%s", c.place.account.name, team(uint64(n)), what)
}

func (c callerDraw) instance() caller {
	n := c.dice.skewed(240)
	id := hash(c.place.number, 11, uint64(n))
	name := "i-0" + digits(id, hexDigits, 16)
	out := c.assumed(sessionOf{role: c.roleName("node", n%12), path: "/", name: name, id: id, lifetime: 6 * time.Hour, extra: `,"ec2RoleDelivery":"2.0"`})
	c.inside(&out, id)
	out.agent = pick(id, instanceAgents())
	return out
}

func (c callerDraw) task() caller {
	n := c.dice.skewed(180)
	id := hash(c.place.number, 12, uint64(n))
	out := c.assumed(sessionOf{role: c.roleName("task", n%12), path: "/service/", name: digits(id, hexDigits, 32), id: id, lifetime: 6 * time.Hour})
	c.inside(&out, id)
	out.agent = pick(id, programAgents())
	return out
}

func (c callerDraw) lambda() caller {
	n := c.dice.skewed(60)
	id := hash(c.place.number, 13, uint64(n))
	name := c.functionName(n)
	out := c.assumed(sessionOf{role: name + "-role", path: "/service-role/", name: name, id: id, lifetime: 12 * time.Hour})
	out.address = publicAddress(hash(id, uint64(c.at.Unix()/3600)))
	out.agent = pick(id, lambdaAgents())
	return out
}

func (c callerDraw) functionName(n int) string {
	works := []string{"resize", "webhook", "export", "notify", "ingest", "reindex", "settle", "expire"}
	return fmt.Sprintf("%s-%s-%s", team(uint64(n)), works[n%len(works)], c.place.account.name)
}

func (c callerDraw) pod() caller {
	n := c.dice.skewed(120)
	id := hash(c.place.number, 14, uint64(n))
	issuer := "oidc.eks." + c.place.region.name + ".amazonaws.com/id/" + strings.ToUpper(digits(hash(c.place.number, 9), hexDigits, 32))
	extra := `,"webIdFederationData":{"federatedProvider":"arn:aws:iam::` + c.place.account.id + `:oidc-provider/` + issuer + `","attributes":{}}`
	out := c.assumed(sessionOf{role: c.roleName("pod", n%12), path: "/", name: fmt.Sprintf("aws-sdk-java-%d", 1763600000000+id%86400000), id: id, lifetime: time.Hour, extra: extra})
	c.inside(&out, id)
	out.agent = pick(id, programAgents())
	return out
}

func (c callerDraw) pipeline() caller {
	n := c.dice.skewed(9)
	id := hash(c.place.number, 15, uint64(n), uint64(c.at.Unix()/3600))
	out := c.assumed(sessionOf{role: c.roleName("deploy", n), path: "/", name: fmt.Sprintf("GitHubActions-%d", 11_000_000_000+id%900_000_000), id: id, lifetime: time.Hour})
	out.address = publicAddress(id)
	out.agent = pick(hash(uint64(n)), pipelineAgents())
	return out
}

func (c callerDraw) linked() caller {
	names := []struct{ role, session, service string }{
		{"AWSServiceRoleForAutoScaling", "AutoScaling", "autoscaling"}, {"AWSServiceRoleForECS", "ecs-service-scheduler", "ecs"},
		{"AWSServiceRoleForConfig", "AWSConfig-Describe", "config"}, {"AWSServiceRoleForAmazonGuardDuty", "GuardDuty", "guardduty"},
		{"AWSServiceRoleForElasticLoadBalancing", "ElasticLoadBalancing", "elasticloadbalancing"}, {"AWSServiceRoleForRDS", "rds", "rds"},
		{"AWSServiceRoleForAmazonEKS", "AmazonEKS", "eks"}, {"AWSServiceRoleForAmazonInspector2", "Inspector", "inspector2"},
	}
	l := names[c.dice.skewed(len(names))]
	host := l.service + ".amazonaws.com"
	out := c.assumed(sessionOf{role: l.role, path: "/aws-service-role/" + host + "/", name: l.session,
		id: hash(c.place.number, hashText(l.role)), lifetime: time.Hour, invokedBy: host})
	out.address, out.agent, out.aws = host, host, true
	return out
}

// forwarded is a role whose request an AWS service carries on.
func (c callerDraw) forwarded() caller {
	n := c.dice.skewed(9)
	hosts := []string{"cloudformation.amazonaws.com", "s3.amazonaws.com", "lambda.amazonaws.com", "ecs.amazonaws.com", "secretsmanager.amazonaws.com"}
	host := hosts[c.dice.skewed(len(hosts))]
	id := hash(c.place.number, 16, uint64(n))
	out := c.assumed(sessionOf{role: c.roleName("app", n), path: "/", name: "app-" + digits(id, hexDigits, 8), id: id, lifetime: time.Hour, invokedBy: host})
	out.address, out.agent, out.aws = host, host, true
	return out
}

func (c callerDraw) console() caller {
	out := c.person()
	out.console = true
	out.agent = pick(hashText(out.arn), browserAgents())
	return out
}

func (c callerDraw) cli() caller {
	out := c.person()
	out.agent = pick(hashText(out.arn), personAgents())
	return out
}

// person is somebody signed in through IAM Identity Center.
func (c callerDraw) person() caller {
	n := c.dice.skewed(48)
	sets := []string{"ReadOnly", "Developer", "Operator"}
	set := sets[n%len(sets)]
	id := hash(17, uint64(n))
	role := "AWSReservedSSO_" + set + "_" + digits(hash(hashText(set), hashText(c.place.account.id)), hexDigits, 16)
	out := c.assumed(sessionOf{role: role, path: "/aws-reserved/sso.amazonaws.com/eu-west-1/", name: email(n), id: id, lifetime: 8 * time.Hour})
	out.address = personAddress(n)
	return out
}

func email(n int) string {
	names := []string{"ines.okafor", "tomas.lind", "mei.tanaka", "ravi.menon", "clara.weiss", "jonas.berg", "amara.diallo", "luis.prado", "nadia.haddad", "owen.price", "sofia.rossi", "eva.novak"}
	return fmt.Sprintf("%s%d@lumora.example", names[n%len(names)], n/len(names)+1)
}

func (c callerDraw) user() caller {
	users := []string{"backup-agent", "legacy-erp", "metrics-exporter", "partner-feed", "mail-relay", "scanner"}
	n := c.dice.skewed(len(users))
	acct, name := c.place.account.id, users[n]
	id := hash(hashText(acct), hashText(name))
	arn := "arn:aws:iam::" + acct + ":user/system/" + name
	return caller{
		arn: arn, role: name, address: publicAddress(id), agent: pick(id, programAgents()),
		identity: `{"type":"IAMUser","principalId":"AIDA` + digits(id, base32Digits, 17) + `","arn":"` + arn + `","accountId":"` + acct +
			`","accessKeyId":"AKIA` + digits(mix(id), base32Digits, 16) + `","userName":"` + name + `"}`,
	}
}

// service is an AWS service on its own behalf; the call names which.
func (c callerDraw) service() caller {
	hosts := []string{"ec2.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "config.amazonaws.com", "s3.amazonaws.com", "ssm.amazonaws.com", "delivery.logs.amazonaws.com", "scheduler.amazonaws.com"}
	host := hosts[c.dice.skewed(len(hosts))]
	if c.call.service != "" {
		host = c.call.service
	}
	return caller{identity: `{"type":"AWSService","invokedBy":"` + host + `"}`, role: host, address: host, agent: host, aws: true}
}

// signin is an IAM user at the sign-in page.
func (c callerDraw) signin() caller {
	n := c.dice.skewed(12)
	acct, name, _ := strings.Cut(c.place.account.id+" "+email(n), " ")
	name, _, _ = strings.Cut(name, "@")
	arn := "arn:aws:iam::" + acct + ":user/" + name
	return caller{
		arn: arn, role: name, address: personAddress(n), agent: pick(uint64(n), browserAgents()),
		identity: `{"type":"IAMUser","principalId":"AIDA` + digits(hashText(arn), base32Digits, 17) + `","arn":"` + arn + `","accountId":"` + acct + `","userName":"` + name + `"}`,
	}
}

func (c callerDraw) root() caller {
	acct := c.place.account.id
	return caller{
		arn: "arn:aws:iam::" + acct + ":root", role: "root", address: personAddress(1), agent: pick(1, browserAgents()), console: true,
		identity: `{"type":"Root","principalId":"` + acct + `","arn":"arn:aws:iam::` + acct + `:root","accountId":"` + acct + `","accessKeyId":"ASIA` +
			digits(hash(hashText(acct), uint64(c.at.Unix()/3600)), base32Digits, 16) + `","sessionContext":{"attributes":{"creationDate":"` +
			c.at.Truncate(time.Hour).Format(time.RFC3339) + `","mfaAuthenticated":"true"}}}`,
	}
}

// inside gives a caller in a VPC its way out: an endpoint, or a NAT gateway.
func (c callerDraw) inside(out *caller, id uint64) {
	if id%2 == 0 {
		out.address = fmt.Sprintf("10.%d.%d.%d", c.place.number%200, id>>8%256, id>>16%250+4)
		out.endpoint = "vpce-0" + digits(hash(c.place.number, id>>24%4), hexDigits, 16)
		return
	}
	out.address = publicAddress(hash(c.place.number, id>>24%3))
}

// publicAddress draws from the ranges for benchmarks and documentation (RFC 2544,
// RFC 3849), which nobody routes.
func publicAddress(h uint64) string {
	if h%16 == 0 {
		return fmt.Sprintf("2001:db8:%x:%x::%x", h>>8%4096, h>>20%256, h>>28%65536)
	}
	return fmt.Sprintf("198.%d.%d.%d", 18+h>>8%2, h>>16%256, h>>24%250+4)
}

// personAddress is an office or a home (RFC 5737).
func personAddress(n int) string {
	if n%3 == 0 {
		return fmt.Sprintf("192.0.2.%d", 10+n/12)
	}
	return fmt.Sprintf("198.51.100.%d", 20+n)
}
