package awswrite_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awswrite"
)

// TestDocumentedOperations holds the lists in docs/changes.md to the tables.
func TestDocumentedOperations(t *testing.T) {
	text, err := os.ReadFile("../../docs/changes.md")
	if err != nil {
		t.Fatal(err)
	}
	for lead, names := range map[string][]string{"These change an account:": awswrite.Operations(), "These read:": ask.Operations()} {
		want := lead + "\n\n| service | operations |\n|---|---|\n" + rows(names)
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/changes.md: want\n%s", want)
		}
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
