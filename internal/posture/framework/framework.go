// Package framework says what controls mean to the frameworks that people are audited
// by: a framework is a content file of clauses, findings go in, the status of each
// clause comes out, with who says that a control answers it.
package framework

import (
	"errors"
	"fmt"
	"io/fs"
	keys "maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/internal/rule"
)

// Heading says what a framework is and where its text is from.
type Heading struct {
	ID      string `yaml:"id" json:"id"`     // such as cis-aws-7.0; the file's name
	Name    string `yaml:"name" json:"name"` // in words
	Version string `yaml:"version" json:"version"`
	Owner   string `yaml:"owner" json:"owner"`   // who publishes it
	Source  string `yaml:"source" json:"source"` // title of the document
	Date    string `yaml:"date" json:"date"`     // day on which the file was compared with its sources
	Scope   string `yaml:"scope" json:"scope"`   // which part of the framework is listed, in one sentence
}

// Framework is one content file. Its Go form is the file's schema.
type Framework struct {
	Heading `yaml:",inline"`
	Kind    string `yaml:"kind" json:"-"` // framework
	// Through names another framework, of which this one is a selection: a clause takes
	// the controls of the other's clause of the same number.
	Through string `yaml:"through" json:"through,omitempty"`
	Rows    []Row  `yaml:"clauses" json:"clauses"`

	file string
	at   int // line of through
}

// Row maps a clause to controls on one basis. A clause that has both bases has two
// rows, one after the other; the second needs no title.
type Row struct {
	Clause   string   `yaml:"clause" json:"clause"`
	Title    string   `yaml:"title" json:"title"`       // in our words where the text is copyrighted
	Controls []string `yaml:"controls" json:"controls"` // empty: not covered
	Basis    Basis    `yaml:"basis" json:"basis,omitempty"`
	// Source is who publishes the mapping; empty for the framework's own document.
	Source string `yaml:"source" json:"source,omitempty"`
	Why    string `yaml:"why" json:"why,omitempty"`   // of a mapping that is ours, or of a clause without controls
	Part   string `yaml:"part" json:"part,omitempty"` // what of the clause the controls do not judge
	// Through is the framework that the row was taken from.
	Through string `yaml:"-" json:"through,omitempty"`

	line, column int
}

// Basis is who says that a control answers a clause.
type Basis string

// Bases. A clause without controls has none.
const (
	Published Basis = "published" // AWS or the owner of the framework
	Ours      Basis = "ours"      // rootkeep, or the user, with the reason
)

// UnmarshalYAML decodes strictly and keeps the position. A clause must be written as a
// text: the number 2.10 is the number 2.1.
func (r *Row) UnmarshalYAML(node ast.Node) error {
	type plain Row
	if err := yaml.NodeToValue(node, (*plain)(r), yaml.Strict()); err != nil {
		return err
	}
	at := node.GetToken().Position
	r.line, r.column = at.Line, at.Column
	if _, ok := rule.Member(node, "clause").(*ast.StringNode); !ok {
		return &yaml.SyntaxError{Message: `clause: want a text, in quotation marks if it looks like a number`, Token: rule.Member(node, "clause").GetToken()}
	}
	return nil
}

// Load reads the *.yaml files of the folders; known are the IDs of all controls, nil if
// they are not all known. A file that is no framework is left out and is an error in
// the list, each with file and line.
func Load(known []string, sources ...rule.Source) ([]*Framework, []error) {
	var out []*Framework
	var problems []error
	for _, src := range sources {
		names, err := fs.Glob(src.FS, path.Join(src.Dir, "*.yaml"))
		if err != nil {
			problems = append(problems, err)
		}
		for _, name := range names {
			f, err := load(src, name, known)
			if err == nil {
				if i := slices.IndexFunc(out, func(o *Framework) bool { return o.ID == f.ID }); i >= 0 {
					err = fmt.Errorf("%s: framework %s is already in %s", f.file, f.ID, out[i].file)
				}
			}
			if err != nil {
				problems = append(problems, err)
				continue
			}
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *Framework) int { return strings.Compare(a.ID, b.ID) })
	return out, problems
}

func load(src rule.Source, name string, known []string) (*Framework, error) {
	shown, body, err := rule.Document(src, name)
	if err != nil {
		return nil, err
	}
	f := &Framework{file: shown, at: rule.Member(body, "through").GetToken().Position.Line}
	if err := rule.Decode(shown, body, f); err != nil {
		return nil, err
	}
	if err := f.check(strings.TrimSuffix(path.Base(name), ".yaml")); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	for i := range f.Rows {
		if err := f.checkRow(i, known); err != nil {
			return nil, f.refuse(f.Rows[i], err)
		}
	}
	return f, nil
}

// File is the file that the framework was read from, as errors name it.
func (f *Framework) File() string { return f.file }

func (f *Framework) refuse(r Row, err error) error {
	return &rule.Error{File: f.file, Line: r.line, Column: r.column, Msg: "clause " + r.Clause + ": " + err.Error()}
}

var idForm = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)

// check looks at what the types do not say.
func (f *Framework) check(fileName string) error {
	switch {
	case f.ID != fileName:
		return fmt.Errorf("id %q in a file named %s.yaml: want the same", f.ID, fileName)
	case !idForm.MatchString(f.ID):
		return fmt.Errorf("id %q: want lower-case words and numbers joined by - and .", f.ID)
	case f.Kind != "framework":
		return fmt.Errorf("kind %q: want framework", f.Kind)
	case f.Name == "" || f.Version == "" || f.Owner == "" || f.Source == "" || f.Scope == "":
		return errors.New("want name, version, owner, source and scope")
	case len(f.Rows) == 0:
		return errors.New("want clauses")
	}
	if _, err := time.Parse(time.DateOnly, f.Date); err != nil {
		return fmt.Errorf("date %q: want a day such as 2026-11-26", f.Date)
	}
	return nil
}

func (f *Framework) checkRow(i int, known []string) error {
	r := &f.Rows[i]
	if r.Clause == "" {
		return errors.New("want a clause")
	}
	for j := range f.Rows[:i] {
		if before := f.Rows[j]; before.Clause == r.Clause && (j != i-1 || before.Basis == r.Basis) {
			return fmt.Errorf("is already in line %d; rows of one clause follow each other and differ in basis", before.line)
		}
	}
	if r.Title == "" && i > 0 && f.Rows[i-1].Clause == r.Clause {
		r.Title = f.Rows[i-1].Title
	}
	switch {
	case r.Title == "":
		return errors.New("want a title")
	case len(r.Controls) == 0 && (r.Basis != "" || r.Source != "" || r.Part != ""):
		return errors.New("no controls: then there is no basis, source or part")
	case len(r.Controls) > 0 && r.Basis != Published && r.Basis != Ours:
		return fmt.Errorf("basis %q: want published or ours", r.Basis)
	case r.Basis == Ours && (r.Why == "" || r.Source != ""):
		return errors.New("basis ours: want why, and no source")
	case r.Basis == Published && r.Why != "":
		return errors.New("basis published: want source instead of why")
	}
	return checkControls(r.Controls, known)
}

func checkControls(controls, known []string) error {
	for i, id := range controls {
		if known != nil && !slices.Contains(known, id) {
			return fmt.Errorf("control %s does not exist", id)
		}
		if slices.Contains(controls[:i], id) {
			return fmt.Errorf("control %s twice", id)
		}
	}
	return nil
}

// Resolve gives the clauses of frameworks that go through another one its controls. One
// whose other is missing is left out and is an error in the list.
func Resolve(all []*Framework) ([]*Framework, []error) {
	var out []*Framework
	var problems []error
	for _, f := range all {
		if f.Through == "" {
			out = append(out, f)
			continue
		}
		other := Find(all, f.Through)
		if other == nil || other.Through != "" {
			problems = append(problems, &rule.Error{File: f.file, Line: f.at, Column: 1, Msg: fmt.Sprintf("through: %q is no framework with controls of its own", f.Through)})
			continue
		}
		resolved := *f
		resolved.Rows = nil
		for _, r := range f.Rows {
			resolved.Rows = append(resolved.Rows, other.lend(r)...)
		}
		out = append(out, &resolved)
	}
	return out, problems
}

// lend gives a row without controls those of the same clause here.
func (f *Framework) lend(to Row) []Row {
	var out []Row
	for _, r := range f.Rows {
		if r.Clause == to.Clause && len(r.Controls) > 0 && len(to.Controls) == 0 {
			if r.Basis == Published && r.Source == "" {
				r.Source = f.Source
			}
			r.Title, r.Through, r.line, r.column = to.Title, f.ID, to.line, to.column
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return []Row{to}
	}
	return out
}

// Find is the framework of an ID, nil if there is none.
func Find(all []*Framework, id string) *Framework {
	for _, f := range all {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// Map adds what a user's control says it answers: clauses by framework. It changes
// nothing if one of them does not exist.
func Map(all []*Framework, control, title string, maps map[string][]string) error {
	ids := slices.Sorted(keys.Keys(maps))
	for _, id := range ids {
		f := Find(all, id)
		if f == nil {
			return fmt.Errorf("framework %q does not exist; hint: rootkeep frameworks list", id)
		}
		for i, clause := range maps[id] {
			if f.last(clause) < 0 {
				return fmt.Errorf("framework %s lists no clause %q; hint: rootkeep frameworks show %s", id, clause, id)
			}
			if slices.Contains(maps[id][:i], clause) {
				return fmt.Errorf("framework %s: clause %q twice", id, clause)
			}
		}
	}
	for _, id := range ids {
		f := Find(all, id)
		for _, clause := range maps[id] {
			i := f.last(clause)
			row := Row{Clause: clause, Title: f.Rows[i].Title, Controls: []string{control}, Basis: Ours, Why: "The control's own file says so: " + title}
			f.Rows = slices.Insert(f.Rows, i+1, row)
		}
	}
	return nil
}

// last is the index of the clause's last row, or -1.
func (f *Framework) last(clause string) int {
	for i := len(f.Rows) - 1; i >= 0; i-- {
		if f.Rows[i].Clause == clause {
			return i
		}
	}
	return -1
}
