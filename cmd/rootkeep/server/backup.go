package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/store"
)

// outputFlags are the flags of a command that works on the store and reports.
type outputFlags struct {
	SettingsFlags
	output     string
	noProgress bool
}

func (f *outputFlags) Register(c *cobra.Command) {
	f.SettingsFlags.Register(c)
	c.Flags().StringVar(&f.output, "output", "text", "text or json")
	c.Flags().BoolVar(&f.noProgress, "no-progress", false, "no progress line on a terminal")
	cli.CompleteValues(c, "output", []string{"text", "json"})
}

// open reads the settings and gives the store's address and options.
func (f *outputFlags) open() (string, store.Options, error) {
	if f.output != "text" && f.output != "json" {
		return "", store.Options{}, cli.Usage("--output %s: want text or json", f.output)
	}
	c, err := f.Settings()
	if err != nil {
		return "", store.Options{}, err
	}
	return c.StoreOptions()
}

// progress draws what is done on a terminal, and clears it at the end.
func (f *outputFlags) progress(w io.Writer) (store.Progress, func()) {
	width, ok := cli.TerminalWidth(w)
	if !ok || f.noProgress {
		return nil, func() {}
	}
	const pause = 100 * time.Millisecond // between two drawings
	var drawn time.Time
	draw := func(what string, done, total int64) {
		if now := time.Now(); now.Sub(drawn) >= pause || done == total {
			drawn = now
			line := fmt.Sprintf("%s: %d of %d", what, done, total)
			fmt.Fprintf(w, "\r%s\x1b[K", line[:min(len(line), max(width-1, 0))])
		}
	}
	return draw, func() { fmt.Fprint(w, "\r\x1b[K") }
}

// verified is the part of a report that tells of the ledger.
type verified struct {
	Entries  int64  `json:"entries"`
	Root     string `json:"root"` // base64, as the checkpoint has it
	Payloads int64  `json:"payloads"`
	Erased   int    `json:"payloads_erased"`
}

func verifiedOf(v *store.Verified) verified {
	return verified{v.Head.Size, v.Head.Root.String(), v.Payloads, len(v.Erased)}
}

func (v verified) text() string {
	return fmt.Sprintf("The ledger verifies: %d entries, %d payloads, %d erased; root %s", v.Entries, v.Payloads, v.Erased, v.Root)
}

// BackupCommand is rootkeep backup.
func BackupCommand(s cli.Streams) *cobra.Command {
	var f outputFlags
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Back up the server's store while it runs",
		Long: `Backup writes the store as it is at one moment into a new SQLite file, while the server
goes on, and verifies the whole ledger in that file before it gives it its name. It
never replaces a file, and leaves none behind if it fails.

A store in PostgreSQL is backed up into a SQLite file as well, from which restore brings
it back; for point-in-time recovery use pg_dump or the archiving of PostgreSQL beside
it, and check a restored database with rootkeep ledger verify.

The key file of the ledger is not in the backup: keep a copy of it in another place.
Payloads that were erased since are still in older backups.

Exit codes: 0 the backup is there and its ledger verifies; 1 it is not.`,
		Example: `  rootkeep backup /backup/rootkeep-2026-11-26.db
  rootkeep backup --config /etc/rootkeep/rootkeep.yaml /backup/rootkeep.db
  rootkeep backup --store postgres://rootkeep@db/rootkeep --key-file ledger.key rootkeep.db`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runBackup(c.Context(), s, &f, args[0]) },
	}
	f.Register(c)
	return c
}

func runBackup(ctx context.Context, s cli.Streams, f *outputFlags, file string) error {
	address, o, err := f.open()
	if err != nil {
		return err
	}
	if err := there(address); err != nil {
		return err
	}
	from, err := store.Open(ctx, address, o)
	if err != nil {
		return err
	}
	progress, clear := f.progress(s.Err)
	v, err := from.Backup(ctx, file, progress)
	clear()
	if err := errors.Join(err, from.Close()); err != nil {
		return err
	}
	r := verifiedOf(v)
	if f.output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			File   string `json:"file"`
			verified
		}{"rootkeep/backup/1", file, r})
	}
	_, err = fmt.Fprintf(s.Out, "Backed up to %s\n%s\n", cli.Visible(file), r.text())
	return err
}
