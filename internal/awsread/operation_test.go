package awsread_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/awsread"
)

// An action that IAM does not know would be in the role and allow nothing.
func TestIAMKnowsEveryAction(t *testing.T) {
	for _, o := range slices.Concat(awsread.Operations(), awsread.OrganizationOperations()) {
		service, name, _ := strings.Cut(o.Action, ":")
		a, ok := metadata.FindAction(service, name)
		if !ok {
			t.Errorf("%s: no action of IAM", o.Action)
			continue
		}
		if a.Access != metadata.Read && a.Access != metadata.List && o.Action != "iam:GenerateCredentialReport" && service != "sts" {
			t.Errorf("%s: changes something", o.Action)
		}
	}
}

func TestDocumentationListsThePermissionsOfAnOrganization(t *testing.T) {
	text, err := os.ReadFile("../../docs/scan.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "## Read an organization")
	list, _, _ = strings.Cut(list, "\n## ")
	_, list, _ = strings.Cut(list, "need beside the roles themselves")
	for _, o := range awsread.OrganizationOperations() {
		if !strings.Contains(list, "`"+o.Action+"`") {
			t.Errorf("docs/scan.md: %s is missing", o.Action)
		}
	}
	if got, want := strings.Count(list, "`organizations:"), 11+2; got != want { // two of them twice
		t.Errorf("docs/scan.md: got %d actions of Organizations, want %d", got, want)
	}
}
