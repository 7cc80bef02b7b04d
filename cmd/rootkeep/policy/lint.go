// Package policy is rootkeep iam lint and rootkeep iam template: policies as texts.
package policy

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/app/policyfile"
)

type iamLintFlags struct {
	kind, output, failOn string
	codes                bool
}

// LintCommand is rootkeep iam lint.
func LintCommand(s cli.Streams) *cobra.Command {
	var f iamLintFlags
	c := &cobra.Command{
		Use:   "lint [PATH...|-]",
		Short: "Find what is wrong with policies",
		Long: `Lint judges policies without running them. A path is a file, a folder, or - for
standard input; a file holds one policy, a CloudFormation template (JSON or YAML), a
Terraform plan (terraform show -json), or AWS CLI output with policies.

Codes without the prefix RK_ are those of AWS Access Analyzer; --codes lists all of
them with what they mean. The type of a policy is told from its place or its text;
--type names it where neither says, as with boundaries and service control policies.

Exit code 2 with --fail-on when a finding is at or above that severity, 5 when a file
could not be judged.`,
		Example: `  rootkeep iam lint policy.json
  rootkeep iam lint --type scp --fail-on warning ./guardrails
  terraform show -json plan.out | rootkeep iam lint -
  rootkeep iam lint --output sarif ./templates > iam.sarif
  rootkeep iam lint --codes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, paths []string) error { return f.run(s, paths) },
	}
	fl := c.Flags()
	fl.StringVar(&f.kind, "type", "", "type of the policies: "+strings.Join(policyTypes(), ", "))
	fl.StringVar(&f.output, "output", "text", "text, json or sarif")
	fl.StringVar(&f.failOn, "fail-on", "", "exit 2 when a finding is at or above this severity: "+strings.Join(lintSeverities(), ", "))
	fl.BoolVar(&f.codes, "codes", false, "list every code, its severity, and whether it is reported")
	cli.CompleteValues(c, "type", policyTypes())
	cli.CompleteValues(c, "output", []string{"text", "json", "sarif"})
	cli.CompleteValues(c, "fail-on", lintSeverities())
	return c
}

func policyTypes() []string {
	var out []string
	for _, t := range lint.Types() {
		out = append(out, string(t))
	}
	return out
}

func lintSeverities() []string {
	return []string{lint.Suggestion.String(), lint.Warning.String(), lint.SecurityWarning.String(), lint.Error.String()}
}

func (f *iamLintFlags) run(s cli.Streams, paths []string) error {
	failOn, err := f.check(paths)
	if err != nil {
		return err
	}
	if f.codes {
		return f.printCodes(s)
	}
	l := policyfile.LintFiles(policyfile.LintConfig{Paths: paths, Stdin: s.In, Type: lint.Type(f.kind), Now: time.Now()})
	codes := []int{}
	if f.failOn != "" && l.Count(failOn) > 0 {
		codes = append(codes, cli.ExitFindings)
	}
	if len(l.Problems) > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	switch f.output {
	case "json":
		err = writeLintJSON(s, l, codes)
	case "sarif":
		for _, p := range l.Problems {
			fmt.Fprintln(s.Err, cli.Visible(p.String()))
		}
		err = l.WriteSARIF(s.Out, cli.Version())
	default:
		err = printPolicyLint(s, l)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

func (f *iamLintFlags) check(paths []string) (lint.Severity, error) {
	failOn, ok := lint.ParseSeverity(f.failOn)
	known := f.kind == ""
	for _, t := range policyTypes() {
		known = known || f.kind == t
	}
	switch {
	case f.output != "text" && f.output != "json" && f.output != "sarif":
		return 0, cli.Usage("--output %s: want text, json or sarif", f.output)
	case f.failOn != "" && !ok:
		return 0, cli.Usage("--fail-on %s: want %s", f.failOn, strings.Join(lintSeverities(), ", "))
	case !known:
		return 0, cli.Usage("--type %s: want %s", f.kind, strings.Join(policyTypes(), ", "))
	case f.codes && (len(paths) > 0 || f.output == "sarif"):
		return 0, cli.Usage("--codes takes no path, and text or json as output")
	case !f.codes && len(paths) == 0:
		return 0, cli.Usage("want a file, a folder, or - for standard input; hint: rootkeep iam lint --help")
	}
	return failOn, nil
}

func writeLintJSON(s cli.Streams, l *policyfile.Lint, codes []int) error {
	return cli.WriteJSON(s.Out, struct {
		Schema string `json:"schema"`
		Table  string `json:"action_table"` // day of the table of actions
		*policyfile.Lint
		ExitCodes []int `json:"exit_codes"`
	}{"rootkeep/iam-lint/1", metadata.Date().Format(time.DateOnly), l, codes})
}

func printPolicyLint(s cli.Streams, l *policyfile.Lint) error {
	for _, p := range l.Problems {
		fmt.Fprintln(s.Err, cli.Visible(p.String()))
	}
	counts := map[lint.Severity]int{}
	for _, f := range l.Findings {
		counts[f.Severity]++
		at, name := f.Locations[0], f.Policy
		if at.Path != "" {
			name = strings.TrimPrefix(name+"."+at.Path, ".")
		}
		fmt.Fprintf(s.Out, "%s:%d:%d: %s %s: %s", cli.Visible(f.File), at.Line, at.Column, f.Severity, f.Code, cli.Visible(f.Message))
		if name != "" {
			fmt.Fprintf(s.Out, " (%s)", cli.Visible(name))
		}
		fmt.Fprintf(s.Out, "\n    fix: %s\n", cli.Visible(f.Fix))
	}
	_, err := fmt.Fprintf(s.Out, "%d policies in %d files: %d errors, %d security warnings, %d warnings, %d suggestions; actions as of %s\n",
		l.Policies, l.Files, counts[lint.Error], counts[lint.SecurityWarning], counts[lint.Warning], counts[lint.Suggestion], metadata.Date().Format(time.DateOnly))
	return err
}

func (f *iamLintFlags) printCodes(s cli.Streams) error {
	if f.output == "json" {
		return cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/iam-lint-codes/1", "codes": lint.Codes()})
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CODE\tSEVERITY\tREPORTED\tMEANING")
	reported := 0
	for _, c := range lint.Codes() {
		severity, yes := c.Severity.String(), "yes"
		if !c.Reported {
			severity, yes = "-", "no"
		} else {
			reported++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Name, severity, yes, c.Explanation)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Out, "%d codes, %d reported\n", len(lint.Codes()), reported)
	return err
}
