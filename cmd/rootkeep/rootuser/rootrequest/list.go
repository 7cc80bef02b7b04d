package rootrequest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

var states = []string{"requested", "approved", "open", "closing", "closed", "lapsed", "denied", "expired", "withdrawn"}

// choice says which requests a list holds.
type choice struct {
	state, account, kind, task, by string
	limit                          int
}

func listCommand(s cli.Streams) *cobra.Command {
	var f flags
	var q choice
	c := &cobra.Command{
		Use:   "list",
		Short: "List requests for root, the newest first",
		Long: `List shows the requests for root of the accounts that you may read: where each stands,
and what became of it. USED and UNUSED are claimed where the log is proven complete; of
others it is NO_COVERAGE, and PENDING while events may still arrive.`,
		Example: "  rootkeep root list --state open\n  rootkeep root list --account 111122223333 --output json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.list(c, s, &q) },
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&q.state, "state", "", "only those, such as requested or open")
	fl.StringVar(&q.account, "account", "", "only of this account")
	fl.StringVar(&q.kind, "kind", "", "only use or drill")
	fl.StringVar(&q.task, "task", "", "only for this task")
	fl.StringVar(&q.by, "by", "", "only those that this person asked for (ID)")
	fl.IntVar(&q.limit, "limit", 50, "at most so many")
	cli.CompleteValues(c, "state", states)
	cli.CompleteValues(c, "kind", []string{"use", "drill"})
	cli.CompleteNames(c, "task", taskNames)
	return c
}

func (f *flags) list(c *cobra.Command, s cli.Streams, q *choice) error {
	if err := cli.CheckLimit(q.limit); err != nil {
		return err
	}
	switch {
	case q.state != "" && !slices.Contains(states, q.state):
		return cli.Usage("--state %s: want one of %s", q.state, strings.Join(states, ", "))
	case q.kind != "" && q.kind != "use" && q.kind != "drill":
		return cli.Usage("--kind %s: want use or drill", q.kind)
	}
	server, err := f.Client()
	if err != nil {
		return err
	}
	list, err := cli.Newest[client.RootRequest](c.Context(), server, requests, q.limit, map[string]string{"state": q.state, "account": q.account, "kind": q.kind, "task": q.task, "by": q.by})
	if err != nil {
		return Told(err)
	}
	return f.writeList(s, list)
}

func (f *flags) writeList(s cli.Streams, list []client.RootRequest) error {
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema   string               `json:"schema"`
			Requests []client.RootRequest `json:"requests"`
		}{"rootkeep/root-request-list/1", list})
	}
	if len(list) == 0 {
		return cli.PrintVisible(s.Out, "no request; hint: rootkeep root request asks for root\n")
	}
	for i := range list {
		if _, err := fmt.Fprintln(s.Out, cli.Visible(requestLine(&list[i]))); err != nil {
			return err
		}
	}
	return nil
}

func requestLine(x *client.RootRequest) string {
	where := ""
	if len(x.Accounts) > 0 {
		where = x.Accounts[0]
	}
	if n := len(x.Accounts); n > 1 {
		where = fmt.Sprintf("%d accounts", n)
	}
	out := fmt.Sprintf("%s  %-9s  %-12s  %s  %s  from %s", x.ID, x.State, where, x.Kind, x.Task, stamp(x.From))
	if x.Override {
		out += "  without approvals"
	}
	if x.Outcome != "" {
		out += "  " + x.Outcome
	}
	return out
}

func showCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show a request for root: approvals, checklist, events with verdicts, what is next",
		Long: `Show prints a request with how much time is left, who approved it, what was said of each
item of its checklist, every event of its root users with the verdict, and what is to be
done next. JSON has the documents whose SHA-256 was signed as well.`,
		Example: "  rootkeep root show RR-1KB2Z7Q0MX7F3A",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			server, id, err := f.begin(args[0])
			if err != nil {
				return err
			}
			x, err := read(c.Context(), server, id)
			if err != nil {
				return err
			}
			if f.Output == "json" {
				return x.json(s)
			}
			return cli.PrintVisible(s.Out, card(&x.RootRequestDetail))
		},
	}
	f.Register(c)
	return c
}
