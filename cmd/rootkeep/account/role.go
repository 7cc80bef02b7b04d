package account

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/scanrole"
)

func roleCommand(s cli.Streams) *cobra.Command {
	var format string
	var role scanrole.Role
	c := &cobra.Command{
		Use:   "role",
		Short: "Write the read-only role that scans use",
		Long: `Role writes the role that scan --aws reads an account with, as CloudFormation (for one
account, or a StackSet for all of an organization), as Terraform, or the policy alone.
The policy is made from the list of calls that a scan makes: nothing else is allowed.

Whoever takes the role has to name a source identity that starts with SC-, as scans do,
so that CloudTrail tells which scan a call belongs to. --broker writes the role that a
scan of an organization begins with, in the management account or the delegated
administrator and only there: it also finds the accounts, enters the role of the same
name in each, and takes root sessions of members with the audit task policy, which read
what no role of a member can.`,
		Example: `  rootkeep scan role > role.yaml
  rootkeep scan role --format terraform > role.tf
  rootkeep scan role --broker > broker.yaml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !slices.Contains(scanrole.Formats(), format) {
				return cli.Usage("--format %s: want cloudformation, policy or terraform", format)
			}
			for _, o := range awsread.Operations() {
				role.Actions = append(role.Actions, o.Action)
			}
			if role.Broker {
				for _, o := range awsread.OrganizationOperations() {
					role.Actions = append(role.Actions, o.Action)
				}
			}
			if err := role.Write(s.Out, format); err != nil {
				return cli.Usage("%w", err)
			}
			return nil
		},
	}
	fl := c.Flags()
	fl.StringVar(&format, "format", "cloudformation", "cloudformation, policy or terraform")
	fl.StringVar(&role.Name, "name", scanrole.Name, "name of the role")
	fl.BoolVar(&role.Broker, "broker", false, "allow what a scan of an organization begins with")
	fl.StringVar(&role.Partition, "partition", "aws", "aws, aws-cn or aws-us-gov")
	cli.CompleteValues(c, "partition", scanrole.Partitions())
	cli.CompleteValues(c, "format", scanrole.Formats())
	return c
}
