package account

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
)

// ControlsCommand is rootkeep controls.
func ControlsCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "controls",
		Short: "List, show and test the controls that scan judges by",
	}
	c.AddCommand(controlsListCommand(s), controlsShowCommand(s), controlsTestCommand(s))
	return c
}

// catalogueFlags are shared by the commands about controls and frameworks.
type catalogueFlags struct {
	output                     string
	controlDirs, frameworkDirs []string
}

func (f *catalogueFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.output, "output", "text", "text or json")
	c.Flags().StringArrayVar(&f.controlDirs, "controls", nil, "folder with further controls (repeatable)")
	c.Flags().StringArrayVar(&f.frameworkDirs, "frameworks", nil, "folder with further frameworks (repeatable)")
	cli.CompleteValues(c, "output", []string{"text", "json"})
}

// load reads the catalogue, and gives the exit codes that apply: 5 if files were left
// out, which it names.
func (f *catalogueFlags) load(s cli.Streams) (*scan.Catalogue, []int, error) {
	if f.output != "text" && f.output != "json" {
		return nil, nil, cli.Usage("--output %s: want text or json", f.output)
	}
	c, err := scan.LoadCatalogue(f.controlDirs, f.frameworkDirs)
	if err != nil {
		return nil, nil, &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	return c, cli.Unread(s, c.Problems), nil
}

// controlView is a control for programs.
type controlView struct {
	ID          string                `json:"id"`
	Name        string                `json:"name"`
	Title       string                `json:"title"`
	Severity    rootkeep.Severity     `json:"severity"`
	Why         string                `json:"why"`
	Each        string                `json:"each,omitempty"`
	Applies     string                `json:"applies,omitempty"`
	Pass        string                `json:"pass,omitempty"`
	Params      map[string]any        `json:"params,omitempty"`
	Effort      string                `json:"effort,omitempty"`
	Console     string                `json:"console,omitempty"`
	CLI         string                `json:"cli,omitempty"`
	Facts       []string              `json:"facts"`
	Permissions []string              `json:"permissions"` // AWS actions that tell the facts; attestation and decision are the register's
	Frameworks  []framework.Reference `json:"frameworks"`
	Source      string                `json:"source,omitempty"`
}

func view(c *posture.Control, all []*framework.Framework) controlView {
	v := controlView{
		ID: c.ID, Name: c.Name, Title: c.Title, Severity: c.Level(), Why: c.Why, Each: c.Each, Applies: c.Applies, Pass: c.Passes, Params: c.Params,
		Effort: c.Fix.Effort, Console: c.Fix.Console, CLI: c.Fix.CLI, Facts: []string{}, Permissions: []string{}, Frameworks: framework.References(all, c.ID), Source: c.Source,
	}
	for _, p := range c.Uses() {
		v.Facts = append(v.Facts, p.Name)
		if !slices.Contains(v.Permissions, p.Call) {
			v.Permissions = append(v.Permissions, p.Call)
		}
	}
	slices.Sort(v.Permissions)
	return v
}

func controlsListCommand(s cli.Streams) *cobra.Command {
	var f catalogueFlags
	var chosen []string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the controls",
		Long:    "List names every control with its severity and how much work its fix is. Exit code 5\nwhen a file of yours could not be loaded.",
		Example: "  rootkeep controls list\n  rootkeep controls list --framework pci-dss-4.0.1\n  rootkeep controls list --controls ./mine --output json",
		RunE:    func(*cobra.Command, []string) error { return f.list(s, chosen) },
	}
	f.add(c)
	c.Flags().StringArrayVar(&chosen, "framework", nil, "only controls that this framework maps (repeatable)")
	cli.CompleteNames(c, "framework", frameworkNames)
	return c
}

func (f *catalogueFlags) list(s cli.Streams, frameworks []string) error {
	catalogue, codes, err := f.load(s)
	if err != nil {
		return err
	}
	chosen, err := catalogue.Select(frameworks)
	if err != nil {
		return cli.Usage("%w", err)
	}
	if len(chosen) > 0 {
		catalogue.Keep(chosen)
	}
	views := []controlView{}
	for _, c := range catalogue.Controls {
		views = append(views, view(c, catalogue.Frameworks))
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/controls/1", "controls": views, "exit_codes": codes})
	} else {
		err = listControls(s.Out, views)
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

func listControls(out io.Writer, views []controlView) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SEVERITY\tID\tEFFORT\tTITLE")
	for _, v := range views {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Severity, v.ID, cmp.Or(v.Effort, "-"), cli.Visible(v.Title))
	}
	fmt.Fprintf(w, "%d controls\n", len(views))
	return w.Flush()
}

func controlsShowCommand(s cli.Streams) *cobra.Command {
	var f catalogueFlags
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show what a control asks, why, how to fix it, and what it answers",
		Long: `Show prints a control: what has to hold, why, the fix, the facts that decide with the
AWS actions that tell them, and the clauses of frameworks that it answers with who says
so. Instead of an action, attestation and decision name what no call of AWS tells.`,
		Example: "  rootkeep controls show RT-01\n  rootkeep controls show RT-01 --output json",
		Args:    cobra.ExactArgs(1),

		ValidArgsFunction: cli.Names(controlNames),
		RunE:              func(_ *cobra.Command, args []string) error { return f.show(s, args[0]) },
	}
	f.add(c)
	return c
}

func (f *catalogueFlags) show(s cli.Streams, id string) error {
	catalogue, codes, err := f.load(s)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(catalogue.Controls, func(c *posture.Control) bool { return c.ID == id })
	if i < 0 {
		return cli.Usage("control %q does not exist; hint: rootkeep controls list", id)
	}
	v := view(catalogue.Controls[i], catalogue.Frameworks)
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/control/1", "control": v, "exit_codes": codes})
	} else {
		err = cli.PrintVisible(s.Out, v.text())
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

// text is the control for a person.
func (v controlView) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s (%s)\n%s\n", v.ID, v.Title, v.Severity, v.Why)
	section := func(name, text string) {
		if text = strings.TrimSpace(text); text != "" {
			fmt.Fprintf(&b, "\n%s\n  %s\n", name, strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	section("JUDGES EACH OF", v.Each)
	section("APPLIES IF", v.Applies)
	section("PASSES IF", cmp.Or(v.Pass, "events of the kind, run through the metric filters, raise an alarm that reaches a person"))
	for _, name := range slices.Sorted(maps.Keys(v.Params)) {
		section("WHERE "+name+" IS", fmt.Sprint(v.Params[name]))
	}
	section("FIX"+strings.TrimSuffix(" ("+v.Effort+")", " ()"), v.Console+"\n"+v.CLI)
	section("FACTS", strings.Join(v.Facts, "\n"))
	section("TOLD BY", strings.Join(v.Permissions, "\n"))
	var clauses []string
	for _, r := range v.Frameworks {
		clauses = append(clauses, fmt.Sprintf("%s %s (%s)", r.Framework, r.Clause, r.Basis))
	}
	section("ANSWERS", cmp.Or(strings.Join(clauses, "\n"), "no clause of a framework"))
	section("SOURCE", v.Source)
	return b.String()
}

func controlsTestCommand(s cli.Streams) *cobra.Command {
	var f catalogueFlags
	c := &cobra.Command{
		Use:   "test [ID...]",
		Short: "Run the cases inside control files",
		Long: `Test runs the cases of all controls, or of those named: each case gives facts, and the
control has to come to what the case wants. Exit code 2 when a case fails, 5 when a file
could not be loaded.`,
		Example: "  rootkeep controls test\n  rootkeep controls test --controls ./mine break-glass",
		Args:    cobra.ArbitraryArgs,

		ValidArgsFunction: cli.Names(controlNames),
		RunE:              func(_ *cobra.Command, ids []string) error { return f.test(s, ids) },
	}
	f.add(c)
	return c
}

func (f *catalogueFlags) test(s cli.Streams, ids []string) error {
	catalogue, codes, err := f.load(s)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.Contains(catalogue.IDs(), id) {
			return cli.Usage("control %q does not exist; hint: rootkeep controls list", id)
		}
	}
	controls := slices.DeleteFunc(catalogue.Controls, func(c *posture.Control) bool { return len(ids) > 0 && !slices.Contains(ids, c.ID) })
	results := posture.RunCases(controls)
	failed := slices.DeleteFunc(slices.Clone(results), func(r posture.CaseResult) bool { return r.OK })
	if len(failed) > 0 {
		codes = append([]int{cli.ExitFindings}, codes...)
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/controls-test/1", "cases": results, "exit_codes": codes})
		return cmp.Or(err, cli.ExitWith(codes))
	}
	for _, r := range failed {
		fmt.Fprintf(s.Out, "FAIL %s: %s: %s\n", r.Control, cli.Visible(r.Case), cli.Visible(cmp.Or(r.Err, "got "+r.Got+", want "+r.Want)))
	}
	_, err = fmt.Fprintf(s.Out, "%d cases of %d controls, %d failed\n", len(results), len(controls), len(failed))
	return cmp.Or(err, cli.ExitWith(codes))
}

// controlNames are the shipped controls, for completion.
func controlNames() []string {
	controls, _, err := scan.LoadControls(nil)
	if err != nil {
		return nil
	}
	var out []string
	for _, c := range controls {
		out = append(out, c.ID+"\t"+c.Title)
	}
	return out
}
