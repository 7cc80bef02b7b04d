package ledger_test

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/ledger"
)

// below makes a bundle of files and gives those of a folder.
func below(t *testing.T, folder string, names ...string) (fs.FS, error) {
	t.Helper()
	b := newBook(t)
	var out bytes.Buffer
	w := ledger.NewBundle(&out, origin, []string{b.public}, time.Now(), 0)
	for _, name := range names {
		if err := w.Put(name, []byte("in "+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	v := check(t, out.Bytes())
	if len(v.Faults) > 0 {
		t.Fatal(v.Faults)
	}
	return v.Below(folder)
}

func TestEveryPathOfACopyHasOneName(t *testing.T) {
	names := map[string]string{} // paths by their names
	lot.Check(t, func(r *rapid.T) {
		path := rapid.StringMatching(`([a-zA-Z0-9 +=_.é\\:%"-]{1,12}/){0,3}[a-zA-Z0-9 +=é:-]{1,12}`).Draw(r, "path")
		name, err := ledger.PathName("aws/copy/0", path)
		if err != nil {
			if fs.ValidPath(path) {
				r.Fatalf("%q: %v", path, err)
			}
			return
		}
		if strings.ContainsFunc(name, func(c rune) bool { return c > 'z' || strings.ContainsRune(` \:"%=*?<>|`, c) }) {
			r.Fatalf("%q became %q, which not every system takes", path, name)
		}
		if was, met := names[name]; met && was != path {
			r.Fatalf("%q and %q are both %q", was, path, name)
		}
		names[name] = path
	})
	some := slices.Sorted(maps.Keys(names))
	files, err := below(t, "aws/copy", some[:min(len(some), 50)]...)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for name, path := range names {
		if text, err := fs.ReadFile(files, "0/"+path); err == nil {
			if read++; string(text) != "in "+name {
				t.Errorf("%q holds %q", path, text)
			}
		}
	}
	if read == 0 {
		t.Error("no file of the copy was found under its path")
	}
}

func TestPathsThatNoCopyHas(t *testing.T) {
	for _, path := range []string{"", ".", "..", "../a", "/a", "a//b", "a/../b", "a/", strings.Repeat("a", 600)} {
		if name, err := ledger.PathName("f", path); err == nil {
			t.Errorf("%q: got the name %q", path, name)
		}
	}
	for _, name := range []string{"f/a+", "f/a+2", "f/a+2b", "f/a+41", "f/a+zz", "f/..+2F", "f/+2Fetc", "f/a+2F+2Fb"} {
		if _, err := below(t, "f", name); err == nil {
			t.Errorf("%s: taken for the name of a path", name)
		}
	}
	if files, err := below(t, "g", "f/a"); files != nil || err != nil {
		t.Errorf("no such folder: got %v, %v", files, err)
	}
	if files, err := new(ledger.Verdict).Below("f"); files != nil || err != nil {
		t.Errorf("no bundle: got %v, %v", files, err)
	}
}
