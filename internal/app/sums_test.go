package app

import (
	"crypto/sha256"
	"path/filepath"
	"testing"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/stream"
)

func TestSums(t *testing.T) {
	object := func(root, name string) stream.Object {
		return stream.Object{Root: root, Input: cloudtrail.Input{Name: filepath.FromSlash(name), OneMember: true}}
	}
	of := func(content string) cloudtrail.Stats { return cloudtrail.Stats{SHA256: sha256.Sum256([]byte(content))} }
	tests := []struct {
		name string
		keep func(s *sums)
		root string
		path string
		want [sha256.Size]byte
	}{
		{"a log is found by its path below the folder", func(s *sums) { s.keep(object("in/b", "in/b/c/d"), of("x")) }, "in/b", "c/d", of("x").SHA256},
		{"the folder may be named in any way", func(s *sums) { s.keep(object("./in//b/", "in/b/c"), of("x")) }, "./in//b/", "c", of("x").SHA256},
		{"the current folder", func(s *sums) { s.keep(object(".", "c/d"), of("x")) }, ".", "c/d", of("x").SHA256},
		{"not in another folder", func(s *sums) { s.keep(object("a", "a/c"), of("x")) }, "b", "c", [sha256.Size]byte{}},
		{"folder and path do not run together", func(s *sums) { s.keep(object("a", "a/b/c"), of("x")) }, "a/b", "c", [sha256.Size]byte{}},
		{"an entry of a zip lies in no folder", func(s *sums) { s.keep(object("", "a/z.zip/c"), of("x")) }, "", "a/z.zip/c", [sha256.Size]byte{}},
		{"no sum is kept for what is not whole", func(s *sums) { s.keep(object("a", "a/c"), cloudtrail.Stats{}) }, "a", "c", [sha256.Size]byte{}},
		{"nor for what trail verify would refuse for its size", func(s *sums) {
			s.keep(object("a", "a/c"), cloudtrail.Stats{SHA256: of("x").SHA256, InflatedBytes: digest.MaxLog + 1})
		}, "a", "c", [sha256.Size]byte{}},
		{"read twice and the same", func(s *sums) { s.keep(object("a", "a/c"), of("x")); s.keep(object("a", "a/c"), of("x")) }, "a", "c", of("x").SHA256},
		{"read twice and changed in between", func(s *sums) {
			for _, content := range []string{"x", "y", "x"} {
				s.keep(object("a", "a/c"), of(content))
			}
		}, "a", "c", [sha256.Size]byte{}},
		{"beyond the limit nothing is kept", func(s *sums) {
			for _, name := range []string{"a/1", "a/2", "a/3", "a/c"} {
				s.keep(object("a", name), of("x"))
			}
		}, "a", "c", [sha256.Size]byte{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSums(3)
			tt.keep(s)
			got, ok := s.below(tt.root)(tt.path)
			if got != tt.want || ok != (tt.want != [sha256.Size]byte{}) {
				t.Errorf("got %x, %t, want %x", got, ok, tt.want)
			}
		})
	}
}
