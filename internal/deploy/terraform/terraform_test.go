package terraform_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/deploy"
	"github.com/rootkeep/rootkeep/internal/deploy/deploytest"
	"github.com/rootkeep/rootkeep/internal/deploy/terraform"
)

func render(t testing.TB, o deploy.Options, configuration string) string {
	t.Helper()
	s, err := deploy.Build(o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := terraform.Write(&b, s, configuration); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// addresses are the resources of a file, as python-hcl2 reads it, and references to what
// is not there.
type addresses struct{ Resources, Unknown []string }

func read(t testing.TB, interpreter, text string) addresses {
	t.Helper()
	cmd := exec.Command(interpreter, "testdata/addresses.py")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("python-hcl2: %v\n%s", err, out)
	}
	var a addresses
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return a
}

// python-hcl2 reads every file, each address is there once, and what one resource says of
// another is there.
func TestTerraformReadsTheFiles(t *testing.T) {
	interpreter := deploytest.Python(t)
	for name, o := range deploytest.Options() {
		for _, configuration := range terraform.Configurations() {
			switch {
			case configuration != "home" && o.Organization == "" || configuration == "archive" && o.Archive == "":
				continue
			case name != "archive" && os.Getenv("ROOTKEEP_LONG") != "1":
				continue // seconds for each file
			}
			got := read(t, interpreter, render(t, o, configuration))
			slices.Sort(got.Resources)
			if len(got.Resources) < 5 || len(got.Unknown) > 0 || len(slices.Compact(slices.Clone(got.Resources))) != len(got.Resources) {
				t.Errorf("%s, %s: got resources %v and unknown %v", name, configuration, got.Resources, got.Unknown)
			}
		}
	}
}

func TestAReferenceToNothingIsSeen(t *testing.T) {
	text := render(t, deploytest.Options()["alarms"], "home")
	text = strings.Replace(text, "aws_sns_topic.topic.arn", "aws_sns_topic.other.arn", 1)
	if got := read(t, deploytest.Python(t), text).Unknown; !slices.Equal(got, []string{"aws_sns_topic.other"}) {
		t.Errorf("got %v, want the topic that is not there", got)
	}
}

func TestOneAccountHasNoMembers(t *testing.T) {
	s, err := deploy.Build(deploytest.Options()["account"])
	if err != nil {
		t.Fatal(err)
	}
	for _, configuration := range []string{"members", "archive", "signin"} {
		if err := terraform.Write(&bytes.Buffer{}, s, configuration); err == nil {
			t.Errorf("%s: want an error", configuration)
		}
	}
}
