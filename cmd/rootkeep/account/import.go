package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	server "github.com/rootkeep/rootkeep/internal/app/serve"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
)

// importFlags are those of rootkeep scan import.
type importFlags struct {
	settings server.Settings
	register string
	controls []string
	at       cli.Moment
	output   string
}

const importLong = `Import takes what scan --save wrote into the store of a server, on its host, running or
not: a snapshot, or the folder of an organization's scan. The facts are judged by the
server's controls, as of the time they were collected, so that scans of the past make
its history; give them in the order of time. What is older than what the store knows of
an account is kept and changes none of its findings.

Whoever can write the store can do all that the server can: the entry in the ledger
names the actor host.`

const importExample = `  rootkeep scan import --store /var/lib/rootkeep/rootkeep.db scan-of-today
  rootkeep scan import --register register.yaml scan-2026-10 scan-2026-11`

func importCommand(s cli.Streams) *cobra.Command {
	f := importFlags{at: cli.Moment{Now: time.Now}}
	c := &cobra.Command{
		Use: "import SNAPSHOT|FOLDER...", Short: "Take saved scans into the store of a server", Long: importLong, Example: importExample,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error { return f.run(c.Context(), s, paths) },
	}
	fl := c.Flags()
	fl.StringVar(&f.settings.Store, "store", "rootkeep.db", "the store: a path of SQLite, or postgres://...")
	fl.StringVar(&f.settings.KeyFile, "key-file", "", "the ledger's key file (default ledger.key beside the SQLite file)")
	fl.StringVar(&f.register, "register", "", "file of decisions, attestations and exceptions")
	fl.StringArrayVar(&f.controls, "controls", nil, "folder with further controls (repeatable)")
	fl.Var(&f.at, "at", "judge as of this time instead of when the facts were collected: a day, a time, or a span back (7d)")
	fl.StringVar(&f.output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteFiles(c, "store", "db")
	cli.CompleteFiles(c, "register", "yaml")
	return c
}

// imported is one path in the JSON form.
type imported struct {
	Path     string `json:"path"`
	Scan     string `json:"scan"`
	Accounts int    `json:"accounts"`
	Older    int    `json:"older"`  // than what the store knew
	Unread   int    `json:"unread"` // that the scan could not read
	Digest   string `json:"digest"`
}

func (f *importFlags) run(ctx context.Context, s cli.Streams, paths []string) error {
	if f.output != "text" && f.output != "json" {
		return cli.Usage("--output %s: want text or json", f.output)
	}
	address, options, err := f.settings.StoreOptions()
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, address, options)
	if err != nil {
		return err
	}
	done, err := f.all(ctx, db, paths)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if f.output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string     `json:"schema"`
			Scans  []imported `json:"scans"`
		}{"rootkeep/scan-import/1", done})
	}
	for _, d := range done {
		fmt.Fprintf(s.Out, "%s: scan %s, %d accounts judged, %d older than what is known, %d unread; digest %s\n", cli.Visible(d.Path), d.Scan, d.Accounts, d.Older, d.Unread, d.Digest)
	}
	return nil
}

func (f *importFlags) all(ctx context.Context, db *store.Store, paths []string) ([]imported, error) {
	r, err := record.New(record.Recorder{Store: db, Version: cli.Version(), Register: f.register, Controls: f.controls, Now: time.Now})
	if err != nil {
		return nil, err
	}
	var out []imported
	for _, path := range paths {
		now := f.at.Or(time.Time{})
		if now.IsZero() {
			if now, err = scan.TakenAt(path); err != nil {
				return out, err
			}
		}
		var chance [5]byte
		rand.Read(chance[:]) // never fails, see crypto/rand
		run := record.Run{
			ID: rootkeep.NewID("SC", time.Now(), chance[:]), Source: kept.Imported, Actor: "host", Placed: true, Config: scan.Config{Snapshot: path, Now: now},
		}
		if err := r.Do(ctx, run); err != nil {
			return out, fmt.Errorf("import %s: %w", path, err)
		}
		one, err := f.outcome(ctx, db, path, run.ID)
		if err != nil {
			return out, err
		}
		out = append(out, one)
	}
	return out, nil
}

func (f *importFlags) outcome(ctx context.Context, db *store.Store, path, id string) (imported, error) {
	out := imported{Path: path, Scan: id}
	err := db.View(ctx, func(ctx context.Context, r *store.Reader) error {
		s, err := kept.Whole(ctx, r, id)
		if err != nil {
			return err
		}
		out.Digest = s.Digest
		for _, a := range s.Accounts {
			switch a.State {
			case kept.Judged:
				out.Accounts++
			case kept.Older:
				out.Older++
			case kept.Unread:
				out.Unread++
			}
		}
		return nil
	})
	return out, err
}
