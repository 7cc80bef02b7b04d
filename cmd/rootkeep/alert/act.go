package alert

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// actCommand is a command that does something to an alert as it is now; do does it, by the
// name that the API has for it.
func actCommand(s cli.Streams, method, act string, c *cobra.Command) (_ *cobra.Command, do func(ctx context.Context, id string, body any) error) {
	var f flags
	f.Register(c)
	c.Args = cobra.ExactArgs(1)
	return c, func(ctx context.Context, id string, body any) error {
		if err := checkID(id); err != nil {
			return err
		}
		server, err := f.Client()
		if err != nil {
			return err
		}
		path := all + "/" + url.PathEscape(id)
		read, err := server.Do(ctx, client.Call{Path: path}, nil)
		if err != nil {
			return told(err)
		}
		var x client.AlertDetail
		if _, err := server.Do(ctx, client.Call{Method: method, Path: path + "/" + act, IfMatch: read.ETag, Body: body}, &x); err != nil {
			return told(err)
		}
		return f.print(s, &x)
	}
}

func ackCommand(s cli.Streams) *cobra.Command {
	var note string
	c, do := actCommand(s, http.MethodPost, "acknowledge", &cobra.Command{
		Use:     "ack ID",
		Short:   "Say that you look at an alert",
		Long:    "Ack takes an alert in hand: it escalates no more by time, and you have it unless somebody else does.",
		Example: "  rootkeep alert ack AL-0G2NS9A1Y0V04\n  rootkeep alert ack AL-0G2NS9A1Y0V04 --note \"calling the owner of the account\"",
	})
	c.Flags().StringVar(&note, "note", "", "what you are about to do")
	c.RunE = func(c *cobra.Command, args []string) error {
		return do(c.Context(), args[0], client.AlertNote{Note: note})
	}
	return c
}

func assignCommand(s cli.Streams) *cobra.Command {
	var owner string
	c, do := actCommand(s, http.MethodPut, "owner", &cobra.Command{
		Use:     "assign ID --to PERSON",
		Short:   "Give an alert to a person",
		Long:    "Assign gives an alert that is not closed to a person, who can work at it.",
		Example: "  rootkeep alert assign AL-0G2NS9A1Y0V04 --to PE-1KB2Z7Q0MX7F3A",
	})
	c.Flags().StringVar(&owner, "to", "", "ID of the person")
	c.RunE = func(c *cobra.Command, args []string) error {
		if owner == "" {
			return cli.Missing(c, "to")
		}
		return do(c.Context(), args[0], client.AlertOwner{Owner: owner})
	}
	return c
}

func snoozeCommand(s cli.Streams) *cobra.Command {
	var until, reason string
	c, do := actCommand(s, http.MethodPost, "snooze", &cobra.Command{
		Use:   "snooze ID --until WHEN --reason TEXT",
		Short: "Have an alert wait",
		Long: `Snooze has an alert wait, for 14 days at most. Then it is new again; if it becomes more
severe, at once.`,
		Example: "  rootkeep alert snooze AL-0G2NS9A1Y0V04 --until 4h --reason \"the owner of the account is on a plane\"",
	})
	c.Flags().StringVar(&until, "until", "", "a time, or how long from now (4h, 2d)")
	c.Flags().StringVar(&reason, "reason", "", "what it waits for")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch "" {
		case until:
			return cli.Missing(c, "until")
		case reason:
			return cli.Missing(c, "reason")
		}
		at, err := moment("until", until, time.Now(), 1)
		if err != nil {
			return err
		}
		return do(c.Context(), args[0], client.AlertSnooze{Until: at, Reason: reason})
	}
	return c
}

func closeCommand(s cli.Streams) *cobra.Command {
	return reasonedCommand(s, "close", "what it came to", &cobra.Command{
		Use:   "close ID --reason TEXT",
		Short: "Close an alert, with what it came to",
		Long: `Close ends an alert. What arrives later opens it again. Closing a storm closes its members
that nobody has taken.`,
		Example: "  rootkeep alert close AL-0G2NS9A1Y0V04 --reason \"a deployment of team web, CHG-12\"",
	})
}

func reopenCommand(s cli.Streams) *cobra.Command {
	return reasonedCommand(s, "reopen", "why it is not dealt with after all", &cobra.Command{
		Use:     "reopen ID --reason TEXT",
		Short:   "Take a close, an acknowledgement or a snooze back",
		Long:    "Reopen makes an alert new again, so that somebody is told.",
		Example: "  rootkeep alert reopen AL-0G2NS9A1Y0V04 --reason \"team web knows nothing of it\"",
	})
}

// reasonedCommand is an act that takes a reason and nothing else.
func reasonedCommand(s cli.Streams, act, about string, c *cobra.Command) *cobra.Command {
	var reason string
	c, do := actCommand(s, http.MethodPost, act, c)
	c.Flags().StringVar(&reason, "reason", "", about)
	c.RunE = func(c *cobra.Command, args []string) error {
		if reason == "" {
			return cli.Missing(c, "reason")
		}
		return do(c.Context(), args[0], client.AlertReason{Reason: reason})
	}
	return c
}

func tagCommand(s cli.Streams) *cobra.Command {
	var tags client.AlertTags
	c, do := actCommand(s, http.MethodPost, "tags", &cobra.Command{
		Use:     "tag ID --add TAG --remove TAG",
		Short:   "Add and remove tags of an alert",
		Long:    "Tag changes the tags of an alert, by which it can be listed and routed: small letters, digits and . _ : -",
		Example: "  rootkeep alert tag AL-0G2NS9A1Y0V04 --add team:web --remove triage",
	})
	c.Flags().StringSliceVar(&tags.Add, "add", nil, "a tag to add; may be repeated")
	c.Flags().StringSliceVar(&tags.Remove, "remove", nil, "a tag to remove; may be repeated")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(tags.Add)+len(tags.Remove) == 0 {
			return cli.Missing(c, "add")
		}
		return do(c.Context(), args[0], tags)
	}
	return c
}
