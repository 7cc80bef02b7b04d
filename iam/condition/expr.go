package condition

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
// of Principals that may or may not name the caller, the ResourceAccount that must
// own the resource, or a policy that is Unread and may say anything.
type Leaf struct {
	Operator        string   `json:"operator,omitempty"`
	Key             string   `json:"key,omitempty"`
	Values          []string `json:"values,omitempty"`
	Resource        []string `json:"resource,omitempty"`
	Principal       []string `json:"principal,omitempty"`
	ResourceAccount string   `json:"resourceAccount,omitempty"`
	Unread          string   `json:"unread,omitempty"`
}

// Never says whether the expression cannot be true.
func (e Expr) Never() bool { return e.kind == exprNo }

// Always says whether the expression is true whatever is not known.
func (e Expr) Always() bool { return e.kind == exprYes }

// Yes is the expression that is always true.
func Yes() Expr { return Expr{kind: exprYes} }

// Open is the expression of one thing that is not known.
func Open(l Leaf) Expr { return Expr{kind: exprLeaf, leaf: l} }

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
			if !slices.ContainsFunc(kids, part.Equal) {
				kids = append(kids, part)
			}
		}
	}
	if len(kids) == 1 {
		return kids[0]
	}
	return Expr{kind: kind, kids: kids}
}

// Equal says whether two expressions are written the same.
func (e Expr) Equal(f Expr) bool {
	a, b := &e.leaf, &f.leaf
	return e.kind == f.kind && slices.EqualFunc(e.kids, f.kids, Expr.Equal) &&
		a.Operator == b.Operator && a.Key == b.Key && slices.Equal(a.Values, b.Values) && slices.Equal(a.Resource, b.Resource) &&
		slices.Equal(a.Principal, b.Principal) && a.ResourceAccount == b.ResourceAccount && a.Unread == b.Unread
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
	if l.Unread != "" {
		return "the policy " + l.Unread + ", which could not be read, says so"
	}
	return "the resource belongs to account " + l.ResourceAccount
}
