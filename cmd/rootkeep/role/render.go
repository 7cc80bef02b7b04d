package role

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/awsrole"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

const aboutRender = `Render writes the role that changes of a class are applied with, as CloudFormation (for
one account, or a StackSet for all of an organization), as Terraform, or as JSON with
the members that IAM's API has. Its policy is made from the permissions of the kinds of
change of the class, on the types of resources that they are for: nothing else is
allowed. Roles are passed, and service-linked roles made, for the services of these
kinds only. rootkeep's own roles, and unless the class is logging its trails, are denied
whatever another policy says.

Only the broker may enter, the user or role with whose credentials rootkeep applies
changes, and has to name a source identity that starts with CH-, the ID of the change,
so that CloudTrail tells which change a call belongs to. Without --broker the template
asks for it. The class plan is the role that changes are planned with and read back: it
has no action that changes something. The role of the class root is for the management
account or the delegated administrator: it takes root sessions of members, each for one
task.

The class watch is no class of change: it is the role that live sources are read with,
the queues and buckets of a file of sources and no others. Its sessions have the source
identity SC-WATCH.`

func renderCommand(s cli.Streams) *cobra.Command {
	var f flags
	var format string
	var r writerole.Role
	var sources string
	c := &cobra.Command{
		Use:   "render",
		Short: "Write the role of a class of change",
		Long:  aboutRender,
		Example: `  rootkeep role render --class identity --broker arn:aws:iam::111122223333:role/rootkeep > identity.yaml
  rootkeep role render --class plan > plan.yaml
  rootkeep role render --class logging --format terraform > logging.tf
  rootkeep role render --class root --format json --broker arn:aws:iam::111122223333:role/rootkeep --external-id acme-7
  rootkeep role render --class watch --sources sources.yaml > watch.yaml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			switch {
			case r.Class == "":
				return cli.Usage("--class: want %s", strings.Join(rendered(), ", "))
			case r.Class == watching:
				return renderWatch(s, r, sources, f.template, format)
			case sources != "":
				return cli.Usage("--sources belongs to --class %s", watching)
			case !slices.Contains(classes(), r.Class):
				return cli.Usage("--class %s: want %s", r.Class, strings.Join(rendered(), ", "))
			case r.Class != writerole.Plan && !f.classed():
				return cli.Usage("--name %s: each class has a role of its own; hint: {class} stands for the class, as in %s", f.template, writerole.Template)
			case !slices.Contains(writerole.Formats(), format):
				return cli.Usage("--format %s: want %s", format, strings.Join(writerole.Formats(), ", "))
			}
			catalogue, codes, err := f.load(s)
			if err != nil {
				return err
			}
			r.Template = f.template
			if r.Class == writerole.Plan {
				r.Actions, r.Tasks = catalogue.Reading()
			} else if r.Actions, _ = catalogue.Permissions(r.Class); len(r.Actions) == 0 {
				return cli.Usage("--class %s: no kind of change needs a role of it; hint: rootkeep role list", r.Class)
			}
			var text bytes.Buffer // all or nothing is written
			if err := r.Write(&text, format); err != nil {
				return cli.Usage("%w", err)
			}
			_, err = s.Out.Write(text.Bytes())
			return cmp.Or(err, cli.ExitWith(codes))
		},
	}
	f.register(c)
	c.Flags().StringVar(&r.Class, "class", "", "class of change, plan for the role that only reads, or watch for that of live sources: "+strings.Join(rendered(), ", "))
	c.Flags().StringVar(&sources, "sources", "", "file of live sources, for the class watch")
	c.Flags().StringVar(&format, "format", "cloudformation", strings.Join(writerole.Formats(), ", "))
	c.Flags().StringVar(&r.Broker, "broker", "", "ARN of the user or role that may enter; JSON needs it")
	c.Flags().StringVar(&r.ExternalID, "external-id", "", "external ID that the broker has to give")
	c.Flags().StringVar(&r.Partition, "partition", "aws", strings.Join(awsrole.Partitions(), ", "))
	cli.CompleteValues(c, "class", rendered())
	cli.CompleteValues(c, "format", writerole.Formats())
	cli.CompleteValues(c, "partition", awsrole.Partitions())
	return c
}
