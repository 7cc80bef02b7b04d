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

// peopleList is what people list --output json writes.
type peopleList struct {
	Schema string          `json:"schema"`
	People []client.Person `json:"people"`
}

func listCommand(s cli.Streams) *cobra.Command {
	var f settings
	var text, state, role string
	c := &cobra.Command{
		Use:   "list",
		Short: "List who may sign in, with their roles and keys",
		Long: `List shows who may sign in to the server: ID, state, number of good keys, roles and
name. A person with one key only is locked out when it is lost.`,
		Example: `  rootkeep people list
  rootkeep people list --role admin --output json
  rootkeep people list --search lovelace --state suspended`,
		RunE: func(c *cobra.Command, _ []string) error {
			server, err := f.Client()
			if err != nil {
				return err
			}
			q := url.Values{}
			for name, value := range map[string]string{"q": text, "state": state, "role": role} {
				if value != "" {
					q.Set(name, value)
				}
			}
			list := peopleList{"rootkeep/people/1", []client.Person{}}
			for p, err := range client.All[client.Person](c.Context(), server, "/people", q) {
				if err != nil {
					return err
				}
				list.People = append(list.People, p)
			}
			return f.print(s.Out, list, list.write)
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&text, "search", "", "part of the name or of the e-mail address")
	fl.StringVar(&state, "state", "", "active or suspended")
	fl.StringVar(&role, "role", "", "who holds this role anywhere")
	cli.CompleteValues(c, "state", []string{"active", "suspended"})
	cli.CompleteValues(c, "role", roleNames())
	return c
}

func (l peopleList) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range l.People {
		good := 0
		for _, k := range p.Keys {
			if k.Revoked == nil {
				good++
			}
		}
		fmt.Fprintf(t, "%s\t%s\tkeys %d\t%s\t%s\n", cli.Visible(p.ID), cli.Visible(p.State), good, cli.Visible(grantsText(p.Grants)), cli.Visible(nameText(p)))
	}
	return t.Flush()
}

func nameText(p client.Person) string {
	if p.Email == "" {
		return p.Name
	}
	return p.Name + " <" + p.Email + ">"
}
