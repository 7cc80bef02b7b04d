// Package matrix says who can do what in one account: the principals of an account,
// the guardrails around it and the policies of some of its resources go in; out
// come, for every known action, the callers that are allowed or allowed only if
// some condition holds, on one resource or on any.
//
// On one resource every answer is that of iam.Set.Decide; most are found for 64
// actions at a time by iam.Sweep. Without a resource, the policies' own patterns
// split the resources of each type into classes, one made-up resource stands for
// each class, and that one is decided exactly; see Reach for what this claims.
package matrix

import (
	"cmp"
	"fmt"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
)

// Input is what questions are asked of.
type Input struct {
	Account    *account.Account
	Guardrails account.Guardrails
	// Resources are the policies of resources by ARN. A bucket's policy is that of
	// its objects, too. Trust policies of the account's roles are there already.
	Resources map[string][]*iam.Policy
	Context   map[string][]string // of every request, as in account.Identity.Context
	// Owner has the resources whose ARN does not say an account, such as buckets. If
	// it is empty, Account has.
	Owner rootkeep.AccountID
}

// Matrix is an Input made ready. It may be used by many goroutines.
type Matrix struct {
	in        Input
	catalog   *catalog
	partition string
	guard     *iam.Set
	callers   []*Caller
	resources map[string]*iam.Set // by ARN
	trust     map[string]*trust   // by ARN of the role
	unread    *iam.Set            // a resource's policy that exists, but is not given
	keys      *iam.Set            // the policy of any KMS key that is not given
	outer     *iam.Set            // what limits a caller from outside: RCPs and policies that are not known
	answers   sync.Pool           // *iam.Answers
	patterns  patterns
	roles     []*trust // of Account.Roles
}

// trust is a role as a resource.
type trust struct {
	*piece
	policies []*iam.Policy
	set      *iam.Set
}

// Caller is a principal of the account with its own policies.
type Caller struct {
	Principal iam.Principal
	context   iam.Context
	policies  iam.Policies
	set       *iam.Set // guardrails and own policies
}

// New compiles the policies. The error names one that cannot be where it is.
func New(in Input) (*Matrix, error) { return build(in, nil) }

// With is New for another Input. What New reads of iam/metadata and of policies that
// both have is shared if the account is the same.
func (m *Matrix) With(in Input) (*Matrix, error) { return build(in, m.catalog) }

func build(in Input, known *catalog) (*Matrix, error) {
	m := &Matrix{in: in, catalog: known, partition: "aws", resources: map[string]*iam.Set{}, trust: map[string]*trust{}}
	for _, i := range in.Account.Identities() {
		if a, err := rootkeep.ParseARN(i.Principal.ARN); err == nil {
			m.partition = a.Partition
			break
		}
	}
	if known == nil || known.account != in.Account.ID || known.partition != m.partition {
		m.catalog = newCatalog(in.Account.ID, m.partition)
	}
	var err error
	if m.guard, err = iam.NewSet(iam.Policies{SCPs: in.Guardrails.SCPs, RCPs: in.Guardrails.RCPs}); err != nil {
		return nil, err
	}
	silent := []*iam.Policy{iam.Unread("of the resource", iam.Resource)}
	if m.unread, err = iam.NewSet(iam.Policies{Resource: silent}); err != nil {
		return nil, err
	}
	usual := []*iam.Policy{iam.UnreadFor("of the key", in.Account.ID)}
	if m.keys, err = iam.NewSet(iam.Policies{Resource: usual}); err != nil {
		return nil, err
	}
	own := []*iam.Policy{iam.Unread("of the caller in its own account", iam.Identity)}
	if m.outer, err = iam.NewSet(iam.Policies{RCPs: in.Guardrails.RCPs, Identity: own}); err != nil {
		return nil, err
	}
	m.answers.New = func() any { return m.catalog.NewAnswers() }
	for arn, policies := range in.Resources {
		if m.resources[arn], err = iam.NewSet(iam.Policies{Resource: policies}); err != nil {
			return nil, fmt.Errorf("policy of %s: %w", arn, err)
		}
	}
	for _, r := range in.Account.Roles {
		if err := m.addRole(r); err != nil {
			return nil, err
		}
	}
	if err := m.addCallers(); err != nil {
		return nil, err
	}
	m.patterns.gather(m)
	return m, nil
}

func (m *Matrix) addRole(r *account.Identity) error {
	name := r.Principal.ARN
	arn, _ := regionOf(name, false, &iam.Context{})
	t := &trust{piece: &piece{region: arn, text: name, witness: name, sound: true}, policies: m.in.Resources[name]}
	if t.policies == nil && r.Trust != nil {
		t.policies = []*iam.Policy{r.Trust}
	}
	var err error
	if t.set, err = iam.NewSet(iam.Policies{Resource: t.policies}); err != nil {
		return fmt.Errorf("trust policy of %s: %w", name, err)
	}
	m.trust[name] = t
	m.roles = append(m.roles, t)
	return nil
}

func (m *Matrix) addCallers() error {
	if root, err := iam.ParsePrincipal("arn:" + m.partition + ":iam::" + string(m.in.Account.ID) + ":root"); err == nil {
		i := account.Identity{Principal: root}
		if err := m.addCaller(&i); err != nil {
			return err
		}
	}
	for _, i := range m.in.Account.Identities() {
		if err := m.addCaller(i); err != nil {
			return err
		}
	}
	return nil
}

func (m *Matrix) addCaller(i *account.Identity) error {
	c := &Caller{Principal: i.Principal, context: i.Context(m.in.Guardrails, m.in.Context), policies: i.Policies(account.Guardrails{})}
	own, err := iam.NewSet(c.policies)
	if err != nil {
		return fmt.Errorf("policies of %s: %w", i.Principal.ARN, err)
	}
	if c.set, err = iam.Join(m.guard, own); err != nil {
		return fmt.Errorf("policies of %s: %w", i.Principal.ARN, err)
	}
	m.callers = append(m.callers, c)
	return nil
}

// Callers are the root user, the users and the roles of the account.
func (m *Matrix) Callers() []*Caller { return m.callers }

// Actions are the known actions by number.
func (m *Matrix) Actions() *iam.Actions { return m.catalog.Actions }

// On decides every known action on one resource for a caller, 64 actions at a time.
// Actions that take no resource are decided as they are; of the others the answer
// means something only where the resource is of a type that the action takes. A role
// is refused: its trust policy is for actions of sts alone.
func (m *Matrix) On(c *Caller, resource string) (*iam.Answers, error) {
	arn, err := rootkeep.ParseARN(resource)
	if err != nil {
		return nil, err
	}
	if arn.Service == "iam" && strings.HasPrefix(arn.Resource, "role/") {
		return nil, fmt.Errorf("%s: a role is asked about with WhoCan or Reach", resource)
	}
	set, err := c.with(m.policyOf(arn.Service, resource))
	if err != nil {
		return nil, err
	}
	r, out := m.request(c), m.catalog.NewAnswers()
	set.Sweep(m.catalog.Actions, m.catalog.All(), &r).Decide(resource, m.owner(resource), m.catalog.All(), out)
	return out, nil
}

// request is a caller's request without action and resource.
func (m *Matrix) request(c *Caller) iam.Request {
	return iam.Request{Principal: c.Principal, Context: c.context, Facts: m.in.Guardrails.Facts()}
}

// owner is the account of a resource, if its ARN does not say another.
func (m *Matrix) owner(arn string) rootkeep.AccountID {
	if a, err := rootkeep.ParseARN(arn); err == nil && a.Account != "" {
		return "" // as the ARN says
	}
	if arn != "*" && m.in.Owner != "" {
		return m.in.Owner
	}
	return m.in.Account.ID
}

// policyOf is the compiled policy of a resource as actions of a service see it, nil
// if it has none that is known. A role's trust policy is about actions of sts. Keys,
// roles and resources of other accounts are never without a policy: one that is not
// given may say anything.
func (m *Matrix) policyOf(service, arn string) *iam.Set {
	a, err := rootkeep.ParseARN(arn)
	if err != nil {
		return nil
	}
	role := a.Service == "iam" && strings.HasPrefix(a.Resource, "role/")
	if role && service != "sts" {
		return nil
	}
	if t := m.trust[arn]; t != nil {
		return t.set
	}
	if s := m.resources[m.holder(a, arn)]; s != nil {
		return s
	}
	owner := cmp.Or(a.Account, m.owner(arn))
	foreign := owner != m.in.Account.ID && owner != "aws"
	if role || foreign || a.Service == "kms" && strings.HasPrefix(a.Resource, "key/") {
		return m.unread
	}
	return nil
}

// holder is the resource that carries the policy: for an object its bucket, unless
// there is a policy under its own name.
func (m *Matrix) holder(a rootkeep.ARN, arn string) string {
	if bucket, _, object := strings.Cut(arn, "/"); a.Service == "s3" && object && m.resources[arn] == nil {
		return bucket
	}
	return arn
}

// policiesOf are the policies that policyOf has compiled; none if it is not known.
func (m *Matrix) policiesOf(service, arn string) []*iam.Policy {
	a, err := rootkeep.ParseARN(arn)
	if s := m.policyOf(service, arn); err != nil || s == nil || s == m.unread {
		return nil
	}
	if t := m.trust[arn]; t != nil {
		return t.policies
	}
	return m.in.Resources[m.holder(a, arn)]
}

// with is the caller's policies with those of a resource, of which nil has none.
func (c *Caller) with(resource *iam.Set) (*iam.Set, error) {
	if resource == nil {
		return c.set, nil
	}
	return iam.Join(c.set, resource)
}

// Assumptions tells, for a person, what answers about a resource take for given.
func (m *Matrix) Assumptions(arn string) []string {
	a, err := rootkeep.ParseARN(arn)
	if err != nil {
		return nil
	}
	var out []string
	if a.Account == "" && m.in.Owner == "" {
		out = append(out, fmt.Sprintf("%s belongs to account %s", arn, m.owner(arn)))
	}
	switch s := m.policyOf(a.Service, arn); {
	case s == m.unread:
		out = append(out, "the policy of "+arn+" is not given: it may allow or deny anything")
	case s == nil && a.Service != "iam":
		out = append(out, arn+" has no policy of its own: none is given")
	}
	return out
}
