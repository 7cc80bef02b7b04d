package awsread_test

import (
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/awsread"
)

// An action that IAM does not know would be in the role and allow nothing.
func TestIAMKnowsEveryAction(t *testing.T) {
	for _, o := range awsread.Operations() {
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
