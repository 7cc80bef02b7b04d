// Package guardrail holds the policies that keep root users from being used otherwise
// than under a request: a content file names a policy template, where it is attached,
// the control that shows it in force, and what it promises. With the values of an
// organization go in, a policy that the evaluator has held to the promises comes out.
package guardrail

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Place is where a guardrail is attached.
type Place string

// The places.
const (
	Members Place = "members" // every member of the organization
	Caller  Place = "caller"  // the account that sts:AssumeRoot is called from
	Broker  Place = "broker"  // the role that calls it
)

// Places lists them.
func Places() []Place { return []Place{Members, Caller, Broker} }

// Guardrail is one file of content/guardrails.
type Guardrail struct {
	ID         string          `yaml:"id"` // the file's name
	Kind       string          `yaml:"kind"`
	Title      string          `yaml:"title"`
	Why        string          `yaml:"why"`
	Template   string          `yaml:"template"` // ID of the policy template
	Where      Place           `yaml:"where"`
	Management string          `yaml:"management"` // what is different in the management account
	Control    string          `yaml:"control"`    // ID of the control that shows whether it is in force
	Promises   []template.Case `yaml:"promises"`   // with {{name}} for the template's parameters

	template *template.Template
	file     string
}

// File is the file that the guardrail was read from.
func (g *Guardrail) File() string { return g.file }

// Policy is the template of the guardrail.
func (g *Guardrail) Policy() *template.Template { return g.template }

// Find is the guardrail of an ID, nil if there is none.
func Find(list []*Guardrail, id string) *Guardrail {
	i := slices.IndexFunc(list, func(g *Guardrail) bool { return g.ID == id })
	if i < 0 {
		return nil
	}
	return list[i]
}

// Load reads the *.yaml files of the folders. A file that is no guardrail is left out and
// is an error in the list, with file and line. An ID is given once over all folders: the
// first keeps it.
func Load(templates template.Templates, sources ...rule.Source) ([]*Guardrail, []error) {
	var out []*Guardrail
	var problems []error
	for _, src := range sources {
		names, err := fs.Glob(src.FS, path.Join(src.Dir, "*.yaml"))
		if err != nil {
			problems = append(problems, err)
		}
		for _, name := range names {
			g, err := read(templates, src, name)
			if err == nil && Find(out, g.ID) != nil {
				err = fmt.Errorf("%s: guardrail %s is already in %s; hint: give it another id", g.file, g.ID, Find(out, g.ID).file)
			}
			if err != nil {
				problems = append(problems, err)
				continue
			}
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *Guardrail) int { return strings.Compare(a.ID, b.ID) })
	return out, problems
}

func read(templates template.Templates, src rule.Source, name string) (*Guardrail, error) {
	shown, body, err := rule.Document(src, name)
	if err != nil {
		return nil, err
	}
	g := &Guardrail{file: shown}
	if err := rule.Decode(shown, body, g); err != nil {
		return nil, err
	}
	g.template, _ = templates.Find(g.Template)
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); g.ID != want {
		return nil, fmt.Errorf("%s: id %q in a file named %s.yaml: want the same", shown, g.ID, want)
	}
	if err := g.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return g, nil
}

var (
	guardrailID = regexp.MustCompile(`^[a-z][a-z0-9-]{1,60}$`)
	controlID   = regexp.MustCompile(`^[A-Z]{2}-[0-9]{2}$`)
	placeholder = regexp.MustCompile(`\{\{([a-z][a-z0-9_]*)\}\}`)
)

func (g *Guardrail) check() error {
	switch {
	case g.Kind != "guardrail":
		return fmt.Errorf("kind %q, want guardrail", g.Kind)
	case !guardrailID.MatchString(g.ID):
		return fmt.Errorf("id %q: want small letters, digits and hyphens", g.ID)
	case g.Title == "" || g.Why == "" || g.Management == "":
		return errors.New("want title, why, and what is different in the management account")
	case g.template == nil:
		return fmt.Errorf("there is no policy template %q; hint: rootkeep iam template list", g.Template)
	case !slices.Contains(Places(), g.Where):
		return fmt.Errorf("where %q, want one of %v", g.Where, Places())
	case !controlID.MatchString(g.Control):
		return fmt.Errorf("control %q: want the ID of a control, such as RT-19", g.Control)
	case len(g.Promises) == 0:
		return errors.New("it promises nothing")
	}
	for _, c := range g.Promises {
		for _, text := range texts(&c) {
			for _, m := range placeholder.FindAllStringSubmatch(*text, -1) {
				if _, ok := g.template.Parameter(m[1]); !ok {
					return fmt.Errorf("promise %q: template %s has no parameter %q", c.Name, g.Template, m[1])
				}
			}
		}
	}
	// A promise that does not hold with the examples holds with nobody's values.
	return g.prove(g.template.Type, g.template.Samples())
}

// Render fills in the template and gives the policy, as its own type or as the boundary
// that stands for a service control policy in the management account. A policy that does
// not keep the promises is refused.
func (g *Guardrail) Render(as lint.Type, values map[string]template.Values) ([]byte, error) {
	text, err := g.template.RenderAs(as, values)
	if err != nil {
		return nil, err
	}
	return text, g.prove(as, values)
}

// BrokenError says which promises a policy does not keep.
type BrokenError struct {
	Guardrail string
	Broken    []template.Result
}

// Error names the first of them.
func (e *BrokenError) Error() string {
	r := e.Broken[0]
	got := r.Got
	if r.Err != "" {
		got = r.Err
	}
	return fmt.Sprintf("guardrail %s does not keep %d of its promises with these values, such as %q: %s is %s, and would have to be %s; hint: look at the values", e.Guardrail, len(e.Broken), r.Case, r.Action, got, r.Want)
}

// prove holds the policy that comes of the values to the promises.
func (g *Guardrail) prove(as lint.Type, values map[string]template.Values) error {
	all := map[string]template.Values{}
	for i := range g.template.Parameters {
		p := &g.template.Parameters[i]
		all[p.Name] = p.Sample()
	}
	maps.Copy(all, values)
	t := *g.template
	t.Cases = nil
	for _, c := range g.Promises {
		t.Cases = append(t.Cases, filled(c, all)...)
	}
	results := t.RunCases()
	if as != t.Type {
		results = t.RunTwin()
	}
	broken := slices.DeleteFunc(slices.Clone(results), func(r template.Result) bool { return r.OK })
	switch {
	case len(broken) > 0:
		return &BrokenError{g.ID, broken}
	case len(results) == 0:
		return fmt.Errorf("guardrail %s has no form of type %s that could be proved", g.ID, as)
	}
	return nil
}

// filled is a promise with values for its placeholders: once for each value of a list. A
// promise that names no account is about the principal's own.
func filled(c template.Case, values map[string]template.Values) []template.Case {
	n := 1
	for _, text := range texts(&c) {
		for _, m := range placeholder.FindAllStringSubmatch(*text, -1) {
			n = max(n, len(values[m[1]]))
		}
	}
	var out []template.Case
	for i := range n {
		one := c
		one.Set = values
		one.Context = map[string]template.Values{}
		for key, list := range c.Context {
			one.Context[key] = slices.Clone(list)
		}
		for _, text := range texts(&one) {
			*text = placeholder.ReplaceAllStringFunc(*text, func(m string) string {
				list := values[m[2:len(m)-2]]
				return list[min(i, len(list)-1)]
			})
		}
		if who, err := iam.ParsePrincipal(one.Principal); one.Account == "" && err == nil {
			one.Account = string(who.Account)
		}
		out = append(out, one)
	}
	return out
}

// texts are the parts of a promise in which parameters may stand.
func texts(c *template.Case) []*string {
	out := []*string{&c.Principal, &c.Resource, &c.Account}
	for _, list := range c.Context {
		for i := range list {
			out = append(out, &list[i])
		}
	}
	return out
}
