package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app"
)

func trailCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "trail",
		Short: "Check that the log itself can be trusted",
	}
	c.AddCommand(trailVerifyCommand(s))
	return c
}

type verifyFlags struct {
	config       app.VerifyConfig
	since, until cli.Moment
	accounts     cli.Accounts
	region       string
	output, file string
	noProgress   bool
}

func trailVerifyCommand(s cli.Streams) *cobra.Command {
	f := verifyFlags{}
	f.since.Now, f.until.Now = time.Now, time.Now
	c := &cobra.Command{
		Use:   "verify FOLDER",
		Short: "Verify CloudTrail's digest chain, signatures and log files in a copy of the bucket",
		Long: `Verify judges a local copy of a trail's bucket as AWS's own validator judges the
bucket: digest chains per account and Region, signatures, hashes of log files,
missing, changed and deleted files, gaps. It then says which hours of which
account and Region are proven complete, only seen, or missing.

Keys come from "aws cloudtrail list-public-keys" (one file for each Region). A copy
loses what S3 keeps as metadata of an object: the signature of each digest. The next
digest repeats it; for the newest one save the output of "aws s3api head-object"
beside it as NAME.metadata.json.

Exit codes: 0 every digest in range and every log it names is valid, and nothing lies
beside them (the coverage says which hours that proves: a gap alone is no fault);
4 no digest, or something is invalid, missing, unknown or unlisted; 5 something could
not be read.`,
		Example: `  aws s3 sync s3://my-trail-bucket ./bucket
  aws cloudtrail list-public-keys --start-time 2026-01-01 > keys.json
  rootkeep trail verify --keys keys.json ./bucket
  rootkeep trail verify --keys keys.json --since 30d --output json ./bucket`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		RunE:              func(c *cobra.Command, args []string) error { return f.run(c.Context(), s, args[0]) },
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.config.Keys, "keys", nil, "public keys as list-public-keys prints them, or PEM (repeatable)")
	fl.Var(&f.since, "since", "verify from here on: a day, a time, or a span back such as 30d")
	fl.Var(&f.until, "until", "verify up to this time")
	fl.Var(&f.accounts, "account", "only this account")
	fl.StringVar(&f.region, "region", "", "only this Region")
	fl.StringVar(&f.config.Bucket, "bucket", "", "the bucket that the folder is a copy of; other buckets count as moved")
	fl.BoolVar(&f.config.Valid, "valid", false, "list valid files as well")
	fl.IntVar(&f.config.Workers, "workers", 0, "parallel readers, 0: one for each processor")
	fl.StringVar(&f.output, "output", "text", "text or json")
	fl.StringVarP(&f.file, "file", "o", "", "write the report to this file instead of standard output")
	fl.BoolVar(&f.noProgress, "no-progress", false, "no progress line on a terminal")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteFiles(c, "keys", "json", "pem")
	return c
}

func (f *verifyFlags) check() error {
	switch {
	case f.output != "text" && f.output != "json":
		return cli.Usage("--output %s: want text or json", f.output)
	case len(f.accounts) > 1:
		return cli.Usage("--account: verify takes one account, got %d", len(f.accounts))
	case f.config.Workers < 0:
		return cli.Usage("--workers %d: want 0 or more", f.config.Workers)
	case !f.since.IsZero() && !f.until.IsZero() && !f.since.Before(f.until.Time):
		return cli.Usage("--since %s is not before --until %s", &f.since, &f.until)
	}
	return nil
}

func (f *verifyFlags) run(ctx context.Context, s cli.Streams, folder string) error {
	if err := f.check(); err != nil {
		return err
	}
	c := f.config
	c.Folder, c.Since, c.Until, c.Region = folder, f.since.Time, f.until.Time, rootkeep.Region(f.region)
	if len(f.accounts) == 1 {
		c.Account = f.accounts[0]
	}
	out, err := cli.OpenOutput(f.file, s.Out, append([]string{folder}, f.config.Keys...)...)
	if err != nil {
		return err
	}
	defer out.Discard()
	clear := func() {}
	if width, ok := cli.TerminalWidth(s.Err); ok && !f.noProgress {
		c.Progress = func(p *digest.Progress) {
			line := fmt.Sprintf("%d of %d digest files, %d log files, %d MB", p.Digests.Load(), p.Found.Load(), p.Logs.Load(), p.Inflated.Load()>>20)
			fmt.Fprintf(s.Err, "\r%s\x1b[K", line[:min(len(line), width-1)])
		}
		clear = func() { fmt.Fprint(s.Err, "\r\x1b[K") }
	}
	r, err := app.Verify(ctx, c)
	clear()
	if err != nil && (r == nil || !errors.Is(err, context.Canceled)) {
		return err
	}
	codes := verifyCodes(r)
	if err := writeVerification(out, f.output, r, codes); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if f.output == "text" {
		f.hint(s.Err, r)
	}
	return cli.ExitWith(codes)
}

// hint says what to do when nothing could be proven for want of input.
func (f *verifyFlags) hint(w io.Writer, r *digest.Report) {
	switch {
	case r.Digests.Total() == 0 && (f.region != "" || len(f.accounts) > 0 || !f.since.IsZero() || !f.until.IsZero()):
		fmt.Fprintln(w, "no digest was found in what --account, --region, --since and --until leave; hint: look without them first")
	case r.Digests.Total() == 0:
		fmt.Fprintln(w, "no digest was found; they lie in AWSLogs/ACCOUNT/CloudTrail-Digest/ of the trail's bucket, "+
			"from the hour on in which log file validation was switched on; hint: aws s3 sync s3://BUCKET FOLDER")
	case len(f.config.Keys) == 0:
		fmt.Fprintln(w, "no keys were given, so no signature could be verified; hint: aws cloudtrail list-public-keys > keys.json, then --keys keys.json")
	}
}

func writeVerification(w io.Writer, format string, r *digest.Report, codes []int) error {
	if format == "text" {
		return r.WriteText(w)
	}
	return cli.WriteJSON(w, struct {
		Schema    string `json:"schema"`
		ExitCodes []int  `json:"exit_codes"`
		*digest.Report
	}{"rootkeep/trail-verify/1", codes, r})
}

// verifyCodes are all exit codes that apply, the deciding one first. What could
// not be verified is no proof either.
func verifyCodes(r *digest.Report) []int {
	codes := []int{}
	if !r.Passed() || r.Digests.Total() == 0 || r.Digests.Unknown+r.Logs.Unknown+r.Planted()+r.Undigested() > 0 {
		codes = append(codes, cli.ExitNoCoverage)
	}
	if r.Incomplete || unreadable(r) {
		codes = append(codes, cli.ExitUnread)
	}
	return codes
}

func unreadable(r *digest.Report) bool {
	is := func(v digest.Verdict) bool { return v.Reason == digest.ReasonUnreadable }
	return slices.ContainsFunc(r.Unlisted, is) ||
		slices.ContainsFunc(r.Chains, func(c digest.Chain) bool { return slices.ContainsFunc(c.Verdicts, is) })
}
