package change

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/web/changes"
)

// undo says in a word what of a kind can be undone.
func undo(v *client.ChangeKind) string {
	switch {
	case v.Guided:
		return "a person's"
	case len(v.Final) > 0:
		return "not all"
	}
	return "yes"
}

func listCommand(s cli.Streams) *cobra.Command {
	var f catalogueFlags
	var fixes string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the kinds of change",
		Long: `List names every kind of change with its class, which says whose approval it needs and
which role applies it, its risk, and whether it can be undone. Exit code 5 when a file
of yours could not be loaded.`,
		Example: "  rootkeep change list\n  rootkeep change list --fixes CT-19\n  rootkeep change list --changes ./mine --output json",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return f.list(s, fixes) },
	}
	f.register(c)
	c.Flags().StringVar(&fixes, "fixes", "", "only kinds that mend this control, such as RT-05")
	return c
}

func (f *catalogueFlags) list(s cli.Streams, fixes string) error {
	catalogue, codes, err := f.load(s, false)
	if err != nil {
		return err
	}
	views := []client.ChangeKind{}
	for _, k := range catalogue.Kinds {
		if fixes == "" || slices.Contains(k.Fixes, strings.ToUpper(fixes)) {
			views = append(views, changes.KindOf(k))
		}
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/changes/1", "kinds": views, "exit_codes": codes})
	} else {
		err = listKinds(s.Out, views)
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

func listKinds(out io.Writer, views []client.ChangeKind) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tCLASS\tRISK\tUNDO\tTITLE")
	for _, v := range views {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", v.ID, v.Class, v.Risk, undo(&v), cli.Visible(v.Title))
	}
	fmt.Fprintf(w, "%d kinds of change\n", len(views))
	return w.Flush()
}
