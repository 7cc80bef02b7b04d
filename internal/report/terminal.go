package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// TerminalOptions shape the terminal summary. The zero value is plain text of
// 100 columns.
type TerminalOptions struct {
	Color bool // ANSI colours; the caller knows whether the output is a terminal
	Width int  // columns; 0 is 100, less than 40 is 40
	// MaxAlerts is how many alerts are told in full, 0 is 50, negative is all. The
	// rest is counted per level, and the line says where to read them.
	MaxAlerts int
	// MaxProblems likewise, for problems and for notices; 0 is 20.
	MaxProblems int
}

// Terminal writes the summary for a person who was just woken up: verdict, root
// sessions, alerts, problems, counts, notices. Errors are those of w.
func Terminal(w io.Writer, h *Hunt, o TerminalOptions) error {
	out := bufio.NewWriter(w)
	t := screen{out: out, width: max(orDefault(o.Width, 100), 40), color: o.Color}
	t.verdict(h)
	t.sessions(h.Sessions)
	t.alerts(h, orDefault(o.MaxAlerts, 50))
	most := orDefault(o.MaxProblems, 20)
	t.problems(h.lost(), most)
	t.counts(h)
	t.notices(h.remarks(), most)
	return out.Flush()
}

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// screen writes lines of at most width columns. Errors stay in out until Flush.
type screen struct {
	out   *bufio.Writer
	width int
	color bool
}

func (t *screen) verdict(h *Hunt) {
	worst := rootkeep.Informational
	if len(h.Alerts) > 0 {
		worst = h.Alerts[0].Level
	}
	for _, line := range wrap(h.Verdict(), t.width) {
		fmt.Fprintln(t.out, t.paint(levelStyle(worst).Bold(true), line))
	}
	if h.Interrupted {
		t.paragraph(lipgloss.NewStyle().Bold(true), "Interrupted: this is what was found so far.")
	}
	if h.Totals.Alerts.Total() > 0 {
		t.paragraph(lipgloss.NewStyle(), h.CoverageText())
	} else if h.Coverage.Detail != "" { // the verdict has said the rest
		t.paragraph(lipgloss.NewStyle(), h.Coverage.Detail)
	}
}

func (t *screen) sessions(list []RootSession) {
	if len(list) == 0 {
		return
	}
	t.heading(fmt.Sprintf("ROOT SESSIONS (%s)", text.Grouped(len(list))))
	for i, s := range list {
		if i > 0 {
			fmt.Fprintln(t.out)
		}
		t.item(lipgloss.NewStyle().Bold(true), "ROOT", "root of "+text.Visible(string(s.Account), text.Short), s.Approval)
		t.field("when", text.Period(s.Start, s.End))
		t.origins(s.Addresses)
		t.field("MFA", mfaText(s.MFA))
		t.field("keys", text.List(s.Keys, text.Short))
		t.field("with", text.List(s.Agents, text.Short))
		t.field("calls", callsText(s))
		t.field("alerts", text.List(s.Alerts, text.Short))
	}
}

func mfaText(m MFA) string {
	switch m {
	case MFAUsed:
		return "used"
	case MFANotUsed:
		return "NOT used"
	default:
		return "unknown: the log does not say"
	}
}

// callsText is "12, 2 failed: ConsoleLogin 1, CreateAccessKey 2 (1 failed)".
func callsText(s RootSession) string {
	const most = 12
	out := text.Grouped(s.Events)
	if s.Failed > 0 {
		out += fmt.Sprintf(", %s failed", text.Grouped(s.Failed))
	}
	var calls []string
	for _, c := range s.Calls[:min(len(s.Calls), most)] {
		calls = append(calls, c.called())
	}
	if n := len(s.Calls) - most; n > 0 {
		calls = append(calls, fmt.Sprintf("and %s other calls", text.Grouped(n)))
	}
	if len(calls) == 0 {
		return out
	}
	return out + ": " + strings.Join(calls, ", ")
}

func (t *screen) alerts(h *Hunt, most int) {
	if len(h.Alerts) == 0 {
		return
	}
	t.heading(fmt.Sprintf("ALERTS (%s), most severe first", text.Grouped(len(h.Alerts))))
	told := h.Alerts
	if most >= 0 {
		told = told[:min(len(told), most)]
	}
	for i := range told {
		if i > 0 {
			fmt.Fprintln(t.out)
		}
		t.alert(&told[i])
	}
	var rest Levels
	for _, a := range h.Alerts[len(told):] {
		rest.Add(a.Level)
	}
	if rest.Total() > 0 {
		fmt.Fprintln(t.out)
		t.paragraph(lipgloss.NewStyle().Bold(true),
			fmt.Sprintf("%s more are not shown here: %s. All of them: --output html or --output json.",
				text.Grouped(rest.Total()), levelCounts(rest)))
	}
}

func (t *screen) alert(a *rootkeep.Alert) {
	state := ""
	if a.State == "escalated" {
		state = "escalated "
	}
	t.item(levelStyle(a.Level), strings.ToUpper(a.Level.String()), text.Visible(a.Title, text.Line), state+text.Visible(a.ID, text.Short))
	t.field("who", who(a.Actor))
	t.origins(a.Addresses)
	t.field("when", text.Period(a.First, a.Last))
	t.field("what", happened(a))
	if a.Level < rootkeep.Medium {
		return // the page and the JSON have the rest; nobody reads it at night
	}
	t.field("with", text.List(a.Agents, text.Short))
	t.field("where", whereabouts(a))
	t.field("rules", rulesText(a.Rules))
	for _, n := range a.Notes {
		t.field("note", text.Visible(n, text.Long))
	}
	t.painted("now", text.Visible(Next(a), text.Long), lipgloss.NewStyle().Bold(true))
	t.field("proof", proof(a))
}

// who is the stable principal, what kind it is, and the name that AWS delivered.
func who(a rootkeep.Actor) string {
	s := text.Visible(a.Principal, text.Line)
	if a.Type != "" {
		s += " (" + text.Visible(a.Type, text.Short) + ")"
	}
	if a.Session != "" {
		s += ", session " + text.Visible(a.Session, text.Short)
	}
	if a.AccessKeyID != "" {
		s += ", key " + text.Visible(a.AccessKeyID, text.Short)
	}
	return s
}

// happened is "12 events, 2 failed: CreateUser 4, CreateAccessKey 8, on backdoor,
// with AccessDenied".
func happened(a *rootkeep.Alert) string {
	s := text.Counted(a.Count, "event")
	if a.Attempts > 0 {
		s += fmt.Sprintf(", %s failed", text.Grouped(a.Attempts))
	}
	if len(a.Actions) > 0 {
		s += ": " + joinedBy(", ", a.Actions, func(c rootkeep.Count) string {
			if c.Count == 1 {
				return text.Visible(c.Text, text.Short)
			}
			return fmt.Sprintf("%s %s", text.Visible(c.Text, text.Short), text.Grouped(c.Count))
		})
	}
	var targets, errors []string
	for _, e := range a.Events {
		targets = appendNew(targets, e.Target)
		errors = appendNew(errors, e.ErrorCode)
	}
	if n := len(targets); n > 0 {
		s += " on " + text.List(targets[:min(n, shownTargets)], text.Short)
		if n > shownTargets {
			s += fmt.Sprintf(" and %d more", n-shownTargets)
		}
	}
	if len(errors) > 0 {
		s += ", with " + text.List(errors, text.Short)
	}
	return s
}

// shownAccounts is how many accounts one line names.
const shownAccounts = 8

// shownTargets is how many touched things one line names; the proof has the rest.
const shownTargets = 3

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func whereabouts(a *rootkeep.Alert) string {
	s := text.Accounts(a.Account, a.Accounts, a.AccountsOmitted > 0, shownAccounts)
	if len(a.Accounts) == 0 {
		s = "account " + s
	}
	if len(a.Regions) > 0 {
		s += ", " + text.List(a.Regions, text.Short)
	}
	return s
}

func rulesText(hits []rootkeep.RuleHit) string {
	var out []string
	for _, r := range hits {
		s := fmt.Sprintf("%s x%s", ruleName(r), text.Grouped(r.Count))
		if r.Threshold != "" {
			s += ", " + text.Visible(r.Threshold, text.Short)
		}
		// The Detection Rule License asks for the author beside the match.
		if r.Author != "" && r.Author != "rootkeep" {
			s += ", by " + text.Visible(r.Author, text.Short)
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func ruleName(r rootkeep.RuleHit) string {
	return text.Visible(cmp.Or(r.Name, r.Title), text.Short)
}

// proof names the first events, so that they can be found in the log again, and
// the place of the very first; the other formats place all of them.
func proof(a *rootkeep.Alert) string {
	const most = 3
	var ids []string
	for i, e := range a.Events[:min(len(a.Events), most)] {
		id := text.Visible(e.ID, text.Short)
		if i == 0 {
			id += fmt.Sprintf(" in %s at byte %s", text.Visible(e.File, text.Line), text.Grouped(e.Offset))
		}
		ids = append(ids, id)
	}
	if n := a.Count - len(ids); n > 0 && len(ids) > 0 {
		ids = append(ids, fmt.Sprintf("and %s more", text.Grouped(n)))
	}
	return strings.Join(ids, "; ")
}

func (t *screen) problems(list []Problem, most int) {
	if len(list) == 0 {
		return
	}
	t.heading(fmt.Sprintf("PROBLEMS (%s), skipped; everything else was processed", text.Grouped(len(list))))
	told := list
	if most >= 0 {
		told = told[:min(len(told), most)]
	}
	for _, p := range told {
		t.hanging("  ", p.said(), lipgloss.NewStyle())
	}
	if n := len(list) - len(told); n > 0 {
		t.paragraph(lipgloss.NewStyle(), fmt.Sprintf("  %s more are in --output json and --output html.", text.Grouped(n)))
	}
}

func (t *screen) counts(h *Hunt) {
	t.heading("READ")
	for _, line := range countLines(h) {
		t.hanging("  ", line, lipgloss.NewStyle())
	}
}

// countLines say how much was read and compared.
func countLines(h *Hunt) []string {
	n := h.Totals
	read := fmt.Sprintf("%s, %s stored, %s inflated, %s", text.Counted(n.Objects, "object"), text.Bytes(n.StoredBytes), text.Bytes(n.InflatedBytes), text.Counted(n.Events, "event"))
	if n.Duplicates > 0 {
		read += fmt.Sprintf(", %s removed", text.Counted(n.Duplicates, "duplicate"))
	}
	lines := []string{read}
	if n.DedupApproximateFrom != "" {
		lines = append(lines, "The number of events is approximate from "+text.Visible(n.DedupApproximateFrom, text.Line)+
			" on: the memory for event IDs was used up; hint: --dedup-memory")
	}
	if n.GzipMembers > n.GzipObjects {
		lines = append(lines, text.Counted(n.GzipMembers, "gzip member")+": some files hold several")
	}
	rules := fmt.Sprintf("%s and %s", text.Counted(h.Rules.Single, "rule"), text.Counted(h.Rules.Correlations, "correlation"))
	if h.Rules.Failed > 0 {
		rules += fmt.Sprintf(" (%s did not load)", text.Counted(h.Rules.Failed, "file"))
	}
	return append(lines, fmt.Sprintf("%s, %s in %s", rules, text.Counted(n.Matches, "match"), text.Span(h.Finished.Sub(h.Started))))
}

func (t *screen) notices(list []string, most int) {
	if len(list) == 0 {
		return
	}
	t.heading("NOTICES")
	told := list
	if most >= 0 {
		told = told[:min(len(told), most)]
	}
	for _, n := range told {
		t.hanging("  ", text.Visible(n, text.Long), lipgloss.NewStyle())
	}
	if n := len(list) - len(told); n > 0 {
		t.paragraph(lipgloss.NewStyle(), fmt.Sprintf("  %s more are in --output json and --output html.", text.Grouped(n)))
	}
}
