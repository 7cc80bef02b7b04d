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
	"github.com/rootkeep/rootkeep/internal/report/text"
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
	var f kindFlags
	var fixes string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the kinds of change",
		Long: `List names every kind of change with its class, which says whose approval it needs and
which role applies it, its risk, and whether it can be undone. If a server is named, by
--server or ROOTKEEP_SERVER, it tells its own kinds; with --local, or folders of yours in
--changes, this program does. The last line says which was asked. Exit code 5 when a file
of yours could not be loaded.`,
		Example: "  rootkeep change list\n  rootkeep change list --fixes CT-19\n  rootkeep change list --server https://rootkeep.example.com\n  rootkeep change list --changes ./mine --output json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.list(c, s, fixes) },
	}
	f.register(c)
	c.Flags().StringVar(&fixes, "fixes", "", "only kinds that mend this control, such as RT-05")
	return c
}

func (f *kindFlags) list(c *cobra.Command, s cli.Streams, fixes string) error {
	all, asked, codes, err := f.all(c, s)
	if err != nil {
		return err
	}
	views := []client.ChangeKind{}
	for _, k := range all {
		if fixes == "" || slices.Contains(k.Fixes, strings.ToUpper(fixes)) {
			views = append(views, k)
		}
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/changes/1", "asked": asked, "kinds": views, "exit_codes": codes})
	} else {
		err = listKinds(s.Out, views, asked)
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

func listKinds(out io.Writer, views []client.ChangeKind, asked string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tCLASS\tRISK\tUNDO\tTITLE")
	for _, v := range views {
		for _, field := range []*string{&v.ID, &v.Class, &v.Risk, &v.Title} { // a server's
			*field = cli.Visible(*field)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", v.ID, v.Class, v.Risk, undo(&v), v.Title)
	}
	fmt.Fprintf(w, "%s of %s\n", text.Counted(len(views), "kind")+" of change", cli.Visible(asked))
	return w.Flush()
}
