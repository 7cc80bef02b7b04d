package lint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// codeCase is testdata/codes/CODE.json: a policy on which the code fires and one
// near it on which it stays quiet.
type codeCase struct {
	Type    Type
	Service string
	Managed bool
	Fires   json.RawMessage
	Quiet   json.RawMessage
}

// policyText is a case's policy; one that is no JSON stands in a string.
func policyText(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text)
	}
	return raw
}

func caseNow() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }

func readCase(t testing.TB, file string) codeCase {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var c codeCase
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

func codesOf(fs []Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Code)
	}
	return out
}

func TestEveryCodeFiresAndStaysQuiet(t *testing.T) {
	reported := 0
	for _, code := range Codes() {
		file := filepath.Join("testdata", "codes", code.Name+".json")
		if !code.Reported {
			if _, err := os.Stat(file); err == nil {
				t.Errorf("%s: got cases, want none for a code that is not reported", code.Name)
			}
			continue
		}
		reported++
		t.Run(code.Name, func(t *testing.T) {
			c := readCase(t, file)
			o := Options{Type: c.Type, Service: c.Service, Managed: c.Managed, Now: caseNow()}
			fires, _ := Source(policyText(c.Fires), o)
			i := slices.IndexFunc(fires, func(f Finding) bool { return f.Code == code.Name })
			if i < 0 {
				t.Fatalf("got %v, want %s among them", codesOf(fires), code.Name)
			}
			f := fires[i]
			if f.Severity != code.Severity || f.Message == "" || f.Fix == "" || len(f.Locations) == 0 || f.Locations[0].Line == 0 {
				t.Errorf("got %+v, want severity %s, message, fix and a place", f, code.Severity)
			}
			quiet, _ := Source(policyText(c.Quiet), o)
			if slices.Contains(codesOf(quiet), code.Name) {
				t.Errorf("got %v on the near miss, want no %s", codesOf(quiet), code.Name)
			}
		})
	}
	files, _ := filepath.Glob("testdata/codes/*.json")
	if len(files) != reported {
		t.Errorf("got %d files of cases, want %d", len(files), reported)
	}
}

// A code in the source that the table lacks would lose its severity and its fix.
func TestEveryCodeInTheSourceIsInTheTable(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, part := range strings.Split(string(text), `c.add("`)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			if strings.HasSuffix(name, "_") || strings.HasSuffix(file, "_test.go") {
				continue
			}
			if c, ok := codes().byName[name]; !ok || !c.Reported {
				t.Errorf("%s: %q is not among the codes that are reported", file, name)
			}
		}
	}
}

func TestCodesNameEachCodeOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Codes() {
		if seen[c.Name] {
			t.Errorf("%s stands twice", c.Name)
		}
		seen[c.Name] = true
		if c.Reported == (c.Severity == 0) || c.Explanation == "" {
			t.Errorf("%s: got severity %d, reported %v", c.Name, c.Severity, c.Reported)
		}
	}
	if len(seen) < 170 {
		t.Errorf("got %d codes, want all of Access Analyzer's and ours", len(seen))
	}
}
