package main

import (
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/report"
)

// A format that is read by programs has no place for what went wrong: it stands on the
// standard error.
func TestProblemsBesideAFormatForPrograms(t *testing.T) {
	h := &report.Hunt{Interrupted: true, Problems: []report.Problem{
		{File: "logs/cut.json.gz", Offset: 48213, Kind: "truncated", Detail: "the data ends"},
		{File: "rules/local.yaml:12", Offset: -1, Kind: "rule", Detail: "unknown modifier"},
		{File: "logs/empty.json", Offset: 0, Kind: "empty", Detail: "no data in it", Notice: true},
	}}
	for _, tt := range []struct{ output, want string }{
		{"ndjson", "logs/cut.json.gz:48213: truncated: the data ends\nrules/local.yaml:12: rule: unknown modifier\ninterrupted: this is what was found so far\n"},
		{"json", ""},
	} {
		var w strings.Builder
		f := huntFlags{output: tt.output}
		f.sayProblems(&w, h)
		if got := w.String(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.output, got, tt.want)
		}
	}
}
