package rootuser

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/guardrails"
	"github.com/rootkeep/rootkeep/internal/guardrail"
)

// railFlags are shared by the commands of guardrails.
type railFlags struct {
	content string
	output  string
}

func guardrailsCommand(s cli.Streams) *cobra.Command {
	var f railFlags
	c := &cobra.Command{
		Use:   "guardrails",
		Short: "Policies that keep root from being used without a request",
		Long: `Guardrails lists the policies that keep root users from being used otherwise than under
a request, fills them in for an organization, and says of scanned accounts which of them
hold. No service control policy binds the management account: each guardrail says what is
different there. --content DIR adds the files DIR/guardrails/*.yaml, with the templates of
DIR/policies. Nothing is asked of AWS and nothing is attached.`,
		Example: "  rootkeep root guardrails list\n  rootkeep root guardrails check ./scan",
	}
	c.PersistentFlags().StringVar(&f.content, "content", "", "folder with your own guardrails in guardrails/*.yaml")
	_ = c.MarkPersistentFlagDirname("content") // fails only for a flag that is not defined
	c.AddCommand(railListCommand(s, &f), railRenderCommand(s, &f), railCheckCommand(s, &f))
	return c
}

func (f *railFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
}

// load reads the guardrails. Files that cannot be used are named on standard error and
// end a command that did its work with 5.
func (f *railFlags) load(s cli.Streams) (*guardrails.Catalogue, []int, error) {
	if err := cli.OutputIs(f.output); err != nil {
		return nil, nil, err
	}
	c, err := guardrails.Load(f.content)
	if err != nil {
		return nil, nil, cli.Usage("%w", err)
	}
	return c, cli.Unread(s, c.Problems), nil
}

// rail is a guardrail in a list.
type rail struct {
	ID         string          `json:"id"`
	Title      string          `json:"title"`
	Why        string          `json:"why"`
	Template   string          `json:"template"`
	Type       string          `json:"type"`
	Where      guardrail.Place `json:"where"`
	Management string          `json:"management"`
	Control    string          `json:"control"`
}

func railListCommand(s cli.Streams, f *railFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the guardrails",
		Long: `List names each guardrail, where it is attached (members: every member; caller: the
account that sts:AssumeRoot is called from; broker: the role that calls it), the control
that shows whether it holds, and what is different in the management account.`,
		Example: "  rootkeep root guardrails list\n  rootkeep root guardrails list --output json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, codes, err := f.load(s)
			if err != nil {
				return err
			}
			rails := []rail{}
			for _, g := range all.Guardrails {
				rails = append(rails, rail{g.ID, g.Title, g.Why, g.Template, string(g.Policy().Type), g.Where, g.Management, g.Control})
			}
			return cmp.Or(f.writeList(s, rails, codes), cli.ExitWith(codes))
		},
	}
	f.register(c)
	return c
}

func (f *railFlags) writeList(s cli.Streams, rails []rail, codes []int) error {
	if f.output == "json" {
		return cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/root-guardrails/1", "guardrails": rails, "exit_codes": codes})
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GUARDRAIL\tTYPE\tWHERE\tCONTROL\tTITLE")
	for _, r := range rails {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", cli.Visible(r.ID), r.Type, r.Where, r.Control, cli.Visible(r.Title))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("\nIn the management account:\n")
	for _, r := range rails {
		fmt.Fprintf(&b, "  %s: %s\n", r.ID, r.Management)
	}
	return cli.PrintVisible(s.Out, b.String())
}

// completeIDs offers the IDs of guardrails with their titles.
func (f *railFlags) completeIDs(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, err := guardrails.Load(f.content)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, g := range all.Guardrails {
		if strings.HasPrefix(g.ID, start) {
			out = append(out, g.ID+"\t"+cli.Visible(g.Title))
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
