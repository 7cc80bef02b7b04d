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
	Effect          string   `json:"effect,omitempty"` // Allow or Deny, of what is Unread
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
func (e Expr) And(f Expr) Expr { return join(exprAll, e, f) }

// Or joins two expressions of which one must hold.
func (e Expr) Or(f Expr) Expr { return join(exprAny, e, f) }

func join(kind exprKind, e, f Expr) Expr {
	s := Sum{all: kind == exprAll}
	s.Add(e)
	s.Add(f)
	return s.Expr()
}

// Sum joins any number of expressions, in time proportional to their size. The zero
// Sum is one of which one must hold.
type Sum struct {
	all     bool
	decided bool // by an operand: true for one of many, false for all of them
	kids    []Expr
	known   map[string]bool // kids in JSON, once they are many
}

// Every is a Sum of which all must hold.
func Every() Sum { return Sum{all: true} }

// manyKids is how many expressions are compared one by one.
const manyKids = 16

// Add joins one more expression.
func (s *Sum) Add(e Expr) {
	kind, fixed, neutral := exprAny, exprYes, exprNo
	if s.all {
		kind, fixed, neutral = exprAll, exprNo, exprYes
	}
	switch {
	case s.decided || e.kind == neutral:
	case e.kind == fixed:
		s.decided, s.kids = true, nil
	case e.kind == kind:
		for _, part := range e.kids {
			s.part(part)
		}
	default:
		s.part(e)
	}
}

// part adds one operand unless it is there already.
func (s *Sum) part(e Expr) {
	if len(s.kids) < manyKids {
		if !slices.ContainsFunc(s.kids, e.Equal) {
			s.kids = append(s.kids, e)
		}
		return
	}
	if s.known == nil {
		s.known = map[string]bool{}
		for _, k := range s.kids {
			s.known[k.text()] = true
		}
	}
	if text := e.text(); !s.known[text] {
		s.known[text] = true
		s.kids = append(s.kids, e)
	}
}

// text tells expressions apart.
func (e Expr) text() string {
	b, _ := e.MarshalJSON() // strings and lists of them can always be written
	return string(b)
}

// Expr is the joined expression. The Sum must not be used afterwards.
func (s *Sum) Expr() Expr {
	switch {
	case s.decided && !s.all, !s.decided && s.all && len(s.kids) == 0:
		return Yes()
	case s.decided || len(s.kids) == 0:
		return Expr{}
	case len(s.kids) == 1:
		return s.kids[0]
	case s.all:
		return Expr{kind: exprAll, kids: s.kids}
	}
	return Expr{kind: exprAny, kids: s.kids}
}

// Equal says whether two expressions are written the same.
func (e Expr) Equal(f Expr) bool {
	a, b := &e.leaf, &f.leaf
	return e.kind == f.kind && slices.EqualFunc(e.kids, f.kids, Expr.Equal) &&
		a.Operator == b.Operator && a.Key == b.Key && slices.Equal(a.Values, b.Values) && slices.Equal(a.Resource, b.Resource) &&
		slices.Equal(a.Principal, b.Principal) && a.ResourceAccount == b.ResourceAccount && a.Unread == b.Unread && a.Effect == b.Effect
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

// String is the leaf as a person would write it, on one line.
func (l Leaf) String() string { return OneLine(l.text()) }

func (l Leaf) text() string {
	switch {
	case l.Operator != "":
		return l.Operator + " " + l.Key + " [" + strings.Join(l.Values, ", ") + "]"
	case l.Resource != nil:
		return "the resource is one of [" + strings.Join(l.Resource, ", ") + "]"
	case l.Principal != nil:
		return "the caller is one of [" + strings.Join(l.Principal, ", ") + "]"
	}
	if l.Unread != "" {
		says := map[bool]string{true: "denies it", false: "allows it"}[l.Effect == "Deny"]
		return "the policy " + l.Unread + ", which could not be read, " + says
	}
	return "the resource belongs to account " + l.ResourceAccount
}

// breaks are the characters that begin a new line on some terminal or page.
var breaks = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\v", `\v`, "\f", `\f`, "\u0085", `\u0085`, "\u2028", `\u2028`, "\u2029", `\u2029`)

// OneLine keeps a text on its line: what a policy says of itself must not look like
// a line of ours.
func OneLine(s string) string { return breaks.Replace(s) }
