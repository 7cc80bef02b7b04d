package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// severities in falling order, as every surface lists them.
func severities() [5]rootkeep.Severity {
	return [...]rootkeep.Severity{rootkeep.Critical, rootkeep.High, rootkeep.Medium, rootkeep.Low, rootkeep.Informational}
}

// Verdict is the first line of a report: how many alerts of which level, in how
// many events, of which accounts and days.
func (h *Hunt) Verdict() string {
	if h.Totals.Events == 0 && h.Totals.Alerts.Total() == 0 {
		return "No event was read: nothing can be said"
	}
	if h.Totals.Alerts.Total() == 0 {
		return fmt.Sprintf("No alert at or above %s in %s; %s", h.Asked.MinLevel, h.scope(), h.absence())
	}
	return fmt.Sprintf("%s in %s", levelCounts(h.Totals.Alerts), h.scope())
}

// absence says what an empty result is worth.
func (h *Hunt) absence() string {
	switch {
	case h.Interrupted:
		return "this is not proof of absence: the hunt was interrupted"
	case !h.Coverage.Proven:
		return "this is not proof of absence: coverage not verified"
	default:
		return "coverage of the period is proven"
	}
}

func levelCounts(l Levels) string {
	var parts []string
	for _, s := range severities() {
		if n := l.Of(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", text.Grouped(n), s))
		}
	}
	return strings.Join(parts, ", ")
}

// scope is "1,204,331 events, 14 accounts, 2026-11-01..11-22".
func (h *Hunt) scope() string {
	s := text.Counted(h.Totals.Events, "event")
	if h.Totals.DedupApproximateFrom != "" {
		s = "about " + s
	}
	if n := len(h.accounts()); n > 0 {
		s += ", " + text.Counted(n, "account")
	}
	if !h.First.IsZero() {
		s += ", " + text.Days(h.First, h.Last)
	}
	return s
}

// CoverageText says in words what Coverage means for the reader.
func (h *Hunt) CoverageText() string {
	s := "Coverage not verified. These events were seen; nothing proves that they are all of them."
	if h.Coverage.Proven {
		s = "Coverage proven: digest files show the log complete for the period."
	}
	if h.Interrupted {
		s += " The hunt was interrupted: input is unread."
	}
	if h.Coverage.Detail != "" {
		s += " " + h.Coverage.Detail
	}
	return s
}

// origin is "203.0.113.9 (RO, AS64500 Example Net; on list tor-exits)".
func origin(a rootkeep.Address) string {
	s := text.Visible(a.Text, text.Short)
	var known []string
	if a.Country != "" {
		known = append(known, text.Visible(a.Country, text.Short))
	}
	if a.ASN != 0 {
		known = append(known, strings.TrimSpace(fmt.Sprintf("AS%d %s", a.ASN, text.Visible(a.Network, text.Short))))
	}
	about := strings.Join(known, ", ")
	if len(a.Lists) > 0 {
		about = strings.TrimPrefix(about+"; on list "+text.List(a.Lists, text.Short), "; ")
	}
	if about == "" {
		return s
	}
	return s + " (" + about + ")"
}

// place is where a problem sits: the file, and the offset when there is one.
func (p Problem) place() string {
	f := text.Visible(p.File, text.Line)
	if p.Offset < 0 {
		return f
	}
	return fmt.Sprintf("%s at byte %s", f, text.Grouped(p.Offset))
}

// said is a problem in one line.
func (p Problem) said() string {
	return fmt.Sprintf("%s: %s: %s", p.place(), text.Visible(p.Kind, text.Short), text.Visible(p.Detail, text.Long))
}

// lost are the problems by which something went unread.
func (h *Hunt) lost() []Problem {
	var out []Problem
	for _, p := range h.Problems {
		if !p.Notice {
			out = append(out, p)
		}
	}
	return out
}

// remarks are the notices, and the problems that cost nothing.
func (h *Hunt) remarks() []string {
	out := slices.Clone(h.Notices)
	for _, p := range h.Problems {
		if p.Notice {
			out = append(out, p.said())
		}
	}
	return out
}

// called is "ListBuckets 3" or "CreateUser 3 (1 failed)".
func (c Call) called() string {
	s := fmt.Sprintf("%s %s", text.Visible(c.Name, text.Short), text.Grouped(c.Count))
	if c.Failed > 0 {
		s += fmt.Sprintf(" (%s failed)", text.Grouped(c.Failed))
	}
	return s
}

func joinedBy[T any](separator string, list []T, word func(T) string) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = word(v)
	}
	return strings.Join(out, separator)
}
