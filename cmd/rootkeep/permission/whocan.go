package permission

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/iam/matrix/answer"
)

type whoCanFlags struct {
	accountFlags
	output string
	failOn string
	except []string
}

func iamWhoCanCommand(s cli.Streams) *cobra.Command {
	var f whoCanFlags
	c := &cobra.Command{
		Use:   "who-can ACTION [RESOURCE]",
		Short: "List who can do an action, offline",
		Long: `Who-can asks every principal of an account, and everybody whom the resource's policy
names, whether it may do an action. It lists who is allowed, by which layer and
statement, and who is allowed only under a condition, with the condition; the others
are counted. What is not known never counts as allowed. Nothing is asked of AWS.

ACTION is a name or a pattern such as s3:Delete*, of which every action is answered.
RESOURCE is an ARN, a pattern of ARNs, or * for actions that have no resource. Without
it the answer is about any resource of the account: the patterns of the policies on
which the action is allowed, with what is taken out of them.

A role's trust policy is taken from the account's details. The policy of a bucket,
key, queue or other resource is given with --resource-policy; without one the
resource is taken to have none, except a KMS key and a resource of another account:
what their policy says is then a condition of every answer.

As a guard in CI, --fail-on possible gives exit code 2 if anybody but the account's
root user and those of --except may do the action, be it under a condition; --fail-on
allowed passes over conditions. Exit code 5 when part of the account could not be
read.`,
		Example: `  rootkeep iam who-can s3:GetObject arn:aws:s3:::logs/2026/a.gz --account details.json --resource-policy arn:aws:s3:::logs=bucket.json
  rootkeep iam who-can 'iam:Attach*' --account details.json --scp root.json --scp ou.json
  rootkeep iam who-can sts:AssumeRole arn:aws:iam::111122223333:role/admin --account details.json --fail-on possible --except role/breakglass`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error { return f.run(s, append(args, "")) },
	}
	f.add(c)
	f.addOwner(c)
	fl := c.Flags()
	fl.StringVar(&f.output, "output", "text", "text or json")
	fl.StringVar(&f.failOn, "fail-on", "", "exit with 2 if anybody is allowed, or may be: allowed or possible")
	fl.StringArrayVar(&f.except, "except", nil, "principal that --fail-on passes over: an ARN, user/NAME or role/NAME, with * for any text (repeatable)")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteValues(c, "fail-on", []string{"allowed", "possible"})
	return c
}

func (f *whoCanFlags) run(s cli.Streams, args []string) error {
	switch {
	case f.output != "text" && f.output != "json":
		return cli.Usage("--output %s: want text or json", f.output)
	case f.failOn != "" && f.failOn != "allowed" && f.failOn != "possible":
		return cli.Usage("--fail-on %s: want allowed or possible", f.failOn)
	case len(f.except) > 0 && f.failOn == "":
		return cli.Usage("--except is about --fail-on: give both")
	}
	m, in, unread, err := f.matrix(s, args[1])
	if err != nil {
		return err
	}
	d, err := answer.AskWhoCan(m, in, args[:1], args[1])
	if err != nil {
		return cli.Usage("%w", err)
	}
	if f.failOn != "" && d.Found(f.failOn == "possible", f.except) {
		d.ExitCodes = append(d.ExitCodes, cli.ExitFindings)
	}
	if unread {
		d.ExitCodes = append(d.ExitCodes, cli.ExitUnread)
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, d)
	} else {
		_, err = io.WriteString(s.Out, d.Text(cli.Visible))
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(d.ExitCodes)
}

func (f *accountFlags) addOwner(c *cobra.Command) {
	c.Flags().StringVar(&f.owner, "resource-account", "", "account that owns the resource, if its ARN does not say (default: the account)")
}

// matrix reads the account and what surrounds it, for a question about a resource.
func (f *accountFlags) matrix(s cli.Streams, resource string) (m *matrix.Matrix, in matrix.Input, unread bool, err error) {
	if f.owner != "" && resource == "" {
		return nil, in, false, cli.Usage("--resource-account is about one resource: give both")
	}
	if f.owner != "" {
		if in.Owner, err = rootkeep.ParseAccountID(f.owner); err != nil {
			return nil, in, false, cli.Usage("--resource-account: %w", err)
		}
	}
	around, unread, err := f.read(s, time.Now())
	if err != nil {
		return nil, in, false, err
	}
	in.Account, in.Guardrails, in.Resources, in.Context = around.account, around.guardrails, around.resources, around.context
	if m, err = matrix.New(in); err != nil {
		return nil, in, false, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("%s: %w", f.details, err)}
	}
	return m, in, unread, nil
}
