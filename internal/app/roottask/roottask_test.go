package roottask_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/change"
)

// asRoot are the operations that a kind of change calls in sessions of a member's root.
func asRoot(k *change.Kind) []string {
	var out []string
	add := func(call string, at change.Place) {
		if at.Root != "" {
			out = append(out, call)
		}
	}
	var steps func([]change.Step)
	steps = func(list []change.Step) {
		for _, s := range list {
			add(s.Call, s.At)
			steps(s.Undo)
		}
	}
	for _, r := range k.Reads {
		add(r.Call, r.At)
	}
	steps(k.Calls)
	return out
}

// What a change does as root has to be in the scope of the task that it is done for, or
// rootkeep's own sessions become cases. An undo has a request of its own.
func TestWhatChangesDoAsRootIsInScope(t *testing.T) {
	all, err := kinds.Load(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := roottask.Load()
	if err := errors.Join(append(tasks.Problems, err)...); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, task := range tasks.Tasks {
		for holder, w := range task.Ways {
			if w.Path != access.Assumed {
				continue
			}
			k := all.Find(w.Change)
			for i := range k.Calls { // as it is applied, not undone
				k.Calls[i].Undo = nil
			}
			for _, call := range asRoot(k) {
				service, name, _ := strings.Cut(call, ":")
				if seen++; !access.Covers(w.Events, service+".amazonaws.com", name) {
					t.Errorf("%s of %s: %s does %s as root, which is not in scope", task.ID, holder, w.Change, call)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("%d calls were looked at, want those of every kind", seen)
	}
}

func TestAFolderOfOnesOwn(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const task = "kind: root-task\ntitle: Mine\nwhy: It is mine.\nneed: root\ninstead: Leave it.\nways: {member: {path: assumed, change: my-kind}}\nchecklists: [root-session]\n" +
		"expected: 5m\napproval: root-use\nsource: a page\nchecked: 2026-11-26\ncases:\n  - {name: a, holder: member, path: assumed}\n  - {name: b, holder: management, refused: Leave it.}\n  - {name: c, holder: standalone, refused: Leave it.}\n"
	write("roottasks/mine.yaml", "id: mine\n"+task)
	c, err := roottask.Load(dir)
	if err != nil || len(c.Problems) != 1 || !strings.Contains(c.Problems[0].Error(), `"my-kind"`) {
		t.Fatalf("got %v, %v; want the kind of change that is not there", err, c.Problems)
	}
	write("changes/my-kind.yaml", "id: my-kind\n")
	c, err = roottask.Load(dir)
	if err != nil || len(c.Problems) != 0 || c.Find("mine") == nil {
		t.Errorf("got %v, %v; want the task, by a shipped checklist and a kind of one's own", err, c.Problems)
	}
	if _, err := roottask.Load(filepath.Join(dir, "roottasks", "mine.yaml")); err == nil || !strings.Contains(err.Error(), "is no folder") {
		t.Errorf("got %v, want a refusal of what is no folder", err)
	}
}
