package server

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/store"
)

// MigrateCommand is rootkeep migrate.
func MigrateCommand(s cli.Streams) *cobra.Command {
	var f outputFlags
	var from, to string
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the store's tables up to date, or move it to another database",
		Long: `Migrate brings the tables of the server's store up to what this version of rootkeep
needs, forward only. rootkeep serve does the same when it starts; do it by hand to see
it done, after a backup, before several servers of a new version start.

With --from and --to it moves the store: from SQLite to PostgreSQL, or back. The new
database must have no ledger yet. All rows are copied in one transaction and counted,
and the whole ledger is verified in the new database, before it says that it is done.
Stop the server first: nobody can change the old store meanwhile. Afterwards it is
marked with where it went, and no server starts on it again, because that would make a
second history of the same ledger. To go back, restore a backup, or the old file.

Exit codes: 0 done; 1 not done.`,
		Example: `  rootkeep migrate --config /etc/rootkeep/rootkeep.yaml
  rootkeep migrate --from rootkeep.db --to postgres://rootkeep@db/rootkeep`,
		RunE: func(c *cobra.Command, _ []string) error {
			if (from == "") != (to == "") {
				return cli.Usage("--from and --to: want both, or neither")
			}
			if from != "" {
				f.flags.Store = from // its key file lies beside it
				return runMove(c.Context(), s, &f, from, to)
			}
			return runMigrate(c.Context(), s, &f)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&from, "from", "", "the store to move: a path of SQLite or postgres://...")
	c.Flags().StringVar(&to, "to", "", "where to move it")
	cli.CompleteFiles(c, "from", "db")
	return c
}

func runMigrate(ctx context.Context, s cli.Streams, f *outputFlags) error {
	address, o, err := f.open()
	if err != nil {
		return err
	}
	if err := there(address); err != nil {
		return err
	}
	before, after, err := store.Migrate(ctx, address, o)
	if err != nil {
		return err
	}
	if f.output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			Before int64  `json:"before"`
			After  int64  `json:"after"`
		}{"rootkeep/migrate/1", before, after})
	}
	if before == after {
		_, err = fmt.Fprintf(s.Out, "The store has schema %d already, which this version wants.\n", after)
	} else {
		_, err = fmt.Fprintf(s.Out, "The store had schema %d and has %d now.\n", before, after)
	}
	return err
}

func runMove(ctx context.Context, s cli.Streams, f *outputFlags, from, to string) error {
	_, o, err := f.open()
	if err != nil {
		return err
	}
	if err := there(from); err != nil {
		return err
	}
	progress, clear := f.progress(s.Err)
	v, err := store.Move(ctx, from, to, o, progress)
	clear()
	if err != nil {
		return err
	}
	r := verifiedOf(v)
	if f.output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			verified
		}{"rootkeep/move/1", r})
	}
	_, err = fmt.Fprintf(s.Out, "Moved: every table has as many rows as before.\n%s\nPut the new address into the settings (store). The old store is marked: no server starts on it any more.\n", r.text())
	return err
}
