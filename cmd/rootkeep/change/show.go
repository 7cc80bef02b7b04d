package change

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func showCommand(s cli.Streams) *cobra.Command {
	var f kindFlags
	c := &cobra.Command{
		Use:   "show KIND",
		Short: "Show what a kind of change does, may break and needs",
		Long: `Show prints a kind of change: what it is for, what it may break, its parameters, what it
reads and calls, the permissions that this takes, the controls that it mends, and what
of it cannot be undone. If a server is named, by --server or ROOTKEEP_SERVER, the kind is
that of the server; with --local or --changes it is that of this program. The text says
which was asked.`,
		Example: "  rootkeep change show password-policy\n  rootkeep change show password-policy --output json",
		Args:    cobra.ExactArgs(1),

		ValidArgsFunction: cli.Names(kindNames),
		RunE:              func(c *cobra.Command, args []string) error { return f.show(c, s, args[0]) },
	}
	f.register(c)
	return c
}

func (f *kindFlags) show(c *cobra.Command, s cli.Streams, id string) error {
	v, asked, codes, err := f.one(c, s, id)
	if err != nil {
		return err
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/change-kind/1", "asked": asked, "kind": v, "exit_codes": codes})
	} else {
		err = cli.PrintVisible(s.Out, kindText(&v, asked))
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

// kindText is the kind for a person.
func kindText(v *client.ChangeKind, asked string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n%s\n\nClass %s, risk %s, undo: %s\n", v.ID, v.Title, v.Why, v.Class, v.Risk, undo(v))
	section := func(name string, lines ...string) {
		if text := strings.TrimSpace(strings.Join(lines, "\n")); text != "" {
			fmt.Fprintf(&b, "\n%s\n  %s\n", name, strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	section("MAY BREAK", v.Breaks)
	section("CANNOT BE UNDONE", v.Final...)
	var parameters []string
	for _, p := range v.Parameters {
		line := fmt.Sprintf("%s (%s", p.Name, p.Type)
		if len(p.OneOf) > 0 {
			line += ": " + strings.Join(p.OneOf, ", ")
		}
		if p.Required {
			line += ", required)"
		} else {
			line += fmt.Sprintf(", otherwise %v)", p.Default)
		}
		parameters = append(parameters, line+"  "+p.About)
	}
	section("PARAMETERS", parameters...)
	section("READS", v.Reads...)
	section("CALLS", v.Calls...)
	section("PERMISSIONS", v.Permissions...)
	section("MENDS", strings.Join(v.Fixes, " "))
	section("SOURCE", v.Source)
	section("ASKED", asked)
	return b.String()
}
