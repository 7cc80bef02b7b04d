// Package change is rootkeep change: what can be changed, and changes on their way from
// plan to undo.
package change

import (
	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/approve"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/change"
)

// Command is rootkeep change.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "change",
		Short: "Change an account: plan, approve, apply, verify, undo",
		Long: `rootkeep changes an account in one way. A change is planned from the state of the
account, approved by people with security keys, applied while the state is still the
one of the plan, read back, and undone where AWS allows it. What can be changed is a
list of kinds, each a file; docs/changes.md says how to write one.

Test needs no server, nor do list, show and propose, which ask one if it is named. The others
speak to one, with a pass of yours, which the console makes under "Your keys and sessions":
a machine's token can only read.`,
	}
	c.AddCommand(listCommand(s), showCommand(s), testCommand(s), proposeCommand(s), planCommand(s), statusCommand(s), requestCommand(s), approve.Command(s),
		applyCommand(s), undoCommand(s), replanCommand(s), withdrawCommand(s), giveUpCommand(s), batchCommand(s))
	return c
}

// catalogueFlags are those of the commands about kinds.
type catalogueFlags struct {
	output string
	dirs   []string
}

func (f *catalogueFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.output, "output", "text", "text or json")
	c.Flags().StringArrayVar(&f.dirs, "changes", nil, "folder with further kinds of change (repeatable)")
	cli.CompleteValues(c, "output", []string{"text", "json"})
}

// load reads the kinds, and gives the exit codes that apply: 5 if files were left out,
// which it names.
func (f *catalogueFlags) load(s cli.Streams, cases bool) (*kinds.Catalogue, []int, error) {
	if err := cli.OutputIs(f.output); err != nil {
		return nil, nil, err
	}
	c, err := kinds.Load(f.dirs, cases)
	if err != nil {
		return nil, nil, &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	return c, cli.Unread(s, c.Problems), nil
}

func find(c *kinds.Catalogue, id string) (*change.Kind, error) {
	if k := c.Find(id); k != nil {
		return k, nil
	}
	return nil, cli.Usage("kind of change %q does not exist; hint: rootkeep change list", id)
}

// kindNames are the shipped kinds, for completion.
func kindNames() []string {
	c, err := kinds.Load(nil, false)
	if err != nil {
		return nil
	}
	var out []string
	for _, k := range c.Kinds {
		out = append(out, k.ID+"\t"+k.Title)
	}
	return out
}
