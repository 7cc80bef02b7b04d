package exception

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

var states = []string{"requested", "approved", "denied", "expired", "withdrawn", "ended"}

func listCommand(s cli.Streams) *cobra.Command {
	var f flags
	var state, account, control string
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List exceptions, the newest first",
		Long: `List shows the exceptions of the accounts that you may read. Approved are those that
apply, ended those that did.`,
		Example: `  rootkeep exception list --state requested
  rootkeep exception list --account 111122223333 --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 || limit > 10000 {
				return cli.Usage("--limit %d: want 1 to 10000", limit)
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			q := url.Values{"limit": {strconv.Itoa(min(limit, 200))}}
			for name, value := range map[string]string{"state": state, "account": account, "control": control} {
				if value != "" {
					q.Set(name, value)
				}
			}
			list := []client.Exception{}
			for x, err := range client.All[client.Exception](c.Context(), server, "/exceptions", q) {
				if err != nil {
					return err
				}
				if list = append(list, x); len(list) == limit {
					break
				}
			}
			return writeList(s, f.Output, list)
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&state, "state", "", "only those: requested, approved, denied, expired, withdrawn or ended")
	fl.StringVar(&account, "account", "", "only of this account")
	fl.StringVar(&control, "control", "", "only to this control")
	fl.IntVar(&limit, "limit", 50, "at most so many")
	cli.CompleteValues(c, "state", states)
	return c
}

func writeList(s cli.Streams, output string, list []client.Exception) error {
	if output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema     string             `json:"schema"`
			Exceptions []client.Exception `json:"exceptions"`
		}{"rootkeep/exception-list/1", list})
	}
	if len(list) == 0 {
		return cli.PrintVisible(s.Out, "no exception\n")
	}
	for i := range list {
		x := &list[i]
		line := fmt.Sprintf("%s  %-9s  %s  %-6s  until %s  %s: %s", x.ID, state(x), x.Account, x.Control, x.Until.Format(time.DateOnly), x.Owner, x.Reason)
		if _, err := fmt.Fprintln(s.Out, cli.Visible(line)); err != nil {
			return err
		}
	}
	return nil
}
