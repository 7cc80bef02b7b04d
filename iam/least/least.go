// Package least proposes the policies that a principal needs. CloudTrail records of
// its calls and its current policies go in; a Proposal comes out: policies that allow
// every call that was seen and nothing that the current policies do not allow, a
// replay of the calls against them, and what the principal no longer may.
//
//	table, err := event.ReadTable(content.Files, "eventactions")
//	log := least.NewLog(least.Setting{Finder: event.NewFinder(table, event.Surroundings{})})
//	call, err := event.ReadCall(record)   // for each record of the subject
//	log.Add(call)
//	proposal, err := least.Propose(least.Input{Log: log, ...})
//
// Nothing is granted by the name of an action alone: each statement of a proposal is
// an Allow statement of a current policy, narrowed to actions and resources that were
// seen, with its conditions; every Deny is kept. So a proposal cannot allow more than
// today's policies do, whatever the log says, and a forged log can only make it allow
// less or keep what is there.
//
// Source: CloudTrail User Guide, "CloudTrail record contents"; IAM User Guide, "Policy
// evaluation logic", "Granting a user permissions to pass a role to an AWS service",
// "IAM and AWS STS quotas".
package least

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
)

// Subject is the principal of whom a log is read.
type Subject struct {
	Kind    iam.PrincipalKind  // iam.User, iam.Role, iam.RoleSession or iam.FederatedUser
	ARN     string             // "" if only kind and name are known
	Account rootkeep.AccountID // "" if only kind and name are known
	Name    string             // without path
}

// ParseSubject reads an ARN of a user, role, role session or federated user, or
// user/NAME or role/NAME for one of any account.
func ParseSubject(s string) (Subject, error) {
	kind, name, _ := strings.Cut(s, "/")
	if name = name[strings.LastIndexByte(name, '/')+1:]; name != "" {
		switch kind {
		case "user":
			return Subject{Kind: iam.User, Name: name}, nil
		case "role":
			return Subject{Kind: iam.Role, Name: name}, nil
		}
	}
	p, err := iam.ParsePrincipal(s)
	if err != nil {
		return Subject{}, fmt.Errorf("%w; or user/NAME or role/NAME", err)
	}
	switch p.Kind {
	case iam.User, iam.Role, iam.RoleSession, iam.FederatedUser:
		return Subject{Kind: p.Kind, ARN: s, Account: p.Account, Name: p.Name}, nil
	}
	return Subject{}, fmt.Errorf("principal %s has no policies of its own: want a user, a role or a session of one", s)
}

// Principal is the one whose policies the subject has: the user, or the role of a
// session, with the path "/" if the session's ARN is all that is known. Without an ARN
// it is an error.
func (s Subject) Principal() (iam.Principal, error) {
	if s.Kind != iam.RoleSession {
		return iam.ParsePrincipal(s.ARN)
	}
	a, err := rootkeep.ParseARN(s.ARN)
	if err != nil {
		return iam.Principal{}, err
	}
	return iam.ParsePrincipal(rootkeep.ARN{Partition: a.Partition, Service: "iam", Account: a.Account, Resource: "role/" + s.Name}.String())
}

// Owner says whether an identity is the one whose policies the subject has: the user,
// or the role of a session.
func (s Subject) Owner(p iam.Principal) bool {
	if s.Account != "" && p.Account != s.Account || p.Name != s.Name {
		return false
	}
	switch s.Kind {
	case iam.User:
		return p.Kind == iam.User && (s.ARN == "" || s.ARN == p.ARN)
	case iam.Role:
		return p.Kind == iam.Role && (s.ARN == "" || s.ARN == p.ARN)
	case iam.RoleSession:
		return p.Kind == iam.Role
	}
	return false
}

// Matches says whether a record with these fields of userIdentity is a call of the
// subject: of the user or its federated sessions, of a session of the role. The issuer
// is sessionContext.sessionIssuer.arn.
func (s Subject) Matches(identityType, arn, issuer string) bool {
	switch s.Kind {
	case iam.RoleSession, iam.FederatedUser:
		return arn == s.ARN
	case iam.User:
		return identityType == "IAMUser" && s.names(arn, "user") || identityType == "FederatedUser" && s.names(issuer, "user")
	case iam.Role:
		if identityType != "AssumedRole" {
			return false
		}
		if issuer != "" {
			return s.names(issuer, "role")
		}
		p, err := iam.ParsePrincipal(arn)
		return err == nil && p.Kind == iam.RoleSession && p.Name == s.Name && (s.Account == "" || s.Account == p.Account)
	}
	return false
}

// names says whether an ARN of that kind is the subject's.
func (s Subject) names(arn, kind string) bool {
	if s.ARN != "" {
		return arn == s.ARN
	}
	a, err := rootkeep.ParseARN(arn)
	if err != nil || a.Service != "iam" {
		return false
	}
	path, ok := strings.CutPrefix(a.Resource, kind+"/")
	return ok && path[strings.LastIndexByte(path, '/')+1:] == s.Name
}

// String is what the user wrote, as far as it is known.
func (s Subject) String() string {
	if s.ARN != "" {
		return s.ARN
	}
	return s.Kind.String() + "/" + s.Name
}

// Scope says how far resources are narrowed.
type Scope string

// Scopes. Exact takes the resources as they were named; Pattern replaces what changes
// from call to call, such as dates and IDs; Any leaves them as the current policies
// have them.
const (
	Exact   Scope = "exact"
	Pattern Scope = "pattern"
	Any     Scope = "any"
)

// Scopes lists them.
func Scopes() []string { return []string{string(Exact), string(Pattern), string(Any)} }

// Base is what a proposal holds beside what was seen.
type Base string

// Bases.
const (
	NoBase   Base = "none"
	ReadOnly Base = "read-only" // Read and List actions of the services used, without risky ones
)

// Bases lists them.
func Bases() []string { return []string{string(NoBase), string(ReadOnly)} }

// sorted are the keys of a set in order.
func sorted[K interface{ ~string }, V any](m map[K]V) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
