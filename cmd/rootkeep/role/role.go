// Package role is rootkeep role: the roles that changes are applied with.
package role

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

// Command is rootkeep role.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "role",
		Short: "Write the roles that changes are applied with",
		Long: `Each class of change has a role of its own in each account, which rootkeep enters only
while an approved change of the class is applied. The role that scans read with is
written by rootkeep scan role.`,
	}
	c.AddCommand(listCommand(s), renderCommand(s))
	return c
}

// flags are those of both commands.
type flags struct {
	dirs     []string
	template string
}

func (f *flags) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.dirs, "changes", nil, "folder with further kinds of change (repeatable)")
	c.Flags().StringVar(&f.template, "name", "", "names of the roles, in which {class} stands for the class; otherwise "+writerole.Template+" and "+writerole.PlanName)
}

// classed says whether the names differ from class to class.
func (f *flags) classed() bool { return f.template == "" || strings.Contains(f.template, "{class}") }

// load reads the kinds, and gives the exit codes that apply: 5 if files were left out,
// which it names.
func (f *flags) load(s cli.Streams) (*kinds.Catalogue, []int, error) {
	c, err := kinds.Load(f.dirs, false)
	if err != nil {
		return nil, nil, &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	return c, cli.Unread(s, c.Problems), nil
}

// classes are those that have a role: the one that plans, and those of changes.
func classes() []string { return append([]string{writerole.Plan}, change.Classes()...) }

// rendered are the classes and what else is written.
func rendered() []string { return append(classes(), watching) }
