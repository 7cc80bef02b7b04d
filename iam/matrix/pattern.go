package matrix

import (
	"slices"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// patterns are what policies say about resources, read once per policy.
type patterns struct {
	probe  string // text that no policy has
	common region // a resource that no policy mentions

	mu   sync.Mutex
	said map[*iam.Policy]*said
	hits map[source][]hit // of sources without a variable
}

// said is what one policy says about resources, stars only left out.
type said struct {
	allowed []source   // Resource of an Allow
	spared  [][]source // NotResource of each Deny: what such a Deny leaves
	other   []source   // Resource of a Deny, NotResource of an Allow
}

// source is one Resource pattern.
type source struct {
	text      string
	variables bool
}

// hit is what a pattern covers of one kind of resource.
type hit struct {
	kind   *kind
	region region
	tried  bool // false: too long to be compared
}

// gather finds the probe.
func (p *patterns) gather(m *Matrix) {
	p.said, p.hits = map[*iam.Policy]*said{}, map[source][]hit{}
	for _, list := range m.in.Resources {
		p.of(list)
	}
	for _, c := range m.callers {
		for _, list := range m.blocks(c) {
			p.of(list)
		}
	}
	all := &strings.Builder{}
	for policy := range p.said {
		for i := range policy.Document.Statements {
			st := &policy.Document.Statements[i]
			for _, text := range append(slices.Clone(st.Resource.Values()), st.NotResource.Values()...) {
				all.WriteString(text)
				all.WriteByte('\n')
			}
		}
	}
	p.probe = "zq"
	for strings.Contains(all.String(), p.probe) {
		p.probe += "zq"
	}
	p.common = template(m.other(), string(m.in.Account.ID), m.partition)
}

// other is a resource of the account that no policy mentions.
func (m *Matrix) other() string {
	p := m.patterns.probe
	return "arn:" + m.partition + ":" + p + ":" + p + ":" + string(m.in.Account.ID) + ":" + p
}

// blocks are the lists of policies of which each must allow a caller.
func (m *Matrix) blocks(c *Caller) [][]*iam.Policy {
	out := [][]*iam.Policy{c.policies.Identity, c.policies.Boundary}
	return append(append(out, m.in.Guardrails.SCPs...), m.in.Guardrails.RCPs...)
}

// of reads the policies of one list.
func (p *patterns) of(list []*iam.Policy) (out []*said) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, policy := range list {
		if p.said[policy] == nil {
			p.said[policy] = read(policy)
		}
		out = append(out, p.said[policy])
	}
	return out
}

func read(p *iam.Policy) *said {
	out := &said{}
	for i := range p.Document.Statements {
		st := &p.Document.Statements[i]
		yes, not := sources(st.Resource, p), sources(st.NotResource, p)
		switch {
		case st.Denies() && len(not) > 0:
			out.spared = append(out.spared, not)
		case st.Denies():
			out.other = append(out.other, yes...)
		default:
			out.allowed = append(out.allowed, yes...)
			out.other = append(out.other, not...)
		}
	}
	return out
}

func sources(t *policy.Texts, p *iam.Policy) (out []source) {
	if t == nil {
		return nil
	}
	for _, text := range t.Values() {
		if strings.Trim(text, "*") != "" {
			out = append(out, source{text, p.Document.HasVariables() && strings.Contains(text, "${")})
		}
	}
	return out
}

// groups are the patterns that may decide about a caller. A resource that some
// statement allows lies in a pattern of each of several groups, or in none of a
// group; the last group is for what is taken away.
func (m *Matrix) groups(c *Caller) [][]source {
	var out [][]source
	var other []source
	for _, list := range m.blocks(c) {
		var allowed []source
		for _, s := range m.patterns.of(list) {
			allowed = append(allowed, s.allowed...)
			out = append(out, s.spared...)
			other = append(other, s.other...)
		}
		out = append(out, allowed)
	}
	var given []source
	for arn, list := range m.in.Resources {
		given = append(given, source{text: arn})
		if strings.HasPrefix(arn, "arn:"+m.partition+":s3:::") && !strings.Contains(arn, "/") {
			given = append(given, source{text: arn + "/*"})
		}
		for _, s := range m.patterns.of(list) {
			given = append(given, s.allowed...)
			out = append(out, s.spared...)
			other = append(other, s.other...)
		}
	}
	return append(out, given, other)
}

// kindsOf lists the kinds that a region may meet.
func (m *Matrix) kindsOf(r *region) (out []*kind) {
	if prefix, literal := r[2].literal(); literal {
		return m.catalog.kindsAt(prefix)
	}
	for _, s := range m.catalog.services {
		out = append(out, m.catalog.of(s).kinds...)
	}
	return out
}

// meets finds the kinds of resource that a pattern mentions.
func (m *Matrix) meets(s source, c *iam.Context) []hit {
	p := &m.patterns
	if !s.variables {
		p.mu.Lock()
		defer p.mu.Unlock()
		if hits, there := p.hits[s]; there {
			return hits
		}
	}
	var hits []hit
	if r, ok := regionOf(s.text, s.variables, c); ok {
		wide := r.holds(&m.patterns.common)
		for _, k := range m.kindsOf(&r) {
			if wide && r.holds(&k.own) {
				continue // tells nothing apart
			}
			if met, ok, tried := k.own.meet(&r); ok || !tried {
				hits = append(hits, hit{k, met, tried})
			}
		}
	}
	if !s.variables {
		p.hits[s] = hits
	}
	return hits
}
