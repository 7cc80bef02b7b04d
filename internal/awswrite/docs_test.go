package awswrite_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awswrite"
)

var update = flag.Bool("update", false, "write the lists of docs/changes.md")

// TestDocumentedOperations holds the lists in docs/changes.md to the tables.
func TestDocumentedOperations(t *testing.T) {
	const path, head = "../../docs/changes.md", "\n\n| service | operations |\n|---|---|\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := string(text)
	for lead, names := range map[string][]string{"These change an account:": awswrite.Operations(), "These read:": ask.Operations()} {
		before, after, found := strings.Cut(out, lead+head)
		if !found {
			t.Fatalf("%s: no list under %q", path, lead)
		}
		for strings.HasPrefix(after, "|") {
			_, after, _ = strings.Cut(after, "\n")
		}
		out = before + lead + head + rows(names) + after
	}
	switch {
	case *update:
		if err := os.WriteFile(path, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	case out != string(text):
		t.Errorf("%s does not have what the tables have; hint: go test ./internal/awswrite -run Documented -update", path)
	}
}

// rows are those of a table of operations, one for each service.
func rows(names []string) string {
	by, services := map[string][]string{}, []string{}
	for _, name := range names {
		service, operation, _ := strings.Cut(name, ":")
		if by[service] == nil {
			services = append(services, service)
		}
		by[service] = append(by[service], "`"+operation+"`")
	}
	slices.Sort(services)
	var out strings.Builder
	for _, s := range services {
		fmt.Fprintf(&out, "| `%s` | %s |\n", s, strings.Join(by[s], ", "))
	}
	return out.String()
}
