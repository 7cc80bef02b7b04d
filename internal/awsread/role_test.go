package awsread_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awsread"
)

// PL-10 holds the role that reads to what is read, of an account or of an organization. Permissions of STS are not the
// role's: taking it is its caller's, and of root sessions the control has a list apart.
func TestTheControlOfOurRoleKnowsWhatIsRead(t *testing.T) {
	want := []string{}
	for _, o := range slices.Concat(awsread.Operations(), awsread.OrganizationOperations()) {
		if !strings.HasPrefix(o.Action, "sts:") {
			want = append(want, o.Action)
		}
	}
	got := []string{}
	for _, c := range controls(t) {
		if c.ID == "PL-10" {
			for _, action := range c.Params["actions"].([]any) {
				got = append(got, fmt.Sprint(action))
			}
		}
	}
	for _, action := range want {
		if !slices.Contains(got, action) {
			t.Errorf("content/controls/PL-10.yaml: actions: %q is missing", action)
		}
	}
	for _, action := range got {
		if !slices.Contains(want, action) {
			t.Errorf("content/controls/PL-10.yaml: actions: %q is not read", action)
		}
	}
}
