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
// what a pattern covers, what several have in common, and the rest.
// A made-up resource stands for each class; its name has a text that no policy
// mentions where the pattern has a wildcard. It is decided exactly. An action is
// allowed if some class is, and a call that needs resources of several types if for
// each of them some class is.
//
// It does not speak of: resources of other accounts; what a policy that is not given
// says: a resource is then taken to have none, and a KMS key one that names nobody of
// the account but may hand the decision to it, or deny; names that are told apart
// only by their length (patterns with a question mark); conditions that tie an action
// to one resource. Roles are asked one by one for actions of sts. Where the classes
// are too many, what is not allowed for certain is conditional.
type Reach struct {
	*iam.Answers
	Caller  *Caller
	matrix  *Matrix
	query   Query
	classes map[*kind][]class // kinds of which the classes differ
	common  *iam.Answers      // of a resource that no pattern mentions
	narrow  bool              // only resources within a pattern are asked about
}

// class is a set of resources that are decided alike.
type class struct {
	*piece
	set *iam.Set
	// By word of the kind's service.
	allowed, possible []uint64
}

// Query narrows a Reach. The zero Query does not.
type Query struct {
	Services []string // prefixes; nil: all
	Within   string   // an ARN pattern that resources must match; "" for any
	Where    bool     // keep what Reach.Where needs
}

// maxClasses bounds the classes of one kind of resource.
const maxClasses = 1024

// Reach answers for one caller.
func (m *Matrix) Reach(c *Caller, q Query) (*Reach, error) {
	x := &Reach{Answers: m.catalog.NewAnswers(), Caller: c, matrix: m, query: q, classes: map[*kind][]class{}, common: m.catalog.NewAnswers()}
	s := search{Reach: x, met: map[*kind][]*piece{}, touched: map[*service]bool{}, room: m.catalog.NewAnswers()}
	s.within, x.narrow = regionOf(q.Within, false, &c.context)
	services, span := m.asked(q)
	request := m.request(c)
	s.plain = c.set.Sweep(m.catalog.Actions, span, &request)
	if !x.narrow {
		s.plain.Decide(m.other(), "", span, x.common)
		s.plain.Decide("*", m.in.Account.ID, span, x.Answers)
	}
	s.meet()
	for _, service := range services {
		if err := s.service(service); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// asked are the services of a query, and a span that holds them.
func (m *Matrix) asked(q Query) (services []*service, span action.Span) {
	if q.Services == nil {
		return m.catalog.services, m.catalog.All()
	}
	for _, prefix := range q.Services {
		s := m.catalog.byPrefix[prefix]
		if s == nil {
			continue
		}
		if services == nil {
			span = s.span
		}
		services = append(services, s)
		span.From, span.To = min(span.From, s.span.From), max(span.To, s.span.To)
	}
	return services, span
}

// search is a Reach in the making.
type search struct {
	*Reach
	within  region
	plain   *iam.Sweep
	met     map[*kind][]*piece // what patterns cover of a kind; nil: too long to be compared
	touched map[*service]bool  // services with such a kind
	room    *iam.Answers
}

// meet finds the kinds that the patterns mention.
func (s *search) meet() {
	for _, source := range s.matrix.sources(s.Caller) {
		for _, h := range s.matrix.meets(source, &s.Caller.context) {
			s.touched[h.kind.service] = true
			s.met[h.kind] = append(s.met[h.kind], h.piece)
		}
	}
}

// service joins the answers of a service's kinds. Those of actions without a kind
// are there.
func (s *search) service(v *service) error {
	s.matrix.catalog.of(v)
	from, to := v.span.Words()
	allowed, possible := make([]uint64, to-from), make([]uint64, to-from)
	if !s.narrow {
		for w := range allowed {
			allowed[w] = s.Allowed[from+w]&v.loose[w] | s.common.Allowed[from+w]&^v.loose[w]
			possible[w] = s.Possible[from+w]&v.loose[w] | s.common.Possible[from+w]&^v.loose[w]
		}
	}
	if s.narrow || s.touched[v] || iam.HasRules(v.prefix) {
		if err := s.kinds(v, allowed, possible); err != nil {
			return err
		}
	}
	for w := range allowed {
		mask := within64(v.span, from+w)
		s.Allowed[from+w] = s.Allowed[from+w]&^mask | allowed[w]&mask
		s.Possible[from+w] = s.Possible[from+w]&^mask | possible[w]&mask
	}
	return nil
}

// kinds enters the answers of actions that work on resources: on some resource of
// one kind, or, where several kinds are required, of each.
func (s *search) kinds(v *service, allowed, possible []uint64) error {
	for w := range allowed {
		start := v.loose[w]
		allowed[w], possible[w] = allowed[w]&start, possible[w]&start
		if !s.narrow {
			allowed[w], possible[w] = allowed[w]|v.joint[w], possible[w]|v.joint[w]
		}
	}
	for _, k := range v.kinds {
		some, maybe, err := s.kind(k)
		if err != nil {
			return err
		}
		for w := range allowed {
			if s.narrow { // whatever else the call needs
				allowed[w] |= some[w] & k.required[w]
				possible[w] |= maybe[w] & k.required[w]
			} else {
				allowed[w] &= some[w] | ^k.required[w]
				possible[w] &= maybe[w] | ^k.required[w]
			}
			allowed[w] |= some[w] & k.optional[w]
			possible[w] |= maybe[w] & k.optional[w]
		}
	}
	return nil
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
func (s *search) kind(k *kind) (allowed, possible []uint64, err error) {
	from, to := k.service.span.Words()
	if !s.narrow && s.met[k] == nil && !iam.HasRules(k.service.prefix) {
		return s.common.Allowed[from:to], s.common.Possible[from:to], nil
	}
	allowed, possible = make([]uint64, to-from), make([]uint64, to-from)
	pieces, all := s.split(k)
	if !all { // there may be a resource on which anything is allowed
		for w := range possible {
			possible[w] = ^uint64(0)
		}
	}
	for _, p := range pieces {
		if !p.sound {
			continue
		}
		set, err := s.decide(k, p)
		if err != nil {
			return nil, nil, err
		}
		c := class{piece: p, set: set, allowed: s.room.Allowed[from:to], possible: s.room.Possible[from:to]}
		for w := range allowed {
			allowed[w] |= c.allowed[w]
			possible[w] |= c.possible[w]
		}
		if s.query.Where {
			c.allowed, c.possible = slices.Clone(c.allowed), slices.Clone(c.possible)
			s.classes[k] = append(s.classes[k], c)
		}
	}
	return allowed, possible, nil
}

// split lists the classes of a kind. It says false if there may be more.
func (s *search) split(k *kind) (out []*piece, all bool) {
	// The first are there even if they stand for nothing of the kind: what they have
	// in common with others may.
	whole := s.matrix.whole(k)
	out, all = []*piece{whole}, true
	if s.narrow {
		if out, all = s.narrowed(k); len(out) == 0 || s.within.exact() {
			return out, all
		}
	}
	if k.service.prefix == "sts" && k.name == "role" {
		return s.roles(out), all
	}
	for _, p := range s.met[k] {
		if p == nil {
			all = false
			continue
		}
		for _, a := range out[:len(out):len(out)] {
			if a == whole { // p is a part of it
				out = add(out, p)
				continue
			}
			met, found := a.meet(&p.region)
			all = all && found
			for _, both := range met {
				out = add(out, s.matrix.newPiece(k, both))
			}
		}
		if len(out) > maxClasses {
			return out[:maxClasses], false
		}
	}
	return out, all
}

// add puts a piece into a list that does not have it.
func add(list []*piece, p *piece) []*piece {
	if slices.ContainsFunc(list, func(o *piece) bool { return o.text == p.text }) {
		return list
	}
	return append(list, p)
}

// narrowed is what the query's pattern covers of a kind.
func (s *search) narrowed(k *kind) (out []*piece, all bool) {
	if s.within.exact() { // in any account
		if k.is(&s.within) {
			out = append(out, s.matrix.newPiece(k, s.within))
		}
		return out, true
	}
	met, all := k.own.meet(&s.within)
	for _, r := range met {
		out = append(out, s.matrix.newPiece(k, r))
	}
	return out, all
}

// roles lists the roles of the account, each a class of its own. Those whose trust
// policy does not name the caller can only be denied: they matter to Where alone.
func (s *search) roles(among []*piece) (out []*piece) {
	c := s.Caller
	for _, r := range s.matrix.roles {
		names := func(p *iam.Policy) bool { return p.MayName(&c.Principal, &c.context) }
		held := slices.ContainsFunc(among, func(p *piece) bool { return p.holds(&r.region) })
		if held && (s.query.Where || slices.ContainsFunc(r.policies, names)) {
			out = append(out, r.piece)
		}
	}
	return out
}

// decide answers for one class, in room.
func (s *search) decide(k *kind, p *piece) (*iam.Set, error) {
	m, span, sweep := s.matrix, k.service.span, s.plain
	policy := m.policyOf(k.service.prefix, p.witness)
	if policy == m.unread && k.name == "key" && !(s.narrow && s.within.exact()) {
		policy = m.keys
	}
	set, err := s.Caller.with(policy)
	if err != nil {
		return nil, err
	}
	if policy != nil {
		request := m.request(s.Caller)
		sweep = set.Sweep(m.catalog.Actions, span, &request)
	}
	sweep.Decide(p.witness, m.owner(p.witness), span, s.room)
	return set, nil
}
