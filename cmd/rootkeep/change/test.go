package change

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/change"
)

func testCommand(s cli.Streams) *cobra.Command {
	var f catalogueFlags
	c := &cobra.Command{
		Use:   "test [KIND...]",
		Short: "Run the cases of kinds of change on a simulated organization",
		Long: `Test plans, applies, verifies and undoes what the cases of all kinds say, or of those
named, each on a simulated organization of its own; nothing reaches AWS. While a plan is
made, every call that would change something is refused. Exit code 2 when a case fails,
5 when a file could not be loaded.`,
		Example: "  rootkeep change test\n  rootkeep change test --changes ./mine my-change",
		Args:    cobra.ArbitraryArgs,

		ValidArgsFunction: cli.Names(kindNames),
		RunE:              func(c *cobra.Command, args []string) error { return f.test(c, s, args) },
	}
	f.register(c)
	return c
}

func (f *catalogueFlags) test(c *cobra.Command, s cli.Streams, ids []string) error {
	catalogue, codes, err := f.load(s, true)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := find(catalogue, id); err != nil {
			return err
		}
	}
	chosen := slices.DeleteFunc(catalogue.Kinds, func(k *change.Kind) bool { return len(ids) > 0 && !slices.Contains(ids, k.ID) })
	results, failed := []kinds.Tried{}, 0
	for _, k := range chosen {
		for _, r := range kinds.Try(c.Context(), k) {
			results = append(results, r)
			if r.Err == "" {
				continue
			}
			failed++
			if f.output == "text" {
				fmt.Fprintf(s.Out, "FAIL %s: %s: %s\n", r.Kind, cli.Visible(r.Case), cli.Visible(r.Err))
			}
		}
	}
	if failed > 0 {
		codes = append([]int{cli.ExitFindings}, codes...)
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/change-test/1", "cases": results, "exit_codes": codes})
	} else {
		_, err = fmt.Fprintf(s.Out, "%d cases of %d kinds of change, %d failed\n", len(results), len(chosen), failed)
	}
	return cmp.Or(err, cli.ExitWith(codes))
}
