package change

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

var states = []string{"planned", "requested", "approved", "applying", "stopped", "applied", "partial", "unverified", "undoing", "undone", "refused", "denied", "expired", "withdrawn"}

// choice says which changes a list holds.
type choice struct {
	state, account, kind, by, batch string
	limit                           int
}

func statusCommand(s cli.Streams) *cobra.Command {
	var f flags
	var q choice
	c := &cobra.Command{
		Use:   "status [ID]",
		Short: "Show where a change stands, or list changes, the newest first",
		Long: `Status prints a change with its plan, the approvals it has and needs, the calls that were
made, and what to do next. Without an ID it lists the changes of the accounts that you
may read.`,
		Example: `  rootkeep change status CH-1KB2Z7Q0MX7F3A
  rootkeep change status --state requested
  rootkeep change status --account 111122223333 --output json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return f.list(c, s, &q)
			}
			id, err := changeID(args[0])
			if err != nil {
				return err
			}
			for _, name := range []string{"state", "account", "kind", "by", "batch", "limit"} {
				if c.Flags().Changed(name) {
					return cli.Usage("--%s is for the list of changes, without an ID", name)
				}
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			d, err := client.Get[client.AccountChangeDetail](c.Context(), server, path(id), nil)
			if err != nil {
				return err
			}
			return f.show(s, &d)
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&q.state, "state", "", "only those, such as requested or applied")
	fl.StringVar(&q.account, "account", "", "only of this account")
	fl.StringVar(&q.kind, "kind", "", "only of this kind")
	fl.StringVar(&q.by, "by", "", "only those that this person planned (ID)")
	fl.StringVar(&q.batch, "batch", "", "only of this batch")
	fl.IntVar(&q.limit, "limit", 50, "at most so many")
	cli.CompleteValues(c, "state", states)
	cli.CompleteNames(c, "kind", kindNames)
	return c
}

func (f *flags) list(c *cobra.Command, s cli.Streams, q *choice) error {
	if err := cli.CheckLimit(q.limit); err != nil {
		return err
	}
	switch {
	case q.state != "" && !slices.Contains(states, q.state):
		return cli.Usage("--state %s: want one of %s", q.state, strings.Join(states, ", "))
	}
	server, err := f.Client()
	if err != nil {
		return err
	}
	list, err := cli.Newest[client.AccountChange](c.Context(), server, "/changes", q.limit, map[string]string{"state": q.state, "account": q.account, "kind": q.kind, "by": q.by, "batch": q.batch})
	if err != nil {
		return err
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema  string                 `json:"schema"`
			Changes []client.AccountChange `json:"changes"`
		}{"rootkeep/change-list/1", list})
	}
	if len(list) == 0 {
		return cli.PrintVisible(s.Out, "no change; hint: rootkeep change plan KIND --account NUMBER plans one\n")
	}
	return cli.PrintVisible(s.Out, lines(list))
}

// lines are changes, one a line.
func lines(list []client.AccountChange) string {
	out := ""
	for i := range list {
		x := &list[i]
		about := ""
		if x.Undoes != "" {
			about = "  undoes " + x.Undoes
		}
		if x.Canary {
			about += "  canary"
		}
		if x.Why != "" {
			about += "  " + x.Why
		}
		out += cli.Visible(fmt.Sprintf("%s  %-10s  %s  %s  %s%s", x.ID, x.State, x.Account, x.Kind, x.Created.UTC().Format(time.DateTime), about)) + "\n"
	}
	return out
}
