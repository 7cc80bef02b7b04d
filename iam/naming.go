package iam

import (
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// naming is how a resource policy named the caller. It decides which of the
// caller's own limits still bite (IAM User Guide, "Policy evaluation for requests
// within a single account").
type naming uint8

const (
	byNone     naming = iota
	byDirect          // the user, session, service or provider itself
	byRole            // the role of a session, or the user behind a federated one
	byAccount         // its account, which delegates to identity policies
	byEveryone        // *
	namings
)

type principalKind uint8

const (
	anyPrincipal principalKind = iota
	accountPrincipal
	userPrincipal
	rolePrincipal
	sessionPrincipal
	federatedPrincipal
	idPrincipal
	servicePrincipal
	providerPrincipal
	canonicalPrincipal
	noPrincipal // a value that names nobody, such as an ARN with a wildcard
)

// principalPattern is one value of Principal.
type principalPattern struct {
	kind      principalKind
	text      string
	partition string // "" if the value does not say
	account   rootkeep.AccountID
	name      string // role name without path
}

func newPrincipalPatterns(p *policy.Principal) []principalPattern {
	if p == nil {
		return nil
	}
	if p.Anyone {
		return []principalPattern{{kind: anyPrincipal, text: "*"}}
	}
	var out []principalPattern
	for _, entry := range p.Entries {
		for _, text := range entry.Values.Values() {
			switch entry.Type.Value {
			case policy.PrincipalService:
				out = append(out, principalPattern{kind: servicePrincipal, text: text})
			case policy.PrincipalFederated:
				out = append(out, principalPattern{kind: providerPrincipal, text: text})
			case policy.PrincipalCanonical:
				out = append(out, principalPattern{kind: canonicalPrincipal, text: text})
			default:
				out = append(out, newAWSPrincipal(text))
			}
		}
	}
	return out
}

func newAWSPrincipal(text string) principalPattern {
	if text == "*" {
		return principalPattern{kind: anyPrincipal, text: text}
	}
	if id, err := rootkeep.ParseAccountID(text); err == nil {
		return principalPattern{kind: accountPrincipal, text: text, account: id}
	}
	p, err := ParsePrincipal(text)
	if err != nil || strings.ContainsAny(text, "*?") {
		if err != nil && strings.HasPrefix(text, "A") && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
			return principalPattern{kind: idPrincipal, text: text}
		}
		return principalPattern{kind: noPrincipal, text: text}
	}
	a, _ := rootkeep.ParseARN(text)
	kinds := map[PrincipalKind]principalKind{
		Root: accountPrincipal, User: userPrincipal, Role: rolePrincipal, RoleSession: sessionPrincipal,
		FederatedUser: federatedPrincipal, Provider: providerPrincipal,
	}
	kind, ok := kinds[p.Kind]
	if !ok {
		kind = noPrincipal
	}
	return principalPattern{kind: kind, text: text, partition: a.Partition, account: p.Account, name: p.Name}
}

// match says whether and how the value names the caller.
func (v *principalPattern) match(p *Principal, c *Context) (naming, Truth) {
	switch v.kind {
	case anyPrincipal:
		return byEveryone, True
	case servicePrincipal:
		return byDirect, condition.Is(p.Kind == AWSService && (v.text == p.ARN || v.text == "*"))
	case providerPrincipal:
		return byDirect, condition.Is(p.Kind == Provider && v.text == p.ARN)
	case noPrincipal:
		return byNone, False
	}
	if !p.signed() {
		return byNone, False
	}
	switch v.kind {
	case accountPrincipal:
		return byAccount, condition.Is(v.account == p.Account && v.samePartition(p))
	case userPrincipal:
		if p.Kind == FederatedUser {
			return byRole, condition.Is(p.Issuer != "" && v.text == p.Issuer)
		}
		return byDirect, condition.Is(p.Kind == User && v.text == p.ARN)
	case federatedPrincipal:
		return byDirect, condition.Is(p.Kind == FederatedUser && v.text == p.ARN)
	case sessionPrincipal:
		if p.Kind == Role && v.account == p.Account && v.name == p.Name {
			return byDirect, Unknown // some session of that role
		}
		return byDirect, condition.Is(p.Kind == RoleSession && v.text == p.ARN)
	case rolePrincipal:
		return byRole, v.role(p, c)
	case idPrincipal:
		return v.id(c)
	}
	// A canonical user ID names an account, but does not show which.
	return byAccount, Unknown
}

func (v *principalPattern) samePartition(p *Principal) bool {
	if v.partition == "" {
		return true
	}
	rest, ok := strings.CutPrefix(p.ARN, "arn:")
	return ok && strings.HasPrefix(rest, v.partition+":")
}

// role compares with the caller's role. A session ARN does not show the role's
// path: aws:PrincipalArn does; without it the name decides, because an account
// has at most one role of a name.
func (v *principalPattern) role(p *Principal, c *Context) Truth {
	switch {
	case p.Kind == Role:
		return condition.Is(v.text == p.ARN)
	case p.Kind != RoleSession || v.account != p.Account || v.name != p.Name:
		return False
	}
	if arn, ok := p.roleARN(c); ok {
		return condition.Is(v.text == arn)
	}
	return condition.Is(v.samePartition(p))
}

// id compares a unique ID, into which AWS turns the ARN of a deleted user or role,
// with aws:userid.
func (v *principalPattern) id(c *Context) (naming, Truth) {
	how := byDirect
	if strings.HasPrefix(v.text, "AROA") {
		how = byRole
	}
	ids, there := c.Values("aws:userid")
	if there != True {
		return how, there
	}
	return how, condition.Is(ids[0] == v.text || strings.HasPrefix(ids[0], v.text+":"))
}

// names judges a Principal element: for each way of naming, whether it matches.
func (s *statement) names(p *Principal, c *Context) (by [namings]Truth) {
	switch s.principalMode {
	case missing:
		by[byEveryone] = True
	case plain:
		for i := range s.principals {
			how, m := s.principals[i].match(p, c)
			by[how] = by[how].Or(m)
		}
		by[byNone] = False
		if s.literal {
			by[byDirect] = by[byDirect].Or(by[byEveryone])
		}
	}
	return by
}

// exempts judges a NotPrincipal element: the caller is exempt only if all of its
// chain is listed: the account, the role of a session, and itself. A caller with a
// permissions boundary is never exempt (IAM User Guide, "NotPrincipal").
func (s *statement) exempts(p *Principal, c *Context, bounded bool) Truth {
	var listed [namings]Truth
	for i := range s.principals {
		how, m := s.principals[i].match(p, c)
		listed[how] = listed[how].Or(m)
	}
	all := listed[byEveryone]
	if p.signed() && p.Kind != Root && bounded {
		return False
	}
	switch p.Kind {
	case AWSService, Provider:
		return all.Or(listed[byDirect])
	case Root:
		return all.Or(listed[byAccount])
	case User, FederatedUser:
		return all.Or(listed[byDirect].And(listed[byAccount]))
	case Role, RoleSession:
		return all.Or(listed[byDirect].And(listed[byRole]).And(listed[byAccount]))
	}
	return all
}
