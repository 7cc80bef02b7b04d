package policy

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/template"
)

func templateShowCommand(s cli.Streams, f *templateFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show what a template is for, what it does not do, its parameters and its table",
		Long: `Show prints where a policy is attached and where not, what it does not do, the
parameters with their bounds, the linter's codes that it raises on purpose, the policy
with its placeholders, and the table that the evaluator proves.`,
		Example:           "  rootkeep iam template show mfa-enforcement\n  rootkeep iam template show scp-deny-root --output json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeIDs,
		RunE: func(_ *cobra.Command, args []string) error {
			t, codes, err := f.find(s, args[0])
			if err != nil {
				return err
			}
			if f.output == "json" {
				err = f.json(s, shownOf(t, codes))
			} else {
				err = printTemplate(s.Out, t)
			}
			if err != nil {
				return err
			}
			return cli.ExitWith(codes)
		},
	}
	f.addOutput(c)
	return c
}

// shownTemplate is the JSON form of a template.
type shownTemplate struct {
	Schema     string              `json:"schema"`
	ID         string              `json:"id"`
	Number     int                 `json:"number,omitempty"`
	Type       lint.Type           `json:"type"`
	Title      string              `json:"title"`
	Why        string              `json:"why"`
	AttachTo   string              `json:"attach_to"`
	NotTo      string              `json:"not_to"`
	DoesNot    []string            `json:"does_not"`
	Parameters []shownParameter    `json:"parameters"`
	Accepts    []template.Accepted `json:"accepts"`
	Untested   []template.Untested `json:"untested"`
	Source     template.Origin     `json:"source"`
	Policy     string              `json:"policy"`
	Cases      []shownCase         `json:"cases"`
	ExitCodes  []int               `json:"exit_codes"`
}

type shownParameter struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Required    bool            `json:"required"`
	Allowed     string          `json:"allowed"`
	Default     template.Values `json:"default,omitempty"`
	Example     template.Values `json:"example,omitempty"`
}

type shownCase struct {
	Name      string                     `json:"name"`
	Principal string                     `json:"principal"`
	Action    []string                   `json:"action"`
	Resource  string                     `json:"resource"`
	Context   map[string]template.Values `json:"context,omitempty"`
	Want      string                     `json:"want"`
}

func shownOf(t *template.Template, codes []int) shownTemplate {
	out := shownTemplate{
		Schema: "rootkeep/iam-template/1", ID: t.ID, Number: t.Number, Type: t.Type, Title: t.Title, Why: t.Why,
		AttachTo: t.Attach.To, NotTo: t.Attach.NotTo, DoesNot: t.Limits(), Parameters: []shownParameter{},
		Accepts: append([]template.Accepted{}, t.Accepts...), Untested: append([]template.Untested{}, t.Untested...),
		Source: t.Source, Policy: t.Policy, Cases: []shownCase{}, ExitCodes: codes,
	}
	for i := range t.Parameters {
		p := &t.Parameters[i]
		out.Parameters = append(out.Parameters, shownParameter{p.Name, p.Description, p.Required(), p.Allowed(), p.Default, p.Example})
	}
	for i := range t.Cases {
		c := &t.Cases[i]
		out.Cases = append(out.Cases, shownCase{c.Name, c.Caller(t), c.Action, c.Resource, c.Context, c.Want})
	}
	return out
}

func printTemplate(out io.Writer, t *template.Template) error {
	var b strings.Builder
	number := ""
	if t.Number > 0 {
		number = fmt.Sprintf(", number %d", t.Number)
	}
	fmt.Fprintf(&b, "%s (%s%s)\n%s\n\n%s\n\nAttach to:  %s\nNot to:     %s\n\nWhat it does not do:\n", t.ID, t.Type, number, t.Title,
		strings.TrimSpace(t.Why), strings.TrimSpace(t.Attach.To), strings.TrimSpace(t.Attach.NotTo))
	for _, limit := range t.Limits() {
		fmt.Fprintf(&b, "  - %s\n", strings.TrimSpace(limit))
	}
	b.WriteString("\nParameters:\n")
	if len(t.Parameters) == 0 {
		b.WriteString("  none\n")
	}
	for i := range t.Parameters {
		p := &t.Parameters[i]
		value := "default " + strings.Join(p.Default, ", ")
		if p.Required() {
			value = "required, such as " + strings.Join(p.Example, ", ")
		}
		fmt.Fprintf(&b, "  %s: %s\n      %s; %s\n", p.Name, strings.TrimSpace(p.Description), p.Allowed(), value)
	}
	if len(t.Accepts) > 0 {
		b.WriteString("\nFindings of rootkeep iam lint that it raises on purpose:\n")
		for _, a := range t.Accepts {
			fmt.Fprintf(&b, "  %s: %s\n", a.Code, a.Reason)
		}
	}
	fmt.Fprintf(&b, "\nPolicy:\n%s\n\nTable, run by rootkeep iam template test:\n", strings.TrimSpace(t.Policy))
	for i := range t.Cases {
		c := &t.Cases[i]
		fmt.Fprintf(&b, "  %-17s  %s: %s on %s by %s\n", c.Want, c.Name, strings.Join(c.Action, ", "), c.Resource, c.Caller(t))
	}
	for _, u := range t.Untested {
		fmt.Fprintf(&b, "  not tested: %s %s: %s\n", u.Statement, u.Condition, u.Reason)
	}
	fmt.Fprintf(&b, "\nSource: %s (%s)\n", t.Source.Title, t.Source.Date)
	return cli.PrintVisible(out, b.String())
}
