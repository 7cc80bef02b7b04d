package people

import (
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// person is what a change of a person writes as JSON.
type person struct {
	Schema string        `json:"schema"`
	Person client.Person `json:"person"`
	Link   string        `json:"link,omitempty"` // told once
}

func (p person) write(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s  %s  %s  %s\n", cli.Visible(p.Person.ID), cli.Visible(p.Person.State), cli.Visible(grantsText(p.Person.Grants)), cli.Visible(nameText(p.Person))); err != nil || p.Link == "" {
		return err
	}
	_, err := fmt.Fprintf(w, "This link enrols a key, once, within three days. Hand it over by a way that you trust:\n%s\n", cli.Visible(p.Link))
	return err
}

func inviteCommand(s cli.Streams) *cobra.Command {
	var f settings
	var in client.Invitation
	var grants []string
	c := &cobra.Command{
		Use:   "invite NAME",
		Short: "Invite somebody; prints the link that enrols their first key",
		Long: `Invite adds a person with roles, and prints the link that enrols their first security
key. The link is good once, for three days, and is not shown again.

A role is ROLE, everywhere, or ROLE@SCOPE: approver@account:111122223333,
viewer@ou:ou-ab12-11111111.`,
		Example: `  rootkeep people invite "Ada Lovelace" --email ada@example.com --grant viewer
  rootkeep people invite Bob --grant approver@ou:ou-ab12-11111111 --grant viewer`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if in.Grants, err = parseGrants(grants); err != nil {
				return err
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			in.Name = args[0]
			var out client.Invited
			if _, err := server.Do(c.Context(), client.Call{Method: "POST", Path: "/people", Body: in}, &out); err != nil {
				return explain(server, err)
			}
			p := person{"rootkeep/person/1", out.Person, out.Link}
			return f.print(s.Out, p, p.write)
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&in.Email, "email", "", "e-mail address, shown beside the name; nothing is sent there")
	fl.StringVar(&in.Subject, "subject", "", "who they are to the provider of single sign-on")
	fl.StringArrayVar(&grants, "grant", nil, "ROLE or ROLE@SCOPE; may be given several times")
	cli.CompleteValues(c, "grant", roleNames())
	return c
}

func grantCommand(s cli.Streams) *cobra.Command {
	return roleCommand(s, "grant", "Grant a role to somebody", func(g client.Grant) client.Call {
		return client.Call{Method: "POST", Path: "/grants", Body: g}
	})
}

func revokeCommand(s cli.Streams) *cobra.Command {
	return roleCommand(s, "revoke", "Revoke a role of somebody", func(g client.Grant) client.Call {
		return client.Call{Method: "DELETE", Path: "/grants", Query: url.Values{"role": {g.Role}, "scope": {g.Scope}}}
	})
}

// roleCommand is a command that takes a person and a role; call is below the person.
func roleCommand(s cli.Streams, use, short string, call func(client.Grant) client.Call) *cobra.Command {
	var f settings
	c := &cobra.Command{
		Use:   use + " PERSON ROLE[@SCOPE]",
		Short: short,
		Long: short + `. Without a scope the role holds everywhere. Nobody changes their own
roles, and the last administrator with a key stays one.`,
		Example: `  rootkeep people ` + use + ` PE-1KB2Z7Q0MX7F3A viewer
  rootkeep people ` + use + ` PE-1KB2Z7Q0MX7F3A approver@account:111122223333`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			grants, err := parseGrants(args[1:])
			if err != nil {
				return err
			}
			return f.change(c, s, args[0], call(grants[0]))
		},
	}
	f.Register(c)
	return c
}

// personCommand is a command that takes a person and nothing else.
func personCommand(s cli.Streams, use, short, method, path string) *cobra.Command {
	var f settings
	c := &cobra.Command{
		Use:     use + " PERSON",
		Short:   short,
		Long:    short + `.`,
		Example: `  rootkeep people ` + use + ` PE-1KB2Z7Q0MX7F3A`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.change(c, s, args[0], client.Call{Method: method, Path: path})
		},
	}
	f.Register(c)
	return c
}

// change makes a call below a person, and prints the person as they are afterwards.
func (f *settings) change(c *cobra.Command, s cli.Streams, id string, call client.Call) error {
	server, err := f.Client()
	if err != nil {
		return err
	}
	call.Path = "/people/" + url.PathEscape(id) + call.Path
	p := person{Schema: "rootkeep/person/1"}
	if _, err := server.Do(c.Context(), call, &p.Person); err != nil {
		return explain(server, err)
	}
	return f.print(s.Out, p, p.write)
}

// link is what people link --output json writes.
type link struct {
	Schema string `json:"schema"`
	Person string `json:"person"`
	Link   string `json:"link"`
}

func linkCommand(s cli.Streams) *cobra.Command {
	var f settings
	c := &cobra.Command{
		Use:   "link PERSON",
		Short: "Make a link that enrols one more key for somebody",
		Long: `Link makes a link that enrols one more security key for a person, such as one who has
lost theirs. It is good once, for three days; links made before end. The ledger tells
who made it.`,
		Example: `  rootkeep people link PE-1KB2Z7Q0MX7F3A`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			server, err := f.Client()
			if err != nil {
				return err
			}
			out := client.Link{}
			if _, err := server.Do(c.Context(), client.Call{Method: "POST", Path: "/people/" + url.PathEscape(args[0]) + "/link"}, &out); err != nil {
				return explain(server, err)
			}
			l := link{"rootkeep/link/1", args[0], out.Link}
			return f.print(s.Out, l, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, cli.Visible(l.Link))
				return err
			})
		},
	}
	f.Register(c)
	return c
}
