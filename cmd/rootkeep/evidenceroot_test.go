package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rootkeep/rootkeep/internal/app/proof/prooftest"
	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/store"
)

// TestRootEvidence runs its scripts beside a store in which root was used: d/rootkeep.db.
func TestRootEvidence(t *testing.T) {
	dir := t.TempDir()
	if err := makeRootStore(t, dir); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/rootevidence",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exitcode": exitCode},
		Setup: func(e *testscript.Env) error {
			to := filepath.Join(e.WorkDir, "d")
			return errors.Join(os.CopyFS(to, os.DirFS(dir)), os.Chmod(filepath.Join(to, "ledger.key"), 0o600))
		},
	})
}

// makeRootStore makes a store with the story of prooftest.
func makeRootStore(t testing.TB, dir string) error {
	keys, err := keyfile.Create(filepath.Join(dir, "ledger.key"), "keep.example/ledger")
	if err != nil {
		return err
	}
	signers, err := keys.Signers()
	if err != nil {
		return err
	}
	known, err := keys.Known()
	if err != nil {
		return err
	}
	clock := prooftest.Clock()
	s, err := store.Open(context.Background(), filepath.Join(dir, "rootkeep.db"), store.Options{Origin: keys.Origin, Signers: signers, Known: known, Migrate: true, Now: clock.Now})
	if err != nil {
		return err
	}
	prooftest.Tell(t, clock, s)
	return s.Close()
}
