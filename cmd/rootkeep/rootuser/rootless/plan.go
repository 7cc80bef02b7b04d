package rootless

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/rootuser/rootrequest"
	"github.com/rootkeep/rootkeep/internal/app/rootless"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// choice is which accounts are planned, and of which organization.
type choice struct {
	accounts, first cli.Accounts
	management      string
}

func (q *choice) register(c *cobra.Command) {
	fl := c.Flags()
	fl.Var(&q.accounts, "accounts", "only these members, joined by commas (repeatable)")
	fl.Var(&q.first, "first", "canaries, in their order (default the first of all)")
	fl.StringVar(&q.management, "management", "", "management account, where several organizations are known")
}

func (q *choice) check() error {
	if q.management == "" {
		return nil
	}
	if _, err := rootkeep.ParseAccountID(q.management); err != nil {
		return cli.Usage("--management: %w", err)
	}
	return nil
}

func planCommand(s cli.Streams) *cobra.Command {
	var f flags
	var q choice
	var snapshot string
	old := rootless.OldAfter
	c := &cobra.Command{
		Use:   "plan [--snapshot PATH]",
		Short: "Show who would lose root credentials first and why, what is lost for good, and what is not known",
		Long: `Plan orders the members of an organization: canaries first, then sandboxes, tests, what is
neither, production, by the names of units and accounts; within these, who has the least.
It says of each what its root user has, when that was read, and what nobody can restore
afterwards. The management account is never among them.

With --snapshot it works on what rootkeep scan --save wrote: the folder of an
organization's scan, a folder of snapshots, or one snapshot; no server and no AWS.
Without it, the server's newest scans tell. Nothing is asked of AWS, and nothing planned.

Exit codes: 5 if there are accounts of which it is not known what they have, or the
snapshots could not be read.`,
		Example: "  rootkeep root rootless plan --snapshot ./scan\n  rootkeep root rootless plan --first 444455556666 --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := q.check(); err != nil {
				return err
			}
			if old <= 0 {
				return cli.Usage("--old-after %s: want a time such as 168h", old)
			}
			var p *client.RootlessPlan
			var err error
			if snapshot != "" {
				p, err = f.offline(snapshot, &q, old)
			} else {
				p, err = f.asked(c, &q, old)
			}
			if err != nil {
				return err
			}
			return f.writePlan(s, p)
		},
	}
	f.Register(c)
	q.register(c)
	c.Flags().StringVar(&snapshot, "snapshot", "", "snapshot or folder of snapshots, as rootkeep scan --save writes them")
	c.Flags().DurationVar(&old, "old-after", old, "what was read longer ago is old: that there was nothing then proves nothing")
	cli.CompleteFiles(c, "snapshot", "json")
	return c
}

// offline plans from snapshots alone.
func (f *flags) offline(path string, q *choice, old time.Duration) (*client.RootlessPlan, error) {
	if err := cli.OutputIs(f.Output); err != nil {
		return nil, err
	}
	v, err := rootless.FromFiles(path)
	if err != nil {
		return nil, &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	o, err := v.Of(rootkeep.AccountID(q.management))
	if err != nil {
		return nil, err
	}
	return o.Outline(rootless.Chosen{Accounts: q.accounts, First: q.first, OldAfter: old}, time.Now())
}

// asked has the server plan.
func (f *flags) asked(c *cobra.Command, q *choice, old time.Duration) (*client.RootlessPlan, error) {
	server, err := f.Client()
	if err != nil {
		return nil, err
	}
	query := url.Values{"old_after_seconds": {fmt.Sprint(int(old / time.Second))}}
	for name, list := range map[string]cli.Accounts{"account": q.accounts, "first": q.first} {
		if len(list) > 0 {
			query.Set(name, list.String())
		}
	}
	if q.management != "" {
		query.Set("management", q.management)
	}
	p, err := client.Get[client.RootlessPlan](c.Context(), server, "/root/rootless", query)
	return &p, rootrequest.Told(err)
}

func (f *flags) writePlan(s cli.Streams, p *client.RootlessPlan) error {
	codes := []int{}
	if p.Unknown > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	var err error
	if f.Output == "json" {
		err = cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			*client.RootlessPlan
			ExitCodes []int `json:"exit_codes"`
		}{"rootkeep/rootless-plan/1", p, codes})
	} else {
		err = cli.PrintVisible(s.Out, planText(p))
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

// planText is a plan for a person.
func planText(p *client.RootlessPlan) string {
	var b strings.Builder
	loses := "lose"
	if len(p.Steps) == 1 {
		loses = "loses"
	}
	fmt.Fprintf(&b, "%s %s root credentials, %s not\n", counted(len(p.Steps)), loses, counted(len(p.Left)))
	for i := range p.Steps {
		x := &p.Steps[i]
		canary := ""
		if x.Canary {
			canary = "  canary: the others wait for it"
		}
		fmt.Fprintf(&b, "%3d  %s  %-10s  %s%s\n", i+1, x.Account, x.Rank, cli.Visible(x.Name), canary)
		fmt.Fprintf(&b, "       has %s%s\n       %s\n", cli.Visible(x.Has), when(x), cli.Visible(x.Why))
		for _, lost := range x.Lost {
			fmt.Fprintf(&b, "       lost: %s\n", cli.Visible(lost))
		}
		if !x.KeyUsed.IsZero() {
			fmt.Fprintf(&b, "       a key was last used %s\n", stamp(x.KeyUsed))
		}
	}
	for _, l := range p.Left {
		unknown := ""
		if l.Unknown {
			unknown = "not known: "
		}
		fmt.Fprintf(&b, "  -  %s  %-10s  %s%s\n", l.Account, cli.Visible(l.Name), unknown, cli.Visible(l.Why))
	}
	if n := len(p.Steps); n > rootless.Most {
		fmt.Fprintf(&b, "One request is over %d accounts at most: name some with --accounts, those of one organizational unit after the other\n", rootless.Most)
	}
	if p.Unknown > 0 {
		fmt.Fprintf(&b, "Not known: what %s\n", have(p.Unknown))
	}
	if p.Old > 0 {
		fmt.Fprintf(&b, "Read more than %s ago: %s; hint: rootkeep scan --aws --organization\n", text.Span(time.Duration(p.OldAfter)*time.Second), counted(p.Old))
	}
	return b.String()
}

func counted(n int) string { return text.Counted(int64(n), "account") }

func have(n int) string {
	if n == 1 {
		return "the root user of 1 account has"
	}
	return fmt.Sprintf("the root users of %d accounts have", n)
}

// when says when an account was read.
func when(x *client.RootlessStep) string {
	if x.Read.IsZero() {
		return ""
	}
	out := ", read " + stamp(x.Read)
	if x.Old {
		out += ", which is old"
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
