// Package template holds policy templates: content files go in, policies with the
// reader's own values come out, and a table in each file says what the policy
// allows and denies, which the evaluator proves.
//
// A template's policy is a policy as AWS writes it. {{name}} in one of its strings
// stands for a parameter; ${...} stays what it is for AWS, a policy variable. A value
// never leaves its string: it is checked against the parameter's bounds and written
// as JSON.
package template

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/lint"
)

// Template is one file.
type Template struct {
	ID     string    `yaml:"id"`
	Kind   string    `yaml:"kind"`   // policy-template
	Number int       `yaml:"number"` // in the list of templates that the product promises; 0 is none
	Title  string    `yaml:"title"`
	Type   lint.Type `yaml:"type"`
	Why    string    `yaml:"why"`
	Attach Attach    `yaml:"attach"`
	// DoesNot says what a reader may wrongly expect; Limits adds what holds for the
	// type.
	DoesNot []string `yaml:"does_not"`
	// NoTwin says why a service control policy has no form for the management account;
	// empty means that it has one, see RenderAs.
	NoTwin     string      `yaml:"no_twin"`
	Parameters []Parameter `yaml:"parameters"`
	Policy     string      `yaml:"policy"` // JSON with {{name}} in strings
	Accepts    []Accepted  `yaml:"accepts"`
	Source     Origin      `yaml:"source"`
	Setting    Setting     `yaml:"setting"`
	Cases      []Case      `yaml:"cases"`
	Untested   []Untested  `yaml:"untested"`

	// File is where it was read, for messages.
	File string `yaml:"-"`
}

// Attach says where a policy belongs.
type Attach struct {
	To    string `yaml:"to"`
	NotTo string `yaml:"not_to"`
}

// Accepted is a code of the linter that a template raises on purpose.
type Accepted struct {
	Code   string `yaml:"code" json:"code"`
	Reason string `yaml:"reason" json:"reason"`
}

// Origin is where the form of a policy is documented.
type Origin struct {
	Title string `yaml:"title" json:"title"`
	Date  string `yaml:"date" json:"date"` // YYYY-MM-DD, when it was last compared
}

// Untested is a part of the policy whose loss no case can show, and why.
type Untested struct {
	Statement string `yaml:"statement" json:"statement"` // Sid
	Condition string `yaml:"condition" json:"condition,omitempty"`
	Reason    string `yaml:"reason" json:"reason"`
}

// Templates are sorted by number, then by id.
type Templates []*Template

// Find is the template of an id.
func (ts Templates) Find(id string) (*Template, bool) {
	i := slices.IndexFunc(ts, func(t *Template) bool { return t.ID == id })
	if i < 0 {
		return nil, false
	}
	return ts[i], true
}

// Parameter finds a parameter by its name.
func (t *Template) Parameter(name string) (*Parameter, bool) {
	for i := range t.Parameters {
		if t.Parameters[i].Name == name {
			return &t.Parameters[i], true
		}
	}
	return nil, false
}

// Limits is what the policy does not do: what holds for every policy of its type,
// then what the file says. Sources: IAM User Guide, "Policies and permissions" and
// "Permissions boundaries"; Organizations User Guide, "Service control policies" and
// "Resource control policies".
func (t *Template) Limits() []string {
	var out []string
	switch t.Type {
	case lint.SCP:
		out = append(out, "Nothing in the management account, nothing to service-linked roles, nothing to principals outside the organization. It grants nothing: an SCP that allows must stay attached at every level.")
		if t.NoTwin == "" {
			out = append(out, "For the management account render it as a permissions boundary (--as boundary) or as an identity policy (--as identity); neither binds the root user.")
		} else {
			out = append(out, "No form for the management account: "+t.NoTwin)
		}
	case lint.RCP:
		out = append(out, "Nothing for resources of the management account, nothing to service-linked roles, nothing in services that resource control policies do not reach. It grants nothing.")
	case lint.Boundary:
		out = append(out, "It grants nothing and limits only the users and roles it is set on, never the root user; what a resource policy grants to a user by ARN passes it.")
	case lint.Identity:
		out = append(out, "It does not bind the root user.")
	case lint.Trust:
		out = append(out, "It says who becomes the role, not what the role may do.")
	}
	return append(out, t.DoesNot...)
}

// accepts says whether the template raises a code on purpose.
func (t *Template) accepts(code string) bool {
	return slices.ContainsFunc(t.Accepts, func(a Accepted) bool { return a.Code == code })
}

// words joins a list for a sentence.
func words(list []string) string { return strings.Join(list, ", ") }
