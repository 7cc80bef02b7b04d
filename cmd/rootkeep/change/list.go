package change

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/change"
)

// kindView is a kind for programs.
type kindView struct {
	ID          string          `json:"id"`
	Title       string          `json:"title"`
	Why         string          `json:"why"`
	Class       string          `json:"class"`
	Risk        string          `json:"risk"`
	Breaks      string          `json:"breaks"`
	Fixes       []string        `json:"fixes"`
	Parameters  []parameterView `json:"parameters"`
	Reads       []string        `json:"reads"`
	Calls       []string        `json:"calls"`
	Guided      bool            `json:"guided"` // a person does it
	Permissions []string        `json:"permissions"`
	Final       []string        `json:"final"` // what cannot be undone, and why
	Source      string          `json:"source"`
	Hash        string          `json:"sha256"`
}

type parameterView struct {
	Name     string   `json:"name"`
	About    string   `json:"about"`
	Type     string   `json:"type"`
	Required bool     `json:"required"`
	Default  any      `json:"default,omitempty"`
	OneOf    []string `json:"one_of,omitempty"`
}

func view(k *change.Kind) kindView {
	v := kindView{
		ID: k.ID, Title: k.Title, Why: k.Why, Class: k.Class, Risk: k.Risk, Breaks: k.Breaks, Fixes: k.Fixes, Parameters: []parameterView{},
		Reads: k.Operations(false), Calls: k.Operations(true), Guided: len(k.Guide) > 0, Permissions: k.Needs, Final: k.Final(), Source: k.Source, Hash: k.Hash(),
	}
	for _, list := range []*[]string{&v.Fixes, &v.Reads, &v.Calls, &v.Permissions, &v.Final} {
		if *list == nil {
			*list = []string{}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.Parameters)) {
		p := k.Parameters[name]
		v.Parameters = append(v.Parameters, parameterView{name, p.About, p.Type, p.Required, p.Default, p.OneOf})
	}
	return v
}

// undo says in a word what can be undone.
func (v *kindView) undo() string {
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
	views := []kindView{}
	for _, k := range catalogue.Kinds {
		if fixes == "" || slices.Contains(k.Fixes, strings.ToUpper(fixes)) {
			views = append(views, view(k))
		}
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/changes/1", "kinds": views, "exit_codes": codes})
	} else {
		err = listKinds(s.Out, views)
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

func listKinds(out io.Writer, views []kindView) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tCLASS\tRISK\tUNDO\tTITLE")
	for _, v := range views {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", v.ID, v.Class, v.Risk, v.undo(), cli.Visible(v.Title))
	}
	fmt.Fprintf(w, "%d kinds of change\n", len(views))
	return w.Flush()
}
