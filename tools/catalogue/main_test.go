package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
)

func TestPagesAreCurrent(t *testing.T) {
	for _, p := range pages {
		t.Run(p.file, func(t *testing.T) {
			want, err := p.generate()
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join("../..", p.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(got), want); diff != "" {
				t.Errorf("%s: got (-), want (+); hint: go run ./tools/catalogue\n%s", p.file, diff)
			}
		})
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

func TestControlsPage(t *testing.T) {
	frameworks := []*framework.Framework{{Heading: framework.Heading{ID: "cis-aws-7.0"}, Rows: []framework.Row{
		{Clause: "2.5", Controls: []string{"RT-01"}, Basis: framework.Published},
		{Clause: "2.6", Controls: []string{"RT-01"}, Basis: framework.Ours},
	}}}
	tests := []struct {
		name, id, title string
		want            string // part of the page, or of the error
	}{
		{"a control stands under its family with its clauses", "RT-01", "Root has MFA", "## Root user\n\n| ID | severity | what | each | effort | CIS 7.0 | Security Hub |\n|---|---|---|---|---|---|---|\n| [RT-01](../content/controls/RT-01.yaml) | informational | Root has MFA |  |  | 2.5, [2.6] |  |"},
		{"a bar in a title stays in its cell", "PL-01", "this | that", `this \| that`},
		{"a control of no family is an error", "ZZ-01", "Gone", "control ZZ-01 is of no family"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := controlsPage([]*posture.Control{{ID: tt.id, Title: tt.title}}, frameworks)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("page: got\n%s\nwant it to contain\n%s", got, tt.want)
			}
		})
	}
}
