package change

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func requestCommand(s cli.Streams) *cobra.Command {
	var f flags
	var hash string
	c := &cobra.Command{
		Use:   "request ID --plan-sha256 HASH",
		Short: "Ask for the approval of a plan",
		Long: `Request asks others to approve a change that you planned. HASH is the SHA-256 of the plan
that you read: another plan is refused. The server refuses it, too, if those who could
approve do not suffice, and says who is missing.`,
		Example: "  rootkeep change request CH-1KB2Z7Q0MX7F3A --plan-sha256 6f1ed002ab5595859014ebf0951522d9c4c9a0b3f5e7d2c1b8a79685746352a1",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, args[0], hash, func(server *client.Client, id string) error {
				x, err := post(c.Context(), server, id, "request", "", client.ChangePlan{SHA256: hash})
				if err != nil {
					return err
				}
				return f.tell(s, &x, "Others approve it: "+server.Server()+"/approvals/"+cli.Visible(x.ID))
			})
		},
	}
	f.Register(c)
	c.Flags().StringVar(&hash, "plan-sha256", "", "SHA-256 of the plan that you read")
	return c
}

func applyCommand(s cli.Streams) *cobra.Command {
	var f flags
	var hash string
	var wait bool
	c := &cobra.Command{
		Use:   "apply ID --plan-sha256 HASH",
		Short: "Apply an approved change, or go on with one that stopped",
		Long: `Apply begins a change that others approved, or goes on with one that stopped. HASH is the
SHA-256 of the plan that you read: another plan is refused. The server applies it only
while the state of the account is the one of the plan, and reads it back afterwards.

With --wait the command waits until it has ended, and ends with code 1 unless it is
applied and read back. It takes a pass made within the last five minutes.`,
		Example: "  rootkeep change apply CH-1KB2Z7Q0MX7F3A --plan-sha256 6f1ed002ab5595859014ebf0951522d9c4c9a0b3f5e7d2c1b8a79685746352a1 --wait",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c, args[0], hash, func(server *client.Client, id string) error {
				x, err := post(c.Context(), server, id, "apply", "", client.ChangePlan{SHA256: hash})
				if err != nil {
					return err
				}
				if !wait {
					return f.tell(s, &x, "See what becomes of it: rootkeep change status "+cli.Visible(x.ID))
				}
				if x, err = settled(c.Context(), server, id); err != nil {
					return fmt.Errorf("%s goes on without this command: %w; hint: rootkeep change status %s", id, err, id)
				}
				if err := f.tell(s, &x, ""); err != nil || slices.Contains([]string{"applied", "undoing", "undone"}, x.State) {
					return err
				}
				return &cli.Error{Code: cli.ExitFailed, Err: fmt.Errorf("change %s is %s; hint: rootkeep change status %s says where, and what to do next", id, x.State, id)}
			})
		},
	}
	f.Register(c)
	c.Flags().StringVar(&hash, "plan-sha256", "", "SHA-256 of the plan that you read")
	c.Flags().BoolVar(&wait, "wait", false, "wait until it has ended")
	return c
}

// with checks the ID and the hash of a command line, and calls the server.
func (f *flags) with(c *cobra.Command, text, hash string, do func(server *client.Client, id string) error) error {
	id, err := changeID(text)
	if err != nil {
		return err
	}
	if !hashes.MatchString(hash) {
		return cli.Usage("--plan-sha256 %q: want the 64 hexadecimal digits of the plan that you read; hint: rootkeep change status %s", hash, id)
	}
	server, err := f.Client()
	if err != nil {
		return err
	}
	return do(server, id)
}

// look is how often a change is asked for while a command waits.
const look = time.Second

// settled waits until a change is applied no more.
func settled(ctx context.Context, server *client.Client, id string) (client.AccountChange, error) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		x, err := client.Get[client.AccountChangeDetail](ctx, server, path(id), nil)
		if err != nil || x.State != "applying" {
			return x.AccountChange, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return x.AccountChange, ctx.Err()
		}
	}
}

func withdrawCommand(s cli.Streams) *cobra.Command {
	return endCommand(s, "withdraw", &cobra.Command{
		Short: "Take a change back that has not begun",
		Long:  "Withdraw ends a change that nobody began to apply. Only who planned it can, and it is final.",
	})
}

func giveUpCommand(s cli.Streams) *cobra.Command {
	return endCommand(s, "give-up", &cobra.Command{
		Short: "End a change that stopped, and leave what was done of it",
		Long: `Give-up ends a change that stopped in the middle and is not gone on with. What was done of
it stays, and what it held is free for other changes. It takes a pass made within the last
five minutes.`,
	})
}

// endCommand is a command that ends a change by the act of that name.
func endCommand(s cli.Streams, act string, c *cobra.Command) *cobra.Command {
	var f flags
	c.Use, c.Example, c.Args = act+" ID", "  rootkeep change "+act+" CH-1KB2Z7Q0MX7F3A", cobra.ExactArgs(1)
	c.RunE = func(c *cobra.Command, args []string) error {
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
		x, err := post(c.Context(), server, id, act, read.ETag, nil)
		if err != nil {
			return err
		}
		return f.tell(s, &x, "")
	}
	f.Register(c)
	return c
}
