// Package invoketest compares operations with models of the services that AWS publishes
// for its Python client.
package invoketest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
)

//go:embed models.py
var script string

// CheckNames holds every name of every parameter and member of an answer, and what each
// is, to botocore's models, but for those of own, which have no parameters. top is the
// way to the top of the repository. A member that one of the two does not know yet is no
// mistake; one that both have under names that differ in their case is.
func CheckNames(t *testing.T, top string, table invoke.Table, own ...string) {
	t.Helper()
	python := filepath.Join(top, ".venv/python/bin/python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("skipped: .venv/python is not there; hint: make setup")
	}
	names := table.Names()
	for _, name := range own {
		names = without(names, name)
	}
	in, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(python, "-B", "-c", script)
	var stderr bytes.Buffer
	c.Stdin, c.Stderr = bytes.NewReader(in), &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("python: %v\n%s", err, stderr.Bytes())
	}
	var models map[string]struct{ In, Out map[string]string }
	if err := json.Unmarshal(out, &models); err != nil {
		t.Fatal(err)
	}
	both, members := 0, 0
	for _, name := range names {
		for _, part := range []struct {
			name      string
			got, want map[string]string
		}{{"parameter", table[name].Members(false), models[name].In}, {"answer", table[name].Members(true), models[name].Out}} {
			both += compare(t, name+": "+part.name, part.got, part.want)
			members += len(part.got)
		}
	}
	if both < members*9/10 {
		t.Errorf("botocore knows %d of %d members: too few to compare", both, members)
	}
	t.Logf("%d operations, %d members, %d of which botocore knows", len(names), members, both)
}

func without(names []string, name string) []string {
	var out []string
	for _, n := range names {
		if n != name {
			out = append(out, n)
		}
	}
	return out
}

// compare says how many members both have.
func compare(t *testing.T, what string, got, want map[string]string) int {
	t.Helper()
	folded := map[string]string{}
	for path := range want {
		folded[strings.ToLower(path)] = path
	}
	both := 0
	for path, kind := range got {
		model, ok := want[path]
		switch {
		case strings.HasPrefix(kind, "unknown"):
			t.Errorf("%s %s: %s", what, path, kind)
		case ok && model != kind:
			t.Errorf("%s %s: got a %s, want a %s", what, path, kind, model)
		case ok:
			both++
		case folded[strings.ToLower(path)] != "":
			t.Errorf("%s: got the name %s, want %s", what, path, folded[strings.ToLower(path)])
		}
	}
	return both
}
