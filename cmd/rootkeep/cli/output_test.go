package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/rootkeep/rootkeep"
)

// A report must not take the place of what it tells of.
func TestAReportLiesApartFromWhatIsRead(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{"logs/deep", "out", "real"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"logs/a.json", "logs/deep/b.json", "out/old.txt", "real/c.json"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte("evidence"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"way-in": "logs", "out/a-log": "../logs/a.json", "logs/way-out": "../out", "logs/deep/linked": "../../real/c.json"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	input, err := os.Open("real/c.json")
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = input
	t.Cleanup(func() { os.Stdin = before; input.Close() })
	for _, tt := range []struct {
		name, file string
		read       []string
		refused    bool
	}{
		{"the file that is read", "logs/a.json", []string{"logs/a.json"}, true},
		{"by another name", filepath.Join(dir, "out/../logs/a.json"), []string{"logs/a.json"}, true},
		{"a file of the folder", "logs/a.json", []string{"logs"}, true},
		{"a new file in the folder", "logs/report.json", []string{"out", "logs/"}, true},
		{"deeper", "logs/deep/report.json", []string{"logs"}, true},
		{"the folder is where we are", "report.json", []string{"."}, true},
		{"the folder through a link", "way-in/report.json", []string{"logs"}, true},
		{"the folder that is read is a link", "logs/report.json", []string{"way-in"}, true},
		{"a link to what is read", "out/a-log", []string{"logs"}, true},
		{"what a glob matches", "logs/a.json", []string{"logs/*.json"}, true},
		{"what a link in the folder leads to", "real/c.json", []string{"logs"}, true},
		{"what a link in a folder that is a link leads to", "real/c.json", []string{"way-in"}, true},
		{"standard input", "real/c.json", []string{"-"}, true},
		{"beside what a link in the folder leads to", "real/report.json", []string{"logs"}, false},
		{"beside standard input", "real/report.json", []string{"-"}, false},
		{"beside the file", "logs/report.json", []string{"logs/a.json"}, false},
		{"beside what a glob matches", "logs/deep/report.json", []string{"logs/*.json"}, false},
		{"another folder", "out/report.json", []string{"logs", "-", "s3://logs/AWSLogs", "not-there"}, false},
		{"an earlier report", "out/old.txt", []string{"logs"}, false},
		{"a folder with the same beginning", "out/old.txt", []string{"ou"}, false},
		{"a link out of the folder", "logs/way-out/report.json", []string{"logs"}, false},
		{"a device", os.DevNull, []string{"logs"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := OpenOutput(tt.file, nil, tt.read...)
			if err == nil {
				out.Discard()
			}
			var usage *Error
			if refused := errors.As(err, &usage) && usage.Code == ExitUsage; refused != tt.refused || !refused && err != nil {
				t.Errorf("got %v, want refused %t", err, tt.refused)
			}
		})
	}
	if text, err := os.ReadFile("logs/a.json"); err != nil || string(text) != "evidence" {
		t.Errorf("the log holds %q, %v", text, err)
	}
}

// Help must not promise a level that nobody set.
func TestALevelThatIsNotGivenIsNone(t *testing.T) {
	least := Level{Severity: rootkeep.Low}
	var none Level
	fl := pflag.NewFlagSet("x", pflag.ContinueOnError)
	fl.Var(&none, "fail-on", "exit 2")
	fl.Var(&least, "min-level", "leave out")
	help := fl.FlagUsages()
	if !strings.Contains(help, "exit 2 (default none)") || !strings.Contains(help, "leave out (default low)") {
		t.Errorf("got %s, want none and low", help)
	}
	if err := fl.Parse([]string{"--fail-on", "informational"}); err != nil || none.String() != "informational" {
		t.Errorf("informational was set: got %s, %v", none.String(), err)
	}
}
