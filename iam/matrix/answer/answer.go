// Package answer puts what package matrix says into documents: a question about an
// account goes in, and out comes what a program reads as JSON and a person as text.
//
// Text takes a function that makes a value from a file harmless for where it is
// shown; every name, pattern and condition passes through it.
package answer

import (
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Head is what every document begins with.
type Head struct {
	Schema  string `json:"schema"`
	Account string `json:"account"`
	Table   string `json:"action_table"` // day of the table of actions
	// TakenForGranted is what the answers rest on and nobody has said.
	TakenForGranted []string `json:"taken_for_granted"`
	// Unread is what could not be read of the input; answers that it may change are
	// conditional.
	Unread    []string `json:"unread"`
	ExitCodes []int    `json:"exit_codes"`
}

// NewHead begins a document about an account.
func NewHead(schema string, in matrix.Input) Head {
	h := Head{Schema: schema, Account: string(in.Account.ID), Table: metadata.Date().Format(time.DateOnly), TakenForGranted: []string{}, Unread: []string{}, ExitCodes: []int{}}
	for _, p := range in.Account.Problems {
		h.Unread = append(h.Unread, p.String())
	}
	return h
}

// Statement is the one that decided.
type Statement struct {
	Policy string `json:"policy"`
	Index  int    `json:"statement"` // from 0
	Sid    string `json:"sid,omitempty"`
	Line   int    `json:"line"`
}

// Basis is a decision and why.
type Basis struct {
	Decision  iam.Outcome `json:"decision"`
	By        iam.Layers  `json:"by"`
	Statement *Statement  `json:"statement,omitempty"`
	OnlyIf    *iam.Expr   `json:"only_if,omitempty"`
	Resource  string      `json:"resource,omitempty"` // a pattern, where any resource was asked about
}

func basis(d iam.Decision, onlyIf *iam.Expr) Basis {
	b := Basis{Decision: d.Outcome, By: d.By, OnlyIf: onlyIf}
	if r := d.Statement; r.Policy != nil {
		b.Statement = &Statement{r.Policy.Name, r.Index, r.Sid(), r.Line()}
	}
	return b
}

// text says what decided, and the condition of a conditional decision.
func (b *Basis) text(clean func(string) string) string {
	s := b.By.String()
	if s == "" {
		s = "root" // which needs no policy
	}
	if st := b.Statement; st != nil {
		s += ": " + clean(st.Policy) + " statement " + strconv.Itoa(st.Index)
		if st.Sid != "" {
			s += " (" + clean(st.Sid) + ")"
		}
	}
	if b.OnlyIf != nil {
		s += ", only if " + clean(b.OnlyIf.String())
	}
	return s
}

// places turns what a Reach says of an action into one Basis for each pattern.
func places(w matrix.Where) (out []Basis) {
	for _, list := range [][]matrix.Place{w.On, w.If} {
		for _, p := range list {
			b := basis(p.Decision, p.OnlyIf)
			b.Resource = p.Resource
			out = append(out, b)
		}
	}
	return out
}
