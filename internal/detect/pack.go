package detect

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rootkeep/rootkeep/internal/detect/attack"
	"github.com/rootkeep/rootkeep/internal/detect/field"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/sigma"
)

// Problem is something wrong with a detection file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Warning bool   `json:"warning,omitempty"` // the rest of the file is used
	Msg     string `json:"message"`
}

func (p Problem) String() string {
	kind := "error"
	if p.Warning {
		kind = "warning"
	}
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return where + ": " + kind + ": " + p.Msg
}

// Pack is a compiled set of detections with their settings.
type Pack struct {
	Set       *sigma.Set
	Documents []sigma.Document // as loaded, in order of files
	Problems  []Problem

	rules        []settings // by rule number
	correlations []settings // by correlation number
	tactics      []string   // by the number in settings
	renumbered   attack.Renumbering
}

// LoadOptions tell Load what only the user knows.
type LoadOptions struct {
	Placeholders map[string][]string // values of %name% placeholders
	Renumbered   attack.Renumbering  // of ATT&CK
	// Guards, if it is not nil, says that a filter or a correlation may not weaken a document,
	// see sigma.Options.
	Guards func(document, by *sigma.Header) bool
}

// Load reads every .yaml and .yml file of the sources and compiles them. A file
// or document that cannot be used is left out and named in Problems; the error
// is for a source that cannot be read at all.
func Load(sources []rule.Source, o LoadOptions) (*Pack, error) {
	l := loader{pack: &Pack{}, settings: map[*sigma.Header]settings{}, ids: map[string]string{}}
	for _, src := range sources {
		if err := l.walk(src); err != nil {
			return nil, err
		}
	}
	return l.compile(o)
}

type loader struct {
	pack     *Pack
	settings map[*sigma.Header]settings
	ids      map[string]string // rule ID or name -> file
}

// parsed is one file on its way in.
type parsed struct {
	fs    fs.FS
	path  string // in fs
	shown string
	docs  []sigma.Document
	err   error
}

func (l *loader) walk(src rule.Source) error {
	var files []*parsed
	err := fs.WalkDir(src.FS, src.Dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read detections from %s: %w", path.Join(src.Name, name), err)
		}
		ext := strings.ToLower(path.Ext(name))
		if !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			shown := name
			if src.Name != "" {
				shown = path.Join(src.Name, strings.TrimPrefix(strings.TrimPrefix(name, src.Dir), "/"))
			}
			files = append(files, &parsed{fs: src.FS, path: name, shown: shown})
		}
		return nil
	})
	if err != nil {
		return err
	}
	parseAll(files)
	for _, f := range files { // in the order of their names
		if f.err != nil {
			l.parseErrors(f.shown, f.err)
		}
		for _, doc := range f.docs {
			l.document(doc)
		}
	}
	return nil
}

// parseAll reads the files on all processors: YAML is most of a short hunt.
func parseAll(files []*parsed) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
				files[i].read()
			}
		})
	}
	wg.Wait()
}

func (f *parsed) read() {
	text, err := rule.ReadFile(f.fs, f.path)
	if err != nil {
		f.err = err
		return
	}
	f.docs, f.err = sigma.Parse(f.shown, text)
}

// parseErrors takes joined errors apart again.
func (l *loader) parseErrors(file string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			l.parseErrors(file, e)
		}
		return
	}
	p := Problem{File: file, Msg: err.Error()}
	var parse *sigma.Error
	var decode *rule.Error
	switch {
	case errors.As(err, &parse):
		p.Line, p.Msg = parse.Line, parse.Msg
	case errors.As(err, &decode):
		p.Line, p.Msg = decode.Line, decode.Msg
	}
	l.problem(p)
}

func (l *loader) problem(p Problem) { l.pack.Problems = append(l.pack.Problems, p) }

// document checks one document against what is loaded already.
func (l *loader) document(doc sigma.Document) {
	h := header(doc)
	if s := h.LogSource; s.Product != "" && s.Product != "aws" || s.Service != "" && s.Service != "cloudtrail" || s.Category != "" && s.Service == "" {
		l.problem(Problem{File: h.File, Line: h.Line, Rule: h.Title, Warning: true,
			Msg: fmt.Sprintf("written for %s %s %s, not for CloudTrail: left out", s.Product, s.Category, s.Service)})
		return
	}
	for _, id := range []string{h.ID, h.Name} {
		if other, taken := l.ids[id]; id != "" && taken {
			l.problem(Problem{File: h.File, Line: h.Line, Rule: h.Title, Msg: fmt.Sprintf("%s is already used by %s: left out", id, other)})
			return
		}
	}
	s, err := readSettings(h)
	if err == nil {
		err = s.fits(doc)
	}
	if s.Attempt == "" {
		s.Attempt = attemptLower
		if doc.Rule == nil {
			s.Attempt = attemptSame // many windows count failures
		}
	}
	if err != nil {
		l.parseErrors(h.File, err)
		return
	}
	for _, id := range []string{h.ID, h.Name} {
		if id != "" {
			l.ids[id] = h.File
		}
	}
	if c := doc.Correlation; c != nil {
		c.Needs = s.Needs
		if s.Escalate != nil {
			c.Steps = []float64{s.Escalate.GTE}
		}
	}
	l.settings[h] = s
	l.pack.Documents = append(l.pack.Documents, doc)
}

func header(doc sigma.Document) *sigma.Header {
	switch {
	case doc.Rule != nil:
		return &doc.Rule.Header
	case doc.Correlation != nil:
		return &doc.Correlation.Header
	}
	return &doc.Filter.Header
}

func (l *loader) compile(o LoadOptions) (*Pack, error) {
	fields := field.Paths()
	for _, s := range l.settings {
		for _, path := range s.fields() {
			if !slices.Contains(fields, path) {
				fields = append(fields, path)
			}
		}
	}
	slices.Sort(fields[field.Scanned:]) // a map's order must not number fields
	set, problems := sigma.Compile(l.pack.Documents, sigma.Options{Fields: fields, Derived: derivedNames[:], Placeholders: o.Placeholders, Guards: o.Guards})
	for _, p := range problems {
		l.problem(Problem{File: p.File, Line: p.Line, Rule: p.Rule, Warning: p.Severity == sigma.SeverityWarning, Msg: p.Msg})
	}
	p := l.pack
	p.Set, p.renumbered = set, o.Renumbered
	for _, r := range set.Rules() {
		p.rules = append(p.rules, l.numbered(&r.Header, fields))
	}
	for _, c := range set.Correlations() {
		p.correlations = append(p.correlations, l.numbered(&c.Header, fields))
		for _, in := range c.Inputs {
			if in.Rule >= 0 {
				p.rules[in.Rule].asksMore, p.rules[in.Rule].windows = true, true
			}
		}
	}
	slices.SortStableFunc(p.Problems, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return p, nil
}

// fields are the paths that the settings read.
func (s *settings) fields() []string {
	var out []string
	if s.Watched != nil {
		out = append(out, s.Watched.Field)
	}
	if s.Judge != nil {
		out = append(out, s.Judge.Field)
	}
	return out
}

func (l *loader) numbered(h *sigma.Header, fields []string) settings {
	s := l.settings[h]
	if s.Watched != nil {
		s.Watched.number = slices.Index(fields, s.Watched.Field)
	}
	if s.Judge != nil {
		s.Judge.number = slices.Index(fields, s.Judge.Field)
	}
	p, name := l.pack, attack.Tactic(h.Tags)
	if !slices.Contains(p.tactics, name) {
		p.tactics = append(p.tactics, name)
	}
	s.tactic = int32(slices.Index(p.tactics, name))
	s.asksMore = s.Watched != nil || s.Judge != nil || s.Attempt == attemptIgnore
	return s
}
