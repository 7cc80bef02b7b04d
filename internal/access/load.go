package access

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Checklist is a list of items that tasks share, with the events that doing them causes:
// one file of content/checklists.
type Checklist struct {
	ID     string   `yaml:"id"` // the file's name
	Kind   string   `yaml:"kind"`
	Title  string   `yaml:"title"`
	Source string   `yaml:"source"` // title of the page that its advice is from
	Items  []Item   `yaml:"items"`
	Events []string `yaml:"events"`

	file string
}

// taskFile is a task as it is written.
type taskFile struct {
	ID         string            `yaml:"id"` // the file's name
	Kind       string            `yaml:"kind"`
	Title      string            `yaml:"title"`
	Why        string            `yaml:"why"`
	Need       Need              `yaml:"need"`
	Instead    string            `yaml:"instead"`
	Holders    map[Holder]string `yaml:"instead_for"`
	Change     string            `yaml:"change"`
	Ways       map[Holder]Way    `yaml:"ways"`
	Requests   []Kind            `yaml:"requests"`
	Events     []string          `yaml:"events"`
	Checklists []string          `yaml:"checklists"` // of every way
	Items      []Item            `yaml:"items"`      // the task's own, of every way
	Expected   rule.Duration     `yaml:"expected"`
	Approval   string            `yaml:"approval"`
	Source     string            `yaml:"source"`
	Checked    string            `yaml:"checked"`
	Cases      []Case            `yaml:"cases"`
}

// LoadChecklists reads the *.yaml files of the folders. A file that is no checklist is
// left out and is an error in the list, with file and line.
func LoadChecklists(sources ...rule.Source) ([]*Checklist, []error) {
	return load(sources, readChecklist, func(l *Checklist) (string, string) { return l.ID, l.file })
}

// LoadTasks reads the *.yaml files of the folders. Tasks name checklists of the list, and
// kinds of change that are known. A file that is no task, or one whose cases come out
// otherwise than they say, is left out and is an error in the list, with file and line. An
// ID is given once over all folders: the first keeps it.
func LoadTasks(known func(kind string) bool, lists []*Checklist, sources ...rule.Source) ([]*Task, []error) {
	read := func(src rule.Source, name string) (*Task, error) { return readTask(known, lists, src, name) }
	return load(sources, read, func(t *Task) (string, string) { return t.ID, t.file })
}

// load reads every file of the folders, sorted by ID.
func load[T any](sources []rule.Source, read func(rule.Source, string) (T, error), named func(T) (id, file string)) ([]T, []error) {
	var out []T
	var problems []error
	files := map[string]string{}
	for _, src := range sources {
		names, err := fs.Glob(src.FS, path.Join(src.Dir, "*.yaml"))
		if err != nil {
			problems = append(problems, err)
		}
		for _, name := range names {
			v, err := read(src, name)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			id, file := named(v)
			if files[id] != "" {
				problems = append(problems, fmt.Errorf("%s: %s is already in %s; hint: give it another id", file, id, files[id]))
				continue
			}
			files[id] = file
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b T) int {
		left, _ := named(a)
		right, _ := named(b)
		return strings.Compare(left, right)
	})
	return out, problems
}

// decode reads one file into a value and says how errors call the file. text is what was
// decoded, without cases.
func decode(src rule.Source, name string, into any) (shown string, text []byte, err error) {
	shown, body, err := rule.Document(src, name)
	if err != nil {
		return shown, nil, err
	}
	if text, err = rule.ReadFile(src.FS, name); err != nil {
		return shown, nil, fmt.Errorf("%s: %w", shown, err)
	}
	return shown, rule.WithoutCases(text), rule.Decode(shown, body, into)
}

func readChecklist(src rule.Source, name string) (*Checklist, error) {
	l := &Checklist{}
	shown, _, err := decode(src, name, l)
	if err != nil {
		return nil, err
	}
	l.file = shown
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return l, sameName(shown, l.ID, name)
}

func readTask(known func(string) bool, lists []*Checklist, src rule.Source, name string) (*Task, error) {
	f := taskFile{}
	shown, text, err := decode(src, name, &f)
	if err != nil {
		return nil, err
	}
	t, err := f.task(known, lists)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	if err := sameName(shown, t.ID, name); err != nil {
		return nil, err
	}
	t.file, t.Hash = shown, approval.Sum(text)
	if src.Tested {
		return t, nil
	}
	for _, r := range t.RunCases() {
		if r.Err != nil {
			return nil, fmt.Errorf("%s: case %q: %w", shown, r.Case.Name, r.Err)
		}
	}
	return t, t.unproved(shown)
}

func sameName(shown, id, name string) error {
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); id != want {
		return fmt.Errorf("%s: id %q in a file named %s.yaml: want the same", shown, id, want)
	}
	return nil
}

// task checks what is written and puts the shared lists in.
func (f *taskFile) task(known func(string) bool, lists []*Checklist) (*Task, error) {
	checked, err := time.Parse(time.DateOnly, f.Checked)
	if err != nil {
		return nil, fmt.Errorf("checked %q: want the day on which the source was read, such as 2026-11-26", f.Checked)
	}
	t := &Task{
		ID: f.ID, Title: f.Title, Why: strings.TrimSpace(f.Why), Need: f.Need, Instead: strings.TrimSpace(f.Instead), Holders: f.Holders, Kind: f.Change,
		Ways: map[Holder]Way{}, Requests: f.Requests, Events: f.Events, Expected: time.Duration(f.Expected), Approval: f.Approval,
		Source: f.Source, Checked: checked, cases: f.Cases,
	}
	if t.Need == NeedsRoot && len(t.Requests) == 0 {
		t.Requests = []Kind{Use}
	}
	for h, text := range t.Holders {
		t.Holders[h] = strings.TrimSpace(text)
	}
	for h, w := range f.Ways {
		if err := f.expand(&w, lists); err != nil {
			return nil, fmt.Errorf("way of %s: %w", h, err)
		}
		t.Ways[h] = w
	}
	if err := f.check(known); err != nil {
		return nil, err
	}
	return t, t.check(known)
}

// expand puts the items and events of the shared lists and of the task into a way.
func (f *taskFile) expand(w *Way, lists []*Checklist) error {
	w.Events = slices.Clone(f.Events)
	w.Checklists = slices.Concat(f.Checklists, w.Checklists)
	for _, id := range w.Checklists {
		i := slices.IndexFunc(lists, func(l *Checklist) bool { return l.ID == id })
		if i < 0 {
			return fmt.Errorf("there is no checklist %q", id)
		}
		w.Items = append(w.Items, lists[i].Items...)
		w.Events = append(w.Events, lists[i].Events...)
	}
	w.Items = append(w.Items, f.Items...)
	slices.SortStableFunc(w.Items, func(a, b Item) int { return slices.Index(Phases(), a.Phase) - slices.Index(Phases(), b.Phase) })
	slices.Sort(w.Events)
	w.Events = slices.Compact(w.Events)
	return nil
}
