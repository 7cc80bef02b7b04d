package principal

import (
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Naming is how a resource policy named the caller. It decides which of the
// caller's own limits still bite (IAM User Guide, "Policy evaluation for requests
// within a single account").
type Naming uint8

// The ways of naming. There are Namings of them.
const (
	ByNone     Naming = iota
	ByDirect          // the user, session, service or provider itself
	ByRole            // the role of a session, or the user behind a federated one
	ByAccount         // its account, which delegates to identity policies
	ByEveryone        // *
	Namings
)

type kind uint8

const (
	anyPrincipal kind = iota
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

// Pattern is one value of Principal.
type Pattern struct {
	kind      kind
	Text      string // as written
	partition string // "" if the value does not say
	account   rootkeep.AccountID
	name      string // role name without path
}

// Patterns reads a Principal or NotPrincipal element; nil has none.
func Patterns(p *policy.Principal) []Pattern {
	if p == nil {
		return nil
	}
	if p.Anyone {
		return []Pattern{{kind: anyPrincipal, Text: "*"}}
	}
	var out []Pattern
	for _, entry := range p.Entries {
		for _, text := range entry.Values.Values() {
			switch entry.Type.Value {
			case policy.PrincipalService:
				out = append(out, Pattern{kind: servicePrincipal, Text: text})
			case policy.PrincipalFederated:
				out = append(out, Pattern{kind: providerPrincipal, Text: text})
			case policy.PrincipalCanonical:
				out = append(out, Pattern{kind: canonicalPrincipal, Text: text})
			default:
				out = append(out, newAWSPrincipal(text))
			}
		}
	}
	return out
}

func newAWSPrincipal(text string) Pattern {
	if text == "*" {
		return Pattern{kind: anyPrincipal, Text: text}
	}
	if id, err := rootkeep.ParseAccountID(text); err == nil {
		return Pattern{kind: accountPrincipal, Text: text, account: id}
	}
	p, err := Parse(text)
	if err != nil || strings.ContainsAny(text, "*?") {
		if err != nil && strings.HasPrefix(text, "A") && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
			return Pattern{kind: idPrincipal, Text: text}
		}
		return Pattern{kind: noPrincipal, Text: text}
	}
	a, _ := rootkeep.ParseARN(text)
	kinds := map[Kind]kind{
		Root: accountPrincipal, User: userPrincipal, Role: rolePrincipal, RoleSession: sessionPrincipal,
		FederatedUser: federatedPrincipal, Provider: providerPrincipal,
	}
	kind, ok := kinds[p.Kind]
	if !ok {
		kind = noPrincipal
	}
	return Pattern{kind: kind, Text: text, partition: a.Partition, account: p.Account, name: p.Name}
}

// Anyone says whether the value is *.
func (v *Pattern) Anyone() bool { return v.kind == anyPrincipal }

// match says whether and how the value names the caller.
func (v *Pattern) match(p *Principal, c *condition.Context) (Naming, condition.Truth) {
	switch v.kind {
	case anyPrincipal:
		return ByEveryone, condition.True
	case servicePrincipal:
		return ByDirect, condition.Is(p.Kind == AWSService && (v.Text == p.ARN || v.Text == "*"))
	case providerPrincipal:
		return ByDirect, condition.Is(p.Kind == Provider && v.Text == p.ARN)
	case noPrincipal:
		return ByNone, condition.False
	}
	if !p.Signed() {
		return ByNone, condition.False
	}
	switch v.kind {
	case accountPrincipal:
		return ByAccount, condition.Is(v.account == p.Account && v.samePartition(p))
	case userPrincipal:
		if p.Kind == FederatedUser {
			return ByRole, condition.Is(p.Issuer != "" && v.Text == p.Issuer)
		}
		return ByDirect, condition.Is(p.Kind == User && v.Text == p.ARN)
	case federatedPrincipal:
		return ByDirect, condition.Is(p.Kind == FederatedUser && v.Text == p.ARN)
	case sessionPrincipal:
		if p.Kind == Role && v.account == p.Account && v.name == p.Name {
			return ByDirect, condition.Unknown // some session of that role
		}
		return ByDirect, condition.Is(p.Kind == RoleSession && v.Text == p.ARN)
	case rolePrincipal:
		return ByRole, v.role(p, c)
	case idPrincipal:
		return v.id(c)
	}
	// A canonical user ID names an account, but does not show which.
	return ByAccount, condition.Unknown
}

func (v *Pattern) samePartition(p *Principal) bool {
	if v.partition == "" {
		return true
	}
	rest, ok := strings.CutPrefix(p.ARN, "arn:")
	return ok && strings.HasPrefix(rest, v.partition+":")
}

// role compares with the caller's role. A session ARN does not show the role's
// path: aws:PrincipalArn does; without it the name decides, because an account
// has at most one role of a name.
func (v *Pattern) role(p *Principal, c *condition.Context) condition.Truth {
	switch {
	case p.Kind == Role:
		return condition.Is(v.Text == p.ARN)
	case p.Kind != RoleSession || v.account != p.Account || v.name != p.Name:
		return condition.False
	}
	if arn, ok := p.roleARN(c); ok {
		return condition.Is(v.Text == arn)
	}
	return condition.Is(v.samePartition(p))
}

// id compares a unique ID, into which AWS turns the ARN of a deleted user or role,
// with aws:userid.
func (v *Pattern) id(c *condition.Context) (Naming, condition.Truth) {
	how := ByDirect
	if strings.HasPrefix(v.Text, "AROA") {
		how = ByRole
	}
	ids, there := c.Values("aws:userid")
	if there != condition.True {
		return how, there
	}
	return how, condition.Is(ids[0] == v.Text || strings.HasPrefix(ids[0], v.Text+":"))
}

// Names judges the values of a Principal element: for each way of naming, whether
// one of them names the caller.
func Names(ps []Pattern, p *Principal, c *condition.Context) (by [Namings]condition.Truth) {
	for i := range ps {
		how, m := ps[i].match(p, c)
		by[how] = by[how].Or(m)
	}
	by[ByNone] = condition.False
	return by
}

// Exempts judges the values of a NotPrincipal element: the caller is exempt only if
// all of its chain is listed: the account, the role of a session, and itself. A
// caller with a permissions boundary is never exempt (IAM User Guide,
// "NotPrincipal").
func Exempts(ps []Pattern, p *Principal, c *condition.Context, bounded bool) condition.Truth {
	listed := Names(ps, p, c)
	all := listed[ByEveryone]
	if p.Signed() && p.Kind != Root && bounded {
		return condition.False
	}
	switch p.Kind {
	case AWSService, Provider:
		return all.Or(listed[ByDirect])
	case Root:
		return all.Or(listed[ByAccount])
	case User, FederatedUser:
		return all.Or(listed[ByDirect].And(listed[ByAccount]))
	case Role, RoleSession:
		return all.Or(listed[ByDirect].And(listed[ByRole]).And(listed[ByAccount]))
	}
	return all
}
