package account

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
)

// FrameworksCommand is rootkeep frameworks.
func FrameworksCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "frameworks",
		Short: "List and show frameworks and which controls answer their clauses",
	}
	c.AddCommand(frameworksListCommand(s), frameworksShowCommand(s))
	return c
}

// frameworkFlags adds the flags of scan that are about frameworks.
func frameworkFlags(c *cobra.Command, config *scan.Config) {
	c.Flags().StringArrayVar(&config.Frameworks, "framework", nil, "report what findings mean to the clauses of this framework; csv then has clauses (repeatable)")
	c.Flags().StringArrayVar(&config.FrameworkDirs, "frameworks", nil, "folder with further frameworks (repeatable)")
	c.Flags().BoolVar(&config.Only, "only", false, "judge by the controls of the --framework ones alone")
	cli.CompleteNames(c, "framework", frameworkNames)
}

// extent is how far a framework is answered, in clauses.
type extent struct {
	Clauses    int `json:"clauses"`
	Covered    int `json:"covered"`
	Published  int `json:"published"` // of those covered, with a published mapping
	OursAlone  int `json:"ours_alone"`
	NotCovered int `json:"not_covered"`
}

func extentOf(f *framework.Framework) extent {
	var e extent
	for _, c := range f.Cover(nil).Clauses {
		e.Clauses++
		published := false
		for _, m := range c.Mappings {
			published = published || m.Basis == framework.Published
		}
		switch {
		case len(c.Mappings) == 0:
			e.NotCovered++
		case published:
			e.Published++
		default:
			e.OursAlone++
		}
	}
	e.Covered = e.Published + e.OursAlone
	return e
}

func frameworksListCommand(s cli.Streams) *cobra.Command {
	var f catalogueFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List the frameworks",
		Long: `List names every framework: how many clauses are listed, how many a control answers,
for how many of these AWS or the owner of the framework publishes that, and for how many
the mapping is ours alone. Exit code 5 when a file of yours could not be loaded.`,
		Example: "  rootkeep frameworks list\n  rootkeep frameworks list --frameworks ./mine --output json",
		RunE:    func(*cobra.Command, []string) error { return f.listFrameworks(s) },
	}
	f.add(c)
	return c
}

func (f *catalogueFlags) listFrameworks(s cli.Streams) error {
	catalogue, codes, err := f.load(s)
	if err != nil {
		return err
	}
	if f.output == "json" {
		type entry struct {
			framework.Heading
			extent
		}
		list := []entry{}
		for _, fw := range catalogue.Frameworks {
			list = append(list, entry{fw.Heading, extentOf(fw)})
		}
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/frameworks/1", "frameworks": list, "exit_codes": codes})
		return cmp.Or(err, cli.ExitWith(codes))
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tCLAUSES\tCOVERED\tPUBLISHED\tOURS ALONE\tNAME")
	for _, fw := range catalogue.Frameworks {
		e := extentOf(fw)
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\n", fw.ID, e.Clauses, e.Covered, e.Published, e.OursAlone, cli.Visible(fw.Name+" "+fw.Version))
	}
	fmt.Fprintf(w, "%d frameworks\n", len(catalogue.Frameworks))
	return cmp.Or(w.Flush(), cli.ExitWith(codes))
}

func frameworksShowCommand(s cli.Streams) *cobra.Command {
	var f catalogueFlags
	var titles bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show the clauses of a framework, with their controls and who maps them",
		Long: `Show prints the clauses that are listed, the controls that answer each, and the basis:
published, with who publishes the mapping, or ours, with the reason. Clauses that no
control answers come last, with why if that is known.`,
		Example: "  rootkeep frameworks show cis-aws-7.0\n  rootkeep frameworks show soc2 --titles\n  rootkeep frameworks show pci-dss-4.0.1 --output json",
		Args:    cobra.ExactArgs(1),

		ValidArgsFunction: cli.Names(frameworkNames),
		RunE:              func(_ *cobra.Command, args []string) error { return f.showFramework(s, args[0], titles) },
	}
	f.add(c)
	c.Flags().BoolVar(&titles, "titles", false, "name each control by its title as well")
	return c
}

func (f *catalogueFlags) showFramework(s cli.Streams, id string, titles bool) error {
	catalogue, codes, err := f.load(s)
	if err != nil {
		return err
	}
	found, err := catalogue.Select([]string{id})
	if err != nil {
		return cli.Usage("%w", err)
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/framework/1", "framework": found[0], "extent": extentOf(found[0]), "exit_codes": codes})
		return cmp.Or(err, cli.ExitWith(codes))
	}
	var b strings.Builder
	named := map[string]string{}
	if titles {
		for _, c := range catalogue.Controls {
			named[c.ID] = c.Title
		}
	}
	writeFramework(&b, found[0], named)
	return cmp.Or(cli.PrintVisible(s.Out, b.String()), cli.ExitWith(codes))
}

// writeFramework writes the clauses; of titles, those of controls by ID.
func writeFramework(b *strings.Builder, f *framework.Framework, titles map[string]string) {
	e := extentOf(f)
	fmt.Fprintf(b, "%s  %s %s (%s)\n%s\nSource: %s, as of %s.\n", f.ID, f.Name, f.Version, f.Owner, f.Scope, f.Source, f.Date)
	fmt.Fprintf(b, "%d clauses listed: %d published, %d ours alone, %d not covered\n", e.Clauses, e.Published, e.OursAlone, e.NotCovered)
	var bare []framework.Clause
	for _, c := range f.Cover(nil).Clauses {
		if len(c.Mappings) == 0 {
			bare = append(bare, c)
			continue
		}
		fmt.Fprintf(b, "\n%s  %s\n", c.Clause, c.Title)
		for _, m := range c.Mappings {
			writeMapping(b, m, titles)
		}
	}
	if len(bare) > 0 {
		fmt.Fprintf(b, "\nNOT COVERED (%d)\n", len(bare))
	}
	for _, c := range bare {
		fmt.Fprintf(b, "  %s  %s\n", c.Clause, c.Title)
		if c.Why != "" {
			fmt.Fprintf(b, "      %s\n", c.Why)
		}
	}
}

func writeMapping(b io.Writer, m framework.Mapping, titles map[string]string) {
	var ids []string
	for _, a := range m.Controls {
		ids = append(ids, a.Control)
	}
	fmt.Fprintf(b, "  %s\n      %s\n", strings.Join(ids, " "), m.Says())
	if m.Part != "" {
		fmt.Fprintf(b, "      not judged: %s\n", m.Part)
	}
	for _, id := range ids {
		if titles[id] != "" {
			fmt.Fprintf(b, "      %s  %s\n", id, titles[id])
		}
	}
}

// frameworkNames are the shipped frameworks, for completion.
func frameworkNames() []string {
	catalogue, err := scan.LoadCatalogue(nil, nil)
	if err != nil {
		return nil
	}
	var out []string
	for _, f := range catalogue.Frameworks {
		out = append(out, f.ID+"\t"+f.Name+" "+f.Version)
	}
	return out
}
