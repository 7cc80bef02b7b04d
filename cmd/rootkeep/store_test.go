package main

import (
	"context"
	"errors"
	"os"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	settings "github.com/rootkeep/rootkeep/internal/app/serve"
	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// TestStoreScripts runs what is done with a store beside its server: transcripts with
// the store rootkeep.db and its key ledger.key.
func TestStoreScripts(t *testing.T) { storeScripts(t, "testdata/store", "") }

// TestMoveScripts runs transcripts that need PostgreSQL: the address of an empty database
// is $POSTGRES.
func TestMoveScripts(t *testing.T) {
	storeScripts(t, "testdata/store/postgresql", storetest.PostgreSQL(t))
}

func storeScripts(t *testing.T, folder, postgres string) {
	testscript.Run(t, testscript.Params{
		Dir: folder,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"record": recordEntries, "checkpoint": writeCheckpoint, "sql": runSQL, "exitcode": exitCode,
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("POSTGRES", postgres)
			if _, err := keyfile.Create(e.WorkDir+"/ledger.key", "rootkeep/ledger"); err != nil {
				return err
			}
			return openStore(e.WorkDir, func(*store.Store) error { return nil })
		},
	})
}

// openStore does something with the store of a folder, which it makes if there is none.
func openStore(folder string, do func(*store.Store) error) error {
	c := settings.Settings{Store: folder + "/rootkeep.db", KeyFile: folder + "/ledger.key"}
	address, o, err := c.StoreOptions()
	if err != nil {
		return err
	}
	o.Migrate = true
	s, err := store.Open(context.Background(), address, o)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// record N makes N entries with a payload each.
func recordEntries(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(openStore(ts.Getenv("WORK"), func(s *store.Store) error {
		return s.Update(context.Background(), func(_ context.Context, tx *store.Tx) error {
			for range n {
				if err := tx.Record("test.made", "TE-1", "system", ledger.NewPayload("body", []byte("text"))); err != nil {
					return err
				}
			}
			return nil
		})
	}))
}

// checkpoint FILE writes the signed head of the ledger.
func writeCheckpoint(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(openStore(ts.Getenv("WORK"), func(s *store.Store) error {
		return s.View(context.Background(), func(ctx context.Context, r *store.Reader) error {
			head, err := s.Head(ctx, r)
			if err != nil {
				return err
			}
			return os.WriteFile(ts.MkAbs(args[0]), head.Signed, 0o600)
		})
	}))
}

// sql STATEMENT runs one on the store, past the ledger.
func runSQL(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(openStore(ts.Getenv("WORK"), func(s *store.Store) error {
		return s.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, args[0])
			return err
		})
	}))
}
