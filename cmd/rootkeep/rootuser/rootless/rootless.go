// Package rootless is rootkeep root rootless: the root users of all members of an
// organization lose their credentials, from the order to the proof.
package rootless

import (
	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// Command is rootkeep root rootless.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "rootless",
		Short: "Take the root users of all members their credentials, and prove that they have none",
		Long: `A member of an organization needs no root credentials. plan says who comes first and why,
and what cannot be restored; request asks for root over all members at once; apply has
the server take the credentials, one account after the other, from where it is; status
says of each account where it is; proof reads them all again.

plan works on a folder of snapshots alone. The others speak to a server.`,
		Example: "  rootkeep root rootless plan --snapshot ./scan\n  rootkeep root rootless status RR-1KB2Z7Q0MX7F3A",
	}
	c.AddCommand(planCommand(s), requestCommand(s), applyCommand(s), statusCommand(s), proofCommand(s))
	return c
}

// flags are those of every command that speaks to a server.
type flags struct{ cli.ServerFlags }
