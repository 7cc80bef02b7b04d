package assessment

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// group is the findings of one control and status, in their order.
type group struct {
	rootkeep.Finding
	all []rootkeep.Finding
}

func (a *Assessment) groups(status rootkeep.Status) []group {
	var out []group
	for _, f := range a.Findings {
		if f.Status != status {
			continue
		}
		i := slices.IndexFunc(out, func(g group) bool { return g.Control == f.Control })
		if i < 0 {
			out = append(out, group{Finding: f})
			i = len(out) - 1
		}
		out[i].all = append(out[i].all, f)
	}
	return out
}

// Text writes the summary for a person: what fails, what is not known and what would
// tell it, then the counts and how old the facts are. most is how many resources of
// one control are named; 0 is 5, negative all.
func (a *Assessment) Text(w io.Writer, most int) error {
	if most == 0 {
		most = 5
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n", a.verdict())
	if failed := a.groups(rootkeep.Fail); len(failed) > 0 {
		fmt.Fprintf(out, "\nFAILS (%s)\n", text.Grouped(a.Counts.Fail))
		for _, g := range failed {
			a.group(out, g, most)
		}
	}
	if unknown := a.groups(rootkeep.Unknown); len(unknown) > 0 {
		fmt.Fprintf(out, "\nNOT KNOWN (%s): neither pass nor fail\n", text.Grouped(a.Counts.Unknown))
		for _, g := range unknown {
			fmt.Fprintf(out, "  %s  %s (%s)\n", g.Control, visible(g.Title), text.Counted(len(g.all), "resource"))
			for _, m := range missing(g.all) {
				fmt.Fprintf(out, "      %s\n", visible(m))
			}
		}
	}
	a.frameworks(out)
	fmt.Fprintf(out, "\nFACTS\n")
	for _, account := range a.Accounts {
		a.facts(out, account)
	}
	for _, p := range a.Problems {
		fmt.Fprintf(out, "  not read: %s: %s\n", visible(p.File), visible(p.Reason))
	}
	return out.Flush()
}

// mostListed is up to how many accounts every source of facts is listed.
const mostListed = 3

func (a *Assessment) facts(out io.Writer, account Account) {
	if len(a.Accounts) > mostListed {
		oldest := account.Taken
		for _, o := range account.Origins {
			if o.At.Before(oldest) {
				oldest = o.At
			}
		}
		fmt.Fprintf(out, "  account %s: the oldest of %s UTC\n", visible(named(account)), text.Stamp(oldest))
		return
	}
	if len(a.Accounts) > 1 {
		fmt.Fprintf(out, "  account %s\n", visible(named(account)))
	}
	for _, o := range account.Origins {
		fmt.Fprintf(out, "  %s of %s UTC", o.Call, text.Stamp(o.At))
		if o.File != "" {
			fmt.Fprintf(out, ", from %s", visible(o.File))
		}
		fmt.Fprintln(out)
	}
}

func named(account Account) string {
	if account.ID == "" {
		return "of unknown number"
	}
	return string(account.ID)
}

// what names the account, or counts the accounts.
func (a *Assessment) what() string {
	if len(a.Accounts) == 1 {
		return "account " + named(a.Accounts[0])
	}
	return text.Counted(len(a.Accounts), "account")
}

func (a *Assessment) verdict() string {
	return fmt.Sprintf("Scan of %s: %s, %s not known, %s passed, %s not applicable; %s",
		visible(a.what()), text.Counted(a.Counts.Fail, "failure"), text.Grouped(a.Counts.Unknown), text.Grouped(a.Counts.Pass),
		text.Grouped(a.Counts.NotApplicable), text.Counted(a.Controls, "control"))
}

func (a *Assessment) group(out io.Writer, g group, most int) {
	fmt.Fprintf(out, "  %-8s  %s  %s\n", strings.ToUpper(g.Severity.String()), g.Control, visible(g.Title))
	shown := g.all
	if most > 0 {
		shown = shown[:min(most, len(shown))]
	}
	for _, f := range shown {
		fmt.Fprintf(out, "      %s", visible(f.Resource))
		if f.Region != "" && !strings.Contains(f.Resource, string(f.Region)) {
			fmt.Fprintf(out, " in %s", visible(string(f.Region)))
		}
		if f.Detail != "" {
			fmt.Fprintf(out, ": %s", visible(f.Detail))
		}
		fmt.Fprintln(out)
	}
	if n := len(g.all) - len(shown); n > 0 {
		fmt.Fprintf(out, "      and %s more\n", text.Grouped(n))
	}
	if c := a.controls[g.Control]; c != nil {
		fmt.Fprintf(out, "      fix: %s\n", visible(cmp.Or(c.Fix.Console, c.Fix.CLI)))
	}
}

// missing are the reasons of a group, each once, at most ten.
func missing(all []rootkeep.Finding) []string {
	var out []string
	for _, f := range all {
		for _, m := range f.Missing {
			if !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
		if len(out) > 10 {
			return append(out[:10], "and more; --output json has all")
		}
	}
	return out
}

func visible(s string) string { return text.Visible(s, text.Long) }
