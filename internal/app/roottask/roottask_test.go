package roottask_test

import (
	"errors"
	"fmt"
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

const ownSignIn = `id: sign-contract
kind: root-task
title: Sign our contract
why: It names the root user.
need: root
instead_for: {member: The management account signs., standalone: There is none.}
ways: {management: {path: sign-in}}
events: [signin.amazonaws.com ConsoleLogin]
checklists: [sign-in]
expected: 15m
approval: root-use
source: The contract
checked: 2026-11-26
cases:
  - {name: a, holder: management, path: sign-in, covers: [signin.amazonaws.com ConsoleLogin]}
  - {name: b, holder: member, refused: The management account signs.}
  - {name: c, holder: standalone, refused: There is none.}
`

const ownAssumed = `id: own-assumed
kind: root-task
title: Do something as root
why: It is ours.
need: root
instead: Leave it.
ways: {member: {path: assumed, change: %s}}
checklists: [root-session]
expected: 5m
approval: root-use
source: a page
checked: 2026-11-26
cases:
  - {name: a, holder: member, path: assumed}
  - {name: b, holder: management, refused: Leave it.}
  - {name: c, holder: standalone, refused: Leave it.}
`

// A server takes tasks that name kinds of change which it has, and no file that somebody
// could not do what it says by.
func TestTasksOfAServer(t *testing.T) {
	changes, err := kinds.Load(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ file, text, want string }{
		"a sign-in":                                      {"sign-contract", ownSignIn, ""},
		"a kind of change that the server has":           {"own-assumed", fmt.Sprintf(ownAssumed, access.DeleteAll), ""},
		"a kind of change that the server does not have": {"own-assumed", fmt.Sprintf(ownAssumed, "no-such-kind"), `"no-such-kind"`},
		"the ID of a task that comes with rootkeep":      {"close-account", strings.Replace(ownSignIn, "sign-contract", "close-account", 1), "close-account"},
		"a key that nobody knows":                        {"sign-contract", ownSignIn + "more: yes\n", "sign-contract.yaml:"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "roottasks", test.file+".yaml")
			if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(test.text), 0o644)); err != nil {
				t.Fatal(err)
			}
			s := roottask.Settings{Folders: []string{dir}}
			c, err := s.Load(changes)
			switch {
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want an error with %q", err, test.want)
			case test.want == "" && (err != nil || c.Find(test.file) == nil || c.Find("close-account") == nil):
				t.Errorf("got %v, want the task beside those that come with rootkeep", err)
			}
		})
	}
	if s := (roottask.Settings{Folders: []string{"no-such-folder"}}); s.Check() == nil {
		t.Error("got no error of a folder that is not there")
	}
}
