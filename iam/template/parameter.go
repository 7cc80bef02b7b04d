package template

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/sigma/yamldoc"
)

// Parameter is what a reader fills in. One without a default is required and has an
// example.
type Parameter struct {
	Name        string        `yaml:"name"`
	Description string        `yaml:"description"`
	Type        ParameterType `yaml:"type"`
	List        bool          `yaml:"list"` // one or more values
	Default     Values        `yaml:"default"`
	Example     Values        `yaml:"example"`
	// Bounds. Pattern, a whole-value RE2 expression, or Choices is required of text,
	// Min and Max of number.
	Pattern   string   `yaml:"pattern"`
	Choices   []string `yaml:"choices"`
	Min       *int64   `yaml:"min"`
	Max       *int64   `yaml:"max"`
	Unit      string   `yaml:"unit"`       // of number: seconds, days
	After     string   `yaml:"after"`      // of date: the parameter with an earlier date
	Wildcards bool     `yaml:"wildcards"`  // * and ? may stand in arn and text
	MaxValues int      `yaml:"max_values"` // of a list; 0 is 50

	whole *regexp.Regexp // Pattern, compiled when the file is read
}

// ParameterType is the form of a value.
type ParameterType string

// Types of parameter.
const (
	Account ParameterType = "account" // 12 digits
	ARN     ParameterType = "arn"
	CIDR    ParameterType = "cidr"   // IPv4 or IPv6 range without host bits
	Region  ParameterType = "region" // that AWS has
	Number  ParameterType = "number" // whole
	Date    ParameterType = "date"   // RFC 3339 in UTC, such as 2026-12-01T08:00:00Z
	Text    ParameterType = "text"
)

func parameterTypes() []ParameterType {
	return []ParameterType{Account, ARN, CIDR, Region, Number, Date, Text}
}

// Values are the values of a parameter or of a context key; a single one is a list
// of one.
type Values []string

// UnmarshalYAML reads a scalar or a list of them, keeping the digits of numbers: an
// account may begin with zero.
func (v *Values) UnmarshalYAML(node ast.Node) error {
	items := []ast.Node{node}
	if list, ok := node.(*ast.SequenceNode); ok {
		items = list.Values
	}
	*v = make(Values, 0, len(items))
	for _, item := range items {
		s, ok := yamldoc.Scalar(item)
		if _, null := item.(*ast.NullNode); !ok || null {
			return fmt.Errorf("want text or a list of text, got %s", yamldoc.TypeOf(item))
		}
		*v = append(*v, s.Text)
	}
	return nil
}

// ValueError is a value that a parameter does not take, or that is missing.
type ValueError struct {
	Parameter string
	Value     string
	Want      string
	Missing   bool
}

// Error names parameter, value and what is allowed.
func (e *ValueError) Error() string {
	if e.Missing {
		return fmt.Sprintf("parameter %s has no value: want %s", e.Parameter, e.Want)
	}
	return fmt.Sprintf("parameter %s: %q is not allowed: want %s", e.Parameter, e.Value, e.Want)
}

// Bounds over all types.
const (
	maxValue  = 1024 // characters of a value
	maxValues = 50   // of a list that does not say
)

// Required says whether a value must be given.
func (p *Parameter) Required() bool { return p.Default == nil }

// Sample is the default, or the example of a required parameter.
func (p *Parameter) Sample() Values {
	if p.Required() {
		return p.Example
	}
	return p.Default
}

// Allowed says in words which values are taken.
func (p *Parameter) Allowed() string {
	var s string
	switch p.Type {
	case Account:
		s = "12 digits"
	case ARN:
		s = "an ARN"
	case CIDR:
		s = "an IP range such as 192.0.2.0/24, without host bits"
	case Region:
		s = "a Region that AWS has"
	case Number:
		s = fmt.Sprintf("a whole number from %d to %d", p.least(), p.most())
		if p.Unit != "" {
			s += " (" + p.Unit + ")"
		}
	case Date:
		s = "a time such as 2026-12-01T08:00:00Z"
		if p.After != "" {
			s += " after " + p.After
		}
	default:
		s = "text"
	}
	if p.Pattern != "" {
		s += " that matches " + p.Pattern
	}
	if len(p.Choices) > 0 {
		s = "one of " + words(p.Choices)
	}
	if p.List {
		s = fmt.Sprintf("1 to %d values, each %s", p.maxValues(), s)
	}
	return s
}

func (p *Parameter) least() int64 {
	if p.Min == nil {
		return math.MinInt64
	}
	return *p.Min
}

func (p *Parameter) most() int64 {
	if p.Max == nil {
		return math.MaxInt64
	}
	return *p.Max
}

func (p *Parameter) maxValues() int {
	if p.MaxValues > 0 {
		return p.MaxValues
	}
	return maxValues
}

// check judges the values of one parameter.
func (p *Parameter) check(values Values) error {
	if !p.List && len(values) != 1 || p.List && (len(values) == 0 || len(values) > p.maxValues()) {
		return &ValueError{Parameter: p.Name, Value: fmt.Sprintf("%d values", len(values)), Want: p.Allowed()}
	}
	for i, v := range values {
		if !p.takes(v) || slices.Contains(values[:i], v) {
			return &ValueError{Parameter: p.Name, Value: v, Want: p.Allowed()}
		}
	}
	return nil
}

func (p *Parameter) takes(v string) bool {
	if v == "" || len(v) > maxValue || !utf8.ValidString(v) || strings.ContainsFunc(v, hidden) {
		return false
	}
	// A policy variable would let the caller choose what the template fixes, and a
	// wildcard would widen it.
	if strings.Contains(v, "$") || !p.Wildcards && strings.ContainsAny(v, "*?") {
		return false
	}
	if p.Pattern != "" && (p.whole == nil || !p.whole.MatchString(v)) {
		return false
	}
	return (len(p.Choices) == 0 || slices.Contains(p.Choices, v)) && p.wellFormed(v)
}

// hidden says whether a character does something on a screen that cannot be seen:
// controls, and marks such as those that turn the direction of text. A policy has none.
func hidden(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// wellFormed judges a value by its type.
func (p *Parameter) wellFormed(v string) bool {
	switch p.Type {
	case Account:
		_, err := rootkeep.ParseAccountID(v)
		return err == nil
	case ARN:
		_, err := rootkeep.ParseARN(v)
		return err == nil
	case CIDR:
		prefix, err := netip.ParsePrefix(v)
		return err == nil && prefix == prefix.Masked() && prefix.Bits() > 0
	case Region:
		return !strings.Contains(v, " ") && known.Region(v)
	case Number:
		n, err := strconv.ParseInt(v, 10, 64)
		return err == nil && n >= p.least() && n <= p.most() && strconv.FormatInt(n, 10) == v
	case Date:
		t, err := time.Parse(time.RFC3339, v)
		return err == nil && strings.HasSuffix(v, "Z") && t.Year() >= 2000
	}
	return true
}

// wholeValue compiles a pattern for the whole of a value.
func wholeValue(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}

// values completes what was given with defaults and checks all of it. The error
// joins a *ValueError for every parameter.
func (t *Template) values(set map[string]Values) (map[string]Values, error) {
	out := map[string]Values{}
	var errs []error
	for name := range set {
		if _, ok := t.Parameter(name); !ok {
			errs = append(errs, fmt.Errorf("template %s has no parameter %q; it has %s", t.ID, name, t.parameterNames()))
		}
	}
	for i := range t.Parameters {
		p := &t.Parameters[i]
		values, given := set[p.Name]
		if !given {
			values = p.Default
		}
		if values == nil {
			errs = append(errs, &ValueError{Parameter: p.Name, Want: p.Allowed(), Missing: true})
			continue
		}
		if err := p.check(values); err != nil {
			errs = append(errs, err)
			continue
		}
		out[p.Name] = values
	}
	if len(errs) == 0 {
		errs = append(errs, t.inOrder(out))
	}
	return out, errors.Join(errs...)
}

// inOrder compares dates that belong together.
func (t *Template) inOrder(values map[string]Values) error {
	for i := range t.Parameters {
		p := &t.Parameters[i]
		if len(values[p.After]) == 0 {
			continue
		}
		earlier, _ := time.Parse(time.RFC3339, values[p.After][0])
		later, _ := time.Parse(time.RFC3339, values[p.Name][0])
		if !later.After(earlier) {
			return &ValueError{Parameter: p.Name, Value: values[p.Name][0], Want: p.Allowed() + " (" + values[p.After][0] + ")"}
		}
	}
	return nil
}

func (t *Template) parameterNames() string {
	var names []string
	for _, p := range t.Parameters {
		names = append(names, p.Name)
	}
	if names == nil {
		return "none"
	}
	return words(names)
}

// Samples are example values for the required parameters.
func (t *Template) Samples() map[string]Values {
	out := map[string]Values{}
	for i := range t.Parameters {
		if p := &t.Parameters[i]; p.Required() {
			out[p.Name] = p.Example
		}
	}
	return out
}
