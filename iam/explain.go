package iam

import (
	"fmt"
	"strings"

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
	Layer  Layer  `json:"layer"`
	Level  int    `json:"level"`  // from the organization's root, 0
	Active bool   `json:"active"` // false: the layer has no say about this caller or resource
	Denies Truth  `json:"-"`
	Allows Truth  `json:"-"`
	Result string `json:"result"` // "denies", "allows", "silent", "unknown" or "not applicable"
	// Statements are those whose Action covers the request, or all of them.
	Statements []StatementTrace `json:"statements"`
	Others     int              `json:"others"` // statements left out: their Action does not cover the request
}

// StatementTrace is one statement and how it met the request.
type StatementTrace struct {
	Ref    Ref    `json:"-"`
	Policy string `json:"policy"`
	Index  int    `json:"statement"` // from 0
	Sid    string `json:"sid,omitempty"`
	Line   int    `json:"line"`
	Effect string `json:"effect"`
	Match  Truth  `json:"-"`
	Result string `json:"match"` // "yes", "no" or "unknown"
	// Failed lists the elements that do not match or are not known; it is empty for
	// a statement that matches.
	Failed []ElementTrace `json:"failed,omitempty"`
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
	whole := s.Decide(r)
	x.Outcome, x.By = whole.Outcome, whole.By
	for _, action := range alsoActions {
		if extra&action.bit != 0 {
			t.setAction(action.name)
			x.And = append(x.And, s.explain(&t, detail))
		}
	}
	if x.Outcome == Conditional {
		e := s.Residual(r)
		x.Residual = &e
	}
	return x
}

func (s *Set) explain(t *target, detail Detail) *Explanation {
	d := s.decide(t)
	x := &Explanation{
		Action: string(t.lower()), Resource: t.Resource, Principal: t.Principal.ARN, Outcome: d.Outcome, By: d.By,
		Note: t.note(s), Layers: make([]LayerTrace, len(s.blocks)),
	}
	var states [maxBlocks]state
	s.gather(t, &states)
	for i := range s.blocks {
		b := &s.blocks[i]
		x.Layers[i] = LayerTrace{
			Layer: b.layer, Level: b.level, Active: t.active.Has(b.layer), Denies: states[i].deny, Allows: states[i].allow,
			Statements: []StatementTrace{},
		}
		x.Layers[i].Result = x.Layers[i].word()
		for _, p := range b.policies {
			x.Layers[i].Others += len(p.statements)
		}
	}
	ids := s.matching(t)
	if detail == Every {
		ids = ids[:0]
		for id := range s.candidates {
			ids = append(ids, int32(id))
		}
	}
	for _, id := range ids {
		c := &s.candidates[id]
		l := &x.Layers[c.block]
		l.Statements = append(l.Statements, s.trace(t, c))
		l.Others--
	}
	return x
}

func (l *LayerTrace) word() string {
	switch {
	case !l.Active:
		return "not applicable"
	case l.Denies == True:
		return "denies"
	case l.Denies == Unknown || l.Allows == Unknown:
		return "unknown"
	case l.Allows == True:
		return "allows"
	}
	return "silent"
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

func (s *Set) trace(t *target, c *candidate) StatementTrace {
	ref := Ref{c.policy, c.index}
	st := StatementTrace{Ref: ref, Policy: c.policy.Name, Index: c.index, Sid: ref.Sid(), Line: ref.Line(), Effect: "Allow", Match: True}
	if c.denies {
		st.Effect = "Deny"
	}
	note := func(element string, m Truth) *ElementTrace {
		st.Match = st.Match.And(m)
		if m == True {
			return nil
		}
		st.Failed = append(st.Failed, ElementTrace{Element: element, Result: matchWords[m]})
		return &st.Failed[len(st.Failed)-1]
	}
	note(elementName("Action", c.actionMode), condition.Is(c.action(t)))
	note(elementName("Principal", c.principalMode), s.covers(t, c))
	note(elementName("Resource", c.resourceMode), c.resource(t))
	for i := range c.tests {
		test := &c.tests[i]
		e := note("Condition", test.Eval(&t.context))
		if e == nil {
			continue
		}
		leaf := leafOf(test)
		e.Leaf = &leaf
		got, there := t.context.Values(test.LowerKey())
		e.Got, e.Absent = got, there == False
	}
	st.Result = matchWords[st.Match]
	return st
}

func elementName(name string, m mode) string {
	if m == not {
		return "Not" + name
	}
	return name
}

// covers says whether the statement's Principal element takes the caller in.
func (s *Set) covers(t *target, c *candidate) Truth {
	switch {
	case c.principalMode == missing:
		return True
	case c.principalMode == not && c.denies:
		return c.exempts(&t.Principal, &t.context, s.has.Has(Boundary)).Not()
	case c.principalMode == not:
		return False
	}
	out := False
	for _, n := range c.names(&t.Principal, &t.context) {
		out = out.Or(n)
	}
	return out
}

// String is the trace for a person, one line per layer and statement.
func (x *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s on %s by %s", x.Outcome, x.Action, x.Resource, x.Principal)
	if x.By != 0 {
		fmt.Fprintf(&b, " (%s)", x.By)
	}
	b.WriteByte('\n')
	if x.Residual != nil {
		fmt.Fprintf(&b, "  only if %s\n", x.Residual)
	}
	if x.Note != "" {
		fmt.Fprintf(&b, "  %s\n", x.Note)
	}
	for i := range x.Layers {
		x.Layers[i].write(&b)
	}
	for _, also := range x.And {
		b.WriteString("and ")
		b.WriteString(also.String())
	}
	return b.String()
}

func (l *LayerTrace) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s", l.Layer)
	if l.Layer == SCP || l.Layer == RCP {
		fmt.Fprintf(b, " level %d", l.Level)
	}
	fmt.Fprintf(b, ": %s\n", l.Result)
	for i := range l.Statements {
		s := &l.Statements[i]
		fmt.Fprintf(b, "    %s %s (line %d)", s.Effect, s.Ref, s.Line)
		if s.Match == True {
			b.WriteString(": matches\n")
			continue
		}
		b.WriteString(": ")
		for k := range s.Failed {
			if k > 0 {
				b.WriteString("; ")
			}
			s.Failed[k].write(b)
		}
		b.WriteByte('\n')
	}
	if l.Others > 0 {
		fmt.Fprintf(b, "    %d other statements are about other actions\n", l.Others)
	}
}

func (e *ElementTrace) write(b *strings.Builder) {
	verb := "does not match"
	if e.Result == "unknown" {
		verb = "is not known"
	}
	fmt.Fprintf(b, "%s %s", e.Element, verb)
	if e.Leaf == nil {
		return
	}
	fmt.Fprintf(b, " (%s; ", e.Leaf)
	switch {
	case e.Absent:
		b.WriteString("the key is absent)")
	case e.Got == nil:
		b.WriteString("the key is not known)")
	default:
		fmt.Fprintf(b, "the request has [%s])", strings.Join(e.Got, ", "))
	}
}
