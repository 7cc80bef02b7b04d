package permission

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/escalate/witness"
	"github.com/rootkeep/rootkeep/iam/policy"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// trust is what a role's trust policy says to callers whose own policies allow
// everything: nothing here limits those of other accounts.
type trust struct {
	role     *facts.Role
	own      rootkeep.AccountID // of the role
	policy   *iam.Policy
	set      *iam.Set // nil before it is asked for
	err      error
	everyone bool                // it names everyone
	outside  map[string][]caller // by account, those that it may let in; nil before it is asked for
	accounts []string            // of outside, sorted
	services []string            // that it trusts
}

// caller is somebody who asks for a session of a role.
type caller struct {
	principal iam.Principal
	context   map[string][]string
}

const (
	stranger = "000000000001" // an account that no trust policy names
	// foreign is an organization that no trust policy names.
	foreign = "o-rk0example"
)

func (a *Account) trustPolicy(r *facts.Role) *iam.Policy {
	if t := a.trustOf(r); t.err == nil {
		return t.policy
	}
	return iam.Unread(trustName(r), iam.Resource)
}

func trustName(r *facts.Role) string { return "trust policy of role " + r.Name }

func (a *Account) trustOf(r *facts.Role) *trust {
	t := a.trusts[r.ARN]
	if t != nil {
		return t
	}
	t = &trust{role: r, own: a.id}
	if arn, err := rootkeep.ParseARN(r.ARN); err == nil {
		t.own = arn.Account
	}
	a.trusts[r.ARN] = t
	name := trustName(r)
	d := a.document(name, r.Trust.Text)
	if t.policy, t.err = d.policy, d.err; t.err == nil && t.policy.Name != name {
		t.policy = t.policy.Named(name)
	}
	if t.err == nil {
		t.err = t.policy.Fits(iam.Resource)
	}
	return t
}

// everything is a policy that allows it.
var everything = sync.OnceValue(func() *iam.Policy {
	p, err := iam.Parse("everything", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		panic(err) // a constant
	}
	return p
})

// asked is the trust policy ready for questions, or the answer to all of them.
func (a *Account) asked(r *facts.Role) (*trust, Answer) {
	if gaps := a.lacks(r.ARN, []string{"roles.trust"}); len(gaps) > 0 {
		return nil, without(gaps)
	}
	t := a.trustOf(r)
	if t.err == nil && t.set == nil {
		t.set, t.err = iam.NewSet(iam.Policies{Identity: []*iam.Policy{everything()}, Resource: []*iam.Policy{t.policy}})
	}
	if t.err != nil {
		return nil, unreadable("trust of role "+r.Name, t.err)
	}
	if t.outside == nil {
		t.outside = t.callers()
		t.accounts, t.services = slices.Sorted(maps.Keys(t.outside)), trustedServices(t.policy)
	}
	return t, Answer{}
}

// may asks whether a caller gets a session, when what is given is known beside what
// follows from who it is.
func (t *trust) may(c *caller, given map[string][]string) (iam.Decision, *iam.Request) {
	values := maps.Clone(c.context)
	maps.Copy(values, given)
	r := &iam.Request{Action: "sts:AssumeRole", Resource: t.role.ARN, ResourceAccount: t.own, Principal: c.principal, Context: iam.PartialContext(values)}
	return t.set.Decide(r), r
}

func refused(d iam.Decision) bool { return d.Outcome != iam.Allowed && d.Outcome != iam.Conditional }

// callers are those of other accounts whom the policy names and may let in.
func (t *trust) callers() map[string][]caller {
	out := map[string][]caller{}
	names := witness.Trusted(t.policy)
	t.everyone = slices.Contains(names, "*")
	// Narrowed by account or ARN, everyone and every principal of an account are a few.
	names = slices.Concat(names, witness.ConditionValues(t.policy, "aws:principalaccount"), witness.ConditionValues(t.policy, "aws:principalarn"))
	for _, name := range names {
		c, ok := callerNamed(name)
		if !ok || c.principal.Account == t.own {
			continue
		}
		if d, _ := t.may(&c, nil); !refused(d) {
			id := string(c.principal.Account)
			out[id] = append(out[id], c)
		}
	}
	return out
}

// callerNamed is whom a value of Principal names: a principal, or anybody of an account.
// A unique ID is of a principal that is gone.
func callerNamed(name string) (caller, bool) {
	name = strings.TrimSpace(name)
	p, err := iam.ParsePrincipal(name)
	if err == nil && p.Signed() && p.Kind != iam.Root {
		return caller{p, absent(p.ContextKeys())}, true
	}
	id := name
	if arn, err := rootkeep.ParseARN(name); err == nil {
		id = string(arn.Account)
	}
	if _, err := rootkeep.ParseAccountID(id); err != nil || strings.Contains(name, "-provider/") {
		return caller{}, false
	}
	p = iam.Principal{Kind: iam.Role, ARN: "arn:" + partitionOf(name) + ":iam::" + id + ":role/rk0example", Account: rootkeep.AccountID(id), Name: "rk0example"}
	keys := p.ContextKeys()
	delete(keys, "aws:PrincipalArn") // some role or user of the account
	delete(keys, "aws:PrincipalType")
	return caller{p, absent(keys)}, true
}

// absent adds the keys that no caller of an account brings.
func absent(keys map[string][]string) map[string][]string {
	keys["aws:PrincipalServiceName"], keys["aws:PrincipalServiceNamesList"] = nil, nil
	return keys
}

// Outside lists the accounts other than the role's own whose principals it may let in.
// Who is let in for being anyone is not listed.
func (a *Account) Outside(r *facts.Role) ([]string, Answer) {
	t, answer := a.asked(r)
	if t == nil {
		return nil, answer
	}
	return t.accounts, answer
}

// Tied says whether principals of an account are let in only as members of an
// organization, which must be the account's own if that is known.
func (a *Account) Tied(r *facts.Role, account string) Answer {
	t, answer := a.asked(r)
	if t == nil {
		return answer
	}
	own := ""
	if len(a.lacks("", []string{"organization.id"})) == 0 {
		own = a.snapshot.Facts.Organization.ID
	}
	for _, c := range t.outside[account] {
		if d, _ := t.may(&c, organization(foreign)); !refused(d) {
			return Answer{Truth: iam.False, Why: one("lets in " + named(&c, account) + " of whatever organization")}
		}
		if d, _ := t.may(&c, map[string][]string{"aws:PrincipalOrgID": {own}}); own != "" && refused(d) {
			return Answer{Truth: iam.False, Why: one("lets in " + named(&c, account) + " as a member of another organization")}
		}
	}
	return Answer{Truth: iam.True}
}

// organization is what a request says of the caller's.
func organization(id string) map[string][]string {
	return map[string][]string{"aws:PrincipalOrgID": {id}, "aws:PrincipalOrgPaths": {id + "/r-rk00/"}}
}

func named(c *caller, account string) string {
	if c.principal.Name == "rk0example" {
		return "account " + account
	}
	return c.principal.ARN
}

// Bare says whether principals of an account that is in no organization of the role are
// let in without an external ID and without MFA. A service-linked role acts for AWS alone
// and is passed over.
func (a *Account) Bare(r *facts.Role, account string) Answer {
	t, answer := a.asked(r)
	if t == nil {
		return answer
	}
	given := organization(foreign)
	for _, key := range []string{"sts:ExternalId", "aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"} {
		given[key] = nil
	}
	out := Answer{Truth: iam.False}
	for _, c := range t.outside[account] {
		if strings.Contains(c.principal.ARN, ":role/aws-service-role/") {
			continue
		}
		switch d, r := t.may(&c, given); d.Outcome {
		case iam.Allowed:
			return Answer{Truth: iam.True, Why: one(statement(d.Statement) + " lets in " + named(&c, account) + " without external ID and MFA")}
		case iam.Conditional:
			out = Answer{Truth: iam.Unknown, Why: one("lets in " + named(&c, account) + " without external ID and MFA if " + t.set.Residual(r).String())}
		}
	}
	return out
}

// Anyone says whether a role lets in a principal of an account that nobody thought of.
// Such a principal chooses its own name.
func (a *Account) Anyone(r *facts.Role) Answer {
	t, answer := a.asked(r)
	switch {
	case t == nil:
		return answer
	case !t.everyone:
		return Answer{Truth: iam.False}
	}
	out := Answer{Truth: iam.False}
	arns := witness.ConditionValues(t.policy, "aws:principalarn")
	for _, kind := range []string{"role", "user"} {
		for _, w := range witness.Of("arn:"+partitionOf(r.ARN)+":iam::"+stranger+":"+kind+"/*", arns, "") {
			p, err := iam.ParsePrincipal(w.ARN)
			if err != nil {
				continue
			}
			c := caller{p, absent(p.ContextKeys())}
			switch d, r := t.may(&c, organization(foreign)); d.Outcome {
			case iam.Allowed:
				return Answer{Truth: iam.True, Why: one(statement(d.Statement) + " lets in anyone with an AWS account")}
			case iam.Conditional:
				out = Answer{Truth: iam.Unknown, Why: one("lets in anyone with an AWS account if " + t.set.Residual(r).String())}
			}
		}
	}
	return out
}

// Nameless says whether a role lets somebody in without a source identity, or under one
// that begins with none of the prefixes. A service never names one, and what an identity
// provider names is not known.
func (a *Account) Nameless(r *facts.Role, prefixes []string) Answer {
	t, answer := a.asked(r)
	if t == nil {
		return answer
	}
	out := Answer{Truth: iam.False}
	for _, service := range t.services {
		p := iam.Principal{Kind: iam.AWSService, ARN: service}
		c := caller{p, p.ContextKeys()}
		if d, _ := t.may(&c, map[string][]string{sourceIdentity: nil}); !refused(d) {
			return Answer{Truth: iam.True, Why: one("lets in " + service + ", which names no source identity")}
		}
	}
	names := slices.Concat(witness.Trusted(t.policy), witness.ConditionValues(t.policy, "aws:principalaccount"), witness.ConditionValues(t.policy, "aws:principalarn"))
	if t.everyone {
		names = append(names, string(t.own), stranger)
	}
	for _, name := range names {
		if name == "*" {
			continue // everyone, asked for by the names beside it
		}
		c, ok := callerNamed(name)
		if !ok {
			out = Answer{Truth: iam.Unknown, Why: one("whether " + name + " names a source identity is not known")}
			continue
		}
		for _, identity := range t.otherNames(prefixes) {
			if d, _ := t.may(&c, map[string][]string{sourceIdentity: identity}); !refused(d) {
				return Answer{Truth: iam.True, Why: one("lets in " + named(&c, string(c.principal.Account)) + " " + under(identity))}
			}
		}
	}
	return out
}

const sourceIdentity = "sts:SourceIdentity"

// otherNames are source identities that begin with none of the prefixes: none, one that
// nobody thought of, and those that the policy names.
func (t *trust) otherNames(prefixes []string) [][]string {
	out := [][]string{nil, {"rk0example"}}
	for _, v := range witness.ConditionValues(t.policy, strings.ToLower(sourceIdentity)) {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(v, p) }) {
			out = append(out, []string{strings.NewReplacer("*", "rk0example", "?", "x").Replace(v)})
		}
	}
	return out
}

// under says under which source identity somebody is let in.
func under(identity []string) string {
	if len(identity) == 0 {
		return "without a source identity"
	}
	return "under the source identity " + identity[0]
}

// Deputy says whether one of the services may take the role on behalf of another
// account's resource (IAM User Guide, "The confused deputy problem").
func (a *Account) Deputy(r *facts.Role, services []string) Answer {
	t, answer := a.asked(r)
	if t == nil {
		return answer
	}
	out := Answer{Truth: iam.False}
	arns := witness.ConditionValues(t.policy, "aws:sourcearn")
	for _, service := range t.services {
		if !slices.Contains(services, service) {
			continue
		}
		p := iam.Principal{Kind: iam.AWSService, ARN: service}
		c := caller{p, p.ContextKeys()}
		for _, w := range witness.Of("arn:"+partitionOf(r.ARN)+":*:*:"+stranger+":*", arns, "") {
			given := map[string][]string{"aws:SourceAccount": {stranger}, "aws:SourceArn": {w.In("us-east-1")}, "aws:SourceOrgID": {foreign}, "aws:SourceOrgPaths": {foreign + "/r-rk00/"}}
			switch d, r := t.may(&c, given); d.Outcome {
			case iam.Allowed:
				return Answer{Truth: iam.True, Why: one(statement(d.Statement) + " lets " + service + " act for a resource of any account")}
			case iam.Conditional:
				out = Answer{Truth: iam.Unknown, Why: one("lets " + service + " act for a resource of any account if " + t.set.Residual(r).String())}
			}
		}
	}
	return out
}

// trustedServices are the services that Allow statements name.
func trustedServices(p *iam.Policy) []string {
	var out []string
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		if s.Denies() || s.Principal == nil {
			continue
		}
		for _, e := range s.Principal.Entries {
			if e.Type.Value == policy.PrincipalService {
				out = append(out, e.Values.Values()...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Services lists the services whom a role trusts.
func (a *Account) Services(r *facts.Role) ([]string, Answer) {
	t, answer := a.asked(r)
	if t == nil {
		return nil, answer
	}
	return t.services, answer
}
