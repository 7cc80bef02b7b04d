package trial

import (
	"path"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

func load(t testing.TB) []*technique.Technique {
	t.Helper()
	ts, err := technique.Load(technique.Source{FS: content.Files, Dir: "escalations"})
	if err != nil {
		t.Fatal(err)
	}
	if len(ts) < 80 {
		t.Fatalf("got %d techniques, want those of the whole table", len(ts))
	}
	return ts
}

// TestEveryPermissionIsNeeded takes each permission from the actor of each firing case:
// a technique must not work without any of what it asks for.
func TestEveryPermissionIsNeeded(t *testing.T) {
	known := load(t)
	for _, tech := range known {
		for i := range tech.Cases {
			c := &tech.Cases[i]
			if c.Want == technique.Quiet {
				continue
			}
			for _, denied := range alternatives(tech) {
				got, err := Case(tech, c, known, denied)
				if err != nil {
					t.Errorf("%s: %s without %v: %v", tech.ID, c.Name, denied, err)
				} else if got != technique.Quiet {
					t.Errorf("%s: %s without %v: got %s, want quiet", tech.ID, c.Name, denied, got)
				}
			}
		}
	}
}

// alternatives are the actions of each permission: one, or those of which one is enough.
func alternatives(t *technique.Technique) [][]string {
	var out [][]string
	for _, p := range t.Permissions {
		if len(p.Any) == 0 {
			out = append(out, []string{p.Action})
			continue
		}
		var ways []string
		for _, way := range p.Any {
			ways = append(ways, way.Action)
		}
		out = append(out, ways)
	}
	if t.Assume != technique.NoSession {
		out = append(out, []string{"sts:AssumeRole"})
	}
	return out
}

// TestEveryTechniqueNamesWhatExists holds names to the table of actions and to the
// names of files.
func TestEveryTechniqueNamesWhatExists(t *testing.T) {
	for _, tech := range load(t) {
		if want := strings.TrimSuffix(path.Base(tech.File), ".yaml"); tech.ID != want {
			t.Errorf("%s: got id %s, want %s", tech.File, tech.ID, want)
		}
		for _, actions := range alternatives(tech) {
			for _, action := range actions {
				service, name, _ := strings.Cut(action, ":")
				if a, ok := metadata.FindAction(service, name); !ok {
					t.Errorf("%s: %s is not in the table of actions", tech.ID, action)
				} else if a.String() != action {
					t.Errorf("%s: got %s, want %s as AWS writes it", tech.ID, action, a)
				}
			}
		}
		for _, p := range tech.Permissions {
			for key := range p.Context {
				if _, ok := metadata.FindKey(key); !ok {
					t.Errorf("%s: context key %s is not in the table", tech.ID, key)
				}
			}
		}
		if tech.Service != "" {
			if _, err := iam.ParsePrincipal(tech.Service); err != nil {
				t.Errorf("%s: %v", tech.ID, err)
			}
		}
	}
}
