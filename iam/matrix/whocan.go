package matrix

import (
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/action"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Grant is one caller's right to one action on one resource.
type Grant struct {
	Caller   string // ARN, or a value of the resource policy's Principal for one from outside
	Kind     iam.PrincipalKind
	Outside  bool // not a principal of the account's details
	Action   string
	Resource string
	Decision iam.Decision // allowed or conditional
	OnlyIf   *iam.Expr    // of a conditional one
}

// Holders are those who can do some actions on a resource.
type Holders struct {
	Grants []Grant // by action, then by caller as in Matrix.Callers, outsiders last
	Denied int     // pairs of a caller of the account and an action that are denied
	// Elsewhere are actions that do not work on such a resource: nobody is asked.
	Elsewhere []string
}

// Expand lists the actions that a name or pattern such as s3:Delete* stands for. A
// name that iam/metadata lacks, which may be newer, stands for itself; a pattern
// that covers no known action gives none.
func Expand(name string) []string {
	var out []string
	for _, a := range metadata.MatchActions(name) {
		out = append(out, a.String())
	}
	if p := action.Parse(name); len(out) == 0 && !p.Never && p.Service.Literal && p.Name.Literal {
		out = append(out, name)
	}
	return out
}

// WhoCan lists who can do some of the actions on one resource, "*" for actions that
// have no resource. Callers that the resource's policy names and that are not in the
// account's details are asked, too: what their own policies say is not known.
func (m *Matrix) WhoCan(actions []string, resource string) (*Holders, error) {
	h := &Holders{}
	byService := map[string][]string{}
	var services []string
	for _, name := range actions {
		if !m.applies(name, resource) {
			h.Elsewhere = append(h.Elsewhere, name)
			continue
		}
		service, _, _ := strings.Cut(strings.ToLower(name), ":")
		if byService[service] == nil {
			services = append(services, service)
		}
		byService[service] = append(byService[service], name)
	}
	for _, service := range services {
		if err := m.holders(h, service, byService[service], resource); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// applies says whether an action may work on a resource. Of one that is not known
// nothing is known.
func (m *Matrix) applies(name, resource string) bool {
	prefix, rest, _ := strings.Cut(name, ":")
	a, ok := metadata.FindAction(prefix, rest)
	if !ok {
		return true
	}
	if len(a.Resources) == 0 || resource == "*" {
		return len(a.Resources) == 0 && resource == "*"
	}
	for _, k := range m.catalog.about(resource) {
		if k.service.prefix == a.Service && slices.ContainsFunc(a.Resources, func(r metadata.ActionResource) bool { return r.Type == k.name }) {
			return true
		}
	}
	return false
}

// holders asks everybody about actions of one service.
func (m *Matrix) holders(h *Holders, service string, actions []string, resource string) error {
	first := len(h.Grants)
	policy, owner := m.policyOf(service, resource), m.owner(resource)
	for _, c := range m.callers {
		set, err := c.with(policy)
		if err != nil {
			return err
		}
		r := m.request(c)
		r.Resource, r.ResourceAccount = resource, owner
		asked := m.possible(set, &r, actions)
		h.Denied += len(actions) - len(asked)
		for _, name := range asked {
			if g, ok := grant(set, &r, name); ok {
				g.Caller = c.Principal.ARN
				h.Grants = append(h.Grants, g)
			} else {
				h.Denied++
			}
		}
	}
	outside, err := m.askOutsiders(service, actions, resource)
	if err != nil {
		return err
	}
	h.Grants = append(h.Grants, outside...)
	order := map[string]int{}
	for i, name := range actions {
		order[name] = i
	}
	slices.SortStableFunc(h.Grants[first:], func(a, b Grant) int { return order[a.Action] - order[b.Action] })
	return nil
}

// askOutsiders asks those whom the resource's policy names beside the account's own.
func (m *Matrix) askOutsiders(service string, actions []string, resource string) (out []Grant, err error) {
	for _, o := range m.outsiders(service, resource) {
		set, err := iam.Join(m.outer, m.policyOf(service, resource))
		if err != nil {
			return nil, err
		}
		r := iam.Request{Principal: o.principal, Context: o.context(m), Facts: m.in.Guardrails.Facts(), Resource: resource, ResourceAccount: m.owner(resource)}
		for _, name := range actions {
			if g, ok := grant(set, &r, name); ok && o.meant(set.Explain(&r, iam.Matching)) {
				g.Caller, g.Outside = o.name, true
				out = append(out, g)
			}
		}
	}
	return out, nil
}

// Outsiders lists who may do an action though the account's details do not have
// them, on every role of the account and every resource whose policy is given.
// Within is a pattern of ARNs that narrows these, or "".
func (m *Matrix) Outsiders(name, within string) (out []Grant, err error) {
	only, narrow := regionOf(within, false, &iam.Context{})
	service, _, _ := strings.Cut(strings.ToLower(name), ":")
	known := slices.Sorted(maps.Keys(m.resources))
	for _, r := range m.roles {
		known = append(known, r.text)
	}
	for _, arn := range known {
		bucket := m.isBucket(arn)
		for _, resource := range []string{arn, arn + "/" + m.patterns.probe} {
			if resource != arn && !bucket || !m.applies(name, resource) {
				continue
			}
			text := strings.Replace(resource, arn+"/"+m.patterns.probe, arn+"/*", 1)
			if r, _ := regionOf(text, false, &iam.Context{}); narrow {
				if both, all := only.meet(&r); len(both) == 0 && all {
					continue
				}
			}
			grants, err := m.askOutsiders(service, []string{name}, resource)
			if err != nil {
				return nil, err
			}
			for _, g := range grants {
				g.Resource = text
				out = append(out, g)
			}
		}
	}
	return out, nil
}

// possible leaves out known actions that are denied, all at once.
func (m *Matrix) possible(set *iam.Set, r *iam.Request, actions []string) []string {
	var span action.Span
	numbers := make([]int, len(actions))
	known := false
	for k, name := range actions {
		i, ok := m.catalog.Find(name)
		if numbers[k] = i; !ok {
			numbers[k] = -1
			continue
		}
		if !known {
			span = action.Span{From: i, To: i + 1}
		}
		known = true
		span.From, span.To = min(span.From, i), max(span.To, i+1)
	}
	answers := m.answers.Get().(*iam.Answers)
	defer m.answers.Put(answers)
	if known {
		set.Sweep(m.catalog.Actions, span, r).Decide(r.Resource, r.ResourceAccount, span, answers)
	}
	var out []string
	for k, name := range actions {
		if numbers[k] < 0 || answers.Of(numbers[k]) != iam.False {
			out = append(out, name)
		}
	}
	return out
}

// grant decides one action; it says false for a denied one.
func grant(set *iam.Set, r *iam.Request, name string) (Grant, bool) {
	r.Action = name
	g := Grant{Kind: r.Principal.Kind, Action: name, Resource: r.Resource, Decision: set.Decide(r)}
	switch g.Decision.Outcome {
	case iam.Allowed:
		return g, true
	case iam.Conditional:
		e := set.Residual(r)
		g.OnlyIf = &e
		return g, true
	}
	return g, false
}

// outsider is a caller that a resource policy names.
type outsider struct {
	name      string
	principal iam.Principal
	by        []iam.Ref // the statements that name it
}

// meant says whether a statement that names the outsider has a part in a decision.
// Others may seem to cover it: what a canonical user ID stands for is not known.
func (o *outsider) meant(x *iam.Explanation) bool {
	for _, l := range x.Layers {
		for _, st := range l.Statements {
			if st.Match != iam.False && slices.Contains(o.by, st.Ref) {
				return true
			}
		}
	}
	return false
}

// anyAccount stands for an account of which nothing is known but that it is another.
func (m *Matrix) anyAccount() rootkeep.AccountID {
	if m.in.Account.ID == "000000000000" {
		return "000000000001"
	}
	return "000000000000"
}

// stranger stands for every principal of an account.
func (m *Matrix) stranger(account rootkeep.AccountID) iam.Principal {
	name := m.patterns.probe
	return iam.Principal{Kind: iam.Role, ARN: "arn:" + m.partition + ":iam::" + string(account) + ":role/" + name, Account: account, Name: name}
}

// context is what is known of every request of an outsider.
func (o *outsider) context(m *Matrix) iam.Context {
	values := o.principal.ContextKeys()
	if o.principal.Name == m.patterns.probe { // a stranger
		values = map[string][]string{"aws:PrincipalAccount": {string(o.principal.Account)}, "aws:PrincipalIsAWSService": {"false"}}
	}
	if o.principal.Account == m.anyAccount() {
		delete(values, "aws:PrincipalAccount")
	}
	for k, v := range m.in.Context {
		values[k] = v
	}
	return iam.PartialContext(values)
}

// outsiders are those whom the Allow statements of a resource's policy name and who
// are not in the account's details.
func (m *Matrix) outsiders(service, resource string) (out []outsider) {
	known := map[string]bool{string(m.in.Account.ID): true}
	for _, c := range m.callers {
		known[c.Principal.ARN] = true
	}
	for _, p := range m.policiesOf(service, resource) {
		for i := range p.Document.Statements {
			st := &p.Document.Statements[i]
			if st.Denies() || st.Principal == nil {
				continue
			}
			m.named(st.Principal, service, func(name string, who iam.Principal) {
				at := slices.IndexFunc(out, func(o outsider) bool { return o.name == name })
				if at < 0 && !known[name] {
					at = len(out)
					out = append(out, outsider{name: name, principal: who})
				}
				if at >= 0 {
					out[at].by = append(out[at].by, iam.Ref{Policy: p, Index: i})
				}
			})
		}
	}
	return out
}

// named calls add for every caller that a Principal element names.
func (m *Matrix) named(p *policy.Principal, service string, add func(string, iam.Principal)) {
	everyone := func() {
		if service != "sts" { // which answers signed requests only
			add("anyone without credentials", iam.Principal{Kind: iam.Anonymous, ARN: "*"})
		}
		add("any principal of another account", m.stranger(m.anyAccount()))
	}
	if p.Anyone {
		everyone()
		return
	}
	for _, e := range p.Entries {
		for _, text := range e.Values.Values() {
			switch e.Type.Value {
			case policy.PrincipalService:
				add(text, iam.Principal{Kind: iam.AWSService, ARN: text})
			case policy.PrincipalFederated:
				add(text, iam.Principal{Kind: iam.Provider, ARN: text})
			case policy.PrincipalCanonical:
				add("canonical user "+text, m.stranger(m.anyAccount()))
			default:
				m.namedAWS(text, everyone, add)
			}
		}
	}
}

func (m *Matrix) namedAWS(text string, everyone func(), add func(string, iam.Principal)) {
	if text == "*" {
		everyone()
		return
	}
	account, err := rootkeep.ParseAccountID(text)
	p, bad := iam.ParsePrincipal(text)
	switch {
	case err == nil:
		add(text, m.stranger(account))
	case bad != nil: // a unique ID, of which AWS has deleted the owner
	case p.Kind == iam.Root:
		add(text, m.stranger(p.Account))
	default:
		add(text, p)
	}
}
