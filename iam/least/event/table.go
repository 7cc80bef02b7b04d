package event

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Table says which action an event stands for where that is not its own name, how
// parameters name resources, who receives a role, and which actions are risky. It is
// read from plain text; content/eventactions/services.txt describes the lines.
type Table struct {
	Date     time.Time         // of the newest file
	Sources  map[string]string // where lines come from, by file and key
	prefixes map[string]string
	events   map[string][]rule // by event source and name
	wild     map[string][]rule // by event source: names that end in *
	params   map[string]value
	needs    map[string][]string // resource types by action in lower case
	passes   map[string]string   // service principal by event source and name
	risks    map[string]string   // reasons by action in lower case
}

// rule is one line about an event.
type rule struct {
	name    string // without ?PARAM, without the final star
	param   string // of the request, "" if none is asked for
	kind    ruleKind
	actions []named
	reason  string
	source  string
}

type ruleKind uint8

const (
	standsFor ruleKind = iota // the actions
	further                   // actions beside others
	nothing                   // no action
	unclear                   // not to be told
)

// named is an action with the template of its resource, "" for that of the metadata.
type named struct {
	action   *metadata.Action
	resource string
}

// ReadTable reads the files *.txt of a folder. The error names file and line.
func ReadTable(fsys fs.FS, dir string) (*Table, error) {
	files, err := fs.Glob(fsys, path.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no table of events; want *.txt", dir)
	}
	t := &Table{
		Sources: map[string]string{}, prefixes: map[string]string{}, events: map[string][]rule{}, wild: map[string][]rule{},
		params: map[string]value{}, needs: map[string][]string{}, passes: map[string]string{}, risks: map[string]string{},
	}
	for _, name := range files {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		if err := t.file(name, text); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *Table) file(name string, text []byte) error {
	p := tableFile{table: t, sources: map[string]bool{}}
	scan := bufio.NewScanner(bytes.NewReader(text))
	for line := 1; scan.Scan(); line++ {
		words := strings.Fields(scan.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := p.line(words); err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if p.date.IsZero() {
		return fmt.Errorf("%s: no date", name)
	}
	if p.date.After(t.Date) {
		t.Date = p.date
	}
	return nil
}

// tableFile reads one file. Sources are those of the file.
type tableFile struct {
	table   *Table
	sources map[string]bool
	date    time.Time
}

func (p *tableFile) line(words []string) (err error) {
	switch words[0] {
	case "date":
		if len(words) != 2 {
			return errors.New("want: date YYYY-MM-DD")
		}
		p.date, err = time.Parse(time.DateOnly, words[1])
		return err
	case "source":
		if len(words) < 3 {
			return errors.New("want: source KEY TEXT")
		}
		p.sources[words[1]] = true
		p.table.Sources[words[1]] = strings.Join(words[2:], " ")
		return nil
	}
	at := -1
	for i, w := range words {
		if strings.HasPrefix(w, "[") && strings.HasSuffix(w, "]") {
			at = i
			break
		}
	}
	if at < 0 {
		return errors.New("the line names no source: want [KEY] behind it")
	}
	key := strings.Trim(words[at], "[]")
	if !p.sources[key] {
		return fmt.Errorf("source %s is not described in this file", key)
	}
	return p.entry(words[0], words[1:at], strings.Join(words[at+1:], " "), key)
}

// entry takes a line apart from its kind, source and reason.
func (p *tableFile) entry(kind string, args []string, reason, source string) error {
	t := p.table
	want := map[string]int{"service": 2, "event": 3, "also": 3, "none": 2, "unclear": 2, "param": 3, "needs": 2, "passes": 3, "risk": 1}[kind]
	switch {
	case want == 0:
		return fmt.Errorf("%s: want service, event, also, none, unclear, param, needs, passes or risk", kind)
	case len(args) < want:
		return fmt.Errorf("%s: got %d words before the source, want at least %d", kind, len(args), want)
	case (reason == "") == (kind == "none" || kind == "unclear" || kind == "risk"):
		return fmt.Errorf("%s: none, unclear and risk end in a reason, others do not", kind)
	}
	switch kind {
	case "service":
		return once(t.prefixes, args[0], args[1])
	case "event", "also", "none", "unclear":
		return t.rule(kind, args, reason, source)
	case "param":
		v, err := parseValues(args[2:])
		if err != nil {
			return err
		}
		return once(t.params, args[0]+" "+strings.ToLower(args[1]), v)
	case "needs":
		a, err := action(args[0])
		if err != nil {
			return err
		}
		name := strings.ToLower(a.String())
		t.needs[name] = append(t.needs[name], args[1])
		return nil
	case "passes":
		return once(t.passes, args[0]+" "+args[1], args[2])
	}
	a, err := action(args[0])
	if err != nil {
		return err
	}
	return once(t.risks, strings.ToLower(a.String()), reason)
}

// once refuses a second line about the same thing.
func once[V any](m map[string]V, key string, v V) error {
	if _, ok := m[key]; ok {
		return fmt.Errorf("%s is there twice", key)
	}
	m[key] = v
	return nil
}

func (t *Table) rule(kind string, args []string, reason, source string) error {
	r := rule{kind: map[string]ruleKind{"event": standsFor, "also": further, "none": nothing, "unclear": unclear}[kind], reason: reason, source: source}
	r.name, r.param, _ = strings.Cut(args[1], "?")
	for _, text := range args[2:] {
		name, resource, _ := strings.Cut(text, "@")
		a, err := action(name)
		if err != nil {
			return err
		}
		r.actions = append(r.actions, named{a, resource})
	}
	if kind == "also" && r.param == "" {
		return fmt.Errorf("also %s: want ?PARAM", args[1])
	}
	if name, ok := strings.CutSuffix(r.name, "*"); ok {
		r.name = name
		t.wild[args[0]] = append(t.wild[args[0]], r)
		return nil
	}
	key := args[0] + " " + r.name
	for _, other := range t.events[key] {
		if other.param == r.param && other.kind == r.kind {
			return fmt.Errorf("%s %s is there twice", args[0], args[1])
		}
	}
	t.events[key] = append(t.events[key], r)
	return nil
}

func action(text string) (*metadata.Action, error) {
	prefix, name, _ := strings.Cut(text, ":")
	a, ok := metadata.FindAction(prefix, name)
	if !ok {
		return nil, fmt.Errorf("%s: no such action in the metadata of %s", text, metadata.Date().Format(time.DateOnly))
	}
	return a, nil
}

// Meaning is what an event stands for. Neither actions nor Nothing: it is unmapped.
type Meaning struct {
	actions []named
	Nothing bool   // no IAM permission is needed
	Reason  string // of Nothing, or why the event tells no action
	Source  string // key of the line that says so; "" for the event's own name
}

// Mapped says whether the event stands for known actions.
func (m Meaning) Mapped() bool { return len(m.actions) > 0 }

// Actions are the actions, as policies write them.
func (m Meaning) Actions() []string {
	var out []string
	for _, a := range m.actions {
		out = append(out, a.action.String())
	}
	return out
}

// versioned is a name that ends in an API version: CreateFunction20150331,
// UpdateFunctionCode20150331v2, CreateDistribution2020_05_31.
var versioned = regexp.MustCompile(`^(\D.*?)(?:20\d{2}_\d{2}_\d{2}|20\d{6})(?:v\d+)?$`)

// Mean looks an event up. has says whether the request has a parameter.
func (t *Table) Mean(source, name string, has func(param string) bool) Meaning {
	if m, ok := choose(t.events[source+" "+name], has); ok {
		return m
	}
	if parts := versioned.FindStringSubmatch(name); parts != nil {
		name = parts[1]
		if m, ok := choose(t.events[source+" "+name], has); ok {
			return m
		}
	}
	var m Meaning
	if a, ok := metadata.FindAction(t.Prefix(source), name); ok {
		m = Meaning{actions: []named{{action: a}}}
	} else {
		m = t.meanWild(source, name)
	}
	if !m.Nothing && m.Reason == "" {
		m.actions = append(m.actions, furtherOf(t.events[source+" "+name], has)...)
	}
	return m
}

// choose picks the line with a parameter that the request has, else the one without.
func choose(rules []rule, has func(string) bool) (Meaning, bool) {
	best := -1
	for i, r := range rules {
		if r.kind == further {
			continue
		}
		if (r.param == "" && best < 0) || r.param != "" && has(r.param) {
			best = i
		}
	}
	if best < 0 {
		return Meaning{}, false
	}
	r := rules[best]
	m := Meaning{actions: r.actions, Nothing: r.kind == nothing, Reason: r.reason, Source: r.source}
	if r.kind == standsFor {
		m.actions = append(append([]named(nil), m.actions...), furtherOf(rules, has)...)
	}
	return m, true
}

func furtherOf(rules []rule, has func(string) bool) (out []named) {
	for _, r := range rules {
		if r.kind == further && has(r.param) {
			out = append(out, r.actions...)
		}
	}
	return out
}

// meanWild takes the longest of the lines that end in a star.
func (t *Table) meanWild(source, name string) Meaning {
	best := -1
	rules := t.wild[source]
	for i, r := range rules {
		if strings.HasPrefix(name, r.name) && (best < 0 || len(r.name) > len(rules[best].name)) {
			best = i
		}
	}
	if best < 0 {
		return Meaning{}
	}
	r := rules[best]
	return Meaning{actions: append([]named(nil), r.actions...), Nothing: r.kind == nothing, Reason: r.reason, Source: r.source}
}

// Prefix is the service prefix of the actions of an event source.
func (t *Table) Prefix(source string) string {
	if p, ok := t.prefixes[source]; ok {
		return p
	}
	return strings.TrimSuffix(source, ".amazonaws.com")
}

// Receiver is the service principal to which a call passes a role, "" if the table
// does not know.
func (t *Table) Receiver(source, name string) string {
	if parts := versioned.FindStringSubmatch(name); parts != nil {
		name = parts[1]
	}
	if p, ok := t.passes[source+" "+name]; ok {
		return p
	}
	return t.passes[source+" *"]
}

// Risk says why an action is worth naming, "" if it is not.
func (t *Table) Risk(action string) string { return t.risks[strings.ToLower(action)] }
