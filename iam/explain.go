package iam

import (
	"github.com/rootkeep/rootkeep/iam/condition"
)

// Detail says how much of an explanation is wanted.
type Detail uint8

// Details.
const (
	Matching Detail = iota // statements whose Action covers the request; others are counted
	Every                  // every statement
)

// Explanation is the trace of one decision, in the order of evaluation.
type Explanation struct {
	Action    string       `json:"action"`
	Resource  string       `json:"resource"`
	Principal string       `json:"principal"`
	Outcome   Outcome      `json:"decision"`
	By        Layers       `json:"by"`
	Residual  *Expr        `json:"residual,omitempty"` // set for a conditional decision
	Note      string       `json:"note,omitempty"`     // a rule of the service that decided
	Layers    []LayerTrace `json:"layers"`
	// And holds the traces of further actions that the same call needs, such as
	// sts:TagSession.
	And []*Explanation `json:"and,omitempty"`
}

// LayerTrace is one layer, or one level of SCPs or RCPs.
type LayerTrace struct {
	Layer  Layer
	Level  int  // from the organization's root, 0
	Active bool // false: the layer has no say about this caller or resource
	Denies Truth
	Allows Truth
	// Statements are those whose Action covers the request, or all of them.
	Statements []StatementTrace
	Others     int // statements left out: their Action does not cover the request
}

// StatementTrace is one statement and how it met the request.
type StatementTrace struct {
	Ref    Ref
	Denies bool // its effect is Deny
	Match  Truth
	// Failed lists the elements that do not match or are not known; it is empty for
	// a statement that matches.
	Failed []ElementTrace
}

// ElementTrace is one element that kept a statement from matching.
type ElementTrace struct {
	Element string   `json:"element"` // "Action", "Resource", "Principal", "Condition", with Not where written
	Result  string   `json:"match"`   // "no" or "unknown"
	Leaf    *Leaf    `json:"condition,omitempty"`
	Got     []string `json:"got,omitempty"` // values of the context key in the request
	Absent  bool     `json:"absent,omitempty"`
}

// Explain decides a request again and notes why.
func (s *Set) Explain(r *Request, detail Detail) *Explanation {
	t := target{Request: r, context: r.Context}
	t.fill(s)
	x := s.explain(&t, detail)
	x.Action = r.Action
	extra := t.alsoNeeds()
	for _, action := range alsoActions {
		if extra&action.bit != 0 {
			t.setAction(action.name)
			x.And = append(x.And, s.explain(&t, detail))
		}
	}
	if extra != 0 {
		whole := s.Decide(r)
		x.Outcome, x.By = whole.Outcome, whole.By
	}
	if x.Outcome == Conditional {
		e := s.Residual(r)
		x.Residual = &e
	}
	return x
}

func (s *Set) explain(t *target, detail Detail) *Explanation {
	var states [maxBlocks]state
	s.gather(t, &states)
	d := s.settle(t, &states)
	x := &Explanation{
		Action: string(t.lower()), Resource: t.Resource, Principal: t.Principal.ARN, Outcome: d.Outcome, By: d.By,
		Note: t.note(s), Layers: make([]LayerTrace, len(s.blocks)),
	}
	places := s.matching(t)
	if detail == Every {
		places = s.every()
	}
	traces := make([]StatementTrace, len(places))
	for i, at := range places {
		s.trace(t, s.statement(at), &traces[i])
	}
	for i := range s.blocks {
		b := &s.blocks[i]
		l := &x.Layers[i]
		*l = LayerTrace{Layer: b.layer, Level: b.level, Active: t.active.Has(b.layer), Denies: states[i].deny, Allows: states[i].allow}
		n := 0
		for n < len(places) && places[n].block() == i {
			n++
		}
		l.Statements, traces, places = traces[:n:n], traces[n:], places[n:]
		l.Others = int(b.end-b.first) - n
	}
	return x
}

// note says which rule of a service decided, if one did.
func (t *target) note(s *Set) string {
	switch t.rule {
	case alwaysAllowed:
		return "sts:GetCallerIdentity needs no permission and no policy can deny it"
	case neverAllowed:
		if t.Principal.Kind == Root {
			return "a root user cannot assume a role"
		}
		return "AWS owns this resource: no policy lets an account change it"
	case publicBlocked, publicBlockedAcross:
		if s.public {
			return "the bucket policy is public and RestrictPublicBuckets is on"
		}
	case resourceDecides:
		return "the resource's own policy must name the caller or hand the decision to its account"
	case trustAlone:
		return "the role's trust policy alone decides"
	}
	return ""
}

var matchWords = [...]string{False: "no", Unknown: "unknown", True: "yes"}

func (s *Set) trace(t *target, c *statement, st *StatementTrace) {
	*st = StatementTrace{Ref: Ref{c.policy, c.index}, Denies: c.denies, Match: True}
	note := func(element string, m Truth) *ElementTrace {
		if m == True {
			return nil
		}
		st.Match = st.Match.And(m)
		st.Failed = append(st.Failed, ElementTrace{Element: element, Result: matchWords[m]})
		return &st.Failed[len(st.Failed)-1]
	}
	note(elementName("Action", c.actionMode), condition.Is(c.action(t)))
	note(elementName("Principal", c.principalMode), c.about(&t.Principal, &t.context, s.has.Has(Boundary)))
	note(elementName("Resource", c.resourceMode), c.resource(t))
	for i := range c.tests {
		test := &c.tests[i]
		if e := note("Condition", test.Eval(&t.context)); e != nil {
			leaf := test.Leaf()
			e.Leaf = &leaf
			got, there := t.context.Values(test.LowerKey())
			e.Got, e.Absent = got, there == False
		}
	}
}

func elementName(name string, m mode) string {
	if m == not {
		return "Not" + name
	}
	return name
}

// about says whether the statement's Principal or NotPrincipal takes the caller in.
func (s *statement) about(p *Principal, c *Context, bounded bool) Truth {
	switch {
	case s.principalMode == missing:
		return True
	case s.principalMode == not && s.denies:
		return s.exempts(p, c, bounded).Not()
	case s.principalMode == not:
		return False
	}
	out := False
	for _, n := range s.names(p, c) {
		out = out.Or(n)
	}
	return out
}
