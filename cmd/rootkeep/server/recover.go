package server

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/serve"
)

// recovered is what recover-admin --output json writes.
type recovered struct {
	Schema  string    `json:"schema"`
	Person  string    `json:"person"`
	Name    string    `json:"name"`
	Link    string    `json:"link"`
	Expires time.Time `json:"expires"`
}

// RecoverCommand is rootkeep recover-admin.
func RecoverCommand(s cli.Streams) *cobra.Command {
	var f SettingsFlags
	var name, output string
	c := &cobra.Command{
		Use:   "recover-admin",
		Short: "Make an administrator when the keys of all are lost",
		Long: `Recover-admin makes a new administrator and prints the link that enrols their first
security key. It is for the day on which no administrator has a key any more.

It runs on the server's host, as the user whose files the store and the ledger's key
are; the server may run meanwhile. The ledger keeps an entry, everybody who listens to
the server is told, and every page of the console says so until another administrator
has acknowledged it. The link is good once, for an hour.`,
		Example: `  rootkeep recover-admin --store /var/lib/rootkeep/rootkeep.db --url https://rootkeep.example.com
  rootkeep recover-admin --config /etc/rootkeep/rootkeep.yaml --name "Ada, after the fire"`,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return cli.Usage("--output %q: want text or json", output)
			}
			settings, err := f.Settings()
			if err != nil {
				return err
			}
			made, err := serve.Recover(c.Context(), settings, name)
			if err != nil {
				return err
			}
			if output == "json" {
				e := json.NewEncoder(s.Out)
				e.SetIndent("", "  ")
				return e.Encode(recovered{"rootkeep/recover-admin/1", made.Person, made.Name, made.Link, made.Expires})
			}
			_, err = fmt.Fprintf(s.Out, "%s  %s is an administrator now.\nThis link enrols their key, once, until %s:\n%s\nThe console says so on every page until another administrator has acknowledged it.\n",
				made.Person, cli.Visible(made.Name), made.Expires.UTC().Format("2006-01-02 15:04 UTC"), made.Link)
			return err
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&f.flags.URL, "url", "", "where browsers find the server: scheme and host")
	fl.StringVar(&name, "name", "Recovered administrator", "what the administrator is called")
	fl.StringVar(&output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	return c
}
