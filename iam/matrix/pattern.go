package matrix

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/iam"
)

// patterns are what policies say about resources, read once per policy.
type patterns struct {
	probe  string // text that no policy has
	common region // a resource that no policy mentions

	mu   sync.Mutex
	said map[*iam.Policy][]source
	hits map[source][]hit // of sources without a variable
	base map[*kind]*piece // all resources of a kind
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
	p.said, p.hits, p.base = map[*iam.Policy][]source{}, map[source][]hit{}, map[*kind]*piece{}
	for _, list := range m.in.Resources {
		p.of(list)
	}
	for _, c := range m.callers {
		for _, list := range m.lists(c) {
			p.of(list)
		}
	}
	p.probe = p.unsaid()
	p.common = template(m.other(), string(m.in.Account.ID), m.partition)
}

// unsaid is a short text that no pattern has: zq, a number and q.
func (p *patterns) unsaid() string {
	taken := map[int]bool{}
	for _, sources := range p.said {
		for _, s := range sources {
			for text := s.text; ; {
				_, rest, found := strings.Cut(text, "zq")
				if !found {
					break
				}
				digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
				if n, err := strconv.Atoi(digits); err == nil {
					taken[n] = true
				}
				text = rest
			}
		}
	}
	n := 0
	for taken[n] {
		n++
	}
	return "zq" + strconv.Itoa(n) + "q"
}

// other is a resource of the account that no policy mentions.
func (m *Matrix) other() string {
	p := m.patterns.probe
	return "arn:" + m.partition + ":" + p + ":" + p + ":" + string(m.in.Account.ID) + ":" + p
}

// lists are the policies that decide about a caller, resources' policies aside.
func (m *Matrix) lists(c *Caller) [][]*iam.Policy {
	out := [][]*iam.Policy{c.policies.Identity, c.policies.Boundary}
	return append(append(out, m.in.Guardrails.SCPs...), m.in.Guardrails.RCPs...)
}

// of reads the policies of one list.
func (p *patterns) of(list []*iam.Policy) (out []source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, policy := range list {
		if _, there := p.said[policy]; !there {
			p.said[policy] = read(policy)
		}
		out = append(out, p.said[policy]...)
	}
	return out
}

// read lists the patterns of a policy, each once; stars only are left out.
func read(p *iam.Policy) (out []source) {
	seen := map[source]bool{}
	for i := range p.Document.Statements {
		st := &p.Document.Statements[i]
		for _, text := range append(slices.Clone(st.Resource.Values()), st.NotResource.Values()...) {
			s := source{text, p.Document.HasVariables() && strings.Contains(text, "${")}
			if strings.Trim(text, "*") != "" && !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// sources are the patterns that may tell resources apart for a caller, each once.
func (m *Matrix) sources(c *Caller) (out []source) {
	for _, arn := range slices.Sorted(maps.Keys(m.in.Resources)) {
		out = append(out, source{text: arn})
		if m.isBucket(arn) {
			out = append(out, source{text: arn + "/*"})
		}
		out = append(out, m.patterns.of(m.in.Resources[arn])...)
	}
	for _, list := range m.lists(c) {
		out = append(out, m.patterns.of(list)...)
	}
	seen := make(map[source]bool, len(out))
	return slices.DeleteFunc(out, func(s source) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
}

// isBucket says whether an ARN is that of an S3 bucket.
func (m *Matrix) isBucket(arn string) bool {
	return strings.HasPrefix(arn, "arn:"+m.partition+":s3:::") && !strings.Contains(arn, "/")
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
			met, all := k.own.meet(&r)
			for _, both := range met {
				hits = append(hits, hit{k, m.newPiece(k, both)})
			}
			if !all {
				hits = append(hits, hit{k, nil})
			}
		}
	}
	if !s.variables {
		p.hits[s] = hits
	}
	return hits
}
