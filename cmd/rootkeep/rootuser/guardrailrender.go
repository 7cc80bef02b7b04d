package rootuser

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/guardrail"
)

// railRenderFlags are the flags of rootkeep root guardrails render.
type railRenderFlags struct {
	*railFlags
	set    []string
	values string
	as     string
}

func railRenderCommand(s cli.Streams, shared *railFlags) *cobra.Command {
	f := railRenderFlags{railFlags: shared}
	c := &cobra.Command{
		Use:   "render ID",
		Short: "Fill in a guardrail for an organization, prove it, and print the policy",
		Long: `Render prints a policy as JSON and nothing else. Before, the evaluator of iam eval holds
the policy with these values to what the guardrail promises: one that does not keep it is
not printed. Parameters come from --set and from a YAML or JSON file of names and values;
--set wins. A list takes --set once for each value.

--as boundary renders a service control policy as the permissions boundary that stands
for it in the management account.`,
		Example: `  rootkeep root guardrails render member-root > member-root.json
  rootkeep root guardrails render assume-root --set brokers=arn:aws:iam::222233334444:role/RootkeepWriteRoot
  rootkeep root guardrails render assume-root --values organization.yaml --as boundary`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeIDs,
		RunE:              func(_ *cobra.Command, args []string) error { return f.run(s, args[0]) },
	}
	f.register(c)
	fl := c.Flags()
	fl.StringArrayVar(&f.set, "set", nil, "parameter as name=value (repeatable; again for a further value of a list)")
	fl.StringVar(&f.values, "values", "", "YAML or JSON file of parameter names and values")
	fl.StringVar(&f.as, "as", "", "form of a service control policy for the management account: boundary")
	cli.CompleteFiles(c, "values", "yaml", "yml", "json")
	cli.CompleteValues(c, "as", []string{"boundary"})
	return c
}

func (f *railRenderFlags) run(s cli.Streams, id string) error {
	if f.as != "" && f.as != string(lint.Boundary) {
		return cli.Usage("--as %s: want boundary", f.as)
	}
	all, codes, err := f.load(s)
	if err != nil {
		return err
	}
	g := all.Find(id)
	if g == nil {
		return cli.Usage("there is no guardrail %q; hint: rootkeep root guardrails list", id)
	}
	values, err := f.parameters()
	if err != nil {
		return err
	}
	as := cmp.Or(lint.Type(f.as), g.Policy().Type)
	text, err := g.Render(as, values)
	if err != nil {
		return f.refused(g, err)
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, struct {
			Schema     string                     `json:"schema"`
			Guardrail  string                     `json:"guardrail"`
			Template   string                     `json:"template"`
			Type       lint.Type                  `json:"type"`
			Parameters map[string]template.Values `json:"parameters"`
			Policy     json.RawMessage            `json:"policy"`
			ExitCodes  []int                      `json:"exit_codes"`
		}{"rootkeep/root-guardrail-render/1", g.ID, g.Template, as, values, text, codes})
	} else {
		_, err = fmt.Fprintf(s.Out, "%s\n", text)
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

// parameters are the values of the command line and of the file.
func (f *railRenderFlags) parameters() (map[string]template.Values, error) {
	out := map[string]template.Values{}
	if f.values != "" {
		read, err := app.ReadTemplateValues(f.values)
		if err != nil {
			return nil, cli.Usage("--values: %w", err)
		}
		out = read
	}
	set, err := cli.Assigned[template.Values](f.set)
	if err != nil {
		return nil, err
	}
	maps.Copy(out, set)
	return out, nil
}

// refused says on one line why nothing is printed. A promise that is broken is no mistake
// of the command line, but a finding.
func (f *railRenderFlags) refused(g *guardrail.Guardrail, err error) error {
	var broken *guardrail.BrokenError
	if errors.As(err, &broken) {
		return &cli.Error{Code: cli.ExitFindings, Err: err}
	}
	return cli.Usage("%s; hint: rootkeep iam template show %s", strings.ReplaceAll(err.Error(), "\n", "; "), g.Template)
}
