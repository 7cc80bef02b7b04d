package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/sigma/lint"
)

func rulesLintCommand(s cli.Streams) *cobra.Command {
	var f ruleFlags
	var errorsOnly bool
	c := &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Find rules that cannot match, or that do not load",
		Long: `Lint judges the shipped detections, or those below the given paths, without running
them: conditions that no record or every record satisfies, event names and fields
that CloudTrail does not have, an ARN compared with a bare name, selections that do
nothing. Findings are errors (the rule or its cases cannot be used), warnings (it is
used, but hardly does what it says) and notes.

Exit code 2 for a warning or an error in a rule, 5 when all that is wrong is that
something could not be loaded; with --errors-only warnings do not count.`,
		Example: `  rootkeep rules lint
  rootkeep rules lint ./my-rules
  rootkeep rules lint --errors-only ./sigma/rules/cloud/aws`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, paths []string) error { return f.lint(s, paths, errorsOnly) },
	}
	f.add(c)
	c.Flags().BoolVar(&errorsOnly, "errors-only", false, "show and count only what keeps a rule from being used")
	return c
}

func (f *ruleFlags) lint(s cli.Streams, paths []string, errorsOnly bool) error {
	pack, err := f.load(paths)
	if err != nil {
		return err
	}
	report, err := app.LintRules(pack)
	if err != nil {
		return err
	}
	if errorsOnly {
		report.OnlyErrors()
	}
	codes := lintCodes(report)
	if f.output == "json" {
		err = f.json(s, struct {
			Schema string `json:"schema"`
			*app.LintReport
			ExitCodes []int `json:"exit_codes"`
		}{"rootkeep/rules-lint/1", report, codes})
	} else {
		err = printLint(s, report, errorsOnly)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

func lintCodes(r *app.LintReport) []int {
	codes := []int{}
	unloaded := r.Unloaded()
	if r.Count(lint.Error)+r.Count(lint.Warning) > unloaded {
		codes = append(codes, cli.ExitFindings)
	}
	if unloaded > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	return codes
}

func printLint(s cli.Streams, r *app.LintReport, errorsOnly bool) error {
	for _, f := range r.Findings {
		fmt.Fprintln(s.Out, cli.Visible(f.String()))
	}
	if errorsOnly {
		_, err := fmt.Fprintf(s.Out, "%d rules: %d errors\n", r.Rules, r.Count(lint.Error))
		return err
	}
	if n := len(r.NotYet); n > 0 {
		fmt.Fprintf(s.Out, "%d runbooks that the rules open are not yet available\n", n)
	}
	_, err := fmt.Fprintf(s.Out, "%d rules: %d errors, %d warnings, %d notes\n", r.Rules, r.Count(lint.Error), r.Count(lint.Warning), r.Count(lint.Info))
	return err
}
