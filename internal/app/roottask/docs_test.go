package roottask_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
)

var update = flag.Bool("update", false, "write the list of docs/root-tasks.md")

// TestDocumentedTasks holds the list in docs/root-tasks.md to the files.
func TestDocumentedTasks(t *testing.T) {
	const path = "../../../docs/root-tasks.md"
	const begin, end = "-update -->\n", "<!-- tasks: end -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s: no place for the list", path)
	}
	c, err := roottask.Load()
	if err := errors.Join(append(c.Problems, err)...); err != nil {
		t.Fatal(err)
	}
	out := before + begin + table(c.Tasks) + end + after
	switch {
	case *update:
		if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	case out != string(text):
		t.Errorf("%s does not have what the files have; hint: go test ./internal/app/roottask -update", path)
	}
}

// table is a list for each need.
func table(tasks []*access.Task) string {
	var b strings.Builder
	for _, need := range access.Needs() {
		rows := 0
		var list strings.Builder
		for _, t := range tasks {
			if t.Need == need {
				rows++
				list.WriteString(row(t))
			}
		}
		title := map[access.Need]string{access.NeedsRoot: "Need root", access.NotRoot: "Do not need root", access.Never: "Never done as root"}[need]
		fmt.Fprintf(&b, "\n### %s: %d\n\n", title, rows)
		if need == access.NeedsRoot {
			b.WriteString("| task | member | management | standalone | asked for as | source |\n|---|---|---|---|---|---|\n")
		} else {
			b.WriteString("| task | instead | source |\n|---|---|---|\n")
		}
		b.WriteString(list.String())
	}
	return b.String() + "\n"
}

func row(t *access.Task) string {
	name := fmt.Sprintf("[`%s`](../content/roottasks/%s.yaml) %s", t.ID, t.ID, t.Title)
	source := fmt.Sprintf("%s (%s)", t.Source, t.Checked.Format(time.DateOnly))
	if t.Need != access.NeedsRoot {
		instead := t.Instead
		if instead == "" {
			instead = t.Without(access.Member)
		}
		return fmt.Sprintf("| %s | %s | %s |\n", name, instead, source)
	}
	var ways []string
	for _, h := range access.Holders() {
		switch w, ok := t.Ways[h]; {
		case !ok:
			ways = append(ways, "-")
		case w.Recovery:
			ways = append(ways, "recovery")
		case w.Path == access.Assumed:
			ways = append(ways, "assumed: `"+w.Change+"`")
		default:
			ways = append(ways, string(w.Path))
		}
	}
	var kinds []string
	for _, k := range t.Requests {
		kinds = append(kinds, string(k))
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", name, strings.Join(ways, " | "), strings.Join(kinds, ", "), source)
}
