// Package principal tells who calls: it reads ARNs and names of callers, and judges
// how a Principal or NotPrincipal element names a caller.
//
// Source: IAM User Guide, "AWS JSON policy elements: Principal".
package principal

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/condition"
)

// Kind is what kind of caller makes a request.
type Kind uint8

// Kinds of caller.
const (
	Anonymous     Kind = iota // an unsigned request
	Root                      // the root user of an account, also with a session of sts:AssumeRoot
	User                      // an IAM user
	Role                      // some session of a role, its name not known
	RoleSession               // arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
	FederatedUser             // arn:aws:sts::ACCOUNT:federated-user/NAME
	AWSService                // a service principal such as cloudtrail.amazonaws.com
	Provider                  // a federated identity: SAML or OIDC provider, web identity
)

var kindNames = [...]string{"anonymous", "root", "user", "role", "role-session", "federated-user", "service", "provider"}

// String is the name of the kind.
func (k Kind) String() string { return kindNames[min(int(k), len(kindNames)-1)] }

// Principal is who makes a request. The zero Principal is Anonymous.
type Principal struct {
	Kind    Kind
	ARN     string // as AWS writes it; the name of a service or provider; "*" for anonymous
	Account rootkeep.AccountID
	Name    string // user, role or federated user, without path
	Session string // role session
	// Issuer is the ARN of the IAM user who asked for a federated user's session.
	Issuer string
}

// Parse reads a caller: an ARN of a root user, user, role, role session,
// federated user, SAML or OIDC provider; a service principal; a web identity
// provider's name; or "*" for an unsigned request.
func Parse(s string) (Principal, error) {
	switch s {
	case "*":
		return Principal{Kind: Anonymous, ARN: s}, nil
	case "cognito-identity.amazonaws.com", "accounts.google.com", "graph.facebook.com", "www.amazon.com":
		return Principal{Kind: Provider, ARN: s}, nil
	}
	a, err := rootkeep.ParseARN(s)
	if err != nil {
		if host, ok := strings.CutSuffix(strings.TrimSuffix(s, ".cn"), ".amazonaws.com"); ok && host != "" {
			return Principal{Kind: AWSService, ARN: s}, nil
		}
		return Principal{}, fmt.Errorf("principal %q: want an ARN, a service principal or *", s)
	}
	p := Principal{ARN: s, Account: a.Account}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	switch {
	case a.Service == "iam" && a.Resource == "root":
		p.Kind = Root
	case a.Service == "iam" && kind == "user" && rest != "":
		p.Kind, p.Name = User, lastPart(rest)
	case a.Service == "iam" && kind == "role" && rest != "":
		p.Kind, p.Name = Role, lastPart(rest)
	case a.Service == "sts" && kind == "assumed-role" && rest != "":
		p.Kind = RoleSession
		p.Name, p.Session, _ = strings.Cut(rest, "/")
		if p.Session == "" {
			return Principal{}, fmt.Errorf("principal %q: want arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION", s)
		}
	case a.Service == "sts" && kind == "federated-user" && rest != "":
		p.Kind, p.Name = FederatedUser, rest
	case a.Service == "iam" && (kind == "saml-provider" || kind == "oidc-provider") && rest != "":
		p.Kind, p.Name = Provider, rest
	default:
		return Principal{}, fmt.Errorf("principal %q: want a root user, user, role, role session, federated user or provider", s)
	}
	if _, err := rootkeep.ParseAccountID(string(p.Account)); err != nil {
		return Principal{}, fmt.Errorf("principal %q: %w", s, err)
	}
	return p, nil
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// Signed says whether the caller is a principal of an AWS account.
func (p *Principal) Signed() bool {
	switch p.Kind {
	case Root, User, Role, RoleSession, FederatedUser:
		return true
	}
	return false
}

// ContextKeys are the global context keys that follow from the caller alone. A
// session's aws:PrincipalArn is the ARN of its role with the role's path, which a
// session ARN does not show: it is left out for sessions, as are aws:userid and the
// MFA keys. Source: IAM User Guide, "AWS global condition context keys".
func (p *Principal) ContextKeys() map[string][]string {
	keys := map[string][]string{}
	if p.Kind != Provider {
		keys["aws:PrincipalIsAWSService"] = []string{"false"}
	}
	if p.Kind == AWSService {
		keys["aws:PrincipalIsAWSService"] = []string{"true"}
		keys["aws:PrincipalServiceName"] = []string{p.ARN}
	}
	if !p.Signed() {
		return keys
	}
	keys["aws:PrincipalAccount"] = []string{string(p.Account)}
	keys["aws:PrincipalType"] = []string{map[Kind]string{
		Root: "Account", User: "User", Role: "AssumedRole", RoleSession: "AssumedRole", FederatedUser: "FederatedUser",
	}[p.Kind]}
	switch p.Kind {
	case User:
		keys["aws:username"] = []string{p.Name}
		keys["aws:PrincipalArn"] = []string{p.ARN}
	case Root, Role, FederatedUser:
		keys["aws:PrincipalArn"] = []string{p.ARN}
	}
	return keys
}

// roleARN is the ARN of a session's role with its path, if aws:PrincipalArn is in
// the context and is about the same role.
func (p *Principal) roleARN(c *condition.Context) (string, bool) {
	arns, _ := c.Values("aws:principalarn")
	if p.Kind != RoleSession || len(arns) != 1 {
		return "", false
	}
	parts, ok := condition.SplitARN(arns[0])
	path, role := strings.CutPrefix(parts[5], "role/")
	return arns[0], ok && role && parts[4] == string(p.Account) && lastPart(path) == p.Name
}

// ServiceLinked says whether the caller is a session of a service-linked role. Only
// a role's path proves that: anyone may name a role AWSServiceRoleForX.
func (p *Principal) ServiceLinked(c *condition.Context) bool {
	const path = ":role/aws-service-role/"
	switch p.Kind {
	case Role:
		return strings.Contains(p.ARN, path)
	case RoleSession:
		if arns, _ := c.Values("aws:principalarn"); len(arns) != 1 || !strings.Contains(arns[0], path) {
			return false // the usual case, found out cheaply
		}
		arn, ok := p.roleARN(c)
		return ok && strings.Contains(arn, path)
	}
	return false
}
