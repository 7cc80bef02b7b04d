package matrix

import (
	"maps"
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
	base map[*kind]*piece // all resources of a kind
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
	kind  *kind
	piece *piece // nil: too long to be compared
}

// piece is a part of a kind's resources, with the one that stands for it.
type piece struct {
	region
	text    string // as a policy would write it
	witness string
	// sound says that the witness is of the kind. It is not where a pattern for
	// objects meets the template of buckets.
	sound bool
}

func (m *Matrix) newPiece(k *kind, r region) *piece {
	p := &piece{region: r, text: r.String(), witness: r.witness(m.patterns.probe, string(m.in.Account.ID)), sound: true}
	if len(k.rivals) > 0 {
		literal, _ := regionOf(p.witness, false, &iam.Context{})
		p.sound = k.is(&literal)
	}
	return p
}

// gather finds the probe.
func (p *patterns) gather(m *Matrix) {
	p.said, p.hits, p.base = map[*iam.Policy]*said{}, map[source][]hit{}, map[*kind]*piece{}
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
	// A given policy decides where its resource and its own patterns meet.
	var given, said []source
	for _, arn := range slices.Sorted(maps.Keys(m.in.Resources)) {
		given = append(given, source{text: arn})
		if strings.HasPrefix(arn, "arn:"+m.partition+":s3:::") && !strings.Contains(arn, "/") {
			given = append(given, source{text: arn + "/*"})
		}
		for _, s := range m.patterns.of(m.in.Resources[arn]) {
			said = append(said, s.allowed...)
			out = append(out, s.spared...)
			other = append(other, s.other...)
		}
	}
	return append(out, given, said, other)
}

// whole is all of a kind.
func (m *Matrix) whole(k *kind) *piece {
	m.patterns.mu.Lock()
	defer m.patterns.mu.Unlock()
	p := m.patterns.base[k]
	if p == nil {
		p = m.newPiece(k, k.own)
		m.patterns.base[k] = p
	}
	return p
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
			switch met, ok, tried := k.own.meet(&r); {
			case ok:
				hits = append(hits, hit{k, m.newPiece(k, met)})
			case !tried:
				hits = append(hits, hit{k, nil})
			}
		}
	}
	if !s.variables {
		p.hits[s] = hits
	}
	return hits
}
