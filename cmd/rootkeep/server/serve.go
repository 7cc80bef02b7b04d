// Package server has the commands that run and keep a rootkeep server.
package server

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/serve"
)

// SettingsFlags are the flags of a command that opens the server's store: its settings
// file and what is given over it.
type SettingsFlags struct {
	file  string
	flags serve.Settings
}

// Register adds the flags to a command.
func (f *SettingsFlags) Register(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.file, "config", "", "settings file, YAML (docs/server.md)")
	fl.StringVar(&f.flags.Store, "store", "", "the store: a path of SQLite or postgres://... (default rootkeep.db); --database is another word for it")
	fl.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "database" {
			name = "store"
		}
		return pflag.NormalizedName(name)
	})
	fl.StringVar(&f.flags.KeyFile, "key-file", "", "key of the ledger (default ledger.key beside the store)")
	cli.CompleteFiles(c, "config", "yaml", "yml")
}

// Settings reads the file and puts the flags over it.
func (f *SettingsFlags) Settings() (serve.Settings, error) {
	var c serve.Settings
	if f.file != "" {
		var err error
		if c, err = serve.ReadSettings(f.file); err != nil {
			return c, &cli.Error{Code: cli.ExitUsage, Err: err}
		}
	}
	c.Override(f.flags)
	c.Version = cli.Version()
	return c, nil
}

// ServeCommand is rootkeep serve.
func ServeCommand(s cli.Streams) *cobra.Command {
	var f SettingsFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the server: console and API",
		Long: `Serve runs rootkeep as a server: the console in the browser and the API under
/api/v1, over one store. Started for the first time it makes the store, a SQLite file,
and beside it the key that signs the ledger.

It listens on localhost. Any other address needs a certificate, which is read again
when its files change, or --behind-proxy with the addresses of a proxy that encrypts:
then only that proxy may connect, and it alone is believed who the client is.

--url is where browsers find the server: its scheme and host, no path. Security keys
are bound to that host, so they have to be enrolled again when it changes.

Several processes share the work over one PostgreSQL, each with the roles that it is
given; with --nats the flow of events is shared as well, and any of them may die.

Settings come from --config, flags go before them; docs/server.md lists all.`,
		Example: `  rootkeep serve
  rootkeep serve --store /var/lib/rootkeep/rootkeep.db --listen localhost:9000
  rootkeep serve --url https://rootkeep.example.com --listen :443 --tls-cert tls.crt --tls-key tls.key
  rootkeep serve --url https://rootkeep.example.com --behind-proxy 127.0.0.1
  rootkeep serve --role watch,jobs --database postgres://rootkeep@db/rootkeep --nats nats://broker:4222
  rootkeep serve --config /etc/rootkeep/rootkeep.yaml`,
		RunE: func(c *cobra.Command, _ []string) error { return runServe(c.Context(), s, &f) },
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&f.flags.URL, "url", "", "where browsers find the server: scheme and host")
	fl.StringVar(&f.flags.Listen, "listen", "", "address to listen on; port 0 takes a free one (default localhost:8080, with a certificate localhost:8443)")
	fl.StringVar(&f.flags.TLS.Cert, "tls-cert", "", "certificate with its chain, PEM")
	fl.StringVar(&f.flags.TLS.Key, "tls-key", "", "key of the certificate, PEM")
	fl.StringSliceVar(&f.flags.BehindProxy, "behind-proxy", nil, "address or range of the proxy in front, such as 10.0.0.0/24; may be given several times")
	fl.StringSliceVar(&f.flags.Roles, "role", nil, "what this process does (default all): "+strings.Join(serve.Roles(), ", "))
	RegisterNATS(c, &f.flags.NATS)
	fl.StringVar(&f.flags.Log.Format, "log-format", "", "text or json (default text)")
	fl.StringVar(&f.flags.Log.Level, "log-level", "", "debug, info, warn or error (default info)")
	cli.CompleteValues(c, "role", serve.Roles())
	cli.CompleteValues(c, "log-format", []string{"text", "json"})
	cli.CompleteValues(c, "log-level", []string{"debug", "info", "warn", "error"})
	cli.CompleteFiles(c, "tls-cert", "crt", "pem")
	cli.CompleteFiles(c, "tls-key", "key", "pem")
	return c
}

func runServe(ctx context.Context, s cli.Streams, f *SettingsFlags) error {
	c, err := f.Settings()
	if err != nil {
		return err
	}
	if _, err := c.Effective(); err != nil {
		return &cli.Error{Code: cli.ExitUsage, Err: err}
	}
	return serve.Run(ctx, c, s.Err, announce(s))
}
