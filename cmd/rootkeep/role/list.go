package role

import (
	"cmp"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

// view is a role for programs.
type view struct {
	Class   string   `json:"class"`
	Name    string   `json:"name"`
	Kinds   int      `json:"kinds"`
	Actions []string `json:"actions"`
}

func listCommand(s cli.Streams) *cobra.Command {
	var f flags
	var output string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the roles",
		Long: `List names the role of each class of change, with how many kinds of change it is for
and how many IAM actions these need. A class that no kind needs a permission for has no
role yet. Exit code 5 when a file of yours could not be loaded.`,
		Example: "  rootkeep role list\n  rootkeep role list --name 'acme-rootkeep-{class}' --output json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return f.list(s, output) },
	}
	f.register(c)
	c.Flags().StringVar(&output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	return c
}

func (f *flags) list(s cli.Streams, output string) error {
	if err := cli.OutputIs(output); err != nil {
		return err
	}
	if !f.classed() {
		return cli.Usage("--name %s: each class has a role of its own; hint: {class} stands for the class, as in %s", f.template, writerole.Template)
	}
	catalogue, codes, err := f.load(s)
	if err != nil {
		return err
	}
	views := []view{}
	for _, class := range classes() {
		v := view{Class: class, Name: writerole.Role{Class: class, Template: f.template}.Name()}
		if v.Actions, v.Kinds = catalogue.Permissions(class); class == writerole.Plan {
			v.Actions, _ = catalogue.Reading()
			v.Kinds = len(catalogue.Kinds)
		} else if len(v.Actions) == 0 {
			v.Actions = []string{}
		}
		views = append(views, v)
	}
	if output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/roles/1", "roles": views, "exit_codes": codes})
		return cmp.Or(err, cli.ExitWith(codes))
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CLASS\tROLE\tKINDS\tACTIONS")
	for _, v := range views {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", v.Class, cli.Visible(v.Name), v.Kinds, len(v.Actions))
	}
	return cmp.Or(w.Flush(), cli.ExitWith(codes))
}
