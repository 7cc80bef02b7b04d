package assessment

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// group is the findings of one control, status and severity, in their order: a control
// may be more severe in some accounts.
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
		i := slices.IndexFunc(out, func(g group) bool { return g.Control == f.Control && g.Severity == f.Severity })
		if i < 0 {
			out = append(out, group{Finding: f})
			i = len(out) - 1
		}
		out[i].all = append(out[i].all, f)
	}
	return out
}

// TextOptions shape the summary for a person. The zero value is plain text.
type TextOptions struct {
	Color bool // ANSI colours; the caller knows whether the output is a terminal
	Most  int  // resources of one control that are named; 0 is 5, negative all
}

// Text writes the summary for a person: what fails, root first and with what somebody
// accepts of it, what to fix first, the scorecard, what has changed, what is not known
// and what would tell it, what is accepted, and how old the facts are.
func (a *Assessment) Text(w io.Writer, o TextOptions) error {
	t := summary{Writer: bufio.NewWriter(w), Assessment: a, TextOptions: o}
	if t.Most == 0 {
		t.Most = 5
	}
	t.line(t.bold(a.Verdict()))
	t.failures()
	t.plan()
	t.score()
	t.since()
	t.unknown()
	t.excepted()
	t.register()
	t.frameworks(t)
	t.line("")
	t.line(t.bold("FACTS"))
	for _, account := range a.Accounts {
		a.facts(t, account)
	}
	for _, p := range a.Problems {
		t.line("  not read: %s: %s", visible(p.File), visible(p.Reason))
	}
	t.left(t)
	return t.Flush()
}

// summary is the text in the making. Errors stay in the writer until Flush.
type summary struct {
	*bufio.Writer
	*Assessment
	TextOptions
}

// line writes one line. What goes in has been made visible.
func (t summary) line(format string, args ...any) {
	fmt.Fprintf(t, format+"\n", args...)
}

func (t summary) heading(format string, args ...any) {
	t.line("\n%s", t.bold(fmt.Sprintf(format, args...)))
}

func (t summary) bold(s string) string {
	if !t.Color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[m"
}

// paint colours words as the hunt's report does.
func (t summary) paint(s rootkeep.Severity, words string) string {
	if !t.Color {
		return words
	}
	return report.Paint(s, words)
}

func (t summary) failures() {
	failed, root := t.groups(rootkeep.Fail), t.groups(rootkeep.Excepted)
	root = slices.DeleteFunc(root, func(g group) bool { return !g.IsRoot() })
	if len(failed)+len(root) == 0 {
		return
	}
	accepted := ""
	if len(root) > 0 {
		accepted = ", and what is accepted of the root user"
	}
	t.heading("FAILS (%s)%s", text.Grouped(t.Counts.Fail), accepted)
	others := 0
	for others < len(failed) && failed[others].IsRoot() {
		others++
	}
	for _, g := range slices.Concat(failed[:others], root, failed[others:]) {
		t.group(g)
	}
}

func (t summary) unknown() {
	unknown := t.groups(rootkeep.Unknown)
	if len(unknown) == 0 {
		return
	}
	t.heading("NOT KNOWN (%s): neither pass nor fail", text.Grouped(t.Counts.Unknown))
	for _, g := range unknown {
		t.line("  %s  %s (%s)", visible(g.Control), visible(g.Title), text.Counted(len(g.all), "resource"))
		for _, m := range missing(g.all) {
			t.line("      %s", visible(m))
		}
	}
}

// excepted lists what is accepted, but of the root user, which stands among failures.
func (t summary) excepted() {
	list := slices.DeleteFunc(t.groups(rootkeep.Excepted), func(g group) bool { return g.IsRoot() })
	if len(list) == 0 {
		return
	}
	t.heading("ACCEPTED (%s): these fail, and an owner accepts it until a day", text.Grouped(t.Counts.Excepted))
	for _, g := range list {
		t.group(g)
	}
}

func (t summary) register() {
	if t.Register == nil || len(t.Register.Notices) == 0 {
		return
	}
	t.heading("REGISTER")
	for _, n := range t.Register.Notices {
		at := n.ID
		if at == "" {
			at = fmt.Sprintf("%s:%d", t.Register.File, n.Line)
		}
		t.line("  %s  %s", visible(at), visible(n.Text))
	}
}

// mostListed is up to how many accounts every source of facts is listed.
const mostListed = 3

func (a *Assessment) facts(out io.Writer, account Account) {
	if len(a.Accounts) > mostListed {
		oldest := account.Taken
		for _, o := range account.Origins {
			// What people said has an end of its own.
			if strings.Contains(o.Call, ":") && o.At.Before(oldest) {
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

// Verdict is the scan in one sentence.
func (a *Assessment) Verdict() string {
	accepted := ""
	if n := a.Counts.Excepted; n > 0 {
		accepted = fmt.Sprintf(", %s accepted", text.Grouped(n))
	}
	unread := ""
	if n := a.Unread(); n > 0 {
		unread = "; " + text.Counted(n, "account") + " not read"
	}
	return fmt.Sprintf("Scan of %s: %s%s, %s not known, %s passed, %s not applicable; %s",
		visible(a.what()), text.Counted(a.Counts.Fail, "failure"), accepted, text.Grouped(a.Counts.Unknown), text.Grouped(a.Counts.Pass),
		text.Grouped(a.Counts.NotApplicable), text.Counted(a.Controls, "control")) + unread
}

func (t summary) group(g group) {
	word := g.Severity.String()
	if g.Status == rootkeep.Excepted {
		word = g.Status.String()
	}
	t.line("  %s  %s  %s", t.paint(g.Severity, fmt.Sprintf("%-8s", strings.ToUpper(word))), visible(g.Control), visible(g.Title))
	shown := g.all
	if t.Most > 0 {
		shown = shown[:min(t.Most, len(shown))]
	}
	for i := range shown {
		t.line("      %s", visible(shown[i].Resource)+about(&shown[i]))
	}
	if n := len(g.all) - len(shown); n > 0 {
		t.line("      and %s more", text.Grouped(n))
	}
	if c := t.controls[g.Control]; c != nil && g.Status == rootkeep.Fail {
		t.line("      fix: %s%s", visible(cmp.Or(c.Fix.Console, c.Fix.CLI)), visible(g.planned(c)))
	}
}

// planned is how the change that mends the control is planned for the first account, ""
// if there is none.
func (g group) planned(c *posture.Control) string {
	if c.Fix.Change == "" || g.Account == "" {
		return ""
	}
	return "; or: rootkeep change plan " + c.Fix.Change + " --account " + string(g.Account)
}

// about is what a line says behind the resource.
func about(f *rootkeep.Finding) string {
	out := ""
	if f.Region != "" && !strings.Contains(f.Resource, string(f.Region)) {
		out += " in " + visible(string(f.Region))
	}
	if e := f.Exception; e != nil {
		out += ", " + visible(acceptance(e))
	}
	if f.Detail != "" {
		out += ": " + visible(f.Detail)
	}
	return out
}

// acceptance is who accepts a failure, until when, and why.
func acceptance(e *rootkeep.Exception) string {
	return fmt.Sprintf("accepted by %s until %s: %s", e.Owner, e.Until.UTC().Format(time.DateOnly), e.Reason)
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
