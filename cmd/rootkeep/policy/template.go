package policy

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/app/policyfile"
)

// templateFlags are shared by the template commands.
type templateFlags struct {
	content string
	output  string
}

// TemplateCommand is rootkeep iam template.
func TemplateCommand(s cli.Streams) *cobra.Command {
	var f templateFlags
	c := &cobra.Command{
		Use:   "template",
		Short: "Policies to start from, each with a tested table of what it allows and denies",
		Long: `Template lists, shows, fills in and tests the policies that come with rootkeep, and
your own: --content DIR adds the files DIR/policies/*.yaml. Nothing is asked of AWS and
nothing is attached: render prints a policy.`,
		Example: `  rootkeep iam template list --type scp
  rootkeep iam template show mfa-enforcement
  rootkeep iam template render scp-region-deny --set regions=eu-west-3 --set regions=eu-central-1 > scp.json`,
	}
	c.PersistentFlags().StringVar(&f.content, "content", "", "folder with your own templates in policies/*.yaml")
	_ = c.MarkPersistentFlagDirname("content") // fails only for a flag that is not defined
	c.AddCommand(templateListCommand(s, &f), templateShowCommand(s, &f), templateRenderCommand(s, &f), templateTestCommand(s, &f))
	return c
}

func (f *templateFlags) addOutput(c *cobra.Command) {
	c.Flags().StringVar(&f.output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
}

// load reads the templates. Files that cannot be used are named on standard error and
// end a command that did its work with 5.
func (f *templateFlags) load(s cli.Streams) (template.Templates, []int, error) {
	if f.output != "text" && f.output != "json" {
		return nil, nil, cli.Usage("--output %s: want text or json", f.output)
	}
	ts, err := policyfile.LoadTemplates(f.content)
	return ts, f.unread(s, err), nil
}

func (f *templateFlags) unread(s cli.Streams, err error) []int {
	if err == nil {
		return []int{}
	}
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(s.Err, "rootkeep: %s\n", cli.Visible(strings.TrimSuffix(line, "\n")))
	}
	return []int{cli.ExitUnread}
}

// find is the template of an id.
func (f *templateFlags) find(s cli.Streams, id string) (*template.Template, []int, error) {
	ts, codes, err := f.load(s)
	if err != nil {
		return nil, nil, err
	}
	t, ok := ts.Find(id)
	if !ok {
		return nil, nil, cli.Usage("there is no template %q; hint: rootkeep iam template list", id)
	}
	return t, codes, nil
}

// completeIDs offers the ids of templates, which are plain words, with their titles.
func (f *templateFlags) completeIDs(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ts, _ := policyfile.LoadTemplates(f.content)
	var out []string
	for _, t := range ts {
		if strings.HasPrefix(t.ID, start) {
			out = append(out, t.ID+"\t"+cli.Visible(t.Title))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func (f *templateFlags) json(s cli.Streams, v any) error {
	return cli.WriteJSON(s.Out, v)
}

// templateLine is a template in a list.
type templateLine struct {
	ID     string    `json:"id"`
	Number int       `json:"number,omitempty"`
	Type   lint.Type `json:"type"`
	Title  string    `json:"title"`
	Cases  int       `json:"cases"`
}

func templateListCommand(s cli.Streams, f *templateFlags) *cobra.Command {
	var kind string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the templates",
		Example: "  rootkeep iam template list\n  rootkeep iam template list --type trust --output json",
		RunE: func(*cobra.Command, []string) error {
			if kind != "" && !slices.Contains(policyTypes(), kind) {
				return cli.Usage("--type %s: want one of %s", kind, strings.Join(policyTypes(), ", "))
			}
			ts, codes, err := f.load(s)
			if err != nil {
				return err
			}
			lines := []templateLine{}
			for _, t := range ts {
				if kind == "" || string(t.Type) == kind {
					lines = append(lines, templateLine{t.ID, t.Number, t.Type, t.Title, len(t.Cases)})
				}
			}
			if err := f.printList(s, lines, codes); err != nil {
				return err
			}
			return cli.ExitWith(codes)
		},
	}
	f.addOutput(c)
	c.Flags().StringVar(&kind, "type", "", "only this type: "+strings.Join(policyTypes(), ", "))
	cli.CompleteValues(c, "type", policyTypes())
	return c
}

func (f *templateFlags) printList(s cli.Streams, lines []templateLine, codes []int) error {
	if f.output == "json" {
		return f.json(s, map[string]any{"schema": "rootkeep/iam-templates/1", "templates": lines, "exit_codes": codes})
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTYPE\tTITLE")
	for _, l := range lines {
		fmt.Fprintf(w, "%s\t%s\t%s\n", cli.Visible(l.ID), l.Type, cli.Visible(l.Title))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Out, "%d templates\n", len(lines))
	return err
}
