package permission

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/least"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/need"
)

// leastFlags are the flags of rootkeep iam least.
type leastFlags struct {
	account            accountFlags
	identity, boundary []string
	since, until       cli.Moment
	resources, base    string
	maxResources       int
	grantFailed        bool
	failOnUnused       bool
	output, file       string
	workers            int
	noProgress         bool
}

func iamLeastCommand(s cli.Streams) *cobra.Command {
	var f leastFlags
	f.since.Now, f.until.Now = time.Now, time.Now
	c := &cobra.Command{
		Use:   "least PRINCIPAL PATH...",
		Short: "Propose policies from what a principal did",
		Long: `Least reads CloudTrail logs as hunt does, takes the calls of one principal, and
proposes policies that allow them and nothing more. PRINCIPAL is the ARN of a user, role
or session, or user/NAME or role/NAME.

Each statement of the proposal is an Allow statement of today's policies, narrowed to
actions and resources that were seen, with its conditions; every Deny stays. So it allows
nothing that today's policies do not. They come from --account (the output of
aws iam get-account-authorization-details) or --identity; without either, the calls alone
are the limit, and the report says so. The evaluator then replays every call.

Calls that were refused or failed are listed and not granted. Events of which the action
is not known are listed as unmapped. Calls on objects, items, messages and functions show
only in a log with data events.

Exit code 1 if a call is lost in the replay, 2 with --fail-on-unused if permissions would
go, 5 when some input could not be read.`,
		Example: `  rootkeep iam least role/deploy --account details.json ./AWSLogs
  rootkeep iam least arn:aws:iam::111122223333:user/ann --identity ann.json --output policy ./AWSLogs > least.json
  rootkeep iam least role/app --account details.json --resources pattern --base read-only --since 90d ./AWSLogs`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), s, args[0], args[1:]) },
	}
	f.account.add(c)
	fl := c.Flags()
	// The error is for an unknown flag, which the tests would show at once.
	_ = fl.MarkHidden("resource-policy") // shared with other questions; refused here
	fl.StringArrayVar(&f.identity, "identity", nil, "current policy of the principal, in place of --account (repeatable)")
	fl.StringArrayVar(&f.boundary, "boundary", nil, "permissions boundary, with --identity (repeatable)")
	fl.Var(&f.since, "since", "events from here on: a day, a time, or a span back such as 90d")
	fl.Var(&f.until, "until", "events before this time")
	fl.StringVar(&f.resources, "resources", string(least.Exact), "exact: as named; pattern: dates and IDs become *; any: as in today's policies")
	fl.StringVar(&f.base, "base", string(least.NoBase), "none, or read-only: Read and List actions of the services used, without those that read content or secrets")
	fl.IntVar(&f.maxResources, "max-resources", 20, "resources that one action may list before they are widened")
	fl.BoolVar(&f.grantFailed, "grant-failed", false, "grant calls too that failed for another reason than permission")
	fl.BoolVar(&f.failOnUnused, "fail-on-unused", false, "exit with 2 if the proposal takes permissions away")
	fl.StringVar(&f.output, "output", "text", "text, json, or policy: the policies alone, one JSON document each")
	fl.StringVarP(&f.file, "file", "o", "", "write to this file instead of standard output")
	fl.IntVar(&f.workers, "workers", 0, "parallel readers, 0: one for each processor")
	fl.BoolVar(&f.noProgress, "no-progress", false, "no progress line on a terminal")
	cli.CompleteValues(c, "output", []string{"text", "json", "policy"})
	cli.CompleteValues(c, "resources", least.Scopes())
	cli.CompleteValues(c, "base", least.Bases())
	return c
}

func (f *leastFlags) check(paths []string) error {
	switch {
	case !slices.Contains([]string{"text", "json", "policy"}, f.output):
		return cli.Usage("--output %s: want text, json or policy", f.output)
	case !slices.Contains(least.Scopes(), f.resources):
		return cli.Usage("--resources %s: want %s", f.resources, strings.Join(least.Scopes(), ", "))
	case !slices.Contains(least.Bases(), f.base):
		return cli.Usage("--base %s: want %s", f.base, strings.Join(least.Bases(), " or "))
	case f.maxResources < 1:
		return cli.Usage("--max-resources %d: want 1 or more", f.maxResources)
	case f.workers < 0:
		return cli.Usage("--workers %d: want 0 or more", f.workers)
	case f.account.details != "" && (len(f.identity) > 0 || len(f.boundary) > 0):
		return cli.Usage("--account brings the principal's policies: give either --account or --identity and --boundary")
	case len(f.identity) == 0 && len(f.boundary) > 0:
		return cli.Usage("--boundary limits policies: want --identity with it")
	case len(f.account.resources) > 0:
		return cli.Usage("--resource-policy: a proposal is about the principal's own policies")
	case !f.since.IsZero() && !f.until.IsZero() && !f.since.Before(f.until.Time):
		return cli.Usage("--since %s is not before --until %s", &f.since, &f.until)
	}
	return onceOnly(paths, f.identity, f.boundary, f.account.files())
}

func (f *leastFlags) run(ctx context.Context, s cli.Streams, who string, paths []string) error {
	if err := f.check(paths); err != nil {
		return err
	}
	subject, err := least.ParseSubject(who)
	if err != nil {
		return cli.Usage("%w", err)
	}
	c := app.LeastConfig{
		Subject: subject, Paths: paths, Stdin: s.In, Since: f.since.Time, Until: f.until.Time, Workers: f.workers, Now: time.Now,
		Proposal: least.Input{Scope: least.Scope(f.resources), Base: least.Base(f.base), MaxResources: f.maxResources, GrantFailed: f.grantFailed},
	}
	unread, err := f.current(s, &c)
	if err != nil {
		return err
	}
	out, err := cli.OpenOutput(f.file, s.Out, slices.Concat(paths, filesOf(f.identity), filesOf(f.boundary), f.account.files())...)
	if err != nil {
		return err
	}
	defer out.Discard()
	clear := func() {}
	if width, ok := cli.TerminalWidth(s.Err); ok && !f.noProgress {
		c.Progress, clear = cli.ProgressLine(s.Err, width)
	}
	result, err := app.ProposeLeast(ctx, c)
	clear()
	if err != nil {
		return err
	}
	codes := f.codes(result, unread)
	if err := f.print(out, result, codes); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	if f.output != "json" {
		sayProblems(s.Err, result.Problems)
	}
	return cli.ExitWith(codes)
}

// current fills in the principal and its policies of today. unread says that some of
// them could not be read.
func (f *leastFlags) current(s cli.Streams, c *app.LeastConfig) (unread bool, err error) {
	in := &c.Proposal
	// Without the time of now, which surroundings have: a call has its own.
	if in.Known, err = readContext(f.account.context); err != nil {
		return false, err
	}
	if f.account.details == "" {
		return false, f.currentFiles(s, in)
	}
	around, unread, err := f.account.read(s, time.Now())
	if err != nil {
		return false, err
	}
	if err := c.Of(around.account, around.guardrails); err != nil {
		return false, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("%s: %w", f.account.details, err)}
	}
	return unread, nil
}

// currentFiles takes the policies of --identity and what surrounds them.
func (f *leastFlags) currentFiles(s cli.Streams, in *least.Input) error {
	around, err := f.account.readAround(s, time.Now())
	if err != nil {
		return err
	}
	g := around.guardrails
	in.Policies, in.Facts = iam.Policies{SCPs: g.SCPs, RCPs: g.RCPs}, g.Facts()
	for _, list := range []struct {
		paths []string
		to    *[]*iam.Policy
	}{{f.identity, &in.Policies.Identity}, {f.boundary, &in.Policies.Boundary}} {
		for _, path := range list.paths {
			p, err := compileFile(s.In, path)
			if err != nil {
				return err
			}
			*list.to = append(*list.to, p)
		}
	}
	if g.Organization != "" {
		in.Known["aws:PrincipalOrgID"] = []string{g.Organization}
	}
	return nil
}

// codes are all exit codes that apply, the deciding one first.
func (f *leastFlags) codes(r *app.Least, unread bool) []int {
	var out []int
	if len(r.Proposal.Replay.Lost) > 0 {
		out = append(out, cli.ExitFailed)
	}
	if f.failOnUnused && r.Proposal.Removed.Removed > 0 {
		out = append(out, cli.ExitFindings)
	}
	if unread || r.Unread > 0 {
		out = append(out, cli.ExitUnread)
	}
	return out
}

func (f *leastFlags) print(w io.Writer, r *app.Least, codes []int) error {
	switch f.output {
	case "policy":
		if len(r.Proposal.Policies) == 0 {
			return errors.New("nothing to grant: no call of the principal was seen that today's policies allow; hint: --output text says what was")
		}
		for _, d := range r.Proposal.Policies {
			if err := cli.WriteJSON(w, d); err != nil {
				return err
			}
		}
		return nil
	case "json":
		if codes == nil {
			codes = []int{}
		}
		return cli.WriteJSON(w, struct {
			Schema string `json:"schema"`
			*least.Proposal
			Problems  []report.Problem `json:"problems"`
			ExitCodes []int            `json:"exit_codes"`
		}{"rootkeep/iam-least/1", r.Proposal, append([]report.Problem{}, r.Problems...), codes})
	}
	_, err := io.WriteString(w, need.Text(r.Proposal))
	return err
}

// sayProblems names what could not be read.
func sayProblems(w io.Writer, list []report.Problem) {
	for _, p := range list {
		if !p.Notice {
			fmt.Fprintf(w, "%s:%d: %s: %s\n", cli.Visible(p.File), p.Offset, p.Kind, cli.Visible(p.Detail))
		}
	}
}
