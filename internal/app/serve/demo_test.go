package serve

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestDemonstrationRemovesNoFolderThatIsNotItsOwn(t *testing.T) {
	old := time.Now().Add(-2 * keepPast)
	for name, fresh := range map[string]bool{"a store of another time": false, "fresh": true} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			for _, file := range []string{"rootkeep.db", "ledger.key"} {
				path := filepath.Join(folder, file)
				if err := os.WriteFile(path, []byte("somebody's"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, old, old); err != nil {
					t.Fatal(err)
				}
			}
			d := Demo{Folder: folder + "/", Fresh: fresh}
			if made, err := d.past(t.Context(), nil); err == nil || made {
				t.Errorf("got %v, %v, want a refusal", made, err)
			}
			for _, file := range []string{"rootkeep.db", "ledger.key"} {
				if text, err := os.ReadFile(filepath.Join(folder, file)); err != nil || string(text) != "somebody's" {
					t.Errorf("%s: got %q, %v, want it as it was", file, text, err)
				}
			}
		})
	}
	if err := replaceable(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("a folder that is not there: got %v", err)
	}
	own := t.TempDir()
	if err := replaceable(own); err != nil {
		t.Errorf("an empty folder: got %v", err)
	}
	for _, file := range []string{demoMark, "rootkeep.db"} {
		if err := os.WriteFile(filepath.Join(own, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := replaceable(own); err != nil {
		t.Errorf("the demonstration's own: got %v", err)
	}
}
