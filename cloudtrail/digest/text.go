package digest

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// shownVerdicts is how many lines of one list WriteText prints.
const shownVerdicts = 50

// WriteText writes the report for a person: each chain with its totals and what
// is wrong, the files that no digest accounts for, and the coverage. Text that
// comes from the input is shown with control characters escaped.
func (r *Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	if r.Incomplete {
		fmt.Fprintf(out, "Stopped early: this is what was read so far.\n\n")
	}
	fmt.Fprintf(out, "%s\n\n", r.headline())
	for _, c := range r.Chains {
		c.writeText(out)
	}
	if len(r.Unlisted) > 0 {
		fmt.Fprintf(out, "Not accounted for by any digest: %d\n", len(r.Unlisted))
		writeVerdicts(out, r.Unlisted)
		fmt.Fprintln(out)
	}
	if slices.ContainsFunc(r.Coverage, func(c RegionCoverage) bool { return len(c.Spans) > 0 }) {
		fmt.Fprintln(out, "Coverage (UTC, by time of delivery)")
	}
	for _, region := range r.Coverage {
		for _, s := range region.Spans {
			fmt.Fprintf(out, "  %s %-16s %-7s %s to %s\n", region.Account, region.Region, s.State, short(s.From), short(s.To))
		}
	}
	return out.Flush()
}

// headline is the outcome in one line.
func (r *Report) headline() string {
	bad := r.Digests.Invalid + r.Digests.Missing + r.Logs.Invalid + r.Logs.Missing
	switch {
	case len(r.Chains) == 0:
		return "No digests found" + rangeText(r.Since, r.Until) + "."
	case bad > 0:
		return fmt.Sprintf("NOT INTACT: %d of %d digest files and %d of %d log files are invalid or missing.",
			r.Digests.Invalid+r.Digests.Missing, r.Digests.Total(), r.Logs.Invalid+r.Logs.Missing, r.Logs.Total())
	case r.Digests.Unknown+r.Logs.Unknown > 0:
		return fmt.Sprintf("Nothing wrong was found, but %d of %d digest files and %d of %d log files could not be judged.",
			r.Digests.Unknown, r.Digests.Total(), r.Logs.Unknown, r.Logs.Total())
	case r.Planted() > 0:
		return fmt.Sprintf("All %d digest files and the %d log files they name are valid; files beside them that no digest names: %d.",
			r.Digests.Total(), r.Logs.Total(), r.Planted())
	case r.Undigested() > 0:
		return fmt.Sprintf("All %d digest files and the %d log files they name are valid; folders of logs beside them without any digest: %d.",
			r.Digests.Total(), r.Logs.Total(), r.Undigested())
	}
	return fmt.Sprintf("Intact: all %d digest files and the %d log files they name are valid.", r.Digests.Total(), r.Logs.Total())
}

func (c Chain) writeText(out io.Writer) {
	kind := "Trail"
	if c.Backfill {
		kind = "Trail (backfill)"
	}
	fmt.Fprintf(out, "%s %s, home region %s, account %s, region %s", kind, clean(c.Trail), c.HomeRegion, c.Account, c.Region)
	if c.Organization != "" {
		fmt.Fprintf(out, ", organization %s", c.Organization)
	}
	if c.Bucket != "" {
		fmt.Fprintf(out, ", bucket %s", clean(c.Bucket))
	}
	fmt.Fprintln(out)
	if c.To.IsZero() {
		fmt.Fprintln(out, "  no valid digests found in range")
	} else {
		fmt.Fprintf(out, "  valid digests from %s to %s\n", short(c.From), short(c.To))
	}
	writeCount(out, c.Digests, "digest")
	writeCount(out, c.Logs, "log")
	writeVerdicts(out, c.Verdicts)
	fmt.Fprintln(out)
}

func writeCount(out io.Writer, n Count, what string) {
	if n.Total() == 0 {
		return
	}
	fmt.Fprintf(out, "  %d of %d %s files valid", n.Valid, n.Total(), what)
	for _, part := range []struct {
		n    int
		word string
	}{{n.Invalid, "INVALID"}, {n.Missing, "MISSING"}, {n.Unknown, "unknown"}} {
		if part.n > 0 {
			fmt.Fprintf(out, ", %d %s", part.n, part.word)
		}
	}
	fmt.Fprintln(out)
}

func writeVerdicts(out io.Writer, verdicts []Verdict) {
	shown := 0
	for _, v := range verdicts {
		if v.Status == Valid {
			continue
		}
		if shown++; shown > shownVerdicts {
			continue
		}
		word := string(v.Status)
		if v.Status == Invalid || v.Status == Missing {
			word = strings.ToUpper(word)
		}
		fmt.Fprintf(out, "    %-8s %s %s\n             %s\n", word, v.Kind, clean(v.Object), clean(v.Detail))
	}
	if shown > shownVerdicts {
		fmt.Fprintf(out, "    and %d more\n", shown-shownVerdicts)
	}
}

func rangeText(since, until time.Time) string {
	text := ""
	if !since.IsZero() {
		text += " from " + short(since)
	}
	if !until.IsZero() {
		text += " until " + short(until)
	}
	return text
}

func short(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// clean makes text from the input safe to show in a terminal: whatever is not
// printable is escaped as in Go source.
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
