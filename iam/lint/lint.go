// Package lint finds what is wrong with AWS policies. A policy goes in, findings
// come out, each with a code, a severity, places in the text, an explanation and
// what to do.
//
// Codes without the prefix RK_ are those of AWS Access Analyzer and mean what the
// IAM User Guide, "IAM policy validation check reference", says. Where that page
// leaves a check open, docs/iam-lint.md says what this linter does.
package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam/lint/glob"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Type is what a policy is attached to; other rules hold for each.
type Type string

// Types of policy. Unknown is told from the policy itself.
const (
	Unknown  Type = ""
	Identity Type = "identity"
	Resource Type = "resource"
	Trust    Type = "trust"
	SCP      Type = "scp"
	RCP      Type = "rcp"
	Boundary Type = "boundary"
)

// Types lists the types that a user may name.
func Types() []Type { return []Type{Identity, Resource, Trust, SCP, RCP, Boundary} }

// Severity is how much a finding weighs.
type Severity uint8

// Severities, the lightest first. They are AWS Access Analyzer's finding types.
const (
	Suggestion Severity = iota + 1
	Warning
	SecurityWarning
	Error
)

// String is the severity in lower case.
func (s Severity) String() string {
	return [...]string{"none", "suggestion", "warning", "security-warning", "error"}[s]
}

// MarshalText is String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ParseSeverity reads what String writes.
func ParseSeverity(text string) (Severity, bool) {
	for s := Suggestion; s <= Error; s++ {
		if s.String() == text {
			return s, true
		}
	}
	return 0, false
}

// Location is a place in the text. Line and Column count from 1, the column in
// characters. Path is the place in the policy, such as Statement[0].Action[2].
type Location struct {
	Path   string `json:"path"`
	Line   int    `json:"line"`
	Column int    `json:"column"`

	span policy.Span
}

// Offset is the place as a range of bytes.
func (l Location) Offset() (start, end int) { return int(l.span.Start), int(l.span.End) }

// Finding is one thing that is wrong. The first location is the main one; a finding
// about a combination has several.
type Finding struct {
	Code      string     `json:"code"`
	Severity  Severity   `json:"severity"`
	Message   string     `json:"message"`
	Fix       string     `json:"fix"`
	Locations []Location `json:"locations"`
}

// Options are what the text of a policy does not say. The zero value is fine.
type Options struct {
	Type Type
	// Service is the prefix of the service whose resource a resource policy is
	// attached to, such as s3. Empty is told from the policy where it can be.
	Service string
	// Managed says that an identity policy is a managed one, which may be shorter than
	// the inline policies of a role.
	Managed bool
	// Now lets the linter judge dates, and tells how old the table of actions is.
	// Zero leaves both out.
	Now time.Time
}

// stale is the age of the action table from which on an unknown action is more
// likely new than wrong.
const stale = 180 * 24 * time.Hour

// Source judges the text of one policy and says which type it was judged as. It
// takes time in proportion to the text, but for repeated wildcards in one list.
func Source(src []byte, o Options) ([]Finding, Type) {
	doc, err := policy.Parse(src)
	if doc == nil {
		return []Finding{syntaxError(err)}, o.Type
	}
	return Document(doc, o)
}

func syntaxError(err error) Finding {
	f := newFinding("JSON_SYNTAX_ERROR", err.Error())
	if e, ok := err.(*policy.Error); ok && len(e.Problems) > 0 {
		p := e.Problems[0]
		f.Message = p.Message
		f.Locations = []Location{{Line: p.Line, Column: p.Column, span: p.Span}}
	}
	return f
}

// Document judges a parsed policy. Its Problems become findings.
func Document(doc *policy.Document, o Options) ([]Finding, Type) {
	if o.Type == Unknown {
		o.Type = Detect(doc)
	}
	c := checker{doc: doc, typ: o.Type, service: o.Service, managed: o.Managed, now: o.Now}
	if c.service == "" && c.typ == Resource {
		c.service = known.AttachedTo(doc)
	}
	c.parserProblems()
	c.document()
	c.stray()
	for i := range doc.Statements {
		c.statement(i)
	}
	if len(doc.Statements) <= maxStatements {
		c.pairs()
	}
	c.bounds()
	slices.SortStableFunc(c.findings, func(a, b Finding) int {
		return int(a.Locations[0].span.Start) - int(b.Locations[0].span.Start)
	})
	return c.findings, c.typ
}

// Detect tells the type of a policy from its text. A policy with principals is a
// trust policy when it names a way to assume a role and no resource; without
// principals nothing tells an identity policy from a boundary or a service control
// policy, so it is taken for the first.
func Detect(doc *policy.Document) Type {
	principals, assumes, resources := false, false, false
	for i := range doc.Statements {
		s := &doc.Statements[i]
		principals = principals || s.Principal != nil || s.NotPrincipal != nil
		resources = resources || s.Resource != nil || s.NotResource != nil
		for _, a := range s.Action.Values() {
			assumes = assumes || strings.HasPrefix(strings.ToLower(a), "sts:assumerole")
		}
	}
	switch {
	case !principals:
		return Identity
	case assumes && !resources:
		return Trust
	}
	return Resource
}

// checker collects the findings of one policy.
type checker struct {
	doc      *policy.Document
	typ      Type
	service  string // of a resource policy, when known
	managed  bool
	now      time.Time
	findings []Finding
	st       *statement // the one at hand
	spent    int        // comparisons made so far
	guesses  int        // suggestions made so far
	places   int        // places found so far
}

// Bounds on hostile policies. The largest policy that AWS stores stays far below.
const (
	maxWork       = 1 << 24 // comparisons of one policy
	maxStatements = 1000    // of a policy whose statements are judged against each other
	maxConditions = 1000    // of a statement
	maxGuesses    = 50      // names that are looked for
	maxPlaces     = 2000    // of findings: to count the column of each takes time
)

// spend says whether n more comparisons are within the bounds. A policy beyond them
// gets RK_NOT_JUDGED_WHOLE.
func (c *checker) spend(n int) bool {
	c.spent += n
	return c.spent <= maxWork
}

func (c *checker) bounds() {
	if c.spent > maxWork || c.places > maxPlaces || len(c.doc.Statements) > maxStatements {
		c.places = 0
		c.add("RK_NOT_JUDGED_WHOLE", "", place{c.doc.Span, ""})
	}
}

// identity says whether the policy belongs to principals of an account.
func (c *checker) identity() bool { return c.typ == Identity || c.typ == Boundary }

// place is where a finding is, before its line is counted.
type place struct {
	span policy.Span
	path string
}

func (c *checker) add(code, message string, at ...place) {
	f := newFinding(code, message)
	if c.oldTable() && (code == "INVALID_ACTION" || code == "INVALID_SERVICE_IN_ACTION") {
		f.Severity = Warning
	}
	if c.places += len(at); c.places > maxPlaces {
		return
	}
	for _, p := range at {
		line, column := c.doc.Position(p.span.Start)
		f.Locations = append(f.Locations, Location{p.path, line, column, p.span})
	}
	c.findings = append(c.findings, f)
}

// parserProblems takes over what the parser found. Messages name line and column
// through the location.
func (c *checker) parserProblems() {
	for _, p := range c.doc.Problems {
		if jsonMarker(p.Message) {
			continue // what stands there is not known before deployment
		}
		c.add(p.Code, p.Message, place{p.Span, ""})
	}
}

// statement is a statement with what several checks ask of it.
type statement struct {
	*policy.Statement
	index      int
	conditions []cond
	compiled   []glob.Entry // Action or NotAction, once it was asked for
}

func (s *statement) path(rest string) string {
	if s.index < 0 {
		return rest
	}
	if rest == "" {
		return fmt.Sprintf("Statement[%d]", s.index)
	}
	return fmt.Sprintf("Statement[%d].%s", s.index, rest)
}

func (s *statement) whole() place { return place{s.Span, s.path("")} }

// at is the place of one value of a list, or of the value that stands alone.
func (s *statement) at(element string, list *policy.Texts, i int) place {
	if list.Single {
		return place{list.Items[i].Span, s.path(element)}
	}
	return place{list.Items[i].Span, s.path(fmt.Sprintf("%s[%d]", element, i))}
}

func (s *statement) allows() bool { return s.Effect.Value == policy.Allow }

// actions is Action or NotAction with its name; nil when there is neither.
func (s *statement) actions() (*policy.Texts, string) {
	if s.Action != nil {
		return s.Action, "Action"
	}
	return s.NotAction, "NotAction"
}

// resources is Resource or NotResource with its name; nil when there is neither.
func (s *statement) resources() (*policy.Texts, string) {
	if s.Resource != nil {
		return s.Resource, "Resource"
	}
	return s.NotResource, "NotResource"
}

func (c *checker) statement(i int) {
	s := &statement{Statement: &c.doc.Statements[i], index: i}
	s.conditions = readConditions(s)
	if len(s.conditions) > maxConditions {
		s.conditions = s.conditions[:maxConditions]
		c.spent += maxWork + 1
	}
	c.st = s
	c.elements()
	c.actionNames()
	c.resourceARNs()
	c.redundantActions()
	c.redundantResources()
	c.conditionBlocks()
	c.variables()
	c.principals()
	c.passRole()
	c.resourceTags()
	c.supportedKeys()
	c.perType()
	c.ownStatementRules()
}
