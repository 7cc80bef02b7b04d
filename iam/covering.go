package iam

import "github.com/rootkeep/rootkeep/iam/condition"

// Covering lists the statements whose Action or NotAction covers an action, whatever
// their other elements say, in the order in which the set holds its policies. A
// policy that is in the set twice is listed twice.
func (s *Set) Covering(action string) []Ref {
	var t target
	t.setAction(action)
	places := s.matching(&t)
	out := make([]Ref, len(places))
	for i, at := range places {
		st := s.statement(at)
		out[i] = Ref{st.policy, st.index}
	}
	return out
}

// Tests are the conditions of the statement, which must all hold; they must not be
// changed.
func (r Ref) Tests() []condition.Test { return r.Policy.statements[r.Index].tests }

// Names says whether the statement is about a caller by its Principal or
// NotPrincipal, as it would be in the policy of a resource: True without either, False
// for an Allow with NotPrincipal, which grants nothing. The caller has no boundary.
func (r Ref) Names(p *Principal, c *Context) Truth {
	return r.Policy.statements[r.Index].about(p, c, false)
}
