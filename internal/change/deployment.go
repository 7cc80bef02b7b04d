package change

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/change/expr"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Deployment is one content file that names kinds of change which together make
// something. Its Go form is the file's schema. A plan holds the state that it was made
// from, and people sign it, so that a change cannot be planned before what it needs is
// there: changes are in stages, each planned once the stage before is applied.
type Deployment struct {
	ID       string               `yaml:"id"` // the file's name
	Kind     string               `yaml:"kind"`
	Title    string               `yaml:"title"`
	Why      string               `yaml:"why"`
	Source   string               `yaml:"source"`
	Options  map[string]Parameter `yaml:"options"`  // in expressions they are parameters
	Requires []Require            `yaml:"requires"` // over the options: CEL
	Stages   []Stage              `yaml:"stages"`
	Cases    []Rollout            `yaml:"cases"`

	file    string
	options *Kind // for its checks of parameters alone
}

// Stage is changes that can be planned from one state: none of them needs or changes
// what another one makes.
type Stage struct {
	Title string     `yaml:"title"`
	Steps []Placings `yaml:"steps"`
}

// Placings are the changes of one kind, one for each item and account.
type Placings struct {
	Change   string          `yaml:"change"`   // ID of the kind
	Each     expr.Expression `yaml:"each"`     // CEL, a list; item is one of it
	When     expr.Expression `yaml:"when"`     // CEL
	Accounts expr.Expression `yaml:"accounts"` // CEL, a list; none is the account that is deployed to
	With     expr.Expression `yaml:"with"`     // CEL over the account of the change as well: its parameters
}

// Rollout is a case of a deployment: what its stages come to.
type Rollout struct {
	Name    string            `yaml:"name"`
	Account string            `yaml:"account"`
	Region  string            `yaml:"region"`
	Options map[string]any    `yaml:"options"`
	Says    string            `yaml:"says"`   // part of why it is refused; "" is not refused
	Stages  [][]string        `yaml:"stages"` // of each stage "kind account", in order
	With    map[string]string `yaml:"with"`   // CEL over the parameters of the first change of that kind
}

// Wanted is a change of a deployment that is to be planned.
type Wanted struct {
	Kind       string
	Account    rootkeep.AccountID
	Region     string
	Parameters map[string]any
}

// maxWanted bounds a stage, as a batch of the server is bounded.
const maxWanted = 500

// LoadDeployments reads the *.yaml files of a folder; find gives the kinds that they may
// name. A file that is no deployment is an error in the list, with file, line and column.
func LoadDeployments(find func(id string) *Kind, src rule.Source) ([]*Deployment, []error) {
	names, err := fs.Glob(src.FS, path.Join(src.Dir, "*.yaml"))
	if err != nil {
		return nil, []error{err}
	}
	var out []*Deployment
	var problems []error
	for _, name := range names {
		d, err := loadDeployment(find, src, name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		out = append(out, d)
	}
	return out, problems
}

func loadDeployment(find func(id string) *Kind, src rule.Source, name string) (*Deployment, error) {
	shown, body, err := rule.Document(src, name)
	if err != nil {
		return nil, err
	}
	d := &Deployment{file: shown}
	if err := rule.Decode(shown, body, d); err != nil {
		return nil, err
	}
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); d.ID != want {
		return nil, fmt.Errorf("%s: id %q in a file named %s.yaml: want the same", shown, d.ID, want)
	}
	if err := d.check(find, src.Tested); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return d, d.compile()
}

func (d *Deployment) check(find func(id string) *Kind, tested bool) error {
	switch {
	case !kindID.MatchString(d.ID):
		return fmt.Errorf("id %q: want lower-case words joined by -", d.ID)
	case d.Kind != "deployment":
		return fmt.Errorf("kind %q, want deployment", d.Kind)
	case d.Title == "" || d.Why == "" || d.Source == "":
		return errors.New("title, why and source are all needed")
	case len(d.Stages) == 0:
		return errors.New("no stages: it deploys nothing")
	case tested != (len(d.Cases) == 0):
		return errors.New("no cases: at least one has to say what the stages come to")
	}
	d.options = &Kind{ID: d.ID, Parameters: d.Options}
	if err := d.options.checkParameters(); err != nil {
		return err
	}
	for i, s := range d.Stages {
		if s.Title == "" || len(s.Steps) == 0 {
			return fmt.Errorf("stage %d: want a title and steps", i+1)
		}
		for _, p := range s.Steps {
			if find(p.Change) == nil {
				return fmt.Errorf("stage %d: there is no kind of change %q", i+1, p.Change)
			}
		}
	}
	return nil
}

func (d *Deployment) compile() error {
	var err error
	do := func(es ...*expr.Expression) {
		for _, e := range es {
			if err == nil {
				err = e.Compile(d.file, expr.Reading)
			}
		}
	}
	for i := range d.Requires {
		do(&d.Requires[i].That, &d.Requires[i].Else)
	}
	for i := range d.Stages {
		for j := range d.Stages[i].Steps {
			p := &d.Stages[i].Steps[j]
			do(&p.Each, &p.When, &p.Accounts, &p.With)
		}
	}
	return err
}

// File is the file it was read from.
func (d *Deployment) File() string { return d.file }

// Stage gives the changes of a stage, from 1, in their order. The target is the account
// that is deployed to, with its home Region and partition.
func (d *Deployment) Stage(number int, t Target, given map[string]any, find func(id string) *Kind) ([]Wanted, error) {
	if number < 1 || number > len(d.Stages) {
		return nil, fmt.Errorf("stage %d: %s has %d", number, d.ID, len(d.Stages))
	}
	options, err := d.options.Arguments(given)
	if err != nil {
		return nil, err
	}
	v := expr.Values{
		"account": string(t.Account), "region": t.Region, "partition": t.Partition, "management": string(t.Management), "role": t.Role,
		"change": "", "planned": "", "parameters": options, "prior": map[string]any{}, "item": nil,
	}
	if err := d.allowed(v); err != nil {
		return nil, err
	}
	var out []Wanted
	for i := range d.Stages[number-1].Steps {
		p := &d.Stages[number-1].Steps[i]
		list, err := p.wanted(v, t)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", d.file, p.Change, err)
		}
		if len(out)+len(list) > maxWanted {
			return nil, fmt.Errorf("stage %d has more than %d changes; hint: deploy to fewer accounts at a time", number, maxWanted)
		}
		k := find(p.Change)
		for _, w := range list {
			if k == nil {
				return nil, fmt.Errorf("there is no kind of change %q", p.Change)
			}
			if _, err := k.Arguments(w.Parameters); err != nil {
				return nil, err
			}
		}
		out = append(out, list...)
	}
	return out, nil
}

// allowed looks whether the options go together.
func (d *Deployment) allowed(v expr.Values) error {
	var reasons []string
	for i := range d.Requires {
		r := &d.Requires[i]
		ok, err := r.That.Holds(v)
		if err != nil {
			return fmt.Errorf("%s: %w", d.file, err)
		}
		if ok {
			continue
		}
		why, err := r.Else.Text(v)
		if err != nil {
			return fmt.Errorf("%s: %w", d.file, err)
		}
		reasons = append(reasons, why)
	}
	if len(reasons) > 0 {
		return fmt.Errorf("deployment %s is refused: %s", d.ID, strings.Join(reasons, "; "))
	}
	return nil
}

// wanted is the changes of one step.
func (p *Placings) wanted(v expr.Values, t Target) ([]Wanted, error) {
	items := []any{nil}
	if !p.Each.None() {
		var err error
		if items, err = p.Each.List(v); err != nil {
			return nil, err
		}
	}
	var out []Wanted
	for _, item := range items {
		v := v.With("item", item)
		if ok, err := p.When.Holds(v); err != nil || !ok {
			if err != nil {
				return nil, err
			}
			continue
		}
		accounts := []any{string(t.Account)}
		if !p.Accounts.None() {
			var err error
			if accounts, err = p.Accounts.List(v); err != nil {
				return nil, err
			}
		}
		for _, a := range accounts {
			text, _ := a.(string)
			id, err := rootkeep.ParseAccountID(text)
			if err != nil {
				return nil, err
			}
			with, err := p.With.Object(v.With("account", text))
			if err != nil {
				return nil, err
			}
			out = append(out, Wanted{Kind: p.Change, Account: id, Region: t.Region, Parameters: with})
		}
	}
	return out, nil
}

// Try checks a case: what the stages come to, or why it is refused.
func (d *Deployment) Try(c *Rollout, find func(id string) *Kind) error {
	t := Target{Account: rootkeep.AccountID(c.Account), Region: c.Region, Partition: "aws"}
	var all []Wanted
	for i := range d.Stages {
		list, err := d.Stage(i+1, t, c.Options, find)
		switch {
		case c.Says != "" && err != nil && strings.Contains(err.Error(), c.Says):
			return nil
		case err != nil:
			return fmt.Errorf("stage %d: %w", i+1, err)
		case c.Says != "":
			return fmt.Errorf("stage %d is not refused", i+1)
		}
		got := []string{}
		for _, w := range list {
			got = append(got, w.Kind+" "+string(w.Account))
		}
		if len(c.Stages) != len(d.Stages) || !slices.Equal(got, c.Stages[i]) {
			return fmt.Errorf("stage %d: got %q", i+1, got)
		}
		all = append(all, list...)
	}
	for _, kind := range slices.Sorted(maps.Keys(c.With)) {
		i := slices.IndexFunc(all, func(w Wanted) bool { return w.Kind == kind })
		if i < 0 {
			return fmt.Errorf("with: no stage has the change %s", kind)
		}
		e := expr.New(c.With[kind])
		if err := e.Compile(d.file, expr.Reading); err != nil {
			return err
		}
		ok, err := e.Holds(expr.Values{"parameters": all[i].Parameters})
		if err == nil && !ok {
			err = fmt.Errorf("with: %s has the parameters %v", kind, all[i].Parameters)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
