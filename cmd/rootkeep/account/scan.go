// Package account is rootkeep scan, assess and sim: judging accounts, and having some to
// judge.
package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

type scanFlags struct {
	output, file string
	failOn       cli.Level
	most         int
	config       app.ScanConfig
	fromAWS      bool
	aws          app.AWSConfig
}

// ScanCommand is rootkeep scan.
func ScanCommand(s cli.Streams) *cobra.Command {
	var f scanFlags
	c := &cobra.Command{
		Use:   "scan FILE...|--snapshot FILE|--aws",
		Short: "Judge an account by controls",
		Long: `Scan judges an account by what people already have of it, offline. A file is one of
  the credential report (the CSV, or aws iam get-credential-report),
  aws iam get-account-authorization-details,
  aws iam get-account-summary,
  aws iam get-account-password-policy,
  aws iam list-virtual-mfa-devices,
  aws cloudtrail describe-trails,
  aws logs describe-metric-filters, aws cloudwatch describe-alarms (one file a Region),
  aws sns list-subscriptions;
its kind is told from its content, - is standard input. --save keeps all facts in a
snapshot file, which --snapshot judges again, by newer controls too.

--aws reads the account of your own credentials instead, as the AWS CLI finds them:
IAM once, then every Region that is enabled. It only reads; what is denied makes
findings unknown and is named, and all else is still judged. docs/scan.md lists the
permissions.

An alarm is proven, not looked up by name: events are run through the metric filter,
and what one of them publishes must take the alarm to a confirmed subscriber.

A fact that no file tells makes a finding unknown, never passed, and the report names
the call that tells it. Files do not say when AWS answered: their own time is taken.

Exit code 2 with --fail-on when a failure is at or above that severity, 5 when a file
or an answer of AWS could not be read.`,
		Example: `  rootkeep scan --aws --profile audit --save account.json
  rootkeep scan --aws --region eu-west-1 --output json
  aws iam generate-credential-report && aws iam get-credential-report > report.json
  aws iam get-account-summary > summary.json
  aws iam get-account-authorization-details > details.json
  rootkeep scan report.json summary.json details.json
  rootkeep scan --save account.json report.json summary.json
  rootkeep scan --snapshot account.json --fail-on high --output junit
  rootkeep scan --snapshot account.json --framework cis-aws-7.0 --only`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, paths []string) error { return f.run(c.Context(), s, paths) },
	}
	c.AddCommand(roleCommand(s))
	fl := c.Flags()
	fl.StringVar(&f.output, "output", "text", "text, json, csv or junit")
	fl.StringVarP(&f.file, "file", "o", "", "write the report to this file instead of standard output")
	fl.StringVar(&f.config.Snapshot, "snapshot", "", "snapshot file to judge")
	fl.BoolVar(&f.fromAWS, "aws", false, "read AWS with your own credentials")
	fl.StringVar(&f.aws.Profile, "profile", "", "profile of the AWS configuration, with --aws")
	fl.StringVar(&f.aws.Region, "region", "", "Region to begin in, with --aws; AWS names the others")
	fl.StringVar(&f.config.Save, "save", "", "write the facts to this new snapshot file")
	fl.StringArrayVar(&f.config.Controls, "controls", nil, "folder with further controls (repeatable)")
	frameworkFlags(c, &f.config)
	fl.Var(&f.failOn, "fail-on", "exit 2 when a failure is at or above this severity")
	fl.IntVar(&f.most, "max-resources", 0, "resources named for each control in text, 0: 5, -1: all")
	cli.CompleteValues(c, "output", scanFormats)
	cli.CompleteValues(c, "fail-on", cli.Levels())
	return c
}

var scanFormats = []string{"text", "json", "csv", "junit"}

// check refuses what does not go together.
func (f *scanFlags) check(paths []string) error {
	switch {
	case !slices.Contains(scanFormats, f.output):
		return cli.Usage("--output %s: want text, json, csv or junit", f.output)
	case f.fromAWS && (f.config.Snapshot != "" || len(paths) > 0):
		return cli.Usage("--aws reads all facts itself: give no files and no --snapshot")
	case !f.fromAWS && (f.aws.Profile != "" || f.aws.Region != ""):
		return cli.Usage("--profile and --region go with --aws")
	case !f.fromAWS && f.config.Snapshot == "" && len(paths) == 0:
		return cli.Usage("want files of facts or --snapshot FILE or --aws; hint: rootkeep scan --help")
	case f.config.Only && len(f.config.Frameworks) == 0:
		return cli.Usage("--only goes with --framework ID; hint: rootkeep frameworks list")
	case f.config.Snapshot != "" && len(paths) > 0:
		return cli.Usage("--snapshot has all facts: give either it or files")
	}
	return nil
}

func (f *scanFlags) run(ctx context.Context, s cli.Streams, paths []string) error {
	if err := f.check(paths); err != nil {
		return err
	}
	c := f.config
	c.Paths, c.Stdin, c.Version, c.Now = paths, s.In, cli.Version(), time.Now()
	clear := func() {}
	if f.fromAWS {
		c.AWS = &f.aws
		if width, ok := cli.TerminalWidth(s.Err); ok {
			c.AWS.Progress, clear = cli.CallsLine(s.Err, width)
		}
	}
	out, err := cli.OpenOutput(f.file, s.Out)
	if err != nil {
		return err
	}
	defer out.Discard()
	a, err := app.Scan(ctx, c)
	clear()
	if errors.Is(err, app.ErrNoFramework) {
		return cli.Usage("%w", err)
	}
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	a.ExitCodes = f.codes(a)
	switch f.output {
	case "json":
		err = cli.WriteJSON(out, a)
	case "csv":
		err = a.CSV(out)
	case "junit":
		err = a.JUnit(out)
	default:
		err = a.Text(out, f.most)
	}
	if err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if f.output == "csv" || f.output == "junit" {
		for _, p := range a.Problems {
			fmt.Fprintf(s.Err, "rootkeep: %s: %s\n", cli.Visible(p.File), cli.Visible(p.Reason))
		}
	}
	return cli.ExitWith(a.ExitCodes)
}

func (f *scanFlags) codes(a *assessment.Assessment) []int {
	codes := []int{}
	if f.failOn.Given && a.Fails(f.failOn.Severity) > 0 {
		codes = append(codes, cli.ExitFindings)
	}
	if len(a.Problems) > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	return codes
}
