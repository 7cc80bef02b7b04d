package yamldoc

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml/ast"
)

func read(src string) (bodies []ast.Node, err error) {
	err = Read("f.yml", []byte(src), func(_ *Reader, body ast.Node) { bodies = append(bodies, body) })
	return bodies, err
}

func TestRead(t *testing.T) {
	tests := []struct {
		name   string
		src    string
		bodies int
		want   string // the whole error, "" for none
	}{
		{"one document", "a: 1\n", 1, ""},
		{"documents between lines of dashes", "---\na: 1\n---\nb: 2\n---\n", 2, ""},
		{"a byte order mark", "\ufeffa: 1\n", 1, ""},
		{"line ends of Windows", "a: 1\r\n---\r\nb: 2\r\n", 2, ""},
		{"dashes in a block of text", "a: |\n  x\n  ---\n  y\n", 1, ""},
		{"a document end mark", "a: 1\n...\n", 1, ""},
		{"a sound document after a broken one", "a: [\n---\nb: 2\n", 1, "f.yml:1:4: YAML: sequence end token ']' not found"},
		{"a broken document after a sound one", "a: 1\n---\nb: 'x\n", 1, "f.yml:3:4: YAML: could not find end character of single-quoted text"},
		{"a merge key", "a: 1\n<<: {b: 2}\n", 0, "f.yml:2:1: anchors and aliases are not supported; hint: write the value out"},
		{"a complex key", "? a\n: b\n", 0, "f.yml:1:1: complex keys are not supported; hint: write key: value"},
		{"no document", "\n# nothing\n", 0, "f.yml:1:1: file holds no document"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bodies, err := read(tt.src)
			if got := len(bodies); got != tt.bodies {
				t.Errorf("documents: got %d, want %d", got, tt.bodies)
			}
			if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("error: got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestHostileFilesEndSoon feeds files that are built to exhaust a parser. Each
// must be refused or read within seconds; the limit here leaves room for a slow
// machine.
func TestHostileFilesEndSoon(t *testing.T) {
	bomb := "a0: &a0 x\n"
	for i := 1; i < 30; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	var keys strings.Builder
	for i := 0; keys.Len() < maxFile-10; i++ {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	tests := []struct{ name, src string }{
		{"aliases of aliases", bomb},
		{"open brackets", strings.Repeat("[", maxFile)},
		{"open braces", strings.Repeat("{a: ", maxFile/4)},
		{"dashes in a row", strings.Repeat("- ", maxFile/2)},
		{"question marks", strings.Repeat("? ", maxFile/2)},
		{"colons", strings.Repeat("a: ", maxFile/3)},
		{"tags", strings.Repeat("!a ", maxFile/3)},
		{"anchors", strings.Repeat("&a ", maxFile/3)},
		{"percent signs", strings.Repeat("%", maxFile)},
		{"documents", strings.Repeat("---\n", maxFile/4)},
		{"an open quote", "a: '" + strings.Repeat("x\n", maxFile/2-10)},
		{"many keys", keys.String()},
		{"one long word", "a: " + strings.Repeat("x", maxFile-10)},
		{"more than a file", strings.Repeat("\n", maxFile+1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			if _, err := read(tt.src); err == nil {
				t.Error("error: got none, want one")
			}
			if took := time.Since(start); took > 2*time.Minute {
				t.Errorf("time: got %v, want far less", took)
			}
		})
	}
}

func TestProblemsAreCapped(t *testing.T) {
	err := Read("f.yml", []byte("a: 1\n"), func(r *Reader, body ast.Node) {
		for i := range 80 {
			r.Fail(body, "problem %d", i)
		}
		if got := r.Problems(); got != 80 {
			t.Errorf("Problems: got %d, want 80", got)
		}
	})
	lines := strings.Split(err.Error(), "\n")
	if got, want := len(lines), maxProblems+1; got != want {
		t.Errorf("lines: got %d, want %d", got, want)
	}
	if got, want := lines[len(lines)-1], "f.yml:1:1: 30 more problems are not shown"; got != want {
		t.Errorf("last line: got %q, want %q", got, want)
	}
	var at *Error
	if !errors.As(err, &at) {
		t.Errorf("error: got %T, want *Error inside", err)
	}
}
