package past

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatADemonstrationFindsInItsFolder(t *testing.T) {
	old := time.Now().Add(-keep - time.Minute)
	for _, c := range []struct {
		name, marker string
		at           time.Time
		fresh        bool
		kept         bool
	}{
		{"a whole past is used again", whole, time.Now(), false, true},
		{"a whole past that nobody wants", whole, time.Now(), true, false},
		{"an old one", whole, old, false, false},
		{"one that is half made", half, time.Now(), false, false},
		{"one that says nothing", "", time.Now(), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := Folder(t.TempDir())
			other := filepath.Join(string(f), "rootkeep.db")
			for path, text := range map[string]string{other: "x", f.file(): c.marker} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chtimes(f.file(), c.at, c.at); err != nil {
				t.Fatal(err)
			}
			kept, err := f.Take(c.fresh)
			_, there := os.Stat(other)
			if err != nil || kept != c.kept || (there == nil) != c.kept {
				t.Errorf("got %v, %v, the store there: %v; want it kept: %v", kept, err, there == nil, c.kept)
			}
		})
	}
	t.Run("a folder of somebody else is left alone", func(t *testing.T) {
		f := Folder(t.TempDir())
		other := filepath.Join(string(f), "thesis.txt")
		if err := os.WriteFile(other, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Take(true); err == nil || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("got %v, want an error with a hint", err)
		}
		if _, err := os.Stat(other); err != nil {
			t.Errorf("got %v, want the file to be there", err)
		}
	})
}
