// Package account is rootkeep scan, assess and sim: judging accounts, and having some to
// judge.
package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

type scanFlags struct {
	outputs      outputFlags
	failOn       cli.Level
	config       scan.Config
	fromAWS      bool
	aws          scan.AWSConfig
	push         bool
	send         sendFlags
	organization organizationFlags
	at           cli.Moment
}

const scanLong = `Scan judges an account by what people already have of it, offline. A file is one of
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

--aws --organization reads every account of the organization, from the management
account or a delegated administrator, by a role in each: --role says which, and
--broker-role a role to enter before. Root users of members are seen through root
sessions for auditing, where centralized root access is on. --save is then a folder
with a snapshot of each account; a scan that was interrupted goes on where it was when
the same command runs again, and --snapshot judges the folder. An account that cannot
be entered is named and stops no other; a suspended one is named and left out.

An alarm is proven, not looked up by name: events are run through the metric filter,
and what one of them publishes must take the alarm to a confirmed subscriber.

A fact that no file tells makes a finding unknown, never passed, and the report names
the call that tells it. Files do not say when AWS answered: their own time is taken.

--register FILE adds what AWS does not tell and people do: decisions, attestations, and
failures that an owner accepts until a day (docs/register.md). --since FILE says what has
changed since an earlier scan: its JSON report, its snapshot or a folder of snapshots.
--earlier DIR says which root sessions were those of earlier scans: the folder of a
--save, or one that holds several.

--push-securityhub imports the findings into AWS Security Hub, all into the Region of
--region; what passes or is gone is archived there. It is the only thing that scan
writes to AWS, and needs securityhub:BatchImportFindings alone.

--send sends each account to a rootkeep server, with a token that may operate there. The
server judges the snapshots by its own controls and register, keeps what they came to,
and says where that is otherwise than here; rootkeep scan import does it on its host.

The report is text, json, csv, html (one page, nothing loaded from elsewhere), junit,
sarif, ocsf or asff; --also writes further ones of the same scan.

Exit code 2 with --fail-on when a failure is at or above that severity, which nobody
accepts; 5 when a file, an answer of AWS or an account could not be read; 1 when a finding could not
be imported.`

const scanExample = `  rootkeep scan --aws --profile audit --save account.json
  rootkeep scan --aws --region eu-west-1 --output json
  rootkeep scan --aws --organization --save scan-of-today
  rootkeep scan --aws --organization --accounts 111122223333,444455556666 --role audit/reader --external-id 7f3a
  rootkeep scan --aws --organization --broker-role arn:aws:iam::111122223333:role/broker
  rootkeep scan --snapshot scan-of-today --fail-on critical
  aws iam generate-credential-report && aws iam get-credential-report > report.json
  aws iam get-account-summary > summary.json
  aws iam get-account-authorization-details > details.json
  rootkeep scan report.json summary.json details.json
  rootkeep scan --save account.json report.json summary.json
  rootkeep scan --snapshot account.json --fail-on high --output junit
  rootkeep scan --snapshot account.json --register register.yaml --since last-week.json
  rootkeep scan --snapshot account.json --also html=report.html --also sarif=report.sarif
  rootkeep scan --snapshot account.json --framework cis-aws-7.0 --only
  rootkeep scan --aws --organization --send --server https://rootkeep.example.com`

// ScanCommand is rootkeep scan.
func ScanCommand(s cli.Streams) *cobra.Command {
	f := scanFlags{at: cli.Moment{Now: time.Now}}
	c := &cobra.Command{
		Use:     "scan FILE...|--snapshot FILE|--aws",
		Short:   "Judge an account or an organization by controls",
		Long:    scanLong,
		Example: scanExample,
		Args:    cobra.ArbitraryArgs,
		RunE:    func(c *cobra.Command, paths []string) error { return f.run(c.Context(), s, paths) },
	}
	c.AddCommand(roleCommand(s), importCommand(s))
	fl := c.Flags()
	f.outputs.add(c)
	fl.StringVar(&f.config.Snapshot, "snapshot", "", "snapshot file to judge, or the folder of an organization's scan")
	fl.BoolVar(&f.fromAWS, "aws", false, "read AWS with your own credentials")
	fl.StringVar(&f.aws.Profile, "profile", "", "profile of the AWS configuration, with --aws")
	fl.StringVar(&f.aws.Region, "region", "", "Region to begin in, with --aws; AWS names the others; Region of the findings in asff")
	fl.StringVar(&f.config.Save, "save", "", "write the facts to this new snapshot file; of an organization, to this folder")
	fl.StringArrayVar(&f.config.Controls, "controls", nil, "folder with further controls (repeatable)")
	fl.Var(&f.at, "at", "judge as of this time instead of now: a day, a time, or a span back (7d)")
	fl.BoolVar(&f.push, "push-securityhub", false, "import the findings into AWS Security Hub, with --aws or in the Region of --region")
	fl.StringVar(&f.config.Register, "register", "", "file of decisions, attestations and exceptions")
	fl.StringVar(&f.config.Since, "since", "", "say what has changed since this report (JSON), snapshot, or folder of snapshots")
	fl.StringArrayVar(&f.config.Earlier, "earlier", nil, "folder of an earlier --save, or of several: what their own root sessions did is explained (repeatable)")
	frameworkFlags(c, &f.config)
	fl.Var(&f.failOn, "fail-on", "exit 2 when a failure is at or above this severity")
	cli.CompleteFiles(c, "register", "yaml")
	cli.CompleteFiles(c, "since", "json")
	cli.CompleteFiles(c, "snapshot", "json")
	f.organization.add(c)
	f.send.add(c)
	cli.CompleteValues(c, "fail-on", cli.Levels())
	return c
}

const gcPercent = 50 // growth of the heap between two collections

// check refuses what does not go together.
func (f *scanFlags) check(paths []string) error {
	switch {
	case f.fromAWS && (f.config.Snapshot != "" || len(paths) > 0):
		return cli.Usage("--aws reads all facts itself: give no files and no --snapshot")
	case !f.fromAWS && f.organization.on:
		return cli.Usage("--organization goes with --aws")
	case (f.fromAWS || f.push) && !f.at.IsZero():
		return cli.Usage("--at judges the facts of files as of another time: it does not go with --aws or --push-securityhub")
	case f.push && !f.fromAWS && f.aws.Region == "":
		return cli.Usage("--push-securityhub: want --aws, or the Region of the Security Hub; hint: --region us-east-1")
	case !f.fromAWS && !f.push && (f.aws.Profile != "" || f.aws.Region != "" && !f.outputs.writes("asff")):
		return cli.Usage("--profile and --region go with --aws")
	case !f.fromAWS && f.config.Snapshot == "" && len(paths) == 0:
		return cli.Usage("want files of facts or --snapshot FILE or --aws; hint: rootkeep scan --help")
	case f.config.Only && len(f.config.Frameworks) == 0:
		return cli.Usage("--only goes with --framework ID; hint: rootkeep frameworks list")
	case f.config.Snapshot != "" && len(paths) > 0:
		return cli.Usage("--snapshot has all facts: give either it or files")
	}
	return f.organization.check()
}

func (f *scanFlags) run(ctx context.Context, s cli.Streams, paths []string) error {
	if err := cmp.Or(f.outputs.check(), f.check(paths)); err != nil {
		return err
	}
	// The findings of all accounts are there until the report is written, which as JSON
	// takes as much again: collecting sooner costs a little time and saves a third.
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	c := f.config
	c.Paths, c.Stdin, c.Version, c.Now = paths, s.In, cli.Version(), f.at.Or(time.Now())
	clear := f.reads(s, &c)
	files, err := f.outputs.open(s)
	if err != nil {
		return err
	}
	defer files.discard()
	if err := f.send.begin(ctx, &c); err != nil {
		return err
	}
	a, err := scan.Run(ctx, c)
	clear()
	if errors.Is(err, scan.ErrNoFramework) {
		return cli.Usage("%w", err)
	}
	if ctx.Err() != nil {
		return err // nothing was judged
	}
	if err != nil && f.send.failed {
		return &cli.Error{Code: cli.ExitFailed, Err: err}
	}
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	var unsent error
	if f.push {
		unsent = scan.Push(ctx, a, scan.HubConfig{Profile: f.aws.Profile, Region: f.aws.Region})
	}
	if f.send.on {
		unsent = errors.Join(unsent, f.send.finish(ctx, s.Err, a))
	}
	a.ExitCodes = f.codes(a, unsent)
	if err := files.write(a, f.region()); err != nil {
		return err
	}
	f.outputs.sayProblems(s.Err, a)
	if a.Imported != nil {
		for _, line := range a.Imported.Lines() {
			fmt.Fprintf(s.Err, "rootkeep: %s\n", cli.Visible(line))
		}
	}
	if unsent != nil {
		return &cli.Error{Code: cli.ExitFailed, Err: unsent}
	}
	return cli.ExitWith(a.ExitCodes)
}

// reads has the scan read AWS, if it was asked to, and shows on a terminal how far it is
// until clear is called.
func (f *scanFlags) reads(s cli.Streams, c *scan.Config) (clear func()) {
	clear = func() {}
	if !f.fromAWS {
		return clear
	}
	c.AWS = &f.aws
	width, ok := cli.TerminalWidth(s.Err)
	switch {
	case f.organization.on:
		c.Organization = &f.organization.config
		if ok {
			clear = f.organization.show(s.Err, width)
		}
	case ok:
		c.AWS.Progress, clear = cli.CallsLine(s.Err, width)
	}
	return clear
}

// region is where findings are imported into Security Hub.
func (f *scanFlags) region() rootkeep.Region {
	return cmp.Or(rootkeep.Region(f.aws.Region), "us-east-1")
}

// codes are all exit codes that apply, the deciding one first.
func (f *scanFlags) codes(a *assessment.Assessment, unsent error) []int {
	codes := []int{}
	if unsent != nil || a.Imported != nil && len(a.Imported.Failed) > 0 {
		codes = append(codes, cli.ExitFailed)
	}
	if f.failOn.Given && a.Fails(f.failOn.Severity) > 0 {
		codes = append(codes, cli.ExitFindings)
	}
	if len(a.Problems) > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	return codes
}
