// Package alert is rootkeep alert: alerts and suppressions over the API of a server.
package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Command is rootkeep alert.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "alert",
		Short: "Alerts: what the detections found, who looks at it, what it came to",
		Long: `An alert is what the detections found of one principal, in one time. Somebody looks at it,
has it, has it wait, and in the end closes it with a reason; what arrives later opens it
again. A suppression keeps alerts from being told that somebody answers for: never those
on root users or on what watches.

These commands speak to a server.`,
		Example: "  rootkeep alert list --state new --level high\n  rootkeep alert ack AL-0G2NS9A1Y0V04",
	}
	c.AddCommand(listCommand(s), showCommand(s), ackCommand(s), assignCommand(s), snoozeCommand(s), closeCommand(s), reopenCommand(s), tagCommand(s), exportCommand(s),
		suppressCommand(s), suppressionsCommand(s), unsuppressCommand(s))
	return c
}

// flags are those of every command that speaks to a server.
type flags struct{ cli.ServerFlags }

// ids and suppressionIDs are the forms of IDs, which become parts of addresses.
var (
	ids            = regexp.MustCompile(`^AL-[0-9A-Z]{1,40}$`)
	suppressionIDs = regexp.MustCompile(`^SU-[0-9A-Z]{1,40}$`)
)

const (
	all          = "/alerts"
	suppressions = "/suppressions"
)

func checkID(text string) error {
	if !ids.MatchString(text) {
		return cli.Usage("alert %q: want its ID, such as AL-0G2NS9A1Y0V04; hint: rootkeep alert list", text)
	}
	return nil
}

func told(err error) error {
	var p *client.Problem
	if errors.As(err, &p) && p.Type == "/problems/forbidden" {
		return fmt.Errorf("%w; hint: this takes the role responder, and for a suppression a pass of a person, which the console makes under \"Your keys and sessions\"", err)
	}
	return err
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

var (
	states = []string{"open", "new", "acknowledged", "snoozed", "closed"}
	mutes  = []string{"inbox", "told", "case", "hunt", "storm", "suppression", "dry-run", "all"}
)

// choice says which alerts a list holds.
type choice struct {
	state, level, rule, account, owner, tag, storm, muted, since string
	limit                                                        int
}

func listCommand(s cli.Streams) *cobra.Command {
	var f flags
	var q choice
	c := &cobra.Command{
		Use:   "list",
		Short: "List alerts, the most severe first",
		Long: `List shows the alerts of the accounts that you may read, the most severe first, then the
latest. Alerts that nobody is told of, because a storm or a suppression stands for them or
their rule is on trial, are left out unless --muted asks for them.`,
		Example: "  rootkeep alert list --state open --level high\n  rootkeep alert list --rule guardduty-disabled --since 24h --output json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.list(c, s, &q) },
	}
	f.Register(c)
	q.register(c, 50)
	return c
}

// register adds the flags of a choice, with how many there are at most.
func (q *choice) register(c *cobra.Command, limit int) {
	fl := c.Flags()
	fl.StringVar(&q.state, "state", "", "only those: new, acknowledged, snoozed, closed, or open: all but closed")
	fl.StringVar(&q.level, "level", "", "only of this level or above")
	fl.StringVar(&q.rule, "rule", "", "only of this rule (name)")
	fl.StringVar(&q.account, "account", "", "only about this account, by itself or among several")
	fl.StringVar(&q.owner, "owner", "", "only those that this person has (ID)")
	fl.StringVar(&q.tag, "tag", "", "only with this tag")
	fl.StringVar(&q.storm, "storm", "", "only members of this storm (AL-...)")
	fl.StringVar(&q.muted, "muted", "", "by why nobody is told: "+strings.Join(mutes, ", "))
	fl.StringVar(&q.since, "since", "", "only with an event since then: a time, or how long ago (24h, 7d)")
	fl.IntVar(&q.limit, "limit", limit, "at most so many")
	cli.CompleteValues(c, "state", states)
	cli.CompleteValues(c, "level", cli.Levels())
	cli.CompleteValues(c, "muted", mutes)
}

// ago reads a moment: a time, or how long ago it was.
func ago(flag, text string, now time.Time) (time.Time, error) { return moment(flag, text, now, -1) }

// moment reads a time, or a span before (-1) or after (1) now.
func moment(flag, text string, now time.Time, direction time.Duration) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	d, err := rule.ParseDuration(text)
	if err != nil {
		return time.Time{}, cli.Usage("--%s %s: want a time such as 2026-11-26T10:00:00Z, or a span such as 24h or 7d", flag, text)
	}
	return now.Add(direction * time.Duration(d)), nil
}

func (q *choice) check() error {
	switch {
	case q.state != "" && !slices.Contains(states, q.state):
		return cli.Usage("--state %s: want one of %s", q.state, strings.Join(states, ", "))
	case q.muted != "" && !slices.Contains(mutes, q.muted):
		return cli.Usage("--muted %s: want one of %s", q.muted, strings.Join(mutes, ", "))
	case q.storm != "":
		return checkID(q.storm)
	}
	return cli.CheckLimit(q.limit)
}

// chosen are the alerts of a choice, and the server that has them.
func (f *flags) chosen(ctx context.Context, q *choice) ([]client.Alert, *client.Client, error) {
	if err := q.check(); err != nil {
		return nil, nil, err
	}
	since := ""
	if q.since != "" {
		t, err := ago("since", q.since, time.Now())
		if err != nil {
			return nil, nil, err
		}
		since = t.UTC().Format(time.RFC3339)
	}
	server, err := f.Client()
	if err != nil {
		return nil, nil, err
	}
	list, err := cli.Newest[client.Alert](ctx, server, all, q.limit, map[string]string{
		"state": q.state, "level": q.level, "rule": q.rule, "account": q.account, "owner": q.owner, "tag": q.tag, "storm": q.storm, "muted": q.muted, "since": since,
	})
	if err != nil {
		return nil, nil, told(err)
	}
	return list, server, nil
}

func (f *flags) list(c *cobra.Command, s cli.Streams, q *choice) error {
	list, _, err := f.chosen(c.Context(), q)
	if err != nil {
		return err
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string         `json:"schema"`
			Alerts []client.Alert `json:"alerts"`
		}{"rootkeep/alert-list/1", list})
	}
	if len(list) == 0 {
		return cli.PrintVisible(s.Out, "no alert\n")
	}
	for i := range list {
		x := &list[i]
		line := fmt.Sprintf("%s  %-12s  %-13s  %-12s  %s  %4d  %s  %s", x.ID, x.State, x.Level, cmp.Or(text.Accounts(x.Account, x.Accounts, false, 0), "-"), stamp(x.Last), x.Count, cmp.Or(x.Owner, "nobody"), x.Title)
		if x.Muted != "" {
			line += "  (not told: " + x.Muted + ")"
		}
		if _, err := fmt.Fprintln(s.Out, cli.Visible(line)); err != nil {
			return err
		}
	}
	return nil
}

func showCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show an alert: its rules, events and history",
		Long:    "Show prints what an alert is about, its first events, what root did meanwhile if it is of a root user, and its history.",
		Example: "  rootkeep alert show AL-0G2NS9A1Y0V04",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkID(args[0]); err != nil {
				return err
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			x, err := client.Get[client.AlertDetail](c.Context(), server, all+"/"+url.PathEscape(args[0]), nil)
			if err != nil {
				return told(err)
			}
			return f.print(s, &x)
		},
	}
	f.Register(c)
	return c
}

// print prints an alert as the user asked for it.
func (f *flags) print(s cli.Streams, x *client.AlertDetail) error {
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			*client.AlertDetail
		}{"rootkeep/alert-detail/1", x})
	}
	return cli.PrintVisible(s.Out, card(x))
}

// severalOf names the accounts of an alert about several, "" for any other.
func severalOf(x *client.AlertDetail) string {
	return text.Accounts("", x.Accounts, x.Found.AccountsOmitted > 0, len(x.Accounts))
}

// card is an alert for a person. A line end in a value makes no line.
func card(x *client.AlertDetail) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", cli.Visible(x.ID), cli.Visible(x.State+", "+x.Level))
	muted := x.Muted
	if x.MutedBy != "" {
		muted += " " + x.MutedBy
	}
	for _, l := range [][2]string{
		{"About", x.Title}, {"Account", x.Account}, {"Accounts", severalOf(x)}, {"Who", x.Principal}, {"Events", fmt.Sprintf("%d, %s to %s", x.Count, stamp(x.First), stamp(x.Last))}, {"Rules", strings.Join(x.Rules, ", ")},
		{"Owner", cmp.Or(x.Owner, "nobody")}, {"Tags", strings.Join(x.Tags, ", ")}, {"Not told", muted}, {"Case", x.Case}, {"Request", x.Request}, {"Verdict", x.Verdict}, {"Reason", x.Reason},
	} {
		if l[1] != "" {
			fmt.Fprintf(&b, "  %-10s%s\n", l[0], cli.Visible(l[1]))
		}
	}
	if len(x.Found.Rules) > 0 && x.Found.Rules[0].Guidance != "" {
		fmt.Fprintf(&b, "  %-10s%s\n", "Now", cli.Visible(x.Found.Rules[0].Guidance))
	}
	if len(x.Found.Events) > 0 {
		b.WriteString("First events\n")
	}
	for _, e := range x.Found.Events {
		what := strings.TrimSuffix(e.Source, ".amazonaws.com") + " " + e.Name
		if e.Actor.Principal != "" {
			what += " by " + e.Actor.Principal
		}
		if !strings.Contains(e.Actor.Principal, string(e.Account)) {
			what += " in " + string(e.Account)
		}
		what += " from " + e.Address
		if e.ErrorCode != "" {
			what += ": " + e.ErrorCode
		}
		fmt.Fprintf(&b, "  %s  %s\n", stamp(e.Time), cli.Visible(what))
	}
	if len(x.RootEvents) > 0 {
		b.WriteString("Root events, the newest first\n")
	}
	for _, e := range x.RootEvents {
		fmt.Fprintf(&b, "  %-13s  %s  %s\n", cli.Visible(cmp.Or(e.Verdict, "NOT_JUDGED")), stamp(e.Time), cli.Visible(strings.TrimSuffix(e.Source, ".amazonaws.com")+" "+e.Name))
	}
	b.WriteString("History\n")
	for _, l := range x.History {
		fmt.Fprintf(&b, "  %s  %-12s  %s\n", stamp(l.At), cli.Visible(l.Act), cli.Visible(l.By+": "+l.About))
	}
	return b.String()
}
