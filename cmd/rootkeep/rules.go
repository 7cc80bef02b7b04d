package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/attack"
	"github.com/rootkeep/rootkeep/internal/detect/cases"
)

func rulesCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "rules",
		Short: "List, test, check and write detections",
	}
	c.AddCommand(rulesListCommand(s), rulesTestCommand(s), rulesLintCommand(s), rulesNewCommand(s), rulesExplainCommand(s))
	return c
}

// ruleFlags are shared by the rules commands: paths replace the shipped pack.
type ruleFlags struct {
	placeholders string
	output       string
}

func (f *ruleFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.placeholders, "placeholders", "", "YAML file with the values of %name% placeholders")
	c.Flags().StringVar(&f.output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteFiles(c, "placeholders", "yaml", "yml")
}

func (f *ruleFlags) load(paths []string) (*detect.Pack, error) {
	if f.output != "text" && f.output != "json" {
		return nil, cli.Usage("--output %s: want text or json", f.output)
	}
	return app.LoadRules(app.RuleConfig{Dirs: paths, OnlyDirs: len(paths) > 0, Placeholders: f.placeholders})
}

func (f *ruleFlags) json(s cli.Streams, v any) error {
	return cli.WriteJSON(s.Out, v)
}

func rulesListCommand(s cli.Streams) *cobra.Command {
	var f ruleFlags
	c := &cobra.Command{
		Use:     "list [PATH...]",
		Short:   "List the shipped detections, or those below the given paths",
		Example: "  rootkeep rules list\n  rootkeep rules list --output json ./my-rules",
		Args:    cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, paths []string) error {
			pack, err := f.load(paths)
			if err != nil {
				return err
			}
			list := pack.Catalogue()
			if f.output == "json" {
				return f.json(s, list)
			}
			w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "LEVEL\tNAME\tATT&CK\tTITLE")
			for _, d := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Level, cli.Visible(d.Name), cli.Visible(attack.Line(d.Techniques)), cli.Visible(d.Title))
			}
			fmt.Fprintf(w, "%d detections\n", len(list))
			return w.Flush()
		},
	}
	f.add(c)
	return c
}

func rulesTestCommand(s cli.Streams) *cobra.Command {
	var f ruleFlags
	var verbose bool
	c := &cobra.Command{
		Use:   "test [PATH...]",
		Short: "Run the cases inside detection files",
		Long: `Test runs the cases of the shipped detections, or of those below the given paths.
A detection without a firing and a quiet case fails. Exit code 2 when a case fails,
5 when a file could not be loaded.`,
		Example: "  rootkeep rules test\n  rootkeep rules test ./my-rules",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(c *cobra.Command, paths []string) error { return f.test(c.Context(), s, paths, verbose) },
	}
	f.add(c)
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "show passing cases as well")
	return c
}

func (f *ruleFlags) test(ctx context.Context, s cli.Streams, paths []string, verbose bool) error {
	pack, err := f.load(paths)
	if err != nil {
		return err
	}
	results, err := app.TestRules(ctx, pack, paths)
	if err != nil {
		return err
	}
	failed, unloaded := 0, 0
	for _, r := range results {
		if !r.OK {
			failed++
		}
	}
	for _, p := range pack.Problems {
		if !p.Warning {
			unloaded++
		}
	}
	var codes []int
	if failed > 0 {
		codes = append(codes, cli.ExitFindings)
	}
	if unloaded > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	if f.output == "json" {
		err = f.json(s, map[string]any{"schema": "rootkeep/rules-test/1", "cases": results, "problems": pack.Problems, "exit_codes": codes})
	} else {
		printCases(s, pack, results, verbose)
		_, err = fmt.Fprintf(s.Out, "%d cases of %d detections, %d failed; %d problems in files\n", len(results), len(pack.Catalogue()), failed, unloaded)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

func printCases(s cli.Streams, pack *detect.Pack, results []cases.Result, verbose bool) {
	for _, p := range pack.Problems {
		if !p.Warning || verbose {
			fmt.Fprintln(s.Out, cli.Visible(p.String()))
		}
	}
	for _, r := range results {
		switch {
		case r.Err != "":
			fmt.Fprintf(s.Out, "FAIL %s: %s: %s\n", cli.Visible(r.Detection), cli.Visible(r.Case), cli.Visible(r.Err))
		case !r.OK:
			fmt.Fprintf(s.Out, "FAIL %s: %s: got %s, want %s\n", cli.Visible(r.Detection), cli.Visible(r.Case), r.Got, cli.Visible(r.Want))
		case verbose:
			fmt.Fprintf(s.Out, "ok   %s: %s\n", cli.Visible(r.Detection), cli.Visible(r.Case))
		}
	}
}

func rulesNewCommand(s cli.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "new FILE",
		Short: "Write a detection to start from",
		Long: `New writes a detection that loads, with one firing and one quiet case, for you to
change. It never overwrites a file.`,
		Example: "  rootkeep rules new my-rules/bucket-emptied.yaml && rootkeep rules test my-rules",
		Args:    cobra.ExactArgs(1),

		ValidArgsFunction: cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: func(_ *cobra.Command, args []string) error {
			path := args[0]
			if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
				return cli.Usage("%s: a detection file ends in .yaml", path)
			}
			text, err := app.NewRule(path)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				return fmt.Errorf("write detection: %w", err)
			}
			if _, err = file.Write(text); err != nil {
				file.Close()
				return err
			}
			if err := file.Close(); err != nil {
				return err
			}
			_, err = fmt.Fprintf(s.Out, "wrote %s; next: rootkeep rules test %s\n", path, path)
			return err
		},
	}
}
