package change

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func batchCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "batch",
		Short: "One kind of change for several accounts, with a canary first",
		Long: `A batch is changes that are applied one after the other. It halts at the first that does
not end applied, and those that are no canaries wait until all canaries are applied. Each
change is approved by itself.`,
	}
	c.AddCommand(batchPlanCommand(s),
		batchListCommand(s),
		batchActCommand(s, "show", &cobra.Command{Aliases: []string{"status"}, Short: "Show a batch with its changes", Long: `Show prints where each change of a batch stands, which are canaries, what it halted at and
why, and what to do next.`}),
		batchActCommand(s, "request", &cobra.Command{Short: "Ask for the approval of all changes of a batch", Long: "Request asks for the approval of all changes of a batch that you planned, all or none."}),
		batchActCommand(s, "apply", &cobra.Command{Short: "Apply a batch, one change after the other", Long: `Apply has a batch applied, in its order, until a change does not end applied or is not
approved. A batch that halted goes on with the change that it halted at. What stands in
the way is said at once. It takes a pass made within the last five minutes.`}),
		batchActCommand(s, "release", &cobra.Command{Short: "Let a batch go on that halted", Long: `Release lets a batch go on without the change that it halted at. Canaries are waited for
all the same. It takes a pass made within the last five minutes.`}),
		batchUndoCommand(s),
	)
	return c
}

func batchPlanCommand(s cli.Streams) *cobra.Command {
	var f flags
	var w client.ChangeBatchWanted
	var accounts, canaries cli.Accounts
	var set []string
	c := &cobra.Command{
		Use:   "plan KIND",
		Short: "Plan a kind of change for several accounts",
		Long: `Plan reads every account and plans the change for each, all or none. Accounts where all
is as it should be are left out. The canaries go first, the first account if none is
named. Look at each plan: rootkeep change status ID.`,
		Example: `  rootkeep change batch plan password-policy --accounts 111122223333,444455556666 --canary 444455556666
  rootkeep change batch plan password-policy --accounts 111122223333,444455556666 --set minimum_length=16 --about "longer passwords"`,
		Args: oneKind,

		ValidArgsFunction: cli.Names(kindNames),
		RunE: func(c *cobra.Command, args []string) error {
			if len(accounts) == 0 {
				return cli.Missing(c, "accounts")
			}
			w.Kind, w.Accounts, w.Canaries = args[0], texts(accounts), texts(canaries)
			for _, account := range canaries {
				if !slices.Contains(accounts, account) {
					return cli.Usage("--canary %s: it is none of the accounts", account)
				}
			}
			if w.About == "" {
				w.About = w.Kind
			}
			var err error
			if w.Parameters, err = Parameters(set); err != nil {
				return err
			}
			return f.batch(c, s, client.Call{Method: http.MethodPost, Path: "/changes/batches", Body: w})
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.Var(&accounts, "accounts", "numbers of the accounts, joined by commas (repeatable)")
	fl.Var(&canaries, "canary", "accounts where it goes first (default the first account)")
	fl.StringVar(&w.About, "about", "", "what the batch is for (default the kind)")
	fl.StringVar(&w.Region, "region", "", "Region where calls are made that name none (default the server's)")
	fl.StringArrayVar(&set, "set", nil, "a parameter, as name=value; lists are joined by commas (repeatable)")
	completeParameters(c)
	return c
}

func texts(list cli.Accounts) []string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = string(id)
	}
	return out
}

// batchActCommand is a command about one batch; show only reads.
func batchActCommand(s cli.Streams, act string, c *cobra.Command) *cobra.Command {
	var f flags
	c.Use, c.Example, c.Args = act+" ID", "  rootkeep change batch "+act+" CB-1KB2Z7Q0MX7F3A", cobra.ExactArgs(1)
	c.RunE = func(c *cobra.Command, args []string) error {
		return f.actOn(c, s, args[0], act)
	}
	f.Register(c)
	return c
}

// actOn does something with a batch and prints it; show only reads.
func (f *flags) actOn(c *cobra.Command, s cli.Streams, id, act string) error {
	if err := batchID(id); err != nil {
		return err
	}
	call := client.Call{Path: batchPath(id)}
	if act != "show" {
		call.Method, call.Path = http.MethodPost, call.Path+"/"+act
	}
	return f.batch(c, s, call)
}

// batch makes a call about a batch and prints it.
func (f *flags) batch(c *cobra.Command, s cli.Streams, call client.Call) error {
	server, err := f.Client()
	if err != nil {
		return err
	}
	var b client.ChangeBatch
	if _, err := server.Do(c.Context(), call, &b); err != nil {
		return told(err)
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			client.ChangeBatch
		}{"rootkeep/change-batch/1", b})
	}
	return cli.PrintVisible(s.Out, batchText(&b))
}

// batchText is a batch for a person.
func batchText(b *client.ChangeBatch) string {
	text := cli.Visible(fmt.Sprintf("%s  %s, by %s", b.ID, b.About, b.Planner)) + "\n"
	say := func(format, value string) {
		if value != "" {
			text += cli.Visible(fmt.Sprintf(format, value)) + "\n"
		}
	}
	say("undoes %s, the change that was applied last first", b.Undoes)
	say("to be undone by %s", strings.Join(b.Undos, ", "))
	say("halted at %s", b.Halted)
	if b.Unseen {
		text += "halted at a change of an account that you may not read\n"
	}
	text += lines(b.Changes)
	say("in the way: %s", b.Blocked)
	for _, act := range b.May {
		say("next: rootkeep change batch %s", act+" "+b.ID)
	}
	return text
}

// PlanBatch plans a batch for another command, and prints it.
func PlanBatch(c *cobra.Command, s cli.Streams, of cli.ServerFlags, w client.ChangeBatchWanted) error {
	f := flags{of}
	return f.batch(c, s, client.Call{Method: http.MethodPost, Path: "/changes/batches", Body: w})
}

// Batch acts on a batch for another command, and prints it.
func Batch(c *cobra.Command, s cli.Streams, of cli.ServerFlags, id, act string) error {
	f := flags{of}
	return f.actOn(c, s, id, act)
}
