package serve

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const ownTask = `id: sign-contract
kind: root-task
title: Sign <b>our</b> contract
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

func TestTasksOfOnesOwn(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "roottasks", "sign-contract.yaml"), ownTask)
	h := dwell(t, Settings{Root: roottask.Settings{Folders: []string{dir}}}, time.Now)
	areas, err := h.areas()
	if err != nil {
		t.Fatal(err)
	}
	s := webtest.Serve(t, h.store, webtest.Everyone(time.Now()), areas...)
	for _, path := range []string{"/root/tasks", "/root/new"} {
		if got := s.Get("requester", path); got.Status != 200 || !strings.Contains(got.Body, "Sign &lt;b&gt;our&lt;/b&gt; contract") {
			t.Errorf("%s: got %d without the task", path, got.Status)
		}
	}
	if got := s.Get("requester", "/api/v1/root/tasks"); !strings.Contains(got.Body, `"sign-contract"`) || !strings.Contains(got.Body, `"delete-root-credentials"`) {
		t.Errorf("the API: got %d %.300s, want the task beside those that come with rootkeep", got.Status, got.Body)
	}
}
