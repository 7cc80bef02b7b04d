package iam

import (
	"encoding/json"
	"slices"
	"strings"
)

// Expr is the condition on which a conditional decision hangs. The zero Expr is
// never true.
type Expr struct {
	kind exprKind
	kids []Expr
	leaf Leaf
}

type exprKind uint8

const (
	exprNo exprKind = iota
	exprYes
	exprAll
	exprAny
	exprNot
	exprLeaf
)

// Leaf is one thing that is not known. Exactly one of its forms is set: a condition
// (Operator, Key, Values), a Resource pattern whose variable is not known, a list
// of Principals that may or may not name the caller, or the ResourceAccount that
// must own the resource.
type Leaf struct {
	Operator        string   `json:"operator,omitempty"`
	Key             string   `json:"key,omitempty"`
	Values          []string `json:"values,omitempty"`
	Resource        []string `json:"resource,omitempty"`
	Principal       []string `json:"principal,omitempty"`
	ResourceAccount string   `json:"resourceAccount,omitempty"`
}

// Never says whether the expression cannot be true.
func (e Expr) Never() bool { return e.kind == exprNo }

// Always says whether the expression is true whatever is not known.
func (e Expr) Always() bool { return e.kind == exprYes }

func leafExpr(l Leaf) Expr { return Expr{kind: exprLeaf, leaf: l} }

// And joins two expressions of which both must hold.
func (e Expr) And(f Expr) Expr { return join(exprAll, exprNo, exprYes, e, f) }

// Or joins two expressions of which one must hold.
func (e Expr) Or(f Expr) Expr { return join(exprAny, exprYes, exprNo, e, f) }

// join is And or Or; fixed decides the outcome, neutral leaves it.
func join(kind, fixed, neutral exprKind, e, f Expr) Expr {
	switch {
	case e.kind == fixed || f.kind == neutral:
		return e
	case f.kind == fixed || e.kind == neutral:
		return f
	}
	var kids []Expr
	for _, x := range []Expr{e, f} {
		parts := []Expr{x}
		if x.kind == kind {
			parts = x.kids
		}
		for _, part := range parts {
			if !slices.ContainsFunc(kids, part.equal) {
				kids = append(kids, part)
			}
		}
	}
	if len(kids) == 1 {
		return kids[0]
	}
	return Expr{kind: kind, kids: kids}
}

func (e Expr) equal(f Expr) bool {
	a, b := &e.leaf, &f.leaf
	return e.kind == f.kind && slices.EqualFunc(e.kids, f.kids, Expr.equal) &&
		a.Operator == b.Operator && a.Key == b.Key && slices.Equal(a.Values, b.Values) && slices.Equal(a.Resource, b.Resource) &&
		slices.Equal(a.Principal, b.Principal) && a.ResourceAccount == b.ResourceAccount
}

// Not turns the expression about.
func (e Expr) Not() Expr {
	switch e.kind {
	case exprNo:
		return Expr{kind: exprYes}
	case exprYes:
		return Expr{}
	case exprNot:
		return e.kids[0]
	}
	return Expr{kind: exprNot, kids: []Expr{e}}
}

// MarshalJSON writes {"all":[...]}, {"any":[...]}, {"not":...}, true, false, or a
// Leaf.
func (e Expr) MarshalJSON() ([]byte, error) {
	switch e.kind {
	case exprNo:
		return []byte("false"), nil
	case exprYes:
		return []byte("true"), nil
	case exprAll:
		return json.Marshal(map[string][]Expr{"all": e.kids})
	case exprAny:
		return json.Marshal(map[string][]Expr{"any": e.kids})
	case exprNot:
		return json.Marshal(map[string]Expr{"not": e.kids[0]})
	}
	return json.Marshal(e.leaf)
}

// String is the expression as a person would write it.
func (e Expr) String() string {
	switch e.kind {
	case exprNo:
		return "never"
	case exprYes:
		return "always"
	case exprNot:
		return "not (" + e.kids[0].String() + ")"
	case exprLeaf:
		return e.leaf.String()
	}
	word := " and "
	if e.kind == exprAny {
		word = " or "
	}
	parts := make([]string, len(e.kids))
	for i, k := range e.kids {
		if parts[i] = k.String(); k.kind == exprAll || k.kind == exprAny {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, word)
}

// String is the leaf as a person would write it.
func (l Leaf) String() string {
	switch {
	case l.Operator != "":
		return l.Operator + " " + l.Key + " [" + strings.Join(l.Values, ", ") + "]"
	case l.Resource != nil:
		return "the resource is one of [" + strings.Join(l.Resource, ", ") + "]"
	case l.Principal != nil:
		return "the caller is one of [" + strings.Join(l.Principal, ", ") + "]"
	}
	return "the resource belongs to account " + l.ResourceAccount
}

// constant turns what is certain into an expression; leaf stands for the rest.
func constant(t Truth, leaf func() Leaf) Expr {
	switch t {
	case False:
		return Expr{}
	case True:
		return Expr{kind: exprYes}
	}
	return leafExpr(leaf())
}

// exprState is the counterpart of state in expressions.
type exprState struct {
	deny, allow Expr
	named       [namings]Expr
}

// Residual is the condition on which the request is allowed: Always for an allowed
// one, Never for a denied one.
func (s *Set) Residual(r *Request) Expr {
	t := target{Request: r, context: r.Context}
	t.fill(s)
	out := s.residual(&t)
	extra := t.alsoNeeds()
	for _, action := range alsoActions {
		if extra&action.bit != 0 {
			t.setAction(action.name)
			out = out.And(s.residual(&t))
		}
	}
	return out
}

func (s *Set) residual(t *target) Expr {
	states := make([]exprState, len(s.blocks))
	for _, id := range s.matching(t) {
		s.express(t, &s.candidates[id], states)
	}
	yes := Expr{kind: exprYes}
	in := inputs[Expr]{yes: yes, scps: yes, endpoint: yes, boundary: yes, session: yes}
	in.same = constant(t.same, func() Leaf { return Leaf{ResourceAccount: string(t.Principal.Account)} })
	for i := range s.blocks {
		st, layer := &states[i], s.blocks[i].layer
		if !t.active.Has(layer) {
			continue
		}
		if !t.survives(layer) {
			in.deny = in.deny.Or(st.deny)
		}
		switch layer {
		case SCP:
			in.scps = in.scps.And(st.allow)
		case Resource:
			in.named = st.named
		case Endpoint:
			in.endpoint = st.allow
		case Identity:
			in.identity = st.allow
		case Boundary:
			in.boundary = st.allow
		case Session:
			in.session = st.allow
		}
	}
	return allowed(t, s, &in)
}

// matching lists the statements whose Action covers the request, each once, in
// order.
func (s *Set) matching(t *target) []int32 {
	out := make([]int32, 0, 16)
	s.each(t, func(id int32) { out = append(out, id) })
	slices.Sort(out)
	return slices.Compact(out)
}

// express adds one statement to its block.
func (s *Set) express(t *target, c *candidate, states []exprState) {
	st, b := &states[c.block], &s.blocks[c.block]
	scope := c.scopeExpr(t)
	if scope.Never() {
		return
	}
	principal := func() Leaf { return Leaf{Principal: c.principalTexts()} }
	switch {
	case c.principalMode == missing:
		if c.denies {
			st.deny = st.deny.Or(scope)
		} else {
			st.allow = st.allow.Or(scope)
		}
	case c.principalMode == not && c.denies:
		exempt := constant(c.exempts(&t.Principal, &t.context, s.has.Has(Boundary)), principal)
		st.deny = st.deny.Or(scope.And(exempt.Not()))
	case c.principalMode == not || !c.denies && b.layer == RCP:
	default:
		for how, n := range c.names(&t.Principal, &t.context) {
			e := scope.And(constant(n, principal))
			if c.denies {
				st.deny = st.deny.Or(e)
				continue
			}
			st.named[how] = st.named[how].Or(e)
			st.allow = st.allow.Or(e)
		}
	}
}

func (s *statement) scopeExpr(t *target) Expr {
	out := constant(s.resource(t), func() Leaf {
		texts := make([]string, len(s.resources))
		for i := range s.resources {
			texts[i] = s.resources[i].text
		}
		return Leaf{Resource: texts}
	})
	if s.resourceMode == not && out.kind == exprLeaf {
		out = out.Not()
	}
	for i := range s.tests {
		test := &s.tests[i]
		out = out.And(constant(test.Eval(&t.context), func() Leaf { return Leaf{Operator: test.Name, Key: test.Key, Values: test.Values} }))
	}
	return out
}

func (s *statement) principalTexts() []string {
	texts := make([]string, len(s.principals))
	for i := range s.principals {
		texts[i] = s.principals[i].text
	}
	return texts
}
