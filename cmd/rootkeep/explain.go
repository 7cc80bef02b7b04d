package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app"
)

func rulesExplainCommand(s cli.Streams) *cobra.Command {
	var f ruleFlags
	var dirs []string
	c := &cobra.Command{
		Use:   "explain RULE PATH...",
		Short: "Say why a rule matches events or does not",
		Long: `Explain reads the events below the given paths (- for standard input) and tells, for
each, which selections of the rule matched and which did not. RULE is a name, an ID
or a title.`,
		Example: `  rootkeep rules explain root-signin-without-mfa event.json`,
		Args:    cobra.MinimumNArgs(2),

		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault // files
			}
			return f.ruleNames(dirs), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			return f.explain(c.Context(), s, dirs, args[0], args[1:])
		},
	}
	f.add(c)
	c.Flags().StringArrayVar(&dirs, "rules", nil, "folder or file with further Sigma rules (repeatable)")
	return c
}

// ruleNames offers the names of the single-event rules, which is what explain can
// explain. Without a readable pack it offers nothing.
func (f *ruleFlags) ruleNames(dirs []string) []string {
	pack, err := app.LoadRules(app.RuleConfig{Dirs: dirs, Placeholders: f.placeholders})
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range pack.Set.Rules() {
		if r.Name != "" {
			names = append(names, r.Name)
		}
	}
	return names
}

func (f *ruleFlags) explain(ctx context.Context, s cli.Streams, dirs []string, rule string, paths []string) error {
	if f.output != "text" && f.output != "json" {
		return cli.Usage("--output %s: want text or json", f.output)
	}
	config := app.ExplainConfig{Rule: rule, Paths: paths, Stdin: s.In, Rules: app.RuleConfig{Dirs: dirs, Placeholders: f.placeholders}}
	problems, err := app.Explain(ctx, config, func(e app.Explained) error {
		if f.output == "json" {
			return f.json(s, e)
		}
		fmt.Fprintf(s.Out, "%s:%d %s\n", cli.Visible(e.File), e.Offset, cli.Visible(e.EventID))
		for line := range strings.Lines(e.Explanation.String()) {
			fmt.Fprintln(s.Out, cli.Visible(strings.TrimSuffix(line, "\n")))
		}
		_, err := fmt.Fprintln(s.Out)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintf(s.Err, "%s:%d: %s: %s\n", cli.Visible(p.File), p.Offset, p.Kind, cli.Visible(p.Detail))
	}
	if len(problems) > 0 {
		return &cli.Error{Code: cli.ExitUnread}
	}
	return nil
}
