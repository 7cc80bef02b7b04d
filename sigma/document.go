// Package sigma reads Sigma rules, correlations and filters (Sigma Specification
// 2.1), compiles them against numbered record fields and matches them. YAML text
// goes in, numbers of matching rules come out. What it cannot evaluate it
// refuses: an unsupported feature is an error, never a rule that silently
// matches nothing.
package sigma

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep"
)

// Document is one YAML document of a file. Exactly one of Rule, Correlation and
// Filter is set.
type Document struct {
	File        string
	Line        int // first line of the document in its file, from 1
	Rule        *Rule
	Correlation *Correlation
	Filter      *Filter
}

// Header is what rules, correlations and filters have in common.
type Header struct {
	File           string
	Line           int
	Title          string
	ID             string // UUID, may be empty
	Name           string // may be empty; correlations may refer to it
	Status         string
	Description    string
	Author         string
	Level          rootkeep.Severity
	Tags           []string
	References     []string
	FalsePositives []string
	LogSource      LogSource
	// Custom holds the top-level keys that the specification does not define, as
	// parsed YAML.
	Custom map[string]ast.Node
}

// LogSource says which log a rule is written for.
type LogSource struct{ Category, Product, Service string }

// Rule is one detection rule.
type Rule struct {
	Header
	// Alerts says that a match is worth an alert by itself. It is false for a rule
	// that only feeds correlations which do not ask for generate.
	Alerts bool

	detection detection
}

// CorrelationType is one of the types of Sigma correlation rules, or one of the
// two extensions NewValue and Absence.
type CorrelationType string

// The correlation types.
const (
	EventCount      CorrelationType = "event_count"
	ValueCount      CorrelationType = "value_count"
	Temporal        CorrelationType = "temporal"
	TemporalOrdered CorrelationType = "temporal_ordered"
	ValueSum        CorrelationType = "value_sum"
	ValueAvg        CorrelationType = "value_avg"
	ValuePercentile CorrelationType = "value_percentile"
	NewValue        CorrelationType = "new_value" // extension: first seen per group after a learning time
	Absence         CorrelationType = "absence"   // extension: a group fell silent
)

// Temporal says that the type looks at which rules matched, not at how often.
func (t CorrelationType) Temporal() bool { return t == Temporal || t == TemporalOrdered }

// Correlation is one correlation rule (Sigma Correlation Rules Specification).
type Correlation struct {
	Header
	Type     CorrelationType
	Rules    []string // names or IDs of rules or of other correlations, as written
	GroupBy  []string // field paths or alias names, as written
	Timespan time.Duration
	// Condition bounds the count, the value or the number of rules.
	Condition Range
	// Fields of value_* and new_value: several make a tuple.
	Fields []string
	// Percentile is the rank of value_percentile, above 0 to 100; 0 when none is
	// given, as in the specification: the value's share of the window in percent is
	// compared then.
	Percentile float64
	// Steady is how long a group of absence has to have been active, without such a
	// silence, before one fires; 0 for any time. An extension, as absence is.
	Steady time.Duration
	// Aliases maps an alias to the field it stands for in each referenced rule.
	Aliases  map[string]map[string]string
	Generate bool // the referenced rules alert as well
	// Alerts says that a firing is worth an alert by itself. It is false for a
	// correlation that only feeds others which do not ask for generate.
	Alerts bool

	// InTemporal says that a temporal or temporal_ordered correlation refers to this
	// one, and so asks for every second in which its condition holds. Filled by Compile.
	InTemporal bool

	// Steps are further thresholds above Condition that the caller wants the
	// crossing times of; set before Compile.
	Steps []float64

	// Needs are those of Rules of which one has to have matched in the window for the
	// condition of a value_count to hold; none: any will do. Set before Compile.
	Needs []string

	// Inputs are the resolved Rules: for each, either a rule number or a
	// correlation number of the set. Filled by Compile.
	Inputs []Input
}

// Input is one resolved reference of a correlation.
type Input struct {
	Name        string // as written in Rules
	Rule        int    // rule number, or -1
	Correlation int    // correlation number, or -1 (chaining)
	// Group holds, for each of GroupBy, the number of the field to read from a
	// record that matched this input. Fields likewise for Correlation.Fields.
	// For a chained correlation they index its own GroupBy instead.
	Group  []int
	Fields []int
	// Needed says that it is one of Correlation.Needs.
	Needed bool
}

// Range is a correlation condition: every bound that is set must hold.
type Range struct {
	GT, GTE, LT, LTE, EQ, NEQ *float64
}

// Filter narrows rules (Sigma Filters Specification): its condition is and-ed to
// the condition of every rule that it names.
type Filter struct {
	Header
	Rules []string // names or IDs it applies to; empty with Any
	Any   bool     // applies to every rule of the log source

	detection detection
}
