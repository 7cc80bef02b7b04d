package evidence

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/report/text"
)

// shownFaults is how many faults the text names; the JSON has all.
const shownFaults = 20

// WriteText writes the report for a person. Texts of the bundle are made visible.
func (r *Report) WriteText(out io.Writer) error {
	w := &lines{out: out}
	switch r.State {
	case Proven:
		w.say("Proven: %s are in the ledger %s, signed by a key that you gave.", count(r.Entries, "entry", "entries"), r.Origin)
	case Unproven:
		switch {
		case r.Ledger.OwnKeys:
			w.say("Nothing is wrong, and nothing is proven yet: the bundle was checked with its own keys. Give the ledger's key, as you had it before: --key FILE")
		case r.Approvers.State == Unproven:
			w.say("Nothing is wrong, and not all is proven: entries tell of decisions that no security key in the bundle signed.")
		case r.AWS.OwnKeys:
			w.say("Nothing is wrong, and not all is proven: AWS's signatures were checked with the bundle's own keys. Give AWS's, as you had them from AWS: --aws-keys FILE")
		case r.AWS.State != Unproven:
			w.say("Nothing is wrong, and not all is proven: see what is told of root users.")
		default:
			w.say("Nothing is wrong, and not all is proven: files of CloudTrail lack what would prove them.")
		}
	default:
		w.say("Broken: %s.", count(len(r.Faults), "fault", "faults"))
	}
	for i, f := range r.Faults {
		if i == shownFaults {
			w.say("  ... and %d more", len(r.Faults)-i)
			break
		}
		w.say("  %s", f.Text)
	}
	w.say("")
	if r.Origin != "" { // a zip that could not be opened has none
		w.say("Head      %d entries, %s", r.Head, r.Root)
	}
	if r.Manifest != "" {
		w.say("Manifest  SHA-256 %s", r.Manifest)
	}
	if p := r.Period; p != nil {
		w.say("Period    from %s to %s: no entry is left out%s", p.From.Format(time.RFC3339), p.To.Format(time.RFC3339), r.end())
	}
	for _, e := range r.Erased {
		w.say("Erased    payload %s of entry %d: what it said is not proven any more", e.Name, e.Entry)
	}
	w.say("")
	w.say("Three roots of trust:")
	r.approverText(w)
	r.awsText(w)
	r.ledgerText(w)
	r.rootText(w)
	return w.err
}

func (r *Report) end() string {
	if r.OpenEnd {
		return " up to the head"
	}
	return ""
}

func (r *Report) approverText(w *lines) {
	a := r.Approvers
	if a.State == Absent {
		w.say("  Approvers' keys      absent: no decision of an approver is in this bundle")
		return
	}
	w.say("  Approvers' keys      %s: %s%s", a.State, count(len(a.Approvals), "signature of a security key holds", "signatures of security keys hold"),
		when(a.State == Proven, "; their holders decided so, whoever keeps the ledger"))
	for _, one := range a.Approvals {
		w.say("    entry %d: %s %s on %s, key %s, on %s", one.Entry, one.Approver, one.Decision, one.Request, one.Key[:16], one.Site)
	}
	for _, n := range a.Unsigned {
		w.say("    entry %d: tells of a decision, and what the security key signed is not in the bundle", n)
	}
}

func (r *Report) ledgerText(w *lines) {
	l := r.Ledger
	w.say("  The ledger's key     %s%s", l.State, when(l.State == Proven, ": the ledger's keeper signed these entries, each in its place"))
	for _, k := range l.Keys {
		if l.OwnKeys {
			w.say("    the bundle's own: %s", k)
		} else {
			w.say("    trusted: %s", k)
		}
	}
	if len(l.Anchors) == 0 {
		w.say("    no anchor: that the ledger was not written anew rests on whoever keeps its key")
	}
	for _, a := range l.Anchors {
		w.say("    anchor %s (%s), %d entries, %s: %s, %s", a.Place, a.Kind, a.Size, a.At.Format(time.RFC3339), a.State, a.Text)
	}
}

// when gives a text if something is so.
func when(so bool, text string) string {
	if so {
		return text
	}
	return ""
}

func (r *Report) awsText(w *lines) {
	a := r.AWS
	if a.State == Absent {
		w.say("  AWS's signatures     absent: this bundle holds no log files of CloudTrail")
		return
	}
	w.say("  AWS's signatures     %s: %s and %s are as CloudTrail wrote them%s", a.State, count(a.Digests, "digest file", "digest files"), count(a.Logs, "log file", "log files"),
		when(a.OwnKeys, ", if the bundle's own keys are AWS's"))
	for _, source := range a.Sources {
		w.say("    AWS's keys in the bundle, from: %s", string(source))
	}
	for i, c := range a.Chains {
		if i == shownFaults {
			w.say("    ... and %d more trails and Regions", len(a.Chains)-i)
			break
		}
		w.say("    trail %s, account %s, %s: valid digests from %s to %s%s%s", c.Trail, string(c.Account), string(c.Region), c.From.Format(time.RFC3339), c.To.Format(time.RFC3339),
			when(!c.Whole, ", not all of the period"), when(c.Gaps > 0, ", in which CloudTrail paused "+count(c.Gaps, "time", "times")))
	}
	if a.Absent > 0 {
		w.say("    %s of the period the digests name and the bundle does not have: that no root event is in them rests on whoever made it", count(a.Absent, "log file", "log files"))
	}
	for i, l := range a.Lacks {
		if i == shownFaults {
			w.say("    ... and %d more that are not proven", len(a.Lacks)-i+a.More)
			break
		}
		w.say("    not proven: %s: %s", l.Object, l.Text)
	}
	if t := a.Claim; t != nil && t.LeftOut+t.Unreadable > 0 {
		w.say("    left out, as the bundle says: %s, and %s that could not be looked into", count(t.LeftOut, "file", "files"), count(t.Unreadable, "input", "inputs"))
	}
}

// lines writes lines and keeps the first error.
type lines struct {
	out io.Writer
	err error
}

const widest = 500 // characters of one text

func (l *lines) say(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = text.Visible(s, widest)
		}
	}
	if l.err == nil {
		_, l.err = fmt.Fprintln(l.out, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return text.Grouped(n) + " " + many
}
