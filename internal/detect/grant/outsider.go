package grant

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// scope says which callers count as outsiders.
type scope bool

const (
	strangersOnly scope = false // anybody: a caller that the document does not name
	named         scope = true  // and whoever is named of other accounts
)

// maxCallers bounds the outsiders that are asked for.
const maxCallers = 200

// outsider is a caller of another account, or of none, with what is known of its
// calls.
type outsider struct {
	who     string // for the finding
	caller  iam.Principal
	context iam.Context
}

// openness answers questions about a trust or resource policy: whom does it admit?
type openness struct {
	*probe
	set *iam.Set
	// canonical is the document with its CanonicalUser principals, which set lacks:
	// such an ID shows no account. Nil if there are none.
	canonical *iam.Set
	questions []question
}

// question is a call on the resource.
type question struct{ action, resource string }

// outsiders says whether a policy admits callers of other accounts. A named one that
// is admitted only under a condition is bad, and the condition is said; anybody is
// admitted if a caller of no organization, from a public address, gets in.
func outsiders(p *probe, s scope) (Judgement, error) {
	o, err := newOpenness(p)
	if err != nil {
		return Judgement{}, err
	}
	var callers []outsider
	if o.namesEverybody() {
		callers = o.strangers()
	}
	if s == named {
		others, unreadable := o.others()
		if unreadable != "" {
			return Judgement{true, cut(fmt.Sprintf("principal %q is of no form that AWS knows and is taken as bad", unreadable))}, nil
		}
		callers = append(callers, others...)
	}
	var hits []hit
	for _, c := range callers {
		h, ok := o.admits(c, o.set)
		if !ok {
			continue
		}
		// One who comes by several ways is reported by the widest.
		i := slices.IndexFunc(hits, func(old hit) bool { return old.who == h.who })
		switch {
		case i < 0:
			hits = append(hits, h)
		case h.decision.Outcome > hits[i].decision.Outcome:
			hits[i] = h
		}
	}
	if len(hits) == 0 && s == named && o.canonical != nil {
		unknown := o.someoneOf(o.stranger, o.Partition)
		unknown.who = "a canonical user, whose account cannot be told"
		if h, ok := o.admits(unknown, o.canonical); ok {
			hits = append(hits, h)
		}
	}
	return Judgement{len(hits) > 0, o.sayAll(hits)}, nil
}

// sayAll names the first few outsiders and counts the others.
func (o *openness) sayAll(hits []hit) string {
	const shown = 3
	var said []string
	for i, h := range hits {
		if i == shown {
			said = append(said, fmt.Sprintf("and %d more outsiders", len(hits)-shown))
			break
		}
		said = append(said, o.say(h))
	}
	return strings.Join(said, "; ")
}

func newOpenness(p *probe) (*openness, error) {
	o := &openness{probe: p}
	// An outsider's own account allows it everything.
	all, err := iam.Parse("own", []byte(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		return nil, err
	}
	open := func(doc *policy.Document) (*iam.Set, error) {
		compiled, err := iam.CompileAs("policy", doc, iam.Literal)
		if err != nil {
			return nil, err
		}
		return iam.NewSet(iam.Policies{Identity: []*iam.Policy{all}, Resource: []*iam.Policy{compiled}})
	}
	plain, canonical := withoutCanonical(everybodyBut(p.doc))
	if o.set, err = open(plain); err != nil {
		return nil, err
	}
	if canonical {
		if o.canonical, err = open(everybodyBut(p.doc)); err != nil {
			return nil, err
		}
	}
	o.questions = o.ask()
	return o, nil
}

// everybodyBut is the document with "everybody" in place of an Allow's NotPrincipal.
// The evaluator lets such a statement grant nothing, the safe answer where AWS
// supports it no more; whoever writes one means everybody else.
func everybodyBut(doc *policy.Document) *policy.Document {
	out := *doc
	out.Statements = slices.Clone(doc.Statements)
	for i := range out.Statements {
		if s := &out.Statements[i]; s.NotPrincipal != nil && !s.Denies() {
			s.Principal, s.NotPrincipal = &policy.Principal{Span: s.NotPrincipal.Span, Anyone: true}, nil
		}
	}
	return &out
}

// withoutCanonical takes CanonicalUser principals out and says whether there were any.
func withoutCanonical(doc *policy.Document) (*policy.Document, bool) {
	out, found := *doc, false
	out.Statements = slices.Clone(doc.Statements)
	for i := range out.Statements {
		s := &out.Statements[i]
		if s.Principal == nil || s.Denies() {
			continue
		}
		isCanonical := func(e policy.PrincipalEntry) bool { return e.Type.Value == policy.PrincipalCanonical }
		if slices.ContainsFunc(s.Principal.Entries, isCanonical) {
			found = true
			copied := *s.Principal
			copied.Entries = slices.DeleteFunc(slices.Clone(copied.Entries), isCanonical)
			s.Principal = &copied
		}
	}
	return &out, found
}

// admits looks for a call that the outsider may make; one without a condition if
// there is any.
func (o *openness) admits(c outsider, set *iam.Set) (hit, bool) {
	best := hit{}
	for _, q := range o.questions {
		if c.caller.Kind == iam.Provider {
			q.action = "sts:AssumeRoleWithWebIdentity"
			if strings.Contains(c.caller.ARN, ":saml-provider/") {
				q.action = "sts:AssumeRoleWithSAML"
			}
		}
		h := hit{set: set, request: iam.Request{
			Action: q.action, Resource: q.resource, ResourceAccount: o.Account, Principal: c.caller, Context: c.context,
		}}
		h.decision = o.probe.ask(set, &h.request)
		if best.set == nil || h.decision.Outcome > best.decision.Outcome {
			best = h
		}
		if best.decision.Outcome == iam.Allowed {
			break
		}
	}
	best.who, best.what = c.who, best.request.Action+" to "+c.who
	return best, granted(best.decision)
}

// namesEverybody says whether an Allow names everybody, or everybody but some.
func (o *openness) namesEverybody() bool {
	return slices.ContainsFunc(o.doc.Statements, func(s policy.Statement) bool {
		if s.Denies() || s.Principal == nil {
			return !s.Denies()
		}
		return s.Principal.Anyone || slices.ContainsFunc(s.Principal.Entries, func(e policy.PrincipalEntry) bool {
			return slices.Contains(e.Values.Values(), "*")
		})
	})
}

// strangers are callers that the document does not name and whose organization,
// network and account it cannot know: unsigned, and of some other account; over the
// internet and through a VPC endpoint of their own. What they may choose, such as
// MFA or a header, is not known.
func (o *openness) strangers() []outsider {
	var out []outsider
	account := string(o.stranger)
	user := o.user(o.stranger, o.Partition)
	signed, _ := iam.ParsePrincipal(user)
	anonymous, _ := iam.ParsePrincipal("*")
	for _, c := range []struct {
		who    string
		caller iam.Principal
		keys   map[string][]string
	}{
		{"anybody", anonymous, map[string][]string{
			"aws:PrincipalAccount": nil, "aws:PrincipalArn": nil, "aws:PrincipalOrgID": nil, "aws:PrincipalOrgPaths": nil,
			"aws:PrincipalType": {"Anonymous"}, "aws:userid": {"anonymous"}, "aws:username": nil,
		}},
		{"any AWS account", signed, map[string][]string{
			"aws:PrincipalAccount": {account}, "aws:PrincipalArn": {user}, "aws:PrincipalOrgID": {"o-" + o.name},
			"aws:PrincipalOrgPaths": {"o-" + o.name + "/r-" + o.name[:4] + "/"}, "aws:PrincipalType": {"User"},
			"aws:userid": {"AIDA" + strings.ToUpper(o.name)}, "aws:username": {o.name},
		}},
	} {
		for _, network := range o.networks() {
			keys := map[string][]string{
				"aws:PrincipalIsAWSService": {"false"}, "aws:SecureTransport": {"true"}, "aws:SourceAccount": nil, "aws:SourceArn": nil,
				"aws:SourceOrgID": nil, "aws:SourceOrgPaths": nil, "aws:ResourceAccount": {string(o.Account)},
			}
			for _, more := range []map[string][]string{c.keys, network} {
				for k, v := range more {
					keys[k] = v
				}
			}
			out = append(out, outsider{c.who, c.caller, iam.PartialContext(keys)})
		}
	}
	return out
}

// networks are where a stranger's call may come from.
func (o *openness) networks() []map[string][]string {
	addresses := []string{o.address.String()}
	o.conditionValues("aws:SourceIp", func(v string) {
		// The halves of the internet are the internet. S3 draws the line at /8.
		if prefix, err := netip.ParsePrefix(v); err == nil && condition.WideRange(v) && len(addresses) < 8 {
			addresses = append(addresses, prefix.Addr().String())
		}
	})
	var out []map[string][]string
	for _, a := range addresses {
		out = append(out, map[string][]string{"aws:SourceIp": {a}, "aws:SourceVpc": nil, "aws:SourceVpce": nil, "aws:VpcSourceIp": nil})
	}
	return append(out, map[string][]string{
		"aws:SourceIp": nil, "aws:SourceVpc": {"vpc-" + o.name}, "aws:SourceVpce": {"vpce-" + o.name}, "aws:VpcSourceIp": {"10.0.0.1"},
	})
}

// others are the callers of other accounts that the document names, as principals
// and in conditions. The second result is a principal of no known form.
func (o *openness) others() (out []outsider, unreadable string) {
	add := func(c outsider) {
		if len(out) < maxCallers {
			out = append(out, c)
		} else {
			o.partial = true
		}
	}
	for i := range o.doc.Statements {
		s := &o.doc.Statements[i]
		if s.Denies() || s.Principal == nil {
			continue
		}
		for _, entry := range s.Principal.Entries {
			for _, text := range entry.Values.Values() {
				c, outside, readable := o.callerOf(entry.Type.Value, text)
				if !readable && unreadable == "" {
					unreadable = text
				}
				if outside {
					add(c)
				}
			}
		}
	}
	for _, key := range []string{"aws:PrincipalAccount", "aws:PrincipalArn"} {
		o.conditionValues(key, func(v string) {
			if c, ok := o.byCondition(v); ok {
				add(c)
			}
		})
	}
	for _, key := range []string{"aws:SourceAccount", "aws:SourceArn"} {
		o.conditionValues(key, func(v string) {
			for _, c := range o.throughServices(v) {
				add(c)
			}
		})
	}
	return out, unreadable
}
