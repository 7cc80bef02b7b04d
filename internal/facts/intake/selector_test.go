package intake

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep/internal/facts"
)

func TestEventSelectorsAreToldAsAdvancedOnes(t *testing.T) {
	data := func(kind string, values ...string) dataResource {
		return dataResource{Type: kind, Values: values}
	}
	const object = "AWS::S3::Object"
	management := facts.Selector{Category: "Management", Reads: true, Writes: true}
	for _, c := range []struct {
		name string
		in   eventSelector
		want []facts.Selector
	}{
		{"AWS's defaults", eventSelector{}, []facts.Selector{management}},
		{"reads only", eventSelector{ReadWriteType: "ReadOnly"}, []facts.Selector{{Category: "Management", Reads: true}}},
		{"KMS left out", eventSelector{ExcludeManagementEventSources: []string{"kms.amazonaws.com"}},
			[]facts.Selector{{Category: "Management", Reads: true, Writes: true, Excluded: []string{"kms.amazonaws.com"}}}},
		{"all buckets", eventSelector{IncludeManagementEvents: new(bool), DataResources: []dataResource{data(object, "arn:aws:s3")}},
			[]facts.Selector{{Category: "Data", Reads: true, Writes: true, Types: []string{object}}}},
		{"all buckets in the older form, writes", eventSelector{
			IncludeManagementEvents: new(bool), ReadWriteType: "WriteOnly", DataResources: []dataResource{data(object, "arn:aws:s3:::")},
		}, []facts.Selector{{Category: "Data", Writes: true, Types: []string{object}}}},
		{"one bucket beside management events", eventSelector{DataResources: []dataResource{data(object, "arn:aws:s3:::one/")}},
			[]facts.Selector{management, {Category: "Data", Reads: true, Writes: true, Types: []string{object}, Only: []string{"resources.ARN starts with arn:aws:s3:::one/"}}}},
		{"no value at all takes nothing", eventSelector{IncludeManagementEvents: new(bool), DataResources: []dataResource{data(object)}},
			[]facts.Selector{{Category: "Data", Reads: true, Writes: true, Types: []string{object}, Only: []string{"resources.ARN starts with "}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, plainSelector(c.in), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAdvancedSelectorIsNeverOverstated(t *testing.T) {
	type field = fieldSelector
	is := func(name string, values ...string) field { return field{Field: name, Equals: values} }
	management := is("eventCategory", "Management")
	with := func(change func(*facts.Selector)) facts.Selector {
		s := facts.Selector{Category: "Management", Reads: true, Writes: true}
		change(&s)
		return s
	}
	for _, c := range []struct {
		name   string
		fields []field
		want   facts.Selector
	}{
		{"all management events", []field{management}, with(func(*facts.Selector) {})},
		{"reads", []field{management, is("readOnly", "true")}, with(func(s *facts.Selector) { s.Writes = false })},
		{"writes", []field{management, is("readOnly", "false")}, with(func(s *facts.Selector) { s.Reads = false })},
		{"KMS left out", []field{management, {Field: "eventSource", NotEquals: []string{"kms.amazonaws.com"}}},
			with(func(s *facts.Selector) { s.Excluded = []string{"kms.amazonaws.com"} })},
		{"one source", []field{management, is("eventSource", "iam.amazonaws.com")}, with(func(s *facts.Selector) { s.Only = []string{"eventSource is iam.amazonaws.com"} })},
		{"two conditions on a source", []field{management, {Field: "eventSource", NotEquals: []string{"a"}, NotStartsWith: []string{"b"}}},
			with(func(s *facts.Selector) { s.Only = []string{"eventSource is not a does not start with b"} })},
		{"all objects", []field{is("eventCategory", "Data"), is("resources.type", "AWS::S3::Object")},
			facts.Selector{Category: "Data", Reads: true, Writes: true, Types: []string{"AWS::S3::Object"}}},
		{"all objects by their ARN", []field{is("eventCategory", "Data"), is("resources.type", "AWS::S3::Object"), {Field: "resources.ARN", StartsWith: []string{"arn:aws:s3:::"}}},
			facts.Selector{Category: "Data", Reads: true, Writes: true, Types: []string{"AWS::S3::Object"}}},
		{"all buckets but one", []field{is("eventCategory", "Data"), is("resources.type", "AWS::S3::Object"), {Field: "resources.ARN", NotStartsWith: []string{"arn:aws:s3:::logs/"}}},
			facts.Selector{Category: "Data", Reads: true, Writes: true, Types: []string{"AWS::S3::Object"}, Only: []string{"resources.ARN does not start with arn:aws:s3:::logs/"}}},
		{"a field that is not known here", []field{management, is("userIdentity.arn", "x")}, with(func(s *facts.Selector) { s.Only = []string{"userIdentity.arn is x"} })},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, advancedSelector(advancedEventSelector{FieldSelectors: c.fields}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzSelectors(f *testing.F) {
	f.Add([]byte(`{"EventSelectors": [{"ReadWriteType": "All", "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}]}`))
	f.Add([]byte(`{"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "readOnly", "NotEquals": ["true"]}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if out, err := Selectors(text); err == nil && out == nil {
			t.Error("neither selectors nor an error")
		}
	})
}
