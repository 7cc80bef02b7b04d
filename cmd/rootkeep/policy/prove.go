package policy

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/app/policyfile"
)

func templateTestCommand(s cli.Streams, f *templateFlags) *cobra.Command {
	var verbose bool
	c := &cobra.Command{
		Use:   "test [DIR]",
		Short: "Prove the templates' tables",
		Long: `Test runs the table of every template, or of those in DIR/policies alone: each case
is decided by the evaluator. A template also fails when a statement or a condition could
be lost without any case failing, when the linter finds what the file does not accept,
and when the file accepts what the linter does not find. Service control policies are run
as a permissions boundary as well.

Exit code 2 when a template fails, 5 when a file cannot be used.`,
		Example: "  rootkeep iam template test\n  rootkeep iam template test ./my-content",
		Args:    cobra.MaximumNArgs(1),

		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		RunE:              func(_ *cobra.Command, args []string) error { return f.test(s, args, verbose) },
	}
	f.addOutput(c)
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "show passing cases as well")
	return c
}

// templateReport is what testing found.
type templateReport struct {
	Schema    string            `json:"schema"`
	Templates int               `json:"templates"`
	Cases     []template.Result `json:"cases"`
	Faults    []templateFault   `json:"faults"`
	ExitCodes []int             `json:"exit_codes"`
}

// templateFault is what is wrong with a template beside its cases.
type templateFault struct {
	Template string `json:"template"`
	Message  string `json:"message"`
}

func (f *templateFlags) test(s cli.Streams, dirs []string, verbose bool) error {
	if f.output != "text" && f.output != "json" {
		return cli.Usage("--output %s: want text or json", f.output)
	}
	var ts template.Templates
	var err error
	if len(dirs) > 0 {
		ts, err = policyfile.LoadOwnTemplates(dirs[0])
	} else {
		ts, err = policyfile.LoadTemplates(f.content)
	}
	unread := f.unread(s, err)
	r := proveTemplates(ts, time.Now())
	if r.failed() {
		r.ExitCodes = append(r.ExitCodes, cli.ExitFindings)
	}
	r.ExitCodes = append(r.ExitCodes, unread...)
	if f.output == "json" {
		err = f.json(s, r)
	} else {
		err = r.print(s, verbose)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(r.ExitCodes)
}

// proveTemplates runs the tables and what the tables cannot show.
func proveTemplates(ts template.Templates, now time.Time) *templateReport {
	r := &templateReport{Schema: "rootkeep/iam-template-test/1", Templates: len(ts), Cases: []template.Result{}, Faults: []templateFault{}, ExitCodes: []int{}}
	for _, t := range ts {
		r.Cases = append(r.Cases, t.RunCases()...)
		fault := func(format string, args ...any) {
			r.Faults = append(r.Faults, templateFault{t.ID, fmt.Sprintf(format, args...)})
		}
		for _, c := range t.RunTwin() {
			if !c.OK {
				fault("as a boundary: %s: %s: got %s, want %s %s", c.Case, c.Action, c.Got, c.Want, c.Err)
			}
		}
		for _, part := range t.Unproved() {
			fault("no case fails without %s", part)
		}
		findings, unraised := t.Lint(now)
		for _, found := range findings {
			fault("the linter finds %s: %s", found.Code, found.Message)
		}
		for _, a := range unraised {
			fault("accepts %s, which the linter does not find", a.Code)
		}
	}
	return r
}

func (r *templateReport) failures() int {
	n := 0
	for _, c := range r.Cases {
		if !c.OK {
			n++
		}
	}
	return n
}

func (r *templateReport) failed() bool { return len(r.Faults) > 0 || r.failures() > 0 }

func (r *templateReport) print(s cli.Streams, verbose bool) error {
	for _, c := range r.Cases {
		switch {
		case c.Err != "":
			fmt.Fprintf(s.Out, "FAIL %s: %s: %s: %s\n", cli.Visible(c.Template), cli.Visible(c.Case), cli.Visible(c.Action), cli.Visible(c.Err))
		case !c.OK:
			fmt.Fprintf(s.Out, "FAIL %s: %s: %s: got %s, want %s\n", cli.Visible(c.Template), cli.Visible(c.Case), cli.Visible(c.Action), c.Got, cli.Visible(c.Want))
		case verbose:
			fmt.Fprintf(s.Out, "ok   %s: %s: %s\n", cli.Visible(c.Template), cli.Visible(c.Case), cli.Visible(c.Action))
		}
	}
	for _, f := range r.Faults {
		fmt.Fprintf(s.Out, "FAIL %s: %s\n", cli.Visible(f.Template), cli.Visible(f.Message))
	}
	_, err := fmt.Fprintf(s.Out, "%d requests of %d templates, %d failed; %d other faults\n", len(r.Cases), r.Templates, r.failures(), len(r.Faults))
	return err
}
