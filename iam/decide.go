package iam

// state is what the statements of one block came to.
type state struct {
	sums[Truth]
	denying, allowing int32 // statements by their number in the part, the first found
	granting          int32 // the statement that made grants what it is
}

// grants says whether the block allows by itself, beyond handing the question to the
// identity policies of the account.
func (st *state) grants() Truth {
	return st.named[byDirect].Or(st.named[byRole]).Or(st.named[byEveryone])
}

// sums are the statements of one block taken together.
type sums[V logic[V]] struct {
	deny, allow V
	named       [namings]V // allow, by how the resource policy names the caller
}

// logic is three-valued logic over plain truth values, over those of 64 actions at
// once, or over expressions of what is unknown. The rules of a decision are written
// once for all.
type logic[V any] interface {
	And(V) V
	Or(V) V
	Not() V
}

// inputs are what a decision is made of.
type inputs[V logic[V]] struct {
	yes, no V

	deny     V // some Deny matches
	scps     V // every level allows
	endpoint V
	identity V
	boundary V
	session  V
	named    [namings]V // the resource policy allows, by how it names the caller
	same     V          // caller and resource are of one account
}

// Decide answers a request. It allocates nothing unless the action is longer than
// 128 bytes or a policy variable stands among more than 16 parts.
func (s *Set) Decide(r *Request) Decision {
	t := target{Request: r, context: r.Context}
	t.fill(s)
	d := s.decide(&t)
	if extra := t.alsoNeeds(); d.Outcome != ExplicitlyDenied && extra != 0 {
		for _, action := range alsoActions {
			if extra&action.bit != 0 {
				t.setAction(action.name)
				d = both(d, s.decide(&t))
			}
		}
	}
	return d
}

// Evaluate compiles the policies and answers one request.
func Evaluate(r *Request, p Policies) (Decision, error) {
	s, err := NewSet(p)
	if err != nil {
		return Decision{}, err
	}
	return s.Decide(r), nil
}

func (s *Set) decide(t *target) Decision {
	var states [maxBlocks]state
	s.gather(t, &states)
	return s.settle(t, &states)
}

// settle turns what the blocks came to into a decision.
func (s *Set) settle(t *target, states *[maxBlocks]state) Decision {
	in := s.inputs(t, states)
	switch allowed(t, s, &in) {
	case True:
		return s.allowedBy(t, states)
	case Unknown:
		return s.conditionalOn(t, states, &in)
	}
	return s.deniedBy(t, states, &in)
}

// gather runs the statements and sums them up per block.
func (s *Set) gather(t *target, states *[maxBlocks]state) {
	for i := range s.parts {
		s.gatherPart(t, &s.parts[i], states)
	}
}

func (s *Set) gatherPart(t *target, p *placed, states *[maxBlocks]state) {
	// This is each, written out: the calls cost more than what they do.
	if !p.indexed.Load() {
		p.index()
	}
	for _, id := range p.exact[string(t.lower())] {
		s.run(t, p, id, states)
	}
	if t.colon >= 0 {
		name := t.name()
		index := p.service[string(t.service())]
		for i := range index.names {
			if index.names[i].name.Match(name) {
				s.run(t, p, index.names[i].id, states)
			}
		}
		for _, id := range p.spares {
			if !index.spares(id, name) {
				s.run(t, p, id, states)
			}
		}
	}
	for _, id := range p.rest {
		if p.candidates[id].action(t) {
			s.run(t, p, id, states)
		}
	}
}

func (s *Set) run(t *target, p *placed, id int32, states *[maxBlocks]state) {
	c := &p.candidates[id]
	at := p.at[c.block]
	st := &states[at]
	b := &s.blocks[at]
	if c.denies {
		if st.deny == True {
			return
		}
		m := s.denial(t, c.statement, c.scope(t))
		if m > st.deny {
			st.deny, st.denying = m, id
		}
		return
	}
	if st.allow == True && b.layer != Resource {
		return
	}
	m := c.scope(t)
	if m == False {
		return
	}
	before := st.grants()
	m = s.grant(t, c.statement, b.layer, m, &st.named)
	if st.grants() > before {
		st.granting = id
	}
	if m > st.allow {
		st.allow, st.allowing = m, id
	}
}

// denial says whether a Deny statement of which scope is known hits the request.
func (s *Set) denial(t *target, c *statement, m Truth) Truth {
	if m == False {
		return False
	}
	switch c.principalMode {
	case plain:
		by := c.names(&t.Principal, &t.context)
		hit := False
		for _, n := range by {
			hit = hit.Or(n)
		}
		return m.And(hit)
	case not:
		return m.And(c.exempts(&t.Principal, &t.context, s.has.Has(Boundary)).Not())
	}
	return m
}

// grant says whether an Allow statement covers the request, and notes how it names
// the caller. AWS does not support NotPrincipal with Allow: it grants nothing.
func (s *Set) grant(t *target, c *statement, l Layer, m Truth, named *[namings]Truth) Truth {
	if c.principalMode == missing {
		return m
	}
	if c.principalMode == not || l == RCP {
		return False
	}
	by := c.names(&t.Principal, &t.context)
	any := False
	for i := range by {
		n := by[i].And(m)
		named[i] = named[i].Or(n)
		any = any.Or(n)
	}
	return any
}

func (s *Set) inputs(t *target, states *[maxBlocks]state) inputs[Truth] {
	in := inputs[Truth]{yes: True, scps: True, endpoint: True, boundary: True, session: True, same: t.same}
	for i := range s.blocks {
		st, layer := &states[i], s.blocks[i].layer
		in.add(t, layer, st.deny, st.allow)
		if layer == Resource {
			in.named = st.named
		}
	}
	return in
}

// allowed is the whole rule: no Deny, every level of the organization and the
// endpoint allow, and caller and resource agree.
func allowed[V logic[V]](t *target, s *Set, in *inputs[V]) V {
	if t.rule == neverAllowed || t.rule == publicBlocked && s.public {
		return in.no
	}
	if t.rule == alwaysAllowed {
		return in.endpoint.And(in.deny.Not())
	}
	grant := in.granted(t)
	if t.rule == publicBlockedAcross && s.public {
		grant = grant.And(in.same)
	}
	return in.deny.Not().And(in.scps).And(in.endpoint).And(grant)
}

// granted says whether caller and resource allow the request, before any Deny.
func (in *inputs[V]) granted(t *target) V {
	resource := in.no
	if t.resourcePolicy {
		for _, n := range in.named {
			resource = resource.Or(n)
		}
	}
	identity, boundary := in.identity, in.boundary
	switch t.Principal.Kind {
	case Anonymous, AWSService, Provider:
		return resource
	case Root:
		identity, boundary = in.yes, in.yes
	}
	if t.rule == trustAlone {
		return resource
	}
	limits := boundary.And(in.session)
	switch t.same {
	case True:
		return in.within(t, identity, limits)
	case False:
		return identity.And(limits).And(resource)
	}
	within, across := in.within(t, identity, limits), identity.And(limits).And(resource)
	// The last part says that the owner does not matter if both readings agree.
	return in.same.And(within).Or(in.same.Not().And(across)).Or(within.And(across))
}

// within is the rule for a caller of the resource's own account.
func (in *inputs[V]) within(t *target, identity, limits V) V {
	own := identity.And(limits)
	if !t.resourcePolicy {
		if t.rule == resourceDecides {
			return in.no
		}
		return own
	}
	if t.rule == resourceDecides {
		own = own.And(in.named[byAccount])
	}
	return own.Or(in.named[byDirect]).
		Or(in.named[byRole].And(limits)).
		Or(in.named[byEveryone].And(in.session))
}

// add enters what the statements of one block come to. How a resource policy names
// the caller is entered in named.
func (in *inputs[V]) add(t *target, layer Layer, deny, allow V) {
	if !t.active.Has(layer) {
		return
	}
	if !t.survives(layer) {
		in.deny = in.deny.Or(deny)
	}
	switch layer {
	case SCP:
		in.scps = in.scps.And(allow)
	case Endpoint:
		in.endpoint = allow
	case Identity:
		in.identity = allow
	case Boundary:
		in.boundary = allow
	case Session:
		in.session = allow
	}
}
