package iam

import (
	"github.com/rootkeep/rootkeep/iam/condition"
)

// Expr is the condition on which a conditional decision hangs.
type Expr = condition.Expr

// Leaf is one thing that is not known.
type Leaf = condition.Leaf

// constant turns what is certain into an expression; leaf stands for the rest.
func constant(t Truth, leaf func() Leaf) Expr {
	switch t {
	case False:
		return Expr{}
	case True:
		return condition.Yes()
	}
	return condition.Open(leaf())
}

// exprState is the counterpart of state in expressions.
type exprState struct {
	deny, allow condition.Sum
	named       [namings]condition.Sum
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
	for _, at := range s.matching(t) {
		s.express(t, s.statement(at), s.blocks[at.block()].layer, &states[at.block()])
	}
	yes := condition.Yes()
	in := inputs[Expr]{yes: yes, scps: yes, endpoint: yes, boundary: yes, session: yes}
	in.same = constant(t.same, func() Leaf { return Leaf{ResourceAccount: string(t.Principal.Account)} })
	for i := range s.blocks {
		st, layer := &states[i], s.blocks[i].layer
		in.add(t, layer, st.deny.Expr(), st.allow.Expr())
		if layer == Resource {
			for how := range in.named {
				in.named[how] = st.named[how].Expr()
			}
		}
	}
	return allowed(t, s, &in)
}

// express adds one statement to its block.
func (s *Set) express(t *target, c *statement, l Layer, st *exprState) {
	scope := c.scopeExpr(t)
	if scope.Never() {
		return
	}
	principal := func() Leaf { return Leaf{Principal: c.principalTexts()} }
	switch {
	case c.principalMode == missing:
		if c.denies {
			st.deny.Add(scope)
		} else {
			st.allow.Add(scope)
		}
	case c.principalMode == not && c.denies:
		exempt := constant(c.exempts(&t.Principal, &t.context, s.has.Has(Boundary)), principal)
		st.deny.Add(scope.And(exempt.Not()))
	case c.principalMode == not || !c.denies && l == RCP:
	default:
		for how, n := range c.names(&t.Principal, &t.context) {
			e := scope.And(constant(n, principal))
			if c.denies {
				st.deny.Add(e)
				continue
			}
			st.named[how].Add(e)
			st.allow.Add(e)
		}
	}
}

func (s *statement) scopeExpr(t *target) Expr {
	out := constant(s.resource(t), func() Leaf {
		texts := make([]string, len(s.resources))
		for i := range s.resources {
			texts[i] = s.resources[i].Text
		}
		return Leaf{Resource: texts}
	})
	if s.resourceMode == not && !out.Always() && !out.Never() {
		out = out.Not()
	}
	all := condition.Every()
	all.Add(out)
	for i := range s.tests {
		test := &s.tests[i]
		all.Add(constant(test.Eval(&t.context), test.Leaf))
	}
	return all.Expr()
}

func (s *statement) principalTexts() []string {
	texts := make([]string, len(s.principals))
	for i := range s.principals {
		texts[i] = s.principals[i].Text
	}
	return texts
}
