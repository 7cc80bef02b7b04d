package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/account"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/alert"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/approve"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/change"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/deployment"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/exception"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/incident"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/job"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/ledger"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/notify"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/people"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/permission"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/role"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/rootuser"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/server"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/source"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	root := rootCommand(cli.Streams{In: in, Out: out, Err: errs})
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	return cli.Exit(root.ExecuteContext(ctx), errs)
}

func rootCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "rootkeep",
		Short: "Keep the AWS root user",
		Long: `rootkeep keeps the AWS root user. It works on files: a folder of CloudTrail logs and
a laptop are enough. scan --aws speaks to AWS, and only reads; findings go to AWS only
with --push-securityhub (scan, alert export), checkpoints of the ledger only to a bucket that the file
of anchors names. A server changes an account only by a change that people approved.

Exit codes: 0 ok; 1 rootkeep failed; 2 alerts at or above --fail-on; 3 unexplained
root use; 4 no proven coverage where absence is claimed; 5 some input could not be
read; 64 usage.`,
		Example: `  rootkeep hunt ./logs
  rootkeep trail verify --keys public-keys.json ./bucket
  rootkeep rules list`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       cli.Version(),
		Args:          cobra.NoArgs,
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return cli.Usage("%w; hint: %s --help", err, c.CommandPath())
	})
	c.AddCommand(
		huntCommand(s), trailCommand(s), rulesCommand(s),
		permission.Command(s),
		account.ScanCommand(s), account.AssessCommand(s), account.RegisterCommand(s), account.ControlsCommand(s), account.FrameworksCommand(s), account.SimCommand(s),
		server.ServeCommand(s), server.DemoCommand(s), server.BackupCommand(s), server.RestoreCommand(s), server.MigrateCommand(s), server.RecoverCommand(s), server.ConfigCommand(s), server.FlowCommand(s),
		deployment.CostCommand(s), deployment.DeployCommand(s),
		people.Command(s), people.TokenCommand(s), job.Command(s), notify.Command(s),
		change.Command(s), role.Command(s), rootuser.Command(s), incident.Command(s), alert.Command(s), source.Command(s),
		exception.Command(s), approve.Command(s),
		ledger.Command(s), ledger.EvidenceCommand(s), ledger.VerifyCommand(s),
		versionCommand(s),
	)
	cli.Strict(c)
	return c
}

func versionCommand(s cli.Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.Out, "rootkeep %s\nIAM actions and condition keys as of %s\n", cli.Version(), metadata.Date().Format(time.DateOnly))
			return err
		},
	}
}
