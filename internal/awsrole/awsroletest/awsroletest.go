// Package awsroletest has templates of roles read by programs that are not ours: AWS's
// linter for CloudFormation, moto, which makes stacks, and a parser of Terraform's
// language.
package awsroletest

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
)

//go:embed stack.py
var stack string

//go:embed terraform.py
var terraform string

// Made is a role that came of a template.
type Made struct {
	Trust, Policy json.RawMessage
	Policies      []string // their names
}

// CloudFormation has nothing to say of a template, and makes a role of it. top is the
// way to the top of the repository. Without Python the test is skipped.
func CloudFormation(t *testing.T, top, template, role string, parameters map[string]string) Made {
	t.Helper()
	interpreter := python(t, top)
	path := filepath.Join(t.TempDir(), "role.yaml")
	if err := os.WriteFile(path, []byte(template), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(interpreter, "-c", "from cfnlint.runner import main; main()", "--non-zero-exit-code", "warning", path).CombinedOutput()
	if err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
	in, err := json.Marshal(map[string]any{"Template": template, "Role": role, "Parameters": parameters})
	if err != nil {
		t.Fatal(err)
	}
	var made Made
	if err := json.Unmarshal(run(t, interpreter, stack, in), &made); err != nil {
		t.Fatal(err)
	}
	return made
}

// Terraform reads a file and gives the policy of its role.
func Terraform(t *testing.T, top, text string) []byte {
	t.Helper()
	return run(t, python(t, top), terraform, []byte(text))
}

func run(t *testing.T, interpreter, script string, in []byte) []byte {
	t.Helper()
	c := exec.Command(interpreter, "-B", "-c", script)
	var stderr bytes.Buffer
	c.Stdin, c.Stderr = bytes.NewReader(in), &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("python: %v\n%s", err, stderr.Bytes())
	}
	return out
}

// python is the interpreter of the virtual environment.
func python(t *testing.T, top string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(top, ".venv/python/bin/python"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("skipped: .venv/python is not there; hint: make setup")
	}
	return path
}

// Same compares what two texts of JSON say.
func Same(t *testing.T, got, want []byte) bool {
	t.Helper()
	var a, b any
	for _, x := range []struct {
		text []byte
		to   *any
	}{{got, &a}, {want, &b}} {
		if err := json.Unmarshal(x.text, x.to); err != nil {
			t.Fatalf("%v: %s", err, x.text)
		}
	}
	return reflect.DeepEqual(a, b)
}
