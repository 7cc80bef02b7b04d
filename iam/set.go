package iam

import (
	"fmt"

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
}

// candidate is a statement in the block where it applies.
type candidate struct {
	*statement
	block uint8
}

// served is one pattern for the names of one service's actions.
type served struct {
	name namePattern
	id   int32
}

// serviceIndex holds what is said about the actions of one service.
type serviceIndex struct {
	names  []served // Action with a wildcard in the name
	spared []served // NotAction
}

// Set is the compiled form of Policies. It is immutable.
type Set struct {
	blocks     []block
	has        Layers // layers that take part
	candidates []candidate
	// Indexes into candidates by action: exact names, services for patterns with a
	// wildcard in the name, and what must be tried for every action.
	exact   map[string][]int32
	service map[string]serviceIndex
	spares  []int32 // NotAction that names services: applies but for what serviceIndex spares
	rest    []int32
	public  bool // the resource policy is public in the sense of S3
}

// NewSet compiles policies. The error names a policy that cannot be in its layer:
// an identity policy with a Principal, a resource policy without one.
func NewSet(p Policies) (*Set, error) {
	s := &Set{exact: map[string][]int32{}, service: map[string]serviceIndex{}}
	for i, level := range p.SCPs {
		s.blocks = append(s.blocks, block{SCP, i, level})
	}
	for i, level := range p.RCPs {
		s.blocks = append(s.blocks, block{RCP, i, level})
	}
	for _, b := range []block{
		{Resource, 0, p.Resource}, {Endpoint, 0, p.Endpoint}, {Identity, 0, p.Identity},
		{Boundary, 0, p.Boundary}, {Session, 0, p.Session},
	} {
		if len(b.policies) > 0 {
			s.blocks = append(s.blocks, b)
		}
	}
	if len(s.blocks) > maxBlocks {
		return nil, fmt.Errorf("iam: %d layers and levels, want at most %d", len(s.blocks), maxBlocks)
	}
	for i, b := range s.blocks {
		s.has.add(b.layer)
		for _, pol := range b.policies {
			if err := fits(pol, b.layer); err != nil {
				return nil, err
			}
			for k := range pol.statements {
				s.index(&pol.statements[k], uint8(i))
			}
		}
	}
	s.public = isPublic(p.Resource)
	return s, nil
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

func (s *Set) index(st *statement, b uint8) {
	id := int32(len(s.candidates))
	s.candidates = append(s.candidates, candidate{st, b})
	if len(st.actions) == 0 {
		s.rest = append(s.rest, id)
		return
	}
	for i := range st.actions {
		if a := &st.actions[i]; a.all || !a.never && !a.service.literal {
			s.rest = append(s.rest, id)
			return
		}
	}
	if st.actionMode == not {
		s.spares = append(s.spares, id)
	}
	for i := range st.actions {
		switch a := &st.actions[i]; {
		case a.never:
		case st.actionMode == not:
			index := s.service[a.service.text]
			index.spared = append(index.spared, served{a.name, id})
			s.service[a.service.text] = index
		case a.name.literal:
			s.exact[a.text] = append(s.exact[a.text], id)
		default:
			index := s.service[a.service.text]
			index.names = append(index.names, served{a.name, id})
			s.service[a.service.text] = index
		}
	}
}

// each calls do for the statements whose Action covers the request, in no order;
// one may come more than once.
func (s *Set) each(t *target, do func(id int32)) {
	for _, id := range s.exact[string(t.lower())] {
		do(id)
	}
	if t.colon >= 0 {
		name := t.name()
		index := s.service[string(t.service())]
		for i := range index.names {
			if index.names[i].name.match(name) {
				do(index.names[i].id)
			}
		}
		for _, id := range s.spares {
			if !index.spares(id, name) {
				do(id)
			}
		}
	}
	for _, id := range s.rest {
		if s.candidates[id].action(t) {
			do(id)
		}
	}
}

// spares says whether a NotAction lists the action.
func (x *serviceIndex) spares(id int32, name []byte) bool {
	for i := range x.spared {
		if x.spared[i].id == id && x.spared[i].name.match(name) {
			return true
		}
	}
	return false
}
