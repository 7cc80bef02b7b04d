package iam

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rootkeep/rootkeep/iam/action"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Policies are the policies that apply to a request. A nil list means that the
// layer does not take part: no boundary is set, the account is in no organization.
type Policies struct {
	Identity []*Policy // of the user and its groups, or of the role
	Boundary []*Policy
	Session  []*Policy
	Resource []*Policy // of the resource; an access point and its bucket have one each
	Endpoint []*Policy
	// SCPs and RCPs have one list per level, from the organization's root down to
	// the account. A level without an SCP denies. RCPFullAWSAccess is always
	// attached and need not be listed.
	SCPs, RCPs [][]*Policy
}

// maxBlocks bounds the layers and levels of a Set. An organization has at most
// seven levels, so 5 layers and two times 7 levels fit.
const maxBlocks = 24

// block is one layer, or one level of one.
type block struct {
	layer    Layer
	level    int // of SCPs and RCPs, from 0
	policies []*Policy
	part     *part
	own      uint8 // number in the part
	// The block's statements are candidates first to end of its part.
	first, end int32
}

// candidate is a statement in the block of its part where it applies.
type candidate struct {
	*statement
	block uint8
}

// served is one pattern for the names of one service's actions.
type served struct {
	name action.Glob
	id   int32
}

// serviceIndex holds what is said about the actions of one service.
type serviceIndex struct {
	names  []served // Action with a wildcard in the name
	spared []served // NotAction
}

// Set is the compiled form of Policies. It is immutable.
type Set struct {
	parts  []placed
	blocks []block // of all parts, in the order of evaluation
	has    Layers  // layers that take part
	public bool    // the resource policy is public in the sense of S3
}

// placed is a part and where its blocks stand in a Set.
type placed struct {
	*part
	at [maxBlocks]uint8
}

// part is what was compiled at once. Sets that Join made share it.
type part struct {
	candidates []candidate

	indexed atomic.Bool // the fields below are there
	mu      sync.Mutex  // held to make them
	// Indexes into candidates by action: exact names, services for patterns with a
	// wildcard in the name, and what must be tried for every action.
	exact   map[string][]int32
	service map[string]serviceIndex
	spares  []int32 // NotAction that names services: applies but for what serviceIndex spares
	rest    []int32
}

// NewSet compiles policies. The error names a policy that cannot be in its layer:
// an identity policy with a Principal, a resource policy without one.
func NewSet(p Policies) (*Set, error) {
	layers := [...]block{
		{layer: Resource, policies: p.Resource}, {layer: Endpoint, policies: p.Endpoint}, {layer: Identity, policies: p.Identity},
		{layer: Boundary, policies: p.Boundary}, {layer: Session, policies: p.Session},
	}
	n := len(p.SCPs) + len(p.RCPs)
	for i := range layers {
		if len(layers[i].policies) > 0 {
			n++
		}
	}
	made := &struct { // one allocation: an account has thousands of Sets
		Set
		part
		parts [1]placed
	}{}
	s, all := &made.Set, &made.part
	s.blocks = make([]block, 0, n)
	for i, level := range p.SCPs {
		s.blocks = append(s.blocks, block{layer: SCP, level: i, policies: level})
	}
	for i, level := range p.RCPs {
		s.blocks = append(s.blocks, block{layer: RCP, level: i, policies: level})
	}
	for i := range layers {
		if len(layers[i].policies) > 0 {
			s.blocks = append(s.blocks, layers[i])
		}
	}
	made.parts[0].part = all
	s.parts = made.parts[:]
	if len(s.blocks) > maxBlocks {
		return nil, tooMany(len(s.blocks))
	}
	all.candidates = make([]candidate, 0, s.statements())
	for i := range s.blocks {
		b := &s.blocks[i]
		s.has.add(b.layer)
		b.part, b.own, b.first = all, uint8(i), int32(len(all.candidates))
		for _, pol := range b.policies {
			if err := fits(pol, b.layer); err != nil {
				return nil, err
			}
			for k := range pol.statements {
				all.candidates = append(all.candidates, candidate{&pol.statements[k], uint8(i)})
			}
		}
		b.end = int32(len(all.candidates))
	}
	s.place()
	s.public = isPublic(p.Resource)
	return s, nil
}

// statements is how many the policies of the blocks have.
func (s *Set) statements() (n int) {
	for i := range s.blocks {
		for _, p := range s.blocks[i].policies {
			n += len(p.statements)
		}
	}
	return n
}

// Join unites Sets of different layers. Nothing is compiled again: the policies of
// an organization, of each principal and of each resource are compiled once, and
// every question joins those that it is about. The error names a layer that two of
// the Sets have.
func Join(sets ...*Set) (*Set, error) {
	out := &Set{}
	for _, s := range sets {
		if both := out.has & s.has; both != 0 {
			return nil, fmt.Errorf("iam: two joined sets have policies of layer %s", both)
		}
		out.has |= s.has
		out.public = out.public || s.public
		out.blocks = append(out.blocks, s.blocks...)
		out.parts = append(out.parts, s.parts...)
	}
	if len(out.blocks) > maxBlocks {
		return nil, tooMany(len(out.blocks))
	}
	slices.SortStableFunc(out.blocks, func(a, b block) int { return cmp.Compare(a.layer, b.layer) })
	out.place()
	return out, nil
}

func tooMany(blocks int) error {
	return fmt.Errorf("iam: %d layers and levels, want at most %d", blocks, maxBlocks)
}

// place notes where the blocks of each part stand.
func (s *Set) place() {
	for i := range s.blocks {
		b := &s.blocks[i]
		for k := range s.parts {
			if p := &s.parts[k]; p.part == b.part {
				p.at[b.own] = uint8(i)
			}
		}
	}
}

// fits checks the elements that a layer asks for or refuses.
func fits(p *Policy, l Layer) error {
	for i := range p.statements {
		s := &p.statements[i]
		var code, problem string
		switch l {
		case Resource, RCP, Endpoint:
			if s.principalMode == missing {
				code, problem = "MISSING_PRINCIPAL", "needs a Principal"
			}
		default:
			if s.principalMode != missing {
				code, problem = "UNSUPPORTED_PRINCIPAL", "takes no Principal"
			} else if s.resourceMode == missing {
				code, problem = "MISSING_RESOURCE", "needs a Resource"
			}
		}
		if problem != "" {
			src := &p.Document.Statements[i]
			line, column := p.Document.Position(src.Start)
			return fmt.Errorf("policy %s: %w", p.Name, &policy.Error{Problems: []policy.Problem{{
				Span: src.Span, Line: line, Column: column, Code: code,
				Message: fmt.Sprintf("statement %d: a policy of layer %s %s", i, l, problem),
			}}})
		}
	}
	return nil
}

// index makes the indexes on the first question: a Set that is only swept needs
// none.
func (p *part) index() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.indexed.Load() {
		return
	}
	p.exact, p.service = map[string][]int32{}, map[string]serviceIndex{}
	for id := range p.candidates {
		p.indexOne(p.candidates[id].statement, int32(id))
	}
	p.indexed.Store(true)
}

func (p *part) indexOne(st *statement, id int32) {
	if len(st.actions) == 0 {
		p.rest = append(p.rest, id)
		return
	}
	for i := range st.actions {
		if a := &st.actions[i]; a.All || !a.Never && !a.Service.Literal {
			p.rest = append(p.rest, id)
			return
		}
	}
	if st.actionMode == not {
		p.spares = append(p.spares, id)
	}
	for i := range st.actions {
		switch a := &st.actions[i]; {
		case a.Never:
		case st.actionMode == not:
			index := p.service[a.Service.Text]
			index.spared = append(index.spared, served{a.Name, id})
			p.service[a.Service.Text] = index
		case a.Name.Literal:
			p.exact[a.Text] = append(p.exact[a.Text], id)
		default:
			index := p.service[a.Service.Text]
			index.names = append(index.names, served{a.Name, id})
			p.service[a.Service.Text] = index
		}
	}
}

// place is where a statement stands in a Set: its block, and its number in the
// block's part. Places sort in the order of evaluation.
type place uint64

func placeOf(block int, id int32) place { return place(block)<<32 | place(uint32(id)) }

func (p place) block() int { return int(p >> 32) }

func (s *Set) statement(p place) *statement {
	return s.blocks[p.block()].part.candidates[uint32(p)].statement
}

// matching lists the statements whose Action covers the request, each once.
func (s *Set) matching(t *target) []place {
	out := make([]place, 0, 16)
	for i := range s.parts {
		p := &s.parts[i]
		p.each(t, func(id int32) { out = append(out, placeOf(int(p.at[p.candidates[id].block]), id)) })
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// every lists all statements.
func (s *Set) every() []place {
	var out []place
	for i := range s.blocks {
		for id := s.blocks[i].first; id < s.blocks[i].end; id++ {
			out = append(out, placeOf(i, id))
		}
	}
	return out
}

// each calls do for the statements whose Action covers the request, in no order;
// one may come more than once.
func (p *part) each(t *target, do func(id int32)) {
	if !p.indexed.Load() {
		p.index()
	}
	for _, id := range p.exact[string(t.lower())] {
		do(id)
	}
	if t.colon >= 0 {
		name := t.name()
		index := p.service[string(t.service())]
		for i := range index.names {
			if index.names[i].name.Match(name) {
				do(index.names[i].id)
			}
		}
		for _, id := range p.spares {
			if !index.spares(id, name) {
				do(id)
			}
		}
	}
	for _, id := range p.rest {
		if p.candidates[id].action(t) {
			do(id)
		}
	}
}

// spares says whether a NotAction lists the action.
func (x *serviceIndex) spares(id int32, name []byte) bool {
	for i := range x.spared {
		if x.spared[i].id == id && x.spared[i].name.Match(name) {
			return true
		}
	}
	return false
}
