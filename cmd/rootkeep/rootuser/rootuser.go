// Package rootuser is rootkeep root: what people use root users for, and what keeps them
// from being used otherwise.
package rootuser

import (
	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/rootuser/rootless"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/rootuser/rootrequest"
)

// Command is rootkeep root.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "root",
		Short: "Uses of root users: what needs one, and who may",
		Long: `A use of root is approved, explained and evidenced, or it is an incident. tasks says
what needs root at all, and what to do without it; guardrails are the policies that keep
it from being used otherwise. reconcile gives each event of a root user in CloudTrail's
logs a verdict, and why says what it rests on. rootless takes the members of an
organization their root credentials; its plan works on files.

The other commands speak to a server: request asks for root, and list, show and watch say
where requests stand and what root users do; open, answer, close and confirm go through a
session; override goes without approvals, and review says what that was. claim says
whether root was used without an explanation.`,
		Example: "  rootkeep root tasks list\n  rootkeep root tasks show change-root-email --holder member\n  rootkeep root reconcile --requests requests.yaml ./AWSLogs",
	}
	c.AddCommand(
		guardrailsCommand(s),
		tasksCommand(s),
		reconcileCommand(s), whyCommand(s),
		rootless.Command(s),
	)
	c.AddCommand(rootrequest.Commands(s)...)
	return c
}
