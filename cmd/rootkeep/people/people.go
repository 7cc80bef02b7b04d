// Package people has the commands that keep people and machine tokens on a rootkeep
// server, over its API.
package people

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/people"
)

// Command is rootkeep people with the commands below it.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "people",
		Short: "Who may sign in to the server, and what they may do where",
		Long: `People lists, invites and changes who may sign in to a rootkeep server.

Reading takes a token of an administrator or an auditor. What changes somebody's rights
asks for a security key, which no machine has: sign in to the console, make a pass for
your terminal on your account page, and put it into ROOTKEEP_TOKEN. It lasts 15 minutes,
and changes are open for five minutes from the touch of your key.`,
		Example: `  rootkeep people list --role approver
  rootkeep people invite "Ada Lovelace" --email ada@example.com --grant viewer
  rootkeep people grant PE-1KB2Z7Q0MX7F3A approver@account:111122223333`,
	}
	c.AddCommand(listCommand(s), inviteCommand(s), grantCommand(s), revokeCommand(s),
		personCommand(s, "suspend", "Keep somebody out: every session of theirs ends at once", "POST", "/suspend"),
		personCommand(s, "restore", "Let a suspended person in again", "POST", "/restore"),
		linkCommand(s))
	return c
}

// settings are what every command here has: the server, and how to print.
type settings struct{ cli.ServerFlags }

// print writes a value as JSON, or as text.
func (f *settings) print(w io.Writer, v any, text func(io.Writer) error) error {
	if f.Output == "text" {
		return text(w)
	}
	return cli.WriteJSON(w, v)
}

// explain adds to a refusal what to do about it.
func explain(c *client.Client, err error) error {
	var p *client.Problem
	if errors.As(err, &p) && p.Type == "/problems/needs-key" {
		return fmt.Errorf("%w; hint: touch your key on %s/sign-in/again?to=/me, make a pass there, and put it into ROOTKEEP_TOKEN", err, c.Server())
	}
	return err
}

// parseGrants reads ROLE or ROLE@SCOPE.
func parseGrants(texts []string) ([]client.Grant, error) {
	out := make([]client.Grant, len(texts))
	for i, text := range texts {
		g, err := people.ParseGrant(text)
		if err != nil {
			return nil, &cli.Error{Code: cli.ExitUsage, Err: err}
		}
		out[i] = client.Grant{Role: string(g.Role), Scope: string(g.Scope)}
	}
	return out, nil
}

func grantsText(grants []client.Grant) string {
	out := make([]string, len(grants))
	for i, g := range grants {
		out[i] = g.Role + "@" + g.Scope
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, " ")
}

func roleNames() []string {
	var out []string
	for _, r := range people.Roles() {
		out = append(out, string(r))
	}
	return out
}

func day(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}
