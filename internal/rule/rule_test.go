package rule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml/parser"

	"github.com/rootkeep/rootkeep/internal/rule"
)

func TestDurationInAFile(t *testing.T) {
	tests := []struct {
		name string
		text string
		want time.Duration
		err  string
	}{
		{"in a flow", "{after: 5m}", 5 * time.Minute, ""},
		{"at the end of a line", "after: 2d\n", 48 * time.Hour, ""},
		{"before a comment", "after: 90s # a while\n", 90 * time.Second, ""},
		{"in quotes", "after: \"1w\"\n", 7 * 24 * time.Hour, ""},
		{"without a unit", "after: 5\n", 0, `duration "5": want a number and one of s m h d w M y`},
		{"with an unknown unit", "after: 5x\n", 0, `duration "5x"`},
		{"below zero", "after: -5s\n", 0, `duration "-5s"`},
		{"an unknown key", "after: 5s\nbefore: 5s\n", 0, "f.yaml:2:1: unknown field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file, err := parser.ParseBytes([]byte(tt.text), 0)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				After rule.Duration `yaml:"after"`
			}
			err = rule.Decode("f.yaml", file.Docs[0].Body, &got)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("Decode(%q): got error %v, want %q", tt.text, err, tt.err)
				}
				return
			}
			if err != nil || time.Duration(got.After) != tt.want {
				t.Errorf("Decode(%q): got %v and error %v, want %v", tt.text, time.Duration(got.After), err, tt.want)
			}
		})
	}
}
