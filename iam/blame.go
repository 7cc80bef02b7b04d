package iam

import "slices"

// allowedBy names the layers that granted.
func (s *Set) allowedBy(t *target, states *[maxBlocks]state) Decision {
	d := Decision{Outcome: Allowed}
	if t.rule == alwaysAllowed {
		d.By.add(Service)
		return d
	}
	for i := range s.blocks {
		l := s.blocks[i].layer
		if states[i].allow != True || !t.active.Has(l) || !(l == Identity || l == Resource && t.granting(&states[i])) {
			continue
		}
		if d.Statement.Policy == nil {
			d.Statement = s.ref(i, states[i].allowedBy())
		}
		d.By.add(l)
	}
	return d
}

// allowedBy is the statement that grants, or for want of one that which hands over.
func (st *state) allowedBy() int32 {
	if st.grants() == True {
		return st.granting
	}
	return st.allowing
}

// granting says whether the resource policy's Allow counts for more than handing
// the question to the identity policies.
func (t *target) granting(st *state) bool {
	return t.same != True || t.rule == resourceDecides ||
		st.grants() == True
}

func (s *Set) ref(block int, id int32) Ref {
	c := s.statement(placeOf(block, id))
	return Ref{c.policy, c.index}
}

// deniedBy names the layers with a matching Deny, or those that lack an Allow.
func (s *Set) deniedBy(t *target, states *[maxBlocks]state, in *inputs[Truth]) Decision {
	var d Decision
	for i := range s.blocks {
		l := s.blocks[i].layer
		if states[i].deny == True && t.active.Has(l) && !t.survives(l) {
			d.Outcome = ExplicitlyDenied
			d.By.add(l)
			if d.Statement.Policy == nil {
				d.Statement = s.ref(i, states[i].denying)
			}
		}
	}
	if d.Outcome == ExplicitlyDenied {
		return d
	}
	if t.rule == neverAllowed {
		d.By.add(Service)
		return d
	}
	if s.blocked(t) && in.scps.And(in.endpoint).And(in.granted(t)) != False {
		// What would be allowed is stopped, as by a Deny.
		d.By.add(PublicAccessBlock)
		d.Outcome = ExplicitlyDenied
		return d
	}
	if in.scps == False {
		d.By.add(SCP)
	}
	if in.endpoint == False {
		d.By.add(Endpoint)
	}
	if t.rule != alwaysAllowed && in.granted(t) == False {
		d.By |= lacking(t, in)
	}
	if d.By == 0 { // several unknowns that exclude each other
		d.By = s.hangs(t, states)
	}
	return d
}

// blocked says whether RestrictPublicBuckets keeps the caller out.
func (s *Set) blocked(t *target) bool {
	return s.public && (t.rule == publicBlocked || t.rule == publicBlockedAcross && t.same != True)
}

// lacking names the layers without which caller and resource do not agree.
func lacking(t *target, truth *inputs[Truth]) (by Layers) {
	resource := False
	for _, n := range truth.named {
		resource = resource.Or(n)
	}
	if !t.Principal.Signed() || t.rule == trustAlone {
		by.add(Resource)
		return by
	}
	identity, boundary := truth.identity, truth.boundary
	if t.Principal.Kind == Root {
		identity, boundary = True, True
	}
	limited := identity != False || truth.named[byRole] != False || truth.named[byEveryone] != False
	if boundary == False && (limited || t.same == False) {
		by.add(Boundary)
	}
	if truth.session == False && (limited || t.same == False) {
		by.add(Session)
	}
	direct := truth.named[byRole].Or(truth.named[byEveryone]).Or(truth.named[byDirect])
	if identity == False && (t.same != True || direct == False) {
		if t.same != True || t.rule != resourceDecides || truth.named[byAccount] != False {
			by.add(Identity)
		}
	}
	if resource == False && (t.same != True || t.rule == resourceDecides) {
		by.add(Resource)
	}
	return by
}

// conditionalOn names the layers on which the answer hangs.
func (s *Set) conditionalOn(t *target, states *[maxBlocks]state, in *inputs[Truth]) Decision {
	d := Decision{Outcome: Conditional, By: s.hangs(t, states)}
	if in.same == Unknown {
		d.By.add(Resource)
	}
	for i := range s.blocks {
		switch st := &states[i]; {
		case d.Statement.Policy != nil:
		case st.deny == Unknown:
			d.Statement = s.ref(i, st.denying)
		case st.grants() == Unknown:
			d.Statement = s.ref(i, st.granting)
		case st.allow == Unknown:
			d.Statement = s.ref(i, st.allowing)
		}
	}
	return d
}

func (s *Set) hangs(t *target, states *[maxBlocks]state) (by Layers) {
	for i := range s.blocks {
		l := s.blocks[i].layer
		if t.active.Has(l) && (states[i].deny == Unknown || states[i].allow == Unknown || slices.Contains(states[i].named[:], Unknown)) {
			by.add(l)
		}
	}
	return by
}
