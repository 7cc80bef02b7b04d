package people

import (
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// TokenCommand is rootkeep token with the commands below it.
func TokenCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Tokens that let machines call the server",
		Long: `Token makes, lists and revokes the tokens with which machines call a rootkeep server.
A token holds roles, and ends by itself. What needs a security key no token does.

Making and revoking asks for a key: use a pass from your account page in the console.`,
		Example: `  rootkeep token new "nightly scan" --grant responder --days 90
  rootkeep token list
  rootkeep token revoke TK-1KB2Z7Q0MX7F3A`,
	}
	c.AddCommand(tokenNewCommand(s), tokenListCommand(s), tokenRevokeCommand(s))
	return c
}

// issued is what token new --output json writes.
type issued struct {
	Schema string       `json:"schema"`
	Token  client.Token `json:"token"`
	Secret string       `json:"secret"` // told once
}

func tokenNewCommand(s cli.Streams) *cobra.Command {
	var f settings
	var in client.TokenRequest
	var grants []string
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a token; prints its secret, once",
		Long: `New makes a token and prints its secret, which is not shown again: put it where the
machine reads it, in ROOTKEEP_TOKEN or in a file of mode 0600. The name tells what uses
it. A machine is never an approver.`,
		Example: `  rootkeep token new "nightly scan" --grant responder --days 90
  rootkeep token new dashboard --grant viewer@ou:ou-ab12-11111111 --days 30 --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if in.Grants, err = parseGrants(grants); err != nil {
				return err
			}
			if len(in.Grants) == 0 {
				return cli.Usage("which role? hint: --grant viewer")
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			in.Name = args[0]
			var out client.Issued
			if _, err := server.Do(c.Context(), client.Call{Method: "POST", Path: "/tokens", Body: in}, &out); err != nil {
				return explain(server, err)
			}
			return f.print(s.Out, issued{"rootkeep/token/1", out.Token, out.Secret}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s  %s, good until %s. Its secret is shown once:\n%s\n", cli.Visible(out.Token.ID), cli.Visible(out.Token.Name), day(&out.Token.Expires), cli.Visible(out.Secret))
				return err
			})
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringArrayVar(&grants, "grant", nil, "ROLE or ROLE@SCOPE; may be given several times")
	fl.IntVar(&in.Days, "days", 90, "how long it is good, at most 366 days")
	cli.CompleteValues(c, "grant", roleNames())
	return c
}

// tokenList is what token list --output json writes.
type tokenList struct {
	Schema string         `json:"schema"`
	Tokens []client.Token `json:"tokens"`
}

func tokenListCommand(s cli.Streams) *cobra.Command {
	var f settings
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the tokens of machines, newest first",
		Long:    `List shows the tokens of machines: how each begins, its end, when it was last used, its roles and its name. Secrets are kept by nobody.`,
		Example: `  rootkeep token list`,
		RunE: func(c *cobra.Command, _ []string) error {
			server, err := f.Client()
			if err != nil {
				return err
			}
			list := tokenList{"rootkeep/tokens/1", []client.Token{}}
			for t, err := range client.All[client.Token](c.Context(), server, "/tokens", nil) {
				if err != nil {
					return err
				}
				list.Tokens = append(list.Tokens, t)
			}
			return f.print(s.Out, list, list.write)
		},
	}
	f.Register(c)
	return c
}

func (l tokenList) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, k := range l.Tokens {
		state := "until " + day(&k.Expires)
		if k.Revoked != nil {
			state = "revoked " + day(k.Revoked)
		}
		fmt.Fprintf(t, "%s\t%s...\t%s\tused %s\t%s\t%s\n", cli.Visible(k.ID), cli.Visible(k.Prefix), state, day(k.Used), cli.Visible(grantsText(k.Grants)), cli.Visible(k.Name))
	}
	return t.Flush()
}

func tokenRevokeCommand(s cli.Streams) *cobra.Command {
	var f settings
	c := &cobra.Command{
		Use:     "revoke TOKEN",
		Short:   "Revoke a token; what uses it is locked out at once",
		Long:    `Revoke ends a token by its ID: what uses it is locked out at once.`,
		Example: `  rootkeep token revoke TK-1KB2Z7Q0MX7F3A`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			server, err := f.Client()
			if err != nil {
				return err
			}
			if _, err := server.Do(c.Context(), client.Call{Method: "DELETE", Path: "/tokens/" + url.PathEscape(args[0])}, nil); err != nil {
				return explain(server, err)
			}
			v := struct {
				Schema string `json:"schema"`
				ID     string `json:"id"`
			}{"rootkeep/token-revoked/1", args[0]}
			return f.print(s.Out, v, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s is revoked.\n", cli.Visible(args[0]))
				return err
			})
		},
	}
	f.Register(c)
	return c
}
