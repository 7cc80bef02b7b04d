package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/detect"
)

func TestCatalogueIsCurrent(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("../..", file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("%s: got (-), want (+); hint: go run ./tools/catalogue\n%s", file, diff)
	}
}

func TestPage(t *testing.T) {
	tests := []struct {
		name   string
		tactic string
		title  string
		want   string // part of the page, or of the error
	}{
		{"a detection stands under its tactic", "impact", "Gone", "## Impact\n\n| level |"},
		{"a bar in a title stays in its cell", "impact", "this | that", `this \| that`},
		{"a tactic that ATT&CK does not have is an error", "root-stuff", "Gone", `detection gone has tactic "root-stuff"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := page([]detect.Detection{{Name: "gone", Title: tt.title, Tactic: tt.tactic, Kind: "event", File: "detections/gone.yaml"}})
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("page: got\n%s\nwant it to contain\n%s", got, tt.want)
			}
		})
	}
}
