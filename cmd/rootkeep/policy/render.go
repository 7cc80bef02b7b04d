package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/app"
)

// renderFlags are the flags of rootkeep iam template render.
type renderFlags struct {
	*templateFlags
	set     []string
	values  string
	as      string
	example bool
}

func templateRenderCommand(s cli.Streams, shared *templateFlags) *cobra.Command {
	f := renderFlags{templateFlags: shared}
	c := &cobra.Command{
		Use:   "render ID",
		Short: "Fill in a template and print the policy",
		Long: `Render prints a policy as JSON and nothing else. Parameters come from --set and from
a YAML or JSON file of names and values; --set wins. A list takes --set once for each
value. A value that is not allowed is refused by name, never cut or escaped.

--as renders a service control policy for the management account, which no such policy
limits: as a permissions boundary, or as an identity policy.`,
		Example: `  rootkeep iam template render mfa-enforcement > mfa.json
  rootkeep iam template render scp-region-deny --set regions=eu-west-3 --set regions=eu-central-1
  rootkeep iam template render scp-protect-cloudtrail --as boundary
  rootkeep iam template render trust-external-id --values vendor.yaml --output json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeIDs,
		RunE:              func(_ *cobra.Command, args []string) error { return f.run(s, args[0]) },
	}
	fl := c.Flags()
	f.addOutput(c)
	fl.StringArrayVar(&f.set, "set", nil, "parameter as name=value (repeatable; again for a further value of a list)")
	fl.StringVar(&f.values, "values", "", "YAML or JSON file of parameter names and values")
	fl.StringVar(&f.as, "as", "", "form of a service control policy for the management account: boundary or identity")
	fl.BoolVar(&f.example, "example", false, "use the template's example for every required parameter that is not given")
	cli.CompleteFiles(c, "values", "yaml", "yml", "json")
	cli.CompleteValues(c, "as", []string{"boundary", "identity"})
	return c
}

func (f *renderFlags) run(s cli.Streams, id string) error {
	t, codes, err := f.find(s, id)
	if err != nil {
		return err
	}
	as := lint.Type(f.as)
	if as == "" {
		as = t.Type
	}
	values, err := f.parameters(t)
	if err != nil {
		return err
	}
	text, err := t.RenderAs(as, values)
	if err != nil {
		return renderProblem(t, err)
	}
	if f.output == "json" {
		err = f.json(s, struct {
			Schema     string                     `json:"schema"`
			Template   string                     `json:"template"`
			Type       lint.Type                  `json:"type"`
			Parameters map[string]template.Values `json:"parameters"`
			Policy     json.RawMessage            `json:"policy"`
			ExitCodes  []int                      `json:"exit_codes"`
		}{"rootkeep/iam-template-render/1", t.ID, as, values, text, codes})
	} else {
		_, err = fmt.Fprintf(s.Out, "%s\n", text)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

// parameters are the values of the command line and of the file.
func (f *renderFlags) parameters(t *template.Template) (map[string]template.Values, error) {
	out := map[string]template.Values{}
	if f.example {
		out = t.Samples()
	}
	if f.values != "" {
		read, err := app.ReadTemplateValues(f.values)
		if err != nil {
			return nil, cli.Usage("--values: %w", err)
		}
		maps.Copy(out, read)
	}
	set, err := cli.Assigned[template.Values](f.set)
	if err != nil {
		return nil, err
	}
	maps.Copy(out, set)
	return out, nil
}

// renderProblem says on one line what is wrong with the values.
func renderProblem(t *template.Template, err error) error {
	var parts []string
	errs := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = joined.Unwrap()
	}
	missing := ""
	for _, e := range errs {
		parts = append(parts, e.Error())
		var value *template.ValueError
		if errors.As(e, &value) && value.Missing {
			missing += " --set " + value.Parameter + "=..."
		}
	}
	hint := "rootkeep iam template show " + t.ID
	if missing != "" {
		hint = "give" + missing + ", or --example to see the template filled in"
	}
	slices.Sort(parts)
	return cli.Usage("%s; hint: %s", strings.Join(parts, "; "), hint)
}
