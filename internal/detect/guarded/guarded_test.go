package guarded_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/guarded"
	"github.com/rootkeep/rootkeep/internal/rule"
)

var update = flag.Bool("update", false, "write testdata/guarded.txt anew")

// Every shipped rule is on one side or the other, and the list is reviewed like code.
func TestWhatIsNeverSuppressed(t *testing.T) {
	pack, err := detect.Load([]rule.Source{{FS: content.Files, Dir: "detections", Tested: true}}, detect.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	catalogue := pack.Catalogue()
	is := guarded.In(catalogue)
	var list []string
	for _, d := range catalogue {
		if is(d.Name) {
			list = append(list, d.Name)
		} else if d.Opens == "root-compromise" || d.Opens == "logging-tampering" || strings.HasPrefix(d.Name, "root-") {
			t.Errorf("%s may be suppressed, and is about root or what watches", d.Name)
		}
	}
	got, file := strings.Join(list, "\n")+"\n", filepath.Join("testdata", "guarded.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("guarded rules (-want +got):\n%s", diff)
	}
}

func TestGuarded(t *testing.T) {
	is := guarded.In([]detect.Detection{
		{Name: "quiet"}, {Name: "Root-thing"}, {Name: "trail-stopped", Opens: "logging-tampering"}, {Name: "blinded", Techniques: []rootkeep.Technique{{ID: "T1562.008"}}},
		{Name: "port-opened", Techniques: []rootkeep.Technique{{ID: "T1562.007"}}}, {Name: "twice"}, {Name: "twice", Opens: "root-compromise"}, {Name: "twice"},
	})
	for name, want := range map[string]bool{"quiet": false, "Root-thing": true, "trail-stopped": true, "blinded": true, "port-opened": false, "twice": true, "never-heard-of": true, "": true} {
		if got := is(name); got != want {
			t.Errorf("%q: got guarded %v, want %v", name, got, want)
		}
	}
}
