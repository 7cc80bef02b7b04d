package server

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/serve"
)

// ConfigCommand is rootkeep config with the command below it.
func ConfigCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "The settings of the server",
		Long:    `Config is about the settings of the server, which docs/server.md lists.`,
		Example: "  rootkeep config show --config rootkeep.yaml",
	}
	c.AddCommand(configShowCommand(s))
	return c
}

// effective is what config show --output json writes.
type effective struct {
	Schema   string        `json:"schema"`
	Settings []serve.Value `json:"settings"`
}

func configShowCommand(s cli.Streams) *cobra.Command {
	var f SettingsFlags
	var output string
	c := &cobra.Command{
		Use: "show", Short: "Show every setting as it holds, and where it comes from",
		Long: `Show lists every setting of the server as it holds, and whether a flag, the file or the
default says so. Secrets are redacted. A setting that does not go is an error, as when
the server starts.`,
		Example: "  rootkeep config show\n  rootkeep config show --config rootkeep.yaml --output json",
		RunE: func(*cobra.Command, []string) error {
			if output != "text" && output != "json" {
				return cli.Usage("--output %s: want text or json", output)
			}
			c, err := f.Settings()
			if err != nil {
				return err
			}
			values, err := c.Effective()
			if err != nil {
				return &cli.Error{Code: cli.ExitUsage, Err: err}
			}
			if output == "json" {
				return cli.WriteJSON(s.Out, effective{"rootkeep/config/1", values})
			}
			t := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
			for _, v := range values {
				fmt.Fprintf(t, "%s\t%s\t%s\n", v.Name, cli.Visible(v.Value), cli.Visible(v.From))
			}
			return t.Flush()
		},
	}
	f.Register(c)
	c.Flags().StringVar(&output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	return c
}
