package iam

import "github.com/rootkeep/rootkeep/iam/principal"

// Principal is who makes a request. The zero Principal is Anonymous.
type Principal = principal.Principal

// PrincipalKind is what kind of caller makes a request.
type PrincipalKind = principal.Kind

// Kinds of caller.
const (
	Anonymous     = principal.Anonymous     // an unsigned request
	Root          = principal.Root          // the root user of an account, also with a session of sts:AssumeRoot
	User          = principal.User          // an IAM user
	Role          = principal.Role          // some session of a role, its name not known
	RoleSession   = principal.RoleSession   // arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
	FederatedUser = principal.FederatedUser // arn:aws:sts::ACCOUNT:federated-user/NAME
	AWSService    = principal.AWSService    // a service principal such as cloudtrail.amazonaws.com
	Provider      = principal.Provider      // a federated identity: SAML or OIDC provider, web identity
)

// ParsePrincipal reads a caller; see principal.Parse.
func ParsePrincipal(s string) (Principal, error) { return principal.Parse(s) }

// How a resource policy names the caller.
const (
	byDirect   = principal.ByDirect
	byRole     = principal.ByRole
	byAccount  = principal.ByAccount
	byEveryone = principal.ByEveryone
	namings    = principal.Namings
)

// names judges a Principal element: for each way of naming, whether it matches.
func (s *statement) names(p *Principal, c *Context) (by [namings]Truth) {
	switch s.principalMode {
	case missing:
		by[byEveryone] = True
	case plain:
		by = principal.Names(s.principals, p, c)
		if s.literal {
			by[byDirect] = by[byDirect].Or(by[byEveryone])
		}
	}
	return by
}

// exempts judges a NotPrincipal element.
func (s *statement) exempts(p *Principal, c *Context, bounded bool) Truth {
	return principal.Exempts(s.principals, p, c, bounded)
}
