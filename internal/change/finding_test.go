package change_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/change"
)

func TestAFindingFillsParameters(t *testing.T) {
	const bucket = `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`
	one := func(p change.Parameter) map[string]change.Parameter { return map[string]change.Parameter{"p": p} }
	required := func(finding string) map[string]change.Parameter {
		return one(change.Parameter{Type: "text", Required: true, Finding: finding, Pattern: bucket})
	}
	for _, c := range []struct {
		name       string
		parameters map[string]change.Parameter
		finding    rootkeep.Finding
		want       any // nil: a person gives it
	}{
		{"the name of a bucket", required("name"), rootkeep.Finding{Resource: "arn:aws:s3:::logs"}, "logs"},
		{"a log group whose name has slashes", required("name"), rootkeep.Finding{Resource: "arn:aws:logs:eu-west-3:111122223333:log-group:/aws/trail:*"}, "/aws/trail"},
		{"a user below a path", required("holder"), rootkeep.Finding{Resource: "arn:aws:iam::111122223333:user/staff/alice"}, "alice"},
		{"a policy carries no policies", required("holder"), rootkeep.Finding{Resource: "arn:aws:iam::111122223333:policy/deploy"}, nil},
		{"the account is no bucket", required("name"), rootkeep.Finding{Resource: "arn:aws:iam::111122223333:root"}, nil},
		{"an account without a number", required("resource"), rootkeep.Finding{Resource: "account"}, nil},
		{"the whole ARN", required("resource"), rootkeep.Finding{Resource: "arn:aws:s3:::logs"}, "arn:aws:s3:::logs"},
		{"what carries a policy", required("type"), rootkeep.Finding{Resource: "arn:aws:iam::111122223333:group/all"}, "group"},
		{"a Region", required("region"), rootkeep.Finding{Region: "eu-west-3", Resource: "arn:aws:iam::111122223333:root"}, "eu-west-3"},
		{"no Region", required("region"), rootkeep.Finding{Resource: "arn:aws:s3:::logs"}, nil},
		{"a list of one Region", one(change.Parameter{Type: "texts", Required: true, Finding: "regions"}), rootkeep.Finding{Region: "eu-west-3"}, []any{"eu-west-3"}},
		{"the value of its control comes first", one(change.Parameter{Type: "text", Required: true, Finding: "name", Controls: map[string]any{"AC-02": "BILLING"}}),
			rootkeep.Finding{Control: "AC-02", Resource: "arn:aws:s3:::logs"}, "BILLING"},
		{"a value that is not allowed is not taken", one(change.Parameter{Type: "text", Required: true, Finding: "name", OneOf: []string{"others"}}), rootkeep.Finding{Resource: "arn:aws:s3:::logs"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &change.Kind{Parameters: c.parameters}
			got := k.For(&c.finding)
			if diff := cmp.Diff(c.want, got.Parameters["p"]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if slices.Contains(got.Missing, "p") != (c.want == nil) {
				t.Errorf("missing: got %v", got.Missing)
			}
		})
	}
}

func FuzzForTakesAnyResource(f *testing.F) {
	for _, s := range []string{"arn:aws:iam::1:user/a/b", "arn:::::", "arn:aws:logs:::log-group:", "account", ""} {
		f.Add(s)
	}
	k := &change.Kind{Parameters: map[string]change.Parameter{"a": {Type: "text", Required: true, Finding: "name"}, "b": {Type: "texts", Default: []any{}, Finding: "names"}}}
	f.Fuzz(func(t *testing.T, resource string) {
		got := k.For(&rootkeep.Finding{Resource: resource})
		if _, ok := got.Parameters["a"]; ok == slices.Contains(got.Missing, "a") {
			t.Errorf("%q: got %v", resource, got)
		}
	})
}

func TestAListNamesEachThingOnce(t *testing.T) {
	k := &change.Kind{ID: "lists", Parameters: map[string]change.Parameter{"names": {Type: "texts", Default: []any{}}}}
	for _, tt := range []struct {
		name  string
		given any
		want  string // "" is that it is taken
	}{
		{"two things", "a, b", ""},
		{"one twice on a command line", "a,b, a", `parameter names: "a" stands there twice`},
		{"one twice in JSON", []any{"b", "b"}, `parameter names: "b" stands there twice`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := k.Arguments(map[string]any{"names": tt.given})
			if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
