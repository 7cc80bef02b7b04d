package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestAShortLoadFailsNowhere(t *testing.T) {
	folder := t.TempDir()
	var out, errs bytes.Buffer
	code := run([]string{"-store", filepath.Join(folder, "rootkeep.db"), "-key-file", filepath.Join(folder, "ledger.key"), "-readers", "5", "-writers", "2", "-time", "3s"}, &out, &errs)
	if code != 0 || !strings.Contains(out.String(), "| pages |") {
		t.Fatalf("got %d, %s%s", code, out.String(), errs.String())
	}
}
