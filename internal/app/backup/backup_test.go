package backup_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/app/backup"
)

func TestSettings(t *testing.T) {
	for name, b := range map[string]backup.Settings{
		"a path of the process": {Folder: "backups", Keep: "3"}, "none kept": {Folder: "/b", Keep: "0"}, "no number": {Folder: "/b", Keep: "all"}, "without end": {Folder: "/b", Keep: "10001"},
	} {
		if err := b.Check(); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if err := (backup.Settings{Folder: "/b", Keep: backup.UsualKeep}).Check(); err != nil {
		t.Errorf("got %v, want the usual number taken", err)
	}
}
