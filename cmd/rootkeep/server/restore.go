package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/store"
)

// there refuses the path of a SQLite file that is not there, which opening would make.
func there(address string) error {
	if store.IsPostgreSQL(address) {
		return nil
	}
	path := strings.TrimPrefix(address, "sqlite:")
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("the store: %w; hint: --store, or --config with the settings of the server", err)
	}
	return nil
}

// RestoreCommand is rootkeep restore.
func RestoreCommand(s cli.Streams) *cobra.Command {
	var f outputFlags
	var checkpoint string
	var accept bool
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the server's store",
		Long: `Restore verifies the whole ledger of a backup and puts it where the settings say that
the store is: at a path where no file is yet, or into a PostgreSQL database that has no
ledger yet. It replaces nothing: stop the server and move the old store away first.

A backup is older than the store was, so what happened in between is not in it. Give
restore the newest checkpoint that somebody kept, such as an anchor's: it says how many
entries are lost and refuses them, unless you accept that, and it finds out whether the
backup is of the same history at all. The ledger records the restore.

Exit codes: 0 restored, and the ledger verifies; 1 not restored.`,
		Example: `  rootkeep restore --store rootkeep.db /backup/rootkeep-2026-11-26.db
  rootkeep restore --config /etc/rootkeep/rootkeep.yaml --checkpoint checkpoint.txt rootkeep.db
  rootkeep restore --checkpoint checkpoint.txt --accept-loss rootkeep.db`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return runRestore(c.Context(), s, &f, args[0], checkpoint, accept)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&checkpoint, "checkpoint", "", "file with the newest signed checkpoint that was kept elsewhere")
	c.Flags().BoolVar(&accept, "accept-loss", false, "restore although entries of the checkpoint are not in the backup")
	cli.CompleteFiles(c, "checkpoint", "txt", "checkpoint")
	return c
}

const mostCheckpoint = 1 << 20 // bytes of its file

func readCheckpoint(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--checkpoint: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostCheckpoint))
	if err != nil {
		return nil, fmt.Errorf("--checkpoint %s: %w", path, err)
	}
	return text, nil
}

func runRestore(ctx context.Context, s cli.Streams, f *outputFlags, file, checkpoint string, accept bool) error {
	address, o, err := f.open()
	if err != nil {
		return err
	}
	if accept && checkpoint == "" {
		return cli.Usage("--accept-loss: of what is for --checkpoint to say")
	}
	newest, err := readCheckpoint(checkpoint)
	if err != nil {
		return err
	}
	progress, clear := f.progress(s.Err)
	v, err := store.Restore(ctx, file, address, o, newest, accept, progress)
	clear()
	if errors.Is(err, store.ErrOlder) {
		return fmt.Errorf("%w with --accept-loss", err)
	}
	if err != nil {
		return err
	}
	r := verifiedOf(&v.Verified)
	if f.output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			File   string `json:"file"`
			verified
			Compared bool  `json:"checkpoint_compared"`
			Lost     int64 `json:"entries_lost"`
		}{"rootkeep/restore/1", file, r, newest != nil, v.Lost})
	}
	lost := "No newer checkpoint was given, so what is lost since the backup is not known."
	if newest != nil {
		lost = fmt.Sprintf("Against the checkpoint that was given, %d entries are lost.", v.Lost)
	}
	_, err = fmt.Fprintf(s.Out, "Restored %s\n%s\n%s\nThe entry store.restored tells of it.\n", cli.Visible(file), r.text(), lost)
	return err
}
