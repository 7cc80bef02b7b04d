package terraform_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/deploy"
	"github.com/rootkeep/rootkeep/internal/deploy/deploytest"
	"github.com/rootkeep/rootkeep/internal/deploy/terraform"
)

func render(t testing.TB, o deploy.Options, member bool) string {
	t.Helper()
	s, err := deploy.Build(o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := terraform.Write(&b, s, member); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// python-hcl2 reads every file, each address is there once, and what one resource says of
// another is there.
func TestTerraformReadsTheFiles(t *testing.T) {
	interpreter := deploytest.Python(t)
	for name, o := range deploytest.Options() {
		for _, member := range []bool{false, true} {
			if member && o.Organization == "" {
				continue
			}
			cmd := exec.Command(interpreter, "testdata/addresses.py")
			cmd.Stdin = strings.NewReader(render(t, o, member))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%s: python-hcl2: %v\n%s", name, err, out)
			}
			var read struct {
				Resources []string `json:"resources"`
				Unknown   []string `json:"unknown"` // references to what is not there
			}
			if err := json.Unmarshal(out, &read); err != nil {
				t.Fatalf("%s: %v: %s", name, err, out)
			}
			seen := map[string]bool{}
			for _, r := range read.Resources {
				if seen[r] {
					t.Errorf("%s: %s is there twice", name, r)
				}
				seen[r] = true
			}
			if len(seen) < 5 || len(read.Unknown) > 0 {
				t.Errorf("%s: got %d resources and unknown %v", name, len(seen), read.Unknown)
			}
		}
	}
}

func TestOneAccountHasNoMembers(t *testing.T) {
	s, err := deploy.Build(deploytest.Options()["account"])
	if err != nil {
		t.Fatal(err)
	}
	if err := terraform.Write(&bytes.Buffer{}, s, true); err == nil {
		t.Error("want an error")
	}
}
