package cloudformation_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rootkeep/rootkeep/internal/deploy"
	"github.com/rootkeep/rootkeep/internal/deploy/cloudformation"
	"github.com/rootkeep/rootkeep/internal/deploy/deploytest"
)

// render is the template of each place, by name.
func render(t testing.TB, o deploy.Options) map[string]string {
	t.Helper()
	s, err := deploy.Build(o)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range s.Places {
		var b bytes.Buffer
		if err := cloudformation.Write(&b, s, p); err != nil {
			t.Fatal(err)
		}
		out[p.Name] = b.String()
	}
	return out
}

// AWS's own linter has nothing to say of any template.
func TestTheLinterHasNothingToSay(t *testing.T) {
	interpreter := deploytest.Python(t)
	dir := t.TempDir()
	var paths []string
	for name, o := range deploytest.Options() {
		if name != "archive" && os.Getenv("ROOTKEEP_LONG") != "1" {
			continue // three seconds for each template
		}
		for place, text := range render(t, o) {
			path := filepath.Join(dir, name+"-"+place+".yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	args := append([]string{"-c", "from cfnlint.runner import main; main()", "--non-zero-exit-code", "informational", "--include-checks", "I", "--"}, paths...)
	if out, err := exec.Command(interpreter, args...).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}
