package store_test

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// mount mounts a file system in memory of a few megabytes, or skips the test.
func mount(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=3m,mode=0700"); err != nil {
		t.Skipf("no file system can be mounted here, so a full disk and a read-only one are not tested: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

func TestAFullDisk(t *testing.T) {
	folder := mount(t)
	address, o := filepath.Join(folder, "rootkeep.db"), storetest.Options(t)
	s := storetest.Open(t, address, o)
	fill(t, s, 10)
	write := func(n int) error {
		return s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
			return tx.Record("test.made", "TE-1", "system", ledger.NewPayload("body", make([]byte, n)))
		})
	}
	made := entries(t, s)
	var err error
	for err == nil {
		if err = write(100_000); err == nil {
			made++
		}
	}
	says(t, err, "no room", "free some")
	if _, err := s.VerifyLedger(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if n := entries(t, s); n != made {
		t.Errorf("got %d entries, want the %d that were acknowledged", n, made)
	}
	_, err = s.Health(t.Context())
	if err == nil {
		err = write(100_000) // what is small may have found room
	}
	says(t, err, "no room")
	if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT, "size=30m"); err != nil {
		t.Fatal(err)
	}
	if err := write(100_000); err != nil {
		t.Errorf("after there was room again: %v", err)
	}
	if _, err := s.Health(t.Context()); err != nil {
		t.Errorf("health after there was room again: %v", err)
	}
}

func TestAReadOnlyFileSystem(t *testing.T) {
	folder := mount(t)
	address, o := filepath.Join(folder, "rootkeep.db"), storetest.Options(t)
	s := storetest.Open(t, address, o)
	fill(t, s, 10)
	s.Close()
	if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{address, filepath.Join(folder, "new.db")} {
		s, err := store.Open(t.Context(), path, o)
		if err == nil {
			err = s.Update(t.Context(), record)
			s.Close()
		}
		says(t, err, "must not be written", "read-only")
	}
}
