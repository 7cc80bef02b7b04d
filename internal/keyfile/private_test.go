package keyfile

import (
	"io/fs"
	"testing"
)

func TestWhoMayReadASecret(t *testing.T) {
	for name, c := range map[string]struct {
		mode          fs.FileMode
		owner, caller int
		want          bool
	}{
		"its owner alone":                   {0o600, 1000, 1000, true},
		"a group beside its owner":          {0o640, 1000, 1000, false},
		"everybody":                         {0o604, 0, 1000, false},
		"root's, for the group of a pod":    {0o440, 0, 65532, true},
		"root's, for a group that writes":   {0o660, 0, 65532, false},
		"root's, for a group and the world": {0o444, 0, 65532, false},
		"root's, read by root":              {0o640, 0, 0, false},
		"a stranger's, for a group":         {0o440, 1001, 1000, false},
	} {
		if got := closed(c.mode, c.owner, c.caller); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
