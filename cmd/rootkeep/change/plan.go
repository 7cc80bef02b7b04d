package change

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func planCommand(s cli.Streams) *cobra.Command {
	var f flags
	var w client.ChangeWanted
	var set []string
	var request bool
	c := &cobra.Command{
		Use:   "plan KIND",
		Short: "Have the server read an account, and see what a change would do",
		Long: `Plan reads the account and prints what would be done: first what cannot be undone, then
what changes, every call with its parameters, the state before, and how it would be
undone. Nothing is changed. The SHA-256 at the end is that of the plan: approvers sign
it, and nothing else is applied.

A change that is refused says every reason. Where all is as it should be there is nothing
to plan. With --request it is asked for at once. What is made as root belongs to a request
for root, which is named by --for and asks for it.`,
		Example: `  rootkeep change plan password-policy --account 111122223333
  rootkeep change plan password-policy --account 111122223333 --set minimum_length=16 --set expiry_days=365 --request`,
		Args: oneKind,

		ValidArgsFunction: cli.Names(kindNames),
		RunE: func(c *cobra.Command, args []string) error {
			w.Kind = args[0]
			if _, err := rootkeep.ParseAccountID(w.Account); err != nil {
				return cli.Usage("--account: %w", err)
			}
			if request && w.For != "" {
				return cli.Usage("--for with --request: the request for root asks for the change; hint: leave --request out")
			}
			var err error
			if w.Parameters, err = Parameters(set); err != nil {
				return err
			}
			return f.plan(c, s, client.Call{Method: http.MethodPost, Path: "/changes", Body: w}, request)
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&w.Account, "account", "", "number of the account")
	fl.StringVar(&w.Region, "region", "", "Region where calls are made that name none (default the server's)")
	fl.StringVar(&w.For, "for", "", "ID of the request for root that will name the change")
	fl.StringArrayVar(&set, "set", nil, "a parameter, as name=value; lists are joined by commas (repeatable)")
	fl.BoolVar(&request, "request", false, "ask for its approval at once")
	completeParameters(c)
	return c
}

func undoCommand(s cli.Streams) *cobra.Command {
	var f flags
	var request bool
	c := &cobra.Command{
		Use:   "undo ID",
		Short: "Plan how a change is undone",
		Long: `Undo plans the calls that bring back the state before a change, from the state that the
change recorded. It is a change of its own, with an ID of its own, and has to be approved
and applied as any other. What others changed since is shown in it.

What cannot be undone stays: both changes are partial then, and say which calls were
undone. An undo that was given up in the middle leaves its change partial as well; undo it
again for the rest.`,
		Example: `  rootkeep change undo CH-1KB2Z7Q0MX7F3A
  rootkeep change undo CH-1KB2Z7Q0MX7F3A --request`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := changeID(args[0])
			if err != nil {
				return err
			}
			return f.plan(c, s, client.Call{Method: http.MethodPost, Path: path(id) + "/undo"}, request)
		},
	}
	f.Register(c)
	c.Flags().BoolVar(&request, "request", false, "ask for its approval at once")
	return c
}

func replanCommand(s cli.Streams) *cobra.Command {
	var f flags
	var request bool
	c := &cobra.Command{
		Use:   "replan ID",
		Short: "Have the server read an account again, and plan a change anew",
		Long: `Replan plans a change with the parameters that it has, from the state of the account as
it is now. One that is planned or requested keeps its ID, and its approvals are void. One
that was refused, because the account had changed, or that expired, has ended: another
change is planned in its place, in its batch too, and printed with its own ID.`,
		Example: `  rootkeep change replan CH-1KB2Z7Q0MX7F3A
  rootkeep change replan CH-1KB2Z7Q0MX7F3A --request`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := changeID(args[0])
			if err != nil {
				return err
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			read, err := server.Do(c.Context(), client.Call{Path: path(id)}, nil)
			if err != nil {
				return err
			}
			return f.plan(c, s, client.Call{Method: http.MethodPost, Path: path(id) + "/replan", IfMatch: read.ETag}, request)
		},
	}
	f.Register(c)
	c.Flags().BoolVar(&request, "request", false, "ask for the approval of one that was not asked for")
	return c
}

// plan makes a call that plans, and prints the plan; then it asks for its approval if that
// is wanted.
func (f *flags) plan(c *cobra.Command, s cli.Streams, call client.Call, request bool) error {
	server, err := f.Client()
	if err != nil {
		return err
	}
	var d client.AccountChangeDetail
	if _, err := server.Do(c.Context(), call, &d); err != nil {
		return told(err)
	}
	if !request || d.State != "planned" { // one that is planned anew may be asked for already
		return f.show(s, &d)
	}
	if _, err := read(&d); err != nil {
		return err
	}
	asked, err := post(c.Context(), server, d.ID, "request", "", client.ChangePlan{SHA256: d.SHA256})
	if err != nil {
		return fmt.Errorf("%s is planned, and not asked for: %w", d.ID, err)
	}
	if d, err = client.Get[client.AccountChangeDetail](c.Context(), server, path(asked.ID), nil); err != nil {
		return err
	}
	return f.show(s, &d)
}
