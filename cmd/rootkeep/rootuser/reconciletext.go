package rootuser

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// mostLines is how many events of a verdict are told on a terminal.
const mostLines = 100

// page is a reconciliation as text. Texts of events stand in it as they are.
func page(r *app.Reconciliation) string {
	var b strings.Builder
	n := count(r.Events)
	var parts []string
	for _, v := range rootkeep.Verdicts() {
		if n[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[v], v))
		}
	}
	if r.Interrupted {
		b.WriteString("INTERRUPTED: not all was read.\n")
	}
	fmt.Fprintf(&b, "%s of root users in %s%s\n", text.Counted(len(r.Events), "event"), text.Counted(r.Records, "record"), listed(parts))
	for _, v := range rootkeep.Verdicts() {
		told := 0
		for i := range r.Events {
			e := &r.Events[i]
			if e.Verdict != v {
				continue
			}
			if told++; told <= mostLines {
				b.WriteString(line(e))
			}
		}
		if told > mostLines {
			fmt.Fprintf(&b, "\n  and %d more that are %s; --output csv has all\n", told-mostLines, v)
		}
	}
	fates(&b, r.Requests)
	claim(&b, r)
	return b.String()
}

func listed(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// one is a text of an event on a line of its own.
func one(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }

// known is a text of an event that a record may lack.
func known(s string) string { return cmp.Or(one(s), "unknown") }

func line(e *reconcile.Judged) string {
	when := "no time"
	if !e.Time.IsZero() {
		when = text.Stamp(e.Time)
	}
	out := fmt.Sprintf("\n%-13s %s  root of %s  %s %s", e.Verdict, when, known(string(e.Of)), one(strings.TrimSuffix(e.Source, ".amazonaws.com")), one(e.Name))
	if e.Failed {
		out += " (failed)"
	}
	out += fmt.Sprintf("\n  %s\n  event %s, by %s from %s", one(e.Why), known(e.ID), known(e.Principal), known(e.Address))
	if e.Request != "" {
		out += ", for " + one(e.Request)
	}
	return out + "\n"
}

func fates(b *strings.Builder, list []reconcile.Fate) {
	if len(list) > 0 {
		b.WriteString("\nRequests\n")
	}
	for _, f := range list {
		fmt.Fprintf(b, "  %s  %s", f.Request, f.Outcome)
		if f.Uses > 0 {
			fmt.Fprintf(b, "  %s, %s", text.Counted(f.Uses, "use"), text.Period(f.First, f.Last))
		}
		b.WriteString("\n")
		for _, m := range f.Missing {
			fmt.Fprintf(b, "    %s\n", one(m))
		}
	}
}

// claim says what is claimed, or why nothing is.
func claim(b *strings.Builder, r *app.Reconciliation) {
	if c := r.Claim; c != nil {
		accounts := make([]string, len(c.Accounts))
		for i, a := range c.Accounts {
			accounts[i] = string(a)
		}
		fmt.Fprintf(b, "\nProven: from %s to %s no use of root lacks an explanation in %s.\n", text.Stamp(c.From), text.Stamp(c.To), strings.Join(accounts, ", "))
		b.WriteString("A Region that no trail covers is not among what is proven.\n")
		return
	}
	b.WriteString("\nAbsence is not claimed:\n")
	for i, m := range r.Missing {
		if i == mostLines {
			fmt.Fprintf(b, "  and %d more reasons; --output json has all\n", len(r.Missing)-i)
			break
		}
		fmt.Fprintf(b, "  %s\n", one(m))
	}
}

func whyCommand(s cli.Streams) *cobra.Command {
	var f logFlags
	c := &cobra.Command{
		Use:   "why EVENT PATH...",
		Short: "Say why an event of a root user has its verdict",
		Long: `Why reads logs as reconcile does and tells of one event, by its ID or how that begins:
the verdict, the rule that decided, and what would have to be there to explain it.

Exit codes: 1 the logs have no such event of a root user; 3 it is not explained; 5 some
input could not be read.`,
		Example: "  rootkeep root why 31be3481 --requests requests.yaml ./AWSLogs",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args[0]) < 4 {
				return cli.Usage("%s: want four letters of the ID of an event or more", args[0])
			}
			r, err := f.read(c.Context(), s, args[1:])
			if err != nil {
				return err
			}
			sayProblems(s.Err, r)
			codes := []int{}
			found := false
			for i := range r.Events {
				e := &r.Events[i]
				if !strings.HasPrefix(e.ID, args[0]) {
					continue
				}
				found = true
				if err := cli.PrintVisible(s.Out, reason(e)); err != nil {
					return err
				}
				if !e.Verdict.Harmless() && len(codes) == 0 {
					codes = append(codes, cli.ExitRoot)
				}
			}
			unread := r.Interrupted || r.Unread > 0
			switch {
			case !found && unread:
				return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("event %s: what could be read of these logs has no event of a root user with this ID", args[0])}
			case !found:
				return fmt.Errorf("event %s: no event of a root user in these logs has this ID; hint: rootkeep root reconcile lists them", args[0])
			case unread:
				codes = append(codes, cli.ExitUnread)
			}
			return cli.ExitWith(codes)
		},
	}
	f.register(c)
	return c
}

// reason is all that decided about an event.
func reason(e *reconcile.Judged) string {
	var b strings.Builder
	b.WriteString(strings.TrimPrefix(line(e), "\n"))
	fmt.Fprintf(&b, "  rule %s, session %s, in the log of %s, %s\n", e.Rule, one(e.Session), one(string(e.Account)), one(string(e.Region)))
	for _, part := range []struct{ name, text string }{
		{"access key", e.AccessKey}, {"source identity", e.SourceIdentity}, {"issued access key", e.IssuedKey}, {"task policy", e.TaskPolicy}, {"MFA device", e.Device},
	} {
		if part.text != "" {
			fmt.Fprintf(&b, "  %s %s\n", part.name, one(part.text))
		}
	}
	if needed := e.Needed(); len(needed) > 0 {
		b.WriteString("What would explain it:\n")
		for _, n := range needed {
			fmt.Fprintf(&b, "  %s\n", n)
		}
	}
	return b.String()
}
