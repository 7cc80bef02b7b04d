package intake

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// The shapes of cloudtrail get-event-selectors.
type (
	eventSelector struct {
		ReadWriteType                 string
		IncludeManagementEvents       *bool
		DataResources                 []dataResource
		ExcludeManagementEventSources []string
	}
	dataResource struct {
		Type   string
		Values []string
	}
	advancedEventSelector struct{ FieldSelectors []fieldSelector }
	fieldSelector         struct {
		Field                                                               string
		Equals, StartsWith, EndsWith, NotEquals, NotStartsWith, NotEndsWith []string
	}
)

// Selectors reads what the AWS CLI prints for cloudtrail get-event-selectors: both kinds
// in the one form that facts have. The error is of JSON.
func Selectors(text []byte) ([]facts.Selector, error) {
	var in struct {
		EventSelectors         []eventSelector
		AdvancedEventSelectors []advancedEventSelector
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, describe(text, err)
	}
	out := []facts.Selector{}
	for _, s := range in.EventSelectors {
		out = append(out, plainSelector(s)...)
	}
	for _, s := range in.AdvancedEventSelectors {
		out = append(out, advancedSelector(s))
	}
	return out, nil
}

// plainSelector tells an event selector in the advanced form: one part for management
// events and one for each kind of resource with data events.
func plainSelector(s eventSelector) []facts.Selector {
	var out []facts.Selector
	part := facts.Selector{
		Category: "Management", Reads: s.ReadWriteType != "WriteOnly", Writes: s.ReadWriteType != "ReadOnly",
		Types: []string{}, Excluded: []string{}, Only: []string{},
	}
	if s.IncludeManagementEvents == nil || *s.IncludeManagementEvents { // true is AWS's default
		management := part
		management.Excluded = append(management.Excluded, s.ExcludeManagementEventSources...)
		out = append(out, management)
	}
	for _, r := range s.DataResources {
		data := part
		data.Category, data.Types = "Data", []string{r.Type}
		if !slices.ContainsFunc(r.Values, everyResource.MatchString) {
			data.Only = []string{"resources.ARN starts with " + strings.Join(r.Values, ", ")}
		}
		out = append(out, data)
	}
	return out
}

// everyResource matches the beginning of an ARN that stands for all resources of a
// service, such as arn:aws:s3 and arn:aws:s3:::. Source: CloudTrail API Reference,
// DataResource.
var everyResource = regexp.MustCompile(`^arn:[a-z-]+:[a-z0-9]+(:::)?$`)

// advancedSelector tells an advanced event selector. Every condition that is not fully
// understood narrows it: what it records is never overstated.
func advancedSelector(s advancedEventSelector) facts.Selector {
	out := facts.Selector{Reads: true, Writes: true, Types: []string{}, Excluded: []string{}, Only: []string{}}
	for _, f := range s.FieldSelectors {
		field, equals := f.Field, f.Equals
		alone := len(f.StartsWith)+len(f.EndsWith)+len(f.NotEquals)+len(f.NotStartsWith)+len(f.NotEndsWith) == 0
		switch {
		case field == "eventCategory" && alone && len(equals) == 1:
			out.Category = equals[0]
		case field == "readOnly" && alone && len(equals) == 1:
			out.Reads, out.Writes = equals[0] == "true", equals[0] == "false"
		case field == "resources.type" && alone:
			out.Types = append(out.Types, equals...)
		case field == "eventSource" && len(f.NotEquals) > 0 && len(equals)+len(f.StartsWith)+len(f.EndsWith)+len(f.NotStartsWith)+len(f.NotEndsWith) == 0:
			out.Excluded = append(out.Excluded, f.NotEquals...)
		case field == "resources.ARN" && len(equals)+len(f.EndsWith)+len(f.NotEquals)+len(f.NotStartsWith)+len(f.NotEndsWith) == 0 &&
			slices.ContainsFunc(f.StartsWith, everyResource.MatchString):
			// all of them
		default:
			out.Only = append(out.Only, condition(f))
		}
	}
	return out
}

// condition is a field selector in words.
func condition(f fieldSelector) string {
	text := f.Field
	for _, o := range []struct {
		words  string
		values []string
	}{
		{"is", f.Equals}, {"starts with", f.StartsWith}, {"ends with", f.EndsWith},
		{"is not", f.NotEquals}, {"does not start with", f.NotStartsWith}, {"does not end with", f.NotEndsWith},
	} {
		if len(o.values) > 0 {
			text += " " + o.words + " " + strings.Join(o.values, ", ")
		}
	}
	return text
}
