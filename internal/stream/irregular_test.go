//go:build unix

package stream

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAPipeInAFolderDoesNotHang(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.json", record)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Skipf("skipped: no named pipes here: %v", err)
	}
	want := []string{"a.json: 1 record", "pipe: error: no regular file; hint: pipe it to standard input (-)"}
	if diff := cmp.Diff(want, told(t, dir, send(t, context.Background(), []string{dir}, nil))); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}
