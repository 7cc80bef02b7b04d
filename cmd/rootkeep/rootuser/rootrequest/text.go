package rootrequest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// card is a request for a person. A line end in a value makes no line: it could say that
// somebody approved.
func card(x *client.RootRequestDetail) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s%s\n", cli.Visible(x.ID), cli.Visible(x.State), standing(x))
	for _, l := range facts(x) {
		if l[1] != "" {
			fmt.Fprintf(&b, "  %-11s%s\n", l[0], cli.Visible(l[1]))
		}
	}
	signatures(&b, x)
	overridden(&b, x.Overridden)
	items(&b, "Before the session", x.Before)
	items(&b, "After the session", x.After)
	if len(x.Events) > 0 || x.Left > 0 {
		b.WriteString("Events\n")
	}
	for i := range x.Events {
		b.WriteString(eventLines(&x.Events[i], plain))
	}
	if x.Left > 0 {
		fmt.Fprintf(&b, "  and %d more\n", x.Left)
	}
	if len(x.Cases) > 0 {
		fmt.Fprintf(&b, "Cases %s\n", cli.Visible(strings.Join(x.Cases, ", ")))
	}
	if x.Record != nil {
		fmt.Fprintf(&b, "Record %s\n", cli.Visible(x.Record.SHA256+recordStands(x.Record)))
	}
	if then := next(x); then != "" {
		fmt.Fprintf(&b, "Next: %s\n", cli.Visible(then))
	}
	return b.String()
}

// standing is what comes behind the state on the first line.
func standing(x *client.RootRequestDetail) string {
	out := ""
	if x.Override {
		out += ", without approvals"
	}
	if left := remaining(x, x.Now); left != "" {
		out += ", " + left
	}
	if x.Outcome != "" {
		out += ", " + x.Outcome
	}
	return cli.Visible(out)
}

// remaining is the countdown of a request at a time, "" if nothing runs.
func remaining(x *client.RootRequestDetail, now time.Time) string {
	switch {
	case x.State == "requested" && now.Before(x.Expires):
		return clock(x.Expires.Sub(now)) + " left to approve it"
	case x.State == "requested":
		return "its window was over before it was approved"
	case x.State == "approved" && now.Before(x.From):
		return "its window begins in " + clock(x.From.Sub(now))
	case x.State == "approved" && now.Before(x.Until):
		return clock(x.Until.Sub(now)) + " left to use it"
	case x.State == "open" && now.Before(x.Due):
		return clock(x.Due.Sub(now)) + " of the session left"
	case x.State == "open" || x.State == "closing" && x.Sealed.IsZero():
		return "the session is over: put everything back"
	}
	return ""
}

// clock is how long something lasts, to the second.
func clock(d time.Duration) string {
	d = d.Truncate(time.Second)
	if d >= 24*time.Hour {
		return fmt.Sprintf("%d d %02d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
	return fmt.Sprintf("%d:%02d:%02d", d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second)
}

func facts(x *client.RootRequestDetail) [][2]string {
	kind := "use of root by " + x.Path
	if x.Kind == "drill" {
		kind = "exercise by " + x.Path
	}
	session := text.Span(time.Duration(x.Session) * time.Second)
	if !x.Opened.IsZero() {
		session += ", opened " + stamp(x.Opened)
	}
	if !x.Over.IsZero() {
		session += ", over " + stamp(x.Over)
	}
	if !x.Overrun.IsZero() {
		session += ", not closed in time"
	}
	var changes []string
	for _, c := range x.Changes {
		changes = append(changes, c.ID+" of "+c.Account)
	}
	return [][2]string{
		{"Task", x.Task + "  " + x.Title}, {"Kind", kind}, {"Accounts", few(x.Accounts)}, {"Account is", x.Standing}, {"Changes", few(changes)},
		{"Why", x.Justification}, {"Ticket", x.Ticket}, {"Window", stamp(x.From) + " to " + stamp(x.Until)}, {"Session", session},
		{"Networks", strings.Join(x.Networks, ", ")}, {"Custodian", x.Custodian}, {"MFA device", x.Device},
		{"Asked by", x.Requester + " at " + stamp(x.Created)}, {"Edited by", strings.Join(x.Editors, ", ")}, {"Policy", x.Policy},
	}
}

// few are the first ten of a list, and how many more there are.
func few(list []string) string {
	const shown = 10
	if n := len(list) - shown; n > 0 {
		return fmt.Sprintf("%s, and %d more", strings.Join(list[:shown], ", "), n)
	}
	return strings.Join(list, ", ")
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// signatures are who has to approve, and who did.
func signatures(b *strings.Builder, x *client.RootRequestDetail) {
	for _, n := range x.Needs {
		by := cmp.Or(strings.Join(n.By, ", "), "nobody yet")
		fmt.Fprintf(b, "Needs %d of %s\n", n.Count, cli.Visible(n.Name+" ("+n.Group+"): "+by))
	}
	for _, a := range x.Approvals {
		void := ""
		if !a.Counts {
			void = ", void"
		}
		said := map[string]string{"approve": "approved", "deny": "denied"}[a.Decision]
		fmt.Fprintf(b, "%s  %s by %s%s\n", stamp(a.At), cmp.Or(said, "signed"), cli.Visible(a.Approver+" with the key "+a.Fingerprint), void)
	}
}

func overridden(b *strings.Builder, o *client.RootOverride) {
	if o == nil {
		return
	}
	fmt.Fprintf(b, "Override by %s\n", cli.Visible(o.By+", "+o.State+": "+o.Reason))
	fmt.Fprintf(b, "  Not waited for: %s\n", cli.Visible(cmp.Or(strings.Join(o.Skipped, ", "), "nobody could have approved it")))
	switch {
	case o.Reviewer != "":
		fmt.Fprintf(b, "  Reviewed by %s\n", cli.Visible(o.Reviewer+", "+o.Verdict+": "+o.Review))
	case o.Second != "" && o.State == "waiting":
		fmt.Fprintf(b, "  Waits for a second person: rootkeep approve %s\n", cli.Visible(o.Second))
	case !o.Due.IsZero():
		late := ""
		if o.Late {
			late = ", which is over"
		}
		fmt.Fprintf(b, "  To be reviewed by somebody else by %s%s\n", stamp(o.Due), late)
	}
}

func items(b *strings.Builder, title string, list []client.RootItem) {
	if len(list) > 0 {
		b.WriteString(title + "\n")
	}
	for _, i := range list {
		switch {
		case i.Answer == nil:
			fmt.Fprintf(b, "  [ ] %s\n", cli.Visible(i.ID+"  "+i.Text))
		case i.Answer.Skipped != "":
			fmt.Fprintf(b, "  [-] %s\n", cli.Visible(i.ID+"  skipped by "+i.Answer.By+": "+i.Answer.Skipped))
		default:
			fmt.Fprintf(b, "  [x] %s\n", cli.Visible(i.ID+"  done, says "+i.Answer.By))
		}
	}
}

func recordStands(r *client.RootRecord) string {
	if r.Confirmed {
		return ", confirmed"
	}
	return ", to be confirmed from " + stamp(r.From)
}

// painter colours a verdict.
type painter func(verdict string) string

// plain colours nothing.
func plain(verdict string) string { return verdict }

// colours of verdicts on a terminal: SGR of ECMA-48, section 8.3.117.
var colours = map[string]string{
	"UNEXPLAINED": "\x1b[1;31m", "OUT_OF_WINDOW": "\x1b[33m", "OUT_OF_SCOPE": "\x1b[33m", "DRILL": "\x1b[36m", "EXPLAINED": "\x1b[32m", "SERVICE": "\x1b[2m",
	"CASE": "\x1b[1;31m",
}

func painted(verdict string) string {
	word := strings.TrimSpace(verdict)
	if colours[word] == "" {
		return verdict
	}
	return colours[word] + verdict + "\x1b[0m"
}

// eventLines are an event with its verdict, and why.
func eventLines(e *client.RootEvent, paint painter) string {
	verdict := fmt.Sprintf("%-13s", cli.Visible(cmp.Or(e.Verdict, "NOT_JUDGED")))
	what := strings.TrimSuffix(e.Source, ".amazonaws.com") + " " + e.Name
	if e.Error != "" {
		what += " (failed)"
	}
	if e.Address != "" {
		what += " from " + e.Address
	}
	out := fmt.Sprintf("  %s  %s  %s\n", paint(verdict), stamp(e.Time), cli.Visible(e.Account+"  "+what))
	if e.Why != "" {
		out += "      " + cli.Visible(e.Why) + "\n"
	}
	return out
}

// next is what is to be done, as a command.
func next(x *client.RootRequestDetail) string {
	may := func(act string) bool { return slices.Contains(x.May, act) }
	open := func(list []client.RootItem) string {
		for _, i := range list {
			if i.Answer == nil {
				return i.ID
			}
		}
		return ""
	}
	switch {
	case x.State == "requested" && x.Now.Before(x.Expires):
		return "rootkeep approve " + x.ID
	case x.State == "requested":
		return "rootkeep root withdraw " + x.ID
	case x.State == "approved" && open(x.Before) != "":
		return "rootkeep root answer " + x.ID + " " + open(x.Before)
	case x.State == "approved" && may("open"):
		return "rootkeep root open " + x.ID
	case (x.State == "open" || x.State == "closing") && x.Sealed.IsZero() && open(x.After) != "":
		return "rootkeep root answer " + x.ID + " " + open(x.After) + ", once it is done"
	case (x.State == "open" || x.State == "closing") && x.Sealed.IsZero():
		return "rootkeep root close " + x.ID
	case x.State == "closing":
		return "rootkeep root confirm " + x.ID
	case x.Overridden != nil && x.Overridden.State == "granted" && may("review"):
		return "rootkeep root review " + x.ID
	}
	return ""
}
