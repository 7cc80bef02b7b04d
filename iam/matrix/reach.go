package matrix

import (
	"slices"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/action"
)

// Reach is what one caller can do on any resource, or on those that a pattern
// covers.
//
// For each action the resources of its types are split into classes by the patterns
// that the caller's policies, the guardrails and the given resource policies write:
// what every layer's patterns have in common, what a Deny takes away, and the rest.
// A made-up resource stands for each class; its name has a text that no policy
// mentions where the pattern has a wildcard. It is decided exactly. An action is
// allowed if some class is, and a call that needs resources of several types if for
// each of them some class is.
//
// It does not speak of: resources of other accounts; resources whose own policy is
// not given, which are taken to have none, except KMS keys, of which every answer
// then hangs on the key's policy; names that are told apart only by their length
// (patterns with a question mark) or that two patterns overlap in, as ab* and *bc do
// in abc; conditions that tie an action to one resource. Roles are asked one by one
// for actions of sts.
type Reach struct {
	*iam.Answers
	Caller  *Caller
	matrix  *Matrix
	classes map[*kind][]class // kinds of which the classes differ
	common  *iam.Answers      // of a resource that no pattern mentions
	narrow  bool              // only resources within a pattern are asked about
}

// class is a set of resources that are decided alike.
type class struct {
	region  region
	text    string
	witness string
	set     *iam.Set
	// By word of the kind's service.
	allowed, possible []uint64
}

// Query narrows a Reach. The zero Query does not.
type Query struct {
	Services []string // prefixes; nil: all
	Within   string   // an ARN pattern that resources must match; "" for any
}

// maxClasses bounds the classes of one kind of resource.
const maxClasses = 256

// Reach answers for one caller.
func (m *Matrix) Reach(c *Caller, q Query) (*Reach, error) {
	x := &Reach{Answers: m.catalog.NewAnswers(), Caller: c, matrix: m, classes: map[*kind][]class{}, common: m.catalog.NewAnswers()}
	var within region
	within, x.narrow = regionOf(q.Within, false, &c.context)
	services := m.catalog.services
	span := m.catalog.All()
	if q.Services != nil {
		services = nil
		for _, prefix := range q.Services {
			if s := m.catalog.byPrefix[prefix]; s != nil {
				services = append(services, s)
			}
		}
		span = hull(services)
	}
	s := search{Reach: x, span: span, met: map[*kind][][]hit{}, room: m.catalog.NewAnswers()}
	request := m.request(c)
	s.plain = c.set.Sweep(m.catalog.Actions, span, &request)
	if !x.narrow {
		// Kinds of which no pattern speaks have one class.
		s.plain.Decide(m.other(), "", span, x.common)
		s.plain.Decide("*", m.in.Account.ID, span, x.Answers)
	}
	for g, sources := range m.groups(c) {
		for _, source := range sources {
			for _, h := range m.meets(source, &c.context) {
				groups := s.met[h.kind]
				for len(groups) <= g {
					groups = append(groups, nil)
				}
				groups[g] = append(groups[g], h)
				s.met[h.kind] = groups
			}
		}
	}
	for _, service := range services {
		if err := s.service(service, &within); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// hull is the span from the first service to the last.
func hull(services []*service) (out action.Span) {
	for i, s := range services {
		if i == 0 {
			out = s.span
		}
		out.From, out.To = min(out.From, s.span.From), max(out.To, s.span.To)
	}
	return out
}

// search is a Reach in the making.
type search struct {
	*Reach
	span  action.Span
	plain *iam.Sweep
	met   map[*kind][][]hit // by group
	room  *iam.Answers
}

// service joins the answers of a service's kinds. The answers to "*" are there.
func (s *search) service(v *service, within *region) error {
	s.matrix.catalog.of(v)
	from, to := v.span.Words()
	allowed, possible := make([]uint64, to-from), make([]uint64, to-from)
	for w := range allowed { // actions without a resource keep their answer
		if !s.narrow {
			allowed[w], possible[w] = s.Allowed[from+w]&v.loose[w], s.Possible[from+w]&v.loose[w]
			allowed[w], possible[w] = allowed[w]|v.joint[w], possible[w]|v.joint[w]
		}
	}
	for _, k := range v.kinds {
		some, maybe, err := s.kind(k, within)
		if err != nil {
			return err
		}
		for w := range allowed {
			if !s.narrow {
				allowed[w] &= some[w] | ^k.required[w]
				possible[w] &= maybe[w] | ^k.required[w]
			} else { // on these resources, whatever else the call needs
				allowed[w] |= some[w] & k.required[w]
				possible[w] |= maybe[w] & k.required[w]
			}
			allowed[w] |= some[w] & k.optional[w]
			possible[w] |= maybe[w] & k.optional[w]
		}
	}
	s.write(v, allowed, possible)
	return nil
}

// write enters the bits of a service and leaves those of its neighbours.
func (s *search) write(v *service, allowed, possible []uint64) {
	from, _ := v.span.Words()
	for w := range allowed {
		mask := within64(v.span, from+w)
		s.Allowed[from+w] = s.Allowed[from+w]&^mask | allowed[w]&mask
		s.Possible[from+w] = s.Possible[from+w]&^mask | possible[w]&mask
	}
}

// within64 are the bits of a span in one word.
func within64(span action.Span, word int) uint64 {
	mask := ^uint64(0)
	if low := span.From - 64*word; low > 0 {
		mask <<= low
	}
	if high := 64*(word+1) - span.To; high > 0 {
		mask &= ^uint64(0) >> high
	}
	return mask
}

// kind answers for some resource of a kind.
func (s *search) kind(k *kind, within *region) (allowed, possible []uint64, err error) {
	from, to := k.service.span.Words()
	if !s.narrow && s.met[k] == nil && !iam.HasRules(k.service.prefix) {
		return s.common.Allowed[from:to], s.common.Possible[from:to], nil
	}
	allowed, possible = make([]uint64, to-from), make([]uint64, to-from)
	regions, all := s.split(k, within)
	if !all {
		for w := range possible {
			possible[w] = ^uint64(0)
		}
	}
	for i := range regions {
		if !s.sound(k, &regions[i]) {
			continue
		}
		c, err := s.decide(k, &regions[i])
		if err != nil {
			return nil, nil, err
		}
		s.classes[k] = append(s.classes[k], c)
		for w := range allowed {
			allowed[w] |= c.allowed[w]
			possible[w] |= c.possible[w]
		}
	}
	return allowed, possible, nil
}

// split lists the classes of a kind. It says false if there may be more.
func (s *search) split(k *kind, within *region) (out []region, all bool) {
	base := k.own
	if s.narrow {
		if within.exact() {
			if k.is(within) {
				out = append(out, *within)
			}
			return out, true
		}
		met, ok, tried := base.meet(within)
		if !ok {
			return nil, tried
		}
		base = met
	}
	if k.service.prefix == "sts" && k.name == "role" {
		for _, r := range s.matrix.in.Account.Roles {
			if role, _ := regionOf(r.Principal.ARN, false, &s.Caller.context); base.holds(&role) {
				out = append(out, role)
			}
		}
		return out, true
	}
	// The first is there even if it stands for nothing of the kind, as arn:aws:s3:::a/*
	// does for buckets: what it has in common with others may.
	out, all = []region{base}, true
	seen := map[string]bool{base.String(): true}
	for _, group := range s.met[k] {
		for _, a := range out[:len(out):len(out)] {
			for _, h := range group {
				met, ok, tried := a.meet(&h.region)
				all = all && tried && h.tried
				if text := met.String(); ok && !seen[text] {
					if len(out) == maxClasses {
						return out, false
					}
					seen[text] = true
					out = append(out, met)
				}
			}
		}
	}
	return out, all
}

// sound says whether the resource that stands for a class is of the kind.
func (s *search) sound(k *kind, r *region) bool {
	if len(k.rivals) == 0 {
		return true
	}
	literal, _ := regionOf(r.witness(s.matrix.patterns.probe, string(s.matrix.in.Account.ID)), false, &s.Caller.context)
	return k.is(&literal)
}

// decide answers for one class.
func (s *search) decide(k *kind, r *region) (class, error) {
	m, span := s.matrix, k.service.span
	c := class{region: *r, text: r.String(), witness: r.witness(m.patterns.probe, string(m.in.Account.ID)), set: s.Caller.set}
	sweep := s.plain
	if p := m.policyOf(k.service.prefix, c.witness); p != nil {
		var err error
		if c.set, err = iam.Join(s.Caller.set, p); err != nil {
			return c, err
		}
		request := m.request(s.Caller)
		sweep = c.set.Sweep(m.catalog.Actions, span, &request)
	}
	sweep.Decide(c.witness, m.owner(c.witness), span, s.room)
	from, to := span.Words()
	c.allowed, c.possible = slices.Clone(s.room.Allowed[from:to]), slices.Clone(s.room.Possible[from:to])
	return c, nil
}
