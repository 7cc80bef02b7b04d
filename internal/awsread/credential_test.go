package awsread_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awsread"
)

// helped makes a profile "helped" whose credentials a shell command prints.
func (w *world) helped(command string) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("[profile helped]\ncredential_process = "+command+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.t.Setenv("AWS_CONFIG_FILE", path)
	w.t.Setenv("AWS_PROFILE", "helped")
	w.t.Setenv("AWS_ACCESS_KEY_ID", "")
	w.t.Setenv("AWS_SECRET_ACCESS_KEY", "")
}

func TestNothingThatAHelperPrintsIsRepeated(t *testing.T) {
	w := newWorld(t)
	w.helped("echo TOPSECRET")
	_, err := awsread.Collect(t.Context(), w.config())
	if err == nil || strings.Contains(err.Error(), "TOPSECRET") || !strings.HasSuffix(err.Error(), "; hint: run it by hand") {
		t.Errorf("got %v, want that the helper gave no credentials, without what it printed", err)
	}
}
