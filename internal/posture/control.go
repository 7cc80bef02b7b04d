// Package posture judges an account by controls: facts and the time go in, findings
// come out. A control is a content file with CEL expressions over typed facts; a
// fact that could not be read makes its result unknown, never pass.
package posture

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Control is one content file. Its Go form is the file's schema.
type Control struct {
	ID       string              `yaml:"id"` // such as RT-01; the file's name
	Name     string              `yaml:"name"`
	Kind     string              `yaml:"kind"` // control
	Title    string              `yaml:"title"`
	Severity string              `yaml:"severity"`
	Why      string              `yaml:"why"`
	Each     string              `yaml:"each"`    // users, roles, regions and other lists of facts, or several: "users, roles"; empty: the account
	Applies  string              `yaml:"applies"` // empty: always
	Passes   string              `yaml:"pass"`
	Detail   string              `yaml:"detail"` // CEL, a text that says what was seen
	Watch    *Watch              `yaml:"watch"`  // instead of pass
	Holds    []string            `yaml:"holds"`  // instead of pass: IDs of controls of the account that have to pass
	Raise    Raise               `yaml:"raise"`  // a higher severity for some accounts or resources
	Params   map[string]any      `yaml:"params"` // numbers, texts, lists of texts, durations such as 90d
	Fix      Fix                 `yaml:"fix"`
	Maps     map[string][]string `yaml:"maps"` // framework: clauses, of a user's own control; content/frameworks has those of shipped ones
	Source   string              `yaml:"source"`
	Cases    []Case              `yaml:"cases"`

	mapsAt int // line of maps

	file     string
	severity rootkeep.Severity
	raised   rootkeep.Severity
	params   map[string]any // for CEL
	held     []*Control     // of Holds
	views    []*view        // one of each list, or one of the account
}

// Raise is when a finding is more severe than its control says otherwise. Where it is
// not known whether it holds, it does not.
type Raise struct {
	When     string `yaml:"when"` // CEL
	Severity string `yaml:"severity"`
}

// Fix is how a person mends what fails.
type Fix struct {
	Console string `yaml:"console"`
	CLI     string `yaml:"cli"`
	Change  string `yaml:"change"` // ID of the kind of change that mends it
	Effort  string `yaml:"effort"` // minutes, hours or days of one person; a shipped control has it
}

// efforts are what Fix.Effort may say.
var efforts = []string{"minutes", "hours", "days"}

// Level is the severity of the control.
func (c *Control) Level() rootkeep.Severity { return c.severity }

// Load reads the *.yaml files of the folders. bases are the events that a watch
// patches. A file that is no control is left out
// and is an error in the list, each with file, line and column.
func Load(bases rule.Bases, sources ...rule.Source) ([]*Control, []error) {
	var out []*Control
	var problems []error
	files := map[string]string{} // of each ID
	for _, src := range sources {
		names, err := fs.Glob(src.FS, path.Join(src.Dir, "*.yaml"))
		if err != nil {
			problems = append(problems, err)
		}
		for _, r := range loadAll(src, names, bases) {
			c, err := r.control, r.err
			if err == nil && files[c.ID] != "" {
				err = fmt.Errorf("%s: control %s is already in %s", c.file, c.ID, files[c.ID])
			}
			if err != nil {
				problems = append(problems, err)
				continue
			}
			files[c.ID] = c.file
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *Control) int { return strings.Compare(a.ID, b.ID) })
	return hold(out, problems)
}

// loaded is what a file came to.
type loaded struct {
	control *Control
	err     error
}

// loadAll reads the files, in their order, on all processors: each is parsed and
// compiled by itself, which takes longer than judging.
func loadAll(src rule.Source, names []string, bases rule.Bases) []loaded {
	out := make([]loaded, len(names))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				c, err := load(src, names[i])
				if err == nil && c.Watch != nil {
					if err = c.Watch.build(bases); err != nil {
						err = fmt.Errorf("%s: %w", c.file, err)
					}
				}
				out[i] = loaded{c, err}
			}
		})
	}
	workers.Wait()
	return out
}

// hold finds the controls that others hold. One that cannot be found takes the control
// that names it out of the list.
func hold(all []*Control, problems []error) ([]*Control, []error) {
	byID := map[string]*Control{}
	for _, c := range all {
		byID[c.ID] = c
	}
	all = slices.DeleteFunc(all, func(c *Control) bool {
		for _, id := range c.Holds {
			h := byID[id]
			if h == nil || h.Each != "" || len(h.Holds) > 0 {
				problems = append(problems, fmt.Errorf("%s: holds %q: want the ID of a control of the account that holds no others", c.file, id))
				return true
			}
			c.held = append(c.held, h)
		}
		return false
	})
	return all, problems
}

func load(src rule.Source, name string) (*Control, error) {
	shown, body, err := rule.Document(src, name)
	if err != nil {
		return nil, err
	}
	c := &Control{file: shown}
	if err := rule.Decode(shown, body, c); err != nil {
		return nil, err
	}
	c.mapsAt = rule.Member(body, "maps").GetToken().Position.Line
	if err := c.check(strings.TrimSuffix(path.Base(name), ".yaml"), src.Tested); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return c, c.compile(body)
}

// look makes the views of the lists that each names.
func (c *Control) look() error {
	branches := strings.FieldsFunc(c.Each, func(r rune) bool { return r == ',' || r == ' ' })
	if len(branches) == 0 {
		branches = []string{""}
	}
	for i, branch := range branches {
		list, ok := collections[branch]
		if !ok || slices.Contains(branches[:i], branch) {
			return fmt.Errorf("each %q: want nothing or one of%s, or several, each once", c.Each, strings.Join(slices.Sorted(maps.Keys(collections)), " "))
		}
		v := &view{branch: branch, list: list, variable: list.Each}
		if len(branches) > 1 {
			v.variable = anyElement
		}
		c.views = append(c.views, v)
	}
	return nil
}

var idForm = regexp.MustCompile(`^[A-Z]{2}-[0-9]{2}$|^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// check looks at what the types do not say.
func (c *Control) check(fileName string, tested bool) (err error) {
	switch {
	case c.ID != fileName:
		return fmt.Errorf("id %q in a file named %s.yaml: want the same", c.ID, fileName)
	case !idForm.MatchString(c.ID):
		return fmt.Errorf("id %q: want a form such as RT-01, or lower-case words joined by -", c.ID)
	case c.Kind != "control":
		return fmt.Errorf("kind %q: want control", c.Kind)
	case c.Title == "" || c.Why == "":
		return errors.New("want title and why")
	case c.ways() != 1:
		return errors.New("want pass or watch or holds")
	case c.Watch != nil && (c.Each != "" || c.Applies != "" || c.Raise.When != ""):
		return errors.New("watch is about the account: it takes no each, no applies and no raise")
	case len(c.Holds) > 0 && c.Each != "":
		return errors.New("holds is about the account: it takes no each")
	case c.Fix.Console == "" && c.Fix.CLI == "":
		return errors.New("want fix.console or fix.cli")
	case c.Fix.Effort != "" && !slices.Contains(efforts, c.Fix.Effort):
		return fmt.Errorf("fix.effort %q: want one of %s", c.Fix.Effort, strings.Join(efforts, " "))
	case len(c.Cases) < 2 && !tested:
		return errors.New("want at least one case that passes and one that fails")
	}
	if err := c.look(); err != nil {
		return err
	}
	if c.severity, err = rootkeep.ParseSeverity(c.Severity); err != nil {
		return err
	}
	if c.Raise != (Raise{}) {
		if c.raised, err = rootkeep.ParseSeverity(c.Raise.Severity); err != nil || c.raised <= c.severity || c.Raise.When == "" {
			return fmt.Errorf("raise: want when, and a severity above %s", c.severity)
		}
	}
	c.params, err = readParams(c.Params)
	return err
}

// ways is how many ways of judging the file gives.
func (c *Control) ways() (n int) {
	for _, given := range []bool{c.Passes != "", c.Watch != nil, len(c.Holds) > 0} {
		if given {
			n++
		}
	}
	return n
}
