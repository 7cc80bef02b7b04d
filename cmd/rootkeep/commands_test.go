package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

var update = flag.Bool("update", false, "write the list of docs/commands.md")

// TestDocumentedCommands holds the list in docs/commands.md to the commands.
func TestDocumentedCommands(t *testing.T) {
	const path = "../../docs/commands.md"
	const begin, end = "-update -->\n", "<!-- commands: end -->"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s: no place for the list", path)
	}
	out := before + begin + commandList(rootCommand(cli.Streams{Out: io.Discard, Err: io.Discard})) + end + after
	switch {
	case *update:
		if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	case out != string(text):
		t.Errorf("%s does not have what the program has; hint: go test ./cmd/rootkeep -run DocumentedCommands -update", path)
	}
}

// commandList is a table of the commands that stand alone, and one for each that has others.
func commandList(root *cobra.Command) string {
	const head = "| command | what it does |\n|---|---|\n"
	var alone, groups strings.Builder
	for _, c := range root.Commands() {
		if !c.HasSubCommands() {
			commandRows(&alone, c)
			continue
		}
		fmt.Fprintf(&groups, "### %s\n\n%s.\n\n%s", c.Name(), c.Short, head)
		commandRows(&groups, c)
		groups.WriteString("\n")
	}
	return "\n### Commands that stand alone\n\n" + head + alone.String() + "\n" + groups.String()
}

// commandRows are a command and all below it that do something: a Use with no more than a
// name, over others, only prints help.
func commandRows(b *strings.Builder, c *cobra.Command) {
	if !c.HasSubCommands() || strings.Contains(c.Use, " ") {
		line := strings.TrimPrefix(strings.TrimSuffix(c.UseLine(), " [flags]"), "rootkeep ")
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.ReplaceAll(line, "|", `\|`), strings.ReplaceAll(c.Short, "|", `\|`))
	}
	for _, sub := range c.Commands() {
		commandRows(b, sub)
	}
}
