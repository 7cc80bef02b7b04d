package rootrequest

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func withdrawCommand(s cli.Streams) *cobra.Command {
	return endCommand(s, "withdraw", "withdrawal", "Withdraw %s", &cobra.Command{
		Short: "Take a request back whose session has not begun",
		Long:  "Withdraw ends a request, approved or not, before its session begins. Only who asked can, and it is final.",
	})
}

func closeCommand(s cli.Streams) *cobra.Command {
	return endCommand(s, "close", "closing", "Close the session of %s and re-seal", &cobra.Command{
		Short: "Close the session and re-seal: everything is put back",
		Long: `Close ends the session of a request, once everything that is done after it is answered:
the credential is with its custodian again, and sealed. What root does from then on is
outside the time that was approved. Who asked can, and the custodian. It is final.`,
	})
}

// endCommand is a command of that name that ends something of a request, by an act of the
// API, once somebody has said yes to it.
func endCommand(s cli.Streams, name, act, what string, c *cobra.Command) *cobra.Command {
	var f flags
	var yes bool
	c.Use, c.Example, c.Args = name+" ID", "  rootkeep root "+name+" RR-1KB2Z7Q0MX7F3A\n  rootkeep root "+name+" RR-1KB2Z7Q0MX7F3A --yes", cobra.ExactArgs(1)
	c.RunE = func(c *cobra.Command, args []string) error {
		server, id, err := f.begin(args[0])
		if err != nil {
			return err
		}
		if err := cli.Agree(s, yes, fmt.Sprintf(what, id)); err != nil {
			return err
		}
		return f.done(c.Context(), s, server, id, act, nil)
	}
	f.Register(c)
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// done does something to a request as it is now, and says what has become of it.
func (f *flags) done(ctx context.Context, s cli.Streams, server *client.Client, id, act string, body any) error {
	x, err := read(ctx, server, id)
	if err != nil {
		return err
	}
	after, err := x.act(ctx, server, act, body)
	if err != nil {
		return err
	}
	return f.tell(s, after)
}

func openCommand(s cli.Streams) *cobra.Command {
	var f flags
	var opening client.RootOpening
	c := &cobra.Command{
		Use:   "open ID",
		Short: "Begin the session of an approved request",
		Long: `Open begins the session: only who asked can, within the window, once everything before it
is answered. From then on a clock runs. Name the MFA device that the custodian handed
out: a sign-in with another one is not explained by the request.`,
		Example: "  rootkeep root open RR-1KB2Z7Q0MX7F3A --device arn:aws:iam::111122223333:mfa/root-safe-1",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			server, id, err := f.begin(args[0])
			if err != nil {
				return err
			}
			return f.done(c.Context(), s, server, id, "opening", opening)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&opening.Device, "device", "", "ARN or serial number of the MFA device that was handed out")
	return c
}

func answerCommand(s cli.Streams) *cobra.Command {
	var f flags
	var answer client.RootItemAnswer
	c := &cobra.Command{
		Use:   "answer ID ITEM",
		Short: "Say that an item of the checklist is done, or why it is skipped",
		Long: `Answer says of one item of the checklist that it is done, or with --skip why it is not.
Items before the session are answered before it is opened, the others after it has
begun. Who asked can, and the custodian; every answer is an entry of the ledger.`,
		Example: "  rootkeep root answer RR-1KB2Z7Q0MX7F3A private-window\n  rootkeep root answer RR-1KB2Z7Q0MX7F3A workstation --skip \"It is in repair; the laptop of the safe was used\"",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("skip") && answer.Skipped == "" {
				return cli.Usage("--skip wants the reason")
			}
			server, id, err := f.begin(args[0])
			if err != nil {
				return err
			}
			answer.Item = args[1]
			return f.done(c.Context(), s, server, id, "answers", answer)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&answer.Skipped, "skip", "", "why the item is not done")
	return c
}

func confirmCommand(s cli.Streams) *cobra.Command {
	var f flags
	var hash string
	var yes bool
	c := &cobra.Command{
		Use:   "confirm ID",
		Short: "Confirm the record of a session, which is written from its events",
		Long: `Confirm prints the record of the session: what AWS's log says was done, with a verdict for
each event. Who asked confirms it, from a quarter of an hour after the session on, when
its events have arrived. With --record-sha256 another record than the one that was read
is refused. It is final, and the record is in the ledger from then on.`,
		Example: "  rootkeep root confirm RR-1KB2Z7Q0MX7F3A\n  rootkeep root confirm RR-1KB2Z7Q0MX7F3A --record-sha256 6f1ed002ab5595859014ebf0951522d9c4c9a0b3f5e7d2c1b8a79685746352a1 --yes",
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
			return f.confirm(c.Context(), s, server, x, hash, yes)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&hash, "record-sha256", "", "SHA-256 of the record that you read")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask; --record-sha256 says which record")
	return c
}

func (f *flags) confirm(ctx context.Context, s cli.Streams, server *client.Client, x *detail, hash string, yes bool) error {
	switch {
	case x.Record == nil:
		return fmt.Errorf("request %s has no record yet; hint: rootkeep root close %s", x.ID, x.ID)
	case yes && hash == "":
		return cli.Usage("--yes confirms a record that nobody reads here; hint: --record-sha256 with that of the record in rootkeep root show %s --output json", x.ID)
	case hash != "" && hash != x.Record.SHA256:
		return fmt.Errorf("request %s: its record has the SHA-256 %s by now; hint: read it again", x.ID, x.Record.SHA256)
	}
	if !yes {
		if err := cli.PrintVisible(s.Err, card(&x.RootRequestDetail)); err != nil {
			return err
		}
	}
	if err := cli.Agree(s, yes, "Confirm this record of "+x.ID); err != nil {
		return err
	}
	after, err := x.act(ctx, server, "confirmation", client.RootRecordHash{SHA256: x.Record.SHA256})
	if err != nil {
		return err
	}
	return f.tell(s, after)
}

func overrideCommand(s cli.Streams) *cobra.Command {
	var f flags
	var reason string
	var noBrowser bool
	c := &cobra.Command{
		Use:   "override ID --reason TEXT",
		Short: "Go on without approvals: names who is skipped, and opens the page where it is signed",
		Long: `Override is for an emergency in which nobody is waited for. It names everybody who could
have approved the request, and opens the page where your security key signs the override:
nothing happens before that. All of them are told, a case is opened, the window is an hour
at most, and somebody else reviews it within 24 hours. As long as an earlier override is
not reviewed, a second person has to agree.`,
		Example: "  rootkeep root override RR-1KB2Z7Q0MX7F3A --reason \"The bucket of the backups is locked, and the restore waits\"\n  rootkeep root override RR-1KB2Z7Q0MX7F3A --reason \"...\" --no-browser",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return cli.Missing(c, "reason")
			}
			server, id, err := f.begin(args[0])
			if err != nil {
				return err
			}
			var o client.RootOverrideStatement
			call := client.Call{Method: http.MethodPost, Path: path(id) + "/override-statements", Body: client.RootOverrideReason{Reason: reason}}
			if _, err := server.Do(c.Context(), call, &o); err != nil {
				return Told(err)
			}
			return f.overriding(c.Context(), s, server, id, &o, noBrowser)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&reason, "reason", "", "why nobody is waited for: it is signed, and everybody who is skipped reads it")
	c.Flags().BoolVar(&noBrowser, "no-browser", false, "only print the address")
	return c
}

// overriding names who is skipped, and leads to the page that has it signed.
func (f *flags) overriding(ctx context.Context, s cli.Streams, server *client.Client, id string, o *client.RootOverrideStatement, noBrowser bool) error {
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			client.RootOverrideStatement
		}{"rootkeep/root-override/1", *o})
	}
	text := "No approval of " + cli.Visible(id) + " is waited for. Skipped, and told:\n"
	for _, p := range o.Skipped {
		text += "  " + cli.Visible(p.ID+" "+p.Name) + "\n"
	}
	if len(o.Skipped) == 0 {
		text += "  nobody could have approved it\n"
	}
	text += "SHA-256 of what your key signs\n  " + cli.Visible(o.SHA256) + "\nIt is signed here, until " + stamp(o.NotAfter) + ":\n"
	if err := cli.PrintVisible(s.Out, text); err != nil {
		return err
	}
	return cli.Browse(ctx, s, server.Server()+o.Page, noBrowser)
}

func reviewCommand(s cli.Streams) *cobra.Command {
	var f flags
	var justified, not bool
	var review client.RootReview
	c := &cobra.Command{
		Use:   "review ID",
		Short: "Say what an override was: justified, or not",
		Long: `Review says what an override was. Somebody does who took no part in it and may approve at
its accounts, within 24 hours. Until then the case stays open, and another override needs
a second person. It is final.`,
		Example: "  rootkeep root review RR-1KB2Z7Q0MX7F3A --justified --text \"The restore could not wait; both approvers were on a flight\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if justified == not {
				return cli.Usage("want one of --justified and --not-justified")
			}
			if review.Review == "" {
				return cli.Missing(c, "text")
			}
			if review.Verdict = "justified"; not {
				review.Verdict = "not-justified"
			}
			server, id, err := f.begin(args[0])
			if err != nil {
				return err
			}
			x, err := read(c.Context(), server, id)
			if err != nil {
				return err
			}
			if x.Overridden == nil {
				return fmt.Errorf("request %s was not overridden: there is nothing to review", id)
			}
			review.Revision = x.Overridden.Revision
			after, err := x.act(c.Context(), server, "review", review)
			if err != nil {
				return err
			}
			return f.tell(s, after)
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.BoolVar(&justified, "justified", false, "it was")
	fl.BoolVar(&not, "not-justified", false, "it was not")
	fl.StringVar(&review.Review, "text", "", "what you found")
	return c
}
