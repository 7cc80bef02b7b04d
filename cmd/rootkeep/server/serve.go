// Package server has the commands that run and keep a rootkeep server.
package server

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/serve"
)

// serveFlags are the flags of rootkeep serve.
type serveFlags struct {
	settings serve.Settings
}

// ServeCommand is rootkeep serve.
func ServeCommand(s cli.Streams) *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: console, API and jobs",
		Long: `Serve runs rootkeep as a server: the console in the browser and the API under
/api/v1, over one store. It listens on localhost, and makes its store, a SQLite file,
and the key that signs its ledger when it starts for the first time.`,
		Example: `  rootkeep serve
  rootkeep serve --store /var/lib/rootkeep/rootkeep.db`,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context(), s) },
	}
	fl := c.Flags()
	fl.StringVar(&f.settings.URL, "url", "", "where browsers find the server, such as https://rootkeep.example.com")
	fl.StringVar(&f.settings.Listen, "listen", "", "address to listen on (default localhost:8080)")
	fl.StringVar(&f.settings.Store, "store", "", "the store: a path of SQLite or postgres://... (default rootkeep.db)")
	return c
}

func (f *serveFlags) run(ctx context.Context, s cli.Streams) error {
	f.settings.Version = cli.Version()
	log := slog.New(slog.NewTextHandler(s.Err, nil))
	return serve.Run(ctx, f.settings, log, func(address string) {
		fmt.Fprintf(s.Out, "rootkeep: open %s\n", address)
	})
}
