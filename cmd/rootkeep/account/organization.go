package account

import (
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/scan"
)

// organizationFlags are the flags of rootkeep scan --aws --organization.
type organizationFlags struct {
	on             bool
	config         scan.OrganizationConfig
	accounts, skip cli.Accounts
	set            *pflag.FlagSet // to see what was given
}

// only are the flags that mean nothing for one account.
var only = []string{"accounts", "skip", "role", "external-id", "broker-role", "resume-within", "parallel"}

func (f *organizationFlags) add(c *cobra.Command) {
	f.set = c.Flags()
	f.set.BoolVar(&f.on, "organization", false, "read every account of the organization, with --aws")
	f.set.Var(&f.accounts, "accounts", "of an organization, read only these accounts, with commas between them")
	f.set.Var(&f.skip, "skip", "of an organization, leave these accounts out")
	f.set.StringVar(&f.config.Entry.Role, "role", scan.UsualRole, "of an organization, name of the role in each account, with its path")
	f.set.StringVar(&f.config.Entry.ExternalID, "external-id", "", "of an organization, external ID that the roles ask for")
	f.set.StringVar(&f.config.Entry.Broker, "broker-role", "", "of an organization, ARN of a role to enter before all others")
	f.set.DurationVar(&f.config.ResumeWithin, "resume-within", 24*time.Hour, "of an organization, how old a scan in the folder of --save may be to go on with it")
	f.set.IntVar(&f.config.Entry.Calls, "parallel", 64, "of an organization, calls to AWS at once, 1 to 1000")
	for _, name := range []string{"accounts", "skip", "role", "external-id", "broker-role"} {
		cli.CompleteValues(c, name, nil) // no file is what they want
	}
	cli.CompleteValues(c, "parallel", []string{"1", "16", "64", "256"})
	cli.CompleteValues(c, "resume-within", []string{"24h", "72h"})
}

// roleForm is a role's name with its path (IAM API Reference, CreateRole).
var roleForm = regexp.MustCompile(`^([\x21-\x7e]{1,510}/)?[\w+=,.@-]{1,64}$`)

// brokerForm is the ARN of a role.
var brokerForm = regexp.MustCompile(`^arn:[a-z-]+:iam::[0-9]{12}:role/([\x21-\x7e]{1,510}/)?[\w+=,.@-]{1,64}$`)

// check refuses what does not go together or is no role, before AWS is asked.
func (f *organizationFlags) check() error {
	for _, name := range only {
		if !f.on && f.set.Changed(name) {
			return cli.Usage("--%s goes with --aws --organization", name)
		}
	}
	e := f.config.Entry
	switch {
	case !f.on:
		return nil
	case !roleForm.MatchString(e.Role), strings.HasPrefix(e.Role, "arn:"):
		return cli.Usage("--role %s: want the name of a role, with its path if it has one; hint: --role audit/reader", e.Role)
	case e.Broker != "" && !brokerForm.MatchString(e.Broker):
		return cli.Usage("--broker-role %s: want arn:aws:iam::ACCOUNT:role/NAME", e.Broker)
	case e.Calls < 1 || e.Calls > 1000:
		return cli.Usage("--parallel %d: want 1 to 1000", e.Calls)
	case f.config.ResumeWithin <= 0:
		return cli.Usage("--resume-within %s: want a time such as 24h", f.config.ResumeWithin)
	}
	f.config.Accounts, f.config.Skip = f.accounts, f.skip
	return nil
}

// show draws the progress on a terminal, until what it gives is called.
func (f *organizationFlags) show(w io.Writer, width int) func() {
	draw, clear := cli.AccountsLine(w, width)
	f.config.Entry.Progress = func(p scan.Progress) { draw(p.Done, p.Accounts, p.Calls, p.Part) }
	return clear
}
