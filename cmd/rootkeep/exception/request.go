package exception

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func requestCommand(s cli.Streams) *cobra.Command {
	var f flags
	var ask client.ExceptionAsk
	until := cli.Moment{Now: time.Now}
	c := &cobra.Command{
		Use:   "request",
		Short: "Ask for an exception to a control in an account",
		Long: `Request asks to accept the failure of one control in one account until a day. The server
refuses it if those who could approve do not suffice, and says who is missing.`,
		Example: `  rootkeep exception request --account 111122223333 --control RT-01 --owner jane@example.com --until 2027-01-31 --reason "The key arrives in January"
  rootkeep exception request --account 111122223333 --control PW-08 --resource arn:aws:iam::111122223333:user/old --owner tom@example.com --until 2027-03-01 --reason "Goes with the move to single sign-on"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for name, value := range map[string]string{"account": ask.Account, "control": ask.Control, "owner": ask.Owner, "reason": ask.Reason, "until": until.String()} {
				if value == "" {
					return cli.Missing(c, name)
				}
			}
			ask.Until = until.Time
			server, err := f.Client()
			if err != nil {
				return err
			}
			var x client.Exception
			if _, err := server.Do(c.Context(), client.Call{Method: http.MethodPost, Path: "/exceptions", Body: ask}, &x); err != nil {
				return told(err)
			}
			if f.Output == "json" {
				return cli.WriteJSON(s.Out, shown{"rootkeep/exception/1", x})
			}
			return cli.PrintVisible(s.Out, fmt.Sprintf("%s is asked for: %s/exceptions/%s\n%s", cli.Visible(x.ID), server.Server(), cli.Visible(x.ID), facts(&x)))
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&ask.Account, "account", "", "number of the account")
	fl.StringVar(&ask.Control, "control", "", "ID of the control, without wildcards")
	fl.StringVar(&ask.Region, "region", "", "one Region (default all)")
	fl.StringVar(&ask.Resource, "resource", "", "one resource, as findings name it (default all of the account)")
	fl.StringVar(&ask.Owner, "owner", "", "who accepts the failure")
	fl.StringVar(&ask.Reason, "reason", "", "why, in one paragraph: approvers sign it")
	fl.Var(&until, "until", "the first day on which it no longer applies, at most 366 days ahead")
	return c
}

// shown is an exception as JSON.
type shown struct {
	Schema string `json:"schema"`
	client.Exception
}

// told adds what to do to a refusal of the server.
func told(err error) error {
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusForbidden && p.Type == "/problems/forbidden" {
		return fmt.Errorf("%w; hint: this takes a pass of a person with the role, which the console makes under \"Your keys and sessions\"", err)
	}
	return err
}
