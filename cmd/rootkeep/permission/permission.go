// Package permission is rootkeep iam: what policies allow, who can do what, what a
// change allows, and what was really used.
package permission

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/policy"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/cases"
)

// Command is rootkeep iam.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "iam",
		Short: "Understand permissions: what policies allow, and what a change of them allows",
		Example: `  rootkeep iam lint ./policies
  rootkeep iam who-can 'iam:Attach*' --account details.json
  rootkeep iam diff old.json new.json --fail-on new-access`,
	}
	c.AddCommand(iamEvalCommand(s), policy.LintCommand(s), iamWhoCanCommand(s), iamCanCommand(s), iamDiffCommand(s), policy.TemplateCommand(s), iamEscalateCommand(s), iamLeastCommand(s))
	return c
}

func iamEvalCommand(s cli.Streams) *cobra.Command {
	var f evalFlags
	c := &cobra.Command{
		Use:   "eval",
		Short: "Say what policies allow, offline",
		Long: `Eval decides one request, or with --cases one request a line, against the policies
of every layer: identity, boundary, session, resource, VPC endpoint, SCP and RCP. The
answer is allowed, explicitly_denied, implicitly_denied, or conditional: allowed only
if what is not known turns out as stated. Nothing is asked of AWS.

A single request takes --context to be complete; --partial says that other keys may
be there. Keys that follow from the principal (aws:PrincipalAccount, aws:username and
the like) and the time of now (aws:CurrentTime, aws:EpochTime) are filled in unless
--context gives them. Policies given twice are united; --scp and --rcp take one level
each, from the root down, as files joined by commas.

Exit code 2 with --fail-on-deny if a request is not allowed, 5 when some input is no
policy or no case.`,
		Example: `  rootkeep iam eval --action s3:GetObject --resource arn:aws:s3:::logs/a --resource-account 111122223333 \
      --principal arn:aws:iam::111122223333:user/ann --identity ann.json --scp root.json --scp ou.json,base.json
  rootkeep iam eval --explain --action kms:Decrypt --resource arn:aws:kms:eu-west-3:111122223333:key/k \
      --principal arn:aws:sts::111122223333:assumed-role/app/s1 --resource-policy key.json --context aws:SourceIp=192.0.2.1
  rootkeep iam eval --cases cases.ndjson > answers.ndjson`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return f.run(s) },
	}
	f.add(c)
	return c
}

func (f *evalFlags) run(s cli.Streams) error {
	switch {
	case f.output != "text" && f.output != "json":
		return cli.Usage("--output %s: want text or json", f.output)
	case f.cases != "" && (f.request.Action != "" || f.request.Resource != "" || f.request.Principal != ""):
		return cli.Usage("--cases brings its own requests: give either --cases or --action, --resource and --principal")
	case f.cases != "":
		return f.runCases(s)
	case f.request.Action == "" || f.request.Resource == "" || f.request.Principal == "":
		return cli.Usage("want --action, --resource and --principal, or --cases FILE; hint: rootkeep iam eval --help")
	}
	return f.runOne(s, time.Now())
}

// options are what answers hold beside the decision.
func (f *evalFlags) options() cases.Options {
	o := cases.Options{Explain: f.explain || f.explainAll}
	if f.explainAll {
		o.Detail = iam.Every
	}
	if f.literal {
		o.Reading = iam.Literal
	}
	return o
}

func (f *evalFlags) runCases(s cli.Streams) error {
	var in io.Reader = s.In
	if f.cases != "-" {
		file, err := os.Open(f.cases)
		if err != nil {
			return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("read cases: %w", err)}
		}
		defer file.Close()
		in = file
	}
	out := bufio.NewWriter(s.Out)
	sum, err := cases.Run(in, &cli.Inert{To: out}, f.options())
	var at *fs.PathError
	switch {
	case errors.As(err, &at) && at.Op == "read": // such as a folder
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	case err != nil:
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for _, text := range sum.Errors {
		fmt.Fprintf(s.Err, "rootkeep: %s: %s\n", cli.Visible(f.cases), cli.Visible(text))
	}
	if more := sum.Failed - len(sum.Errors); more > 0 {
		fmt.Fprintf(s.Err, "rootkeep: %s: %d more lines without an answer\n", cli.Visible(f.cases), more)
	}
	var codes []int
	if f.failOnDeny && sum.Denied > 0 {
		codes = append(codes, cli.ExitFindings)
	}
	if sum.Failed > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	return cli.ExitWith(codes)
}
