package sigma

import (
	"fmt"
	"slices"
	"strings"
)

// Options are what Compile needs to know beside the documents.
type Options struct {
	// Fields are scanned fields that the caller reads itself; they get the first
	// numbers, in this order.
	Fields []string
	// Derived are the names of fields that the caller computes from others
	// (rootkeep.View.Derive); their numbers follow those of the scanned fields.
	Derived []string
	// Placeholders are the values of %name% under the modifier expand. A value may
	// hold wildcards.
	Placeholders map[string][]string
	// Guards, if it is not nil, says that a filter or a correlation may not weaken a
	// document: the filter is left out if it names it and does not narrow it if it names all,
	// and the document alerts by itself though the correlation only counts it.
	Guards func(document, by *Header) bool
}

// ProblemSeverity tells a document that was left out from one that was kept.
type ProblemSeverity string

// The severities of problems.
const (
	SeverityError   ProblemSeverity = "error"   // the document is left out
	SeverityWarning ProblemSeverity = "warning" // the document is used
)

// Problem is what Compile has to say about one document.
type Problem struct {
	File     string
	Line     int    // from 1
	Rule     string // title of the document
	Severity ProblemSeverity
	Msg      string
}

// String is file:line: severity: title: message.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s: %s: %s", p.File, p.Line, p.Severity, p.Rule, p.Msg)
}

// Set is a compiled set of rules. It is immutable and may be shared.
type Set struct {
	rules        []*Rule
	correlations []*Correlation
	programs     []program // by rule number
	predicates   []predicate
	fields       []string
	derived      []string
	numbers      map[string]int // field path to number
	placeholders map[string][]string
	index        index
}

// Fields are the paths of the scanned fields by number.
func (s *Set) Fields() []string { return s.fields }

// Derived are the names of the computed fields; the first has number
// len(Fields()).
func (s *Set) Derived() []string { return s.derived }

// FieldNumber is the number of a scanned or derived field.
func (s *Set) FieldNumber(path string) (int, bool) {
	n, ok := s.numbers[path]
	return n, ok
}

// Rules are the rules by number.
func (s *Set) Rules() []*Rule { return s.rules }

// Correlations are the correlations by number. One that others refer to comes
// before them.
func (s *Set) Correlations() []*Correlation { return s.correlations }

// Unindexed are the numbers of the rules that have to be tried on every record,
// because no field value is necessary for them to match.
func (s *Set) Unindexed() []int {
	out := make([]int, len(s.index.always))
	for i, r := range s.index.always {
		out[i] = int(r)
	}
	return out
}

// Compile builds a Set. A document with a fault is left out and named by a
// Problem; the others are used. It fills Rule.Alerts, Correlation.Alerts and
// Correlation.Inputs of the documents it keeps.
func Compile(docs []Document, o Options) (*Set, []Problem) {
	c := &compiler{
		set:     &Set{derived: slices.Clone(o.Derived), numbers: map[string]int{}, placeholders: o.Placeholders},
		options: o,
		named:   map[string]reference{},
		shared:  map[string]int{},
	}
	c.register(docs)
	c.numberFields()
	c.filters = slices.DeleteFunc(c.filters, c.weakens)
	for _, r := range c.rules {
		c.rule(r)
	}
	c.checkFilters()
	c.resolveCorrelations()
	c.set.index = newIndex(c.set)
	return c.set, c.problems
}

// compiler holds the state of one Compile.
type compiler struct {
	set      *Set
	options  Options
	problems []Problem

	rules        []*Rule
	correlations []*Correlation
	filters      []*Filter
	named        map[string]reference // by name and by lower-case ID
	shared       map[string]int       // predicate number by what it asks
}

// reference is a document that a name or ID stands for.
type reference struct {
	rule        *Rule
	correlation *Correlation
	header      *Header
}

func (c *compiler) problem(h *Header, line int, sev ProblemSeverity, format string, args ...any) {
	c.problems = append(c.problems, Problem{h.File, line, h.Title, sev, fmt.Sprintf(format, args...)})
}

// register takes in the documents whose name and ID are new.
func (c *compiler) register(docs []Document) {
	for _, d := range docs {
		switch {
		case d.Rule != nil && c.claim(reference{rule: d.Rule, header: &d.Rule.Header}):
			d.Rule.Alerts = true
			c.rules = append(c.rules, d.Rule)
		case d.Correlation != nil && c.claim(reference{correlation: d.Correlation, header: &d.Correlation.Header}):
			d.Correlation.Alerts = true
			c.correlations = append(c.correlations, d.Correlation)
		case d.Filter != nil && c.claim(reference{header: &d.Filter.Header}):
			c.filters = append(c.filters, d.Filter)
		}
	}
}

func (c *compiler) claim(ref reference) bool {
	h := ref.header
	for _, name := range []string{h.Name, strings.ToLower(h.ID)} {
		if other, taken := c.named[name]; taken && name != "" {
			c.problem(h, h.Line, SeverityError, "%s is already used by %q (%s:%d); hint: remove one of the two",
				name, other.header.Title, other.header.File, other.header.Line)
			return false
		}
	}
	for _, name := range []string{h.Name, strings.ToLower(h.ID)} {
		if name != "" {
			c.named[name] = ref
		}
	}
	return true
}

func (c *compiler) lookup(name string) (reference, bool) {
	ref, ok := c.named[name]
	if !ok {
		ref, ok = c.named[strings.ToLower(name)]
	}
	return ref, ok
}

// numberFields numbers every field that is mentioned anywhere.
func (c *compiler) numberFields() {
	s := c.set
	derived := map[string]bool{}
	for _, d := range s.derived {
		derived[d] = true
	}
	add := func(path string) {
		if _, known := s.numbers[path]; !known && !derived[path] {
			s.numbers[path] = len(s.fields)
			s.fields = append(s.fields, path)
		}
	}
	for _, path := range c.options.Fields {
		add(path)
	}
	for _, r := range c.rules {
		r.detection.eachField(add)
	}
	for _, f := range c.filters {
		f.detection.eachField(add)
	}
	for _, cor := range c.correlations {
		cor.eachField(add)
	}
	for i, d := range s.derived {
		s.numbers[d] = len(s.fields) + i
	}
}

func (d *detection) eachField(visit func(string)) {
	for _, s := range d.searches {
		for _, alt := range s.alternatives {
			for _, it := range alt {
				visit(it.field)
				if it.mods.FieldRef {
					for _, v := range it.values {
						visit(v.Text)
					}
				}
			}
		}
	}
}

func (c *Correlation) eachField(visit func(string)) {
	for _, f := range slices.Concat(c.GroupBy, c.Fields) {
		if c.Aliases[f] == nil {
			visit(f)
		}
		for _, rule := range c.Rules {
			if path, ok := c.Aliases[f][rule]; ok {
				visit(path)
			}
		}
	}
}

// rule compiles one rule with the filters that apply to it.
func (c *compiler) rule(r *Rule) {
	b := builder{compiler: c, header: &r.Header}
	root := b.detection(&r.detection, "")
	for _, f := range c.filters {
		if f.selects(r) && !c.guards(&r.Header, &f.Header) {
			root = b.combine(nodeAnd, []*node{root, b.detection(&f.detection, f.Title+": ")})
		}
	}
	if b.failed {
		return
	}
	c.set.rules = append(c.set.rules, r)
	c.set.programs = append(c.set.programs, program{root: root, searches: b.searches})
}

func (c *compiler) guards(document, by *Header) bool {
	return c.options.Guards != nil && c.options.Guards(document, by)
}

// weakens says whether a filter names a rule that it may not narrow, and tells of it.
func (c *compiler) weakens(f *Filter) bool {
	for _, name := range f.Rules {
		if ref, ok := c.lookup(name); ok && ref.rule != nil && c.guards(ref.header, &f.Header) {
			c.problem(&f.Header, f.Line, SeverityError, "filter names rule %s, which nothing may narrow", name)
			return true
		}
	}
	return false
}

// selects says whether the filter names the rule and is for its log source.
func (f *Filter) selects(r *Rule) bool {
	return (f.Any || f.names(&r.Header)) && f.LogSource.covers(r.LogSource)
}

func (f *Filter) names(h *Header) bool {
	for _, name := range f.Rules {
		if name == h.Name || strings.EqualFold(name, h.ID) {
			return true
		}
	}
	return false
}

// covers: what the filter leaves open, any log source has.
func (l LogSource) covers(o LogSource) bool {
	return (l.Category == "" || l.Category == o.Category) &&
		(l.Product == "" || l.Product == o.Product) &&
		(l.Service == "" || l.Service == o.Service)
}

// checkFilters warns of names that no rule has and of foreign log sources.
func (c *compiler) checkFilters() {
	for _, f := range c.filters {
		for _, name := range f.Rules {
			ref, ok := c.lookup(name)
			switch {
			case !ok || ref.rule == nil:
				c.problem(&f.Header, f.Line, SeverityWarning, "filter names rule %s, which is not loaded", name)
			case !f.LogSource.covers(ref.rule.LogSource):
				c.problem(&f.Header, f.Line, SeverityWarning, "filter names rule %s, which has another log source", name)
			}
		}
	}
}

// resolveCorrelations fills Inputs and Alerts and orders the correlations.
func (c *compiler) resolveCorrelations() {
	numbers := map[*Rule]int{}
	for i, r := range c.set.rules {
		numbers[r] = i
	}
	res := resolver{compiler: c, rules: numbers, state: map[*Correlation]int{}}
	for _, cor := range c.correlations {
		res.visit(cor)
	}
	res.setAlerts()
}
