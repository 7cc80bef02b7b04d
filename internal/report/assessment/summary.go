package assessment

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// mostFixes is how many fixes the text names; the other formats have all.
const mostFixes = 10

// plan is the part of the text that says what to fix first.
func (t summary) plan() {
	if len(t.Plan) < 2 {
		return // of one thing there is no order
	}
	t.heading("FIX THESE FIRST: risk removed for the effort")
	for i, f := range t.Plan[:min(len(t.Plan), mostFixes)] {
		t.line("  %2d. %s  %s  %s: %s, %s", i+1, t.paint(f.Severity, fmt.Sprintf("%-8s", strings.ToUpper(f.Severity.String()))), visible(f.Control), visible(f.Title),
			failing(&f), visible(f.Effort))
	}
	if n := len(t.Plan) - mostFixes; n > 0 {
		t.line("      and %s more; --output html or json has all", text.Grouped(n))
	}
}

// failing is "3 failures in 2 accounts", without the accounts if there is one.
func failing(f *score.Fix) string {
	out := text.Counted(f.Failing, "failure")
	if f.Accounts > 1 {
		out += " in " + text.Counted(f.Accounts, "account")
	}
	return out
}

// stateWords are the states of an item for a reader.
var stateWords = map[string]string{score.Done: "done", score.NotDone: "not done", score.Unknown: "not known", score.NotApplicable: "does not apply"}

func (t summary) score() {
	if t.Score == nil {
		return
	}
	t.heading("SCORECARD")
	for _, l := range t.Score.Levels {
		t.line("  %s: %s", visible(l.Title), levelCounts(&l))
		for _, i := range l.Items {
			t.line("    %-14s  %s%s", stateWords[i.State], visible(i.Text), visible(because(&i)))
		}
	}
}

// levelCounts is "1 of 3 done, 2 not known".
func levelCounts(l *score.LevelResult) string {
	out := fmt.Sprintf("%d of %d done", l.Done, len(l.Items))
	for _, c := range []struct {
		n     int
		state string
	}{{l.NotDone, score.NotDone}, {l.Unknown, score.Unknown}, {l.NotApplicable, score.NotApplicable}} {
		if c.n > 0 {
			out += fmt.Sprintf(", %d %s", c.n, stateWords[c.state])
		}
	}
	return out
}

// because names the controls that keep an item from being done.
func because(i *score.ItemResult) string {
	const most = 6
	list := i.Failing
	word := "fails"
	switch {
	case len(list) > 0:
	case len(i.Excepted) > 0:
		list, word = i.Excepted, "accepted"
	case i.State == score.Unknown:
		list, word = i.Unknown, "not known"
	default:
		return ""
	}
	names := strings.Join(list[:min(len(list), most)], ", ")
	if n := len(list) - most; n > 0 {
		names += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf(" (%s: %s)", word, names)
}

// since is the part of the text that says what has changed.
func (t summary) since() {
	d := t.Since
	if d == nil {
		return
	}
	t.heading("SINCE %s UTC (%s)", d.Judged.UTC().Format(time.DateTime), visible(d.File))
	t.line("  %s", d.counts())
	for _, part := range d.parts() {
		shown := part.list
		if t.Most > 0 {
			shown = shown[:min(t.Most, len(shown))]
		}
		for i := range shown {
			f := &shown[i]
			t.line("  %-13s  %s  %s: %s", part.word, visible(f.Control), visible(f.Title), visible(cmp.Or(f.Resource, "account"))+about(f))
		}
		if n := len(part.list) - len(shown); n > 0 {
			t.line("  %-13s  and %s more", part.word, text.Grouped(n))
		}
	}
	for _, note := range d.notes() {
		t.line("  %s", visible(note))
	}
}

// change is one kind of difference, with its word and colour.
type change struct {
	word  string
	class sheet.Markup
	list  []rootkeep.Finding
}

func (d *Difference) parts() []change {
	return []change{{"new", "s-fail", d.New}, {"fixed", "s-pass", d.Fixed}, {"gone", "s-none", d.Gone}, {"not known now", "s-unknown", d.NewlyUnknown}}
}

// counts is the difference in one sentence.
func (d *Difference) counts() string {
	out := fmt.Sprintf("%s, %s fixed, %s gone, %s newly unknown, %s unchanged", text.Counted(len(d.New), "new failure"), text.Grouped(len(d.Fixed)), text.Grouped(len(d.Gone)),
		text.Grouped(len(d.NewlyUnknown)), text.Grouped(d.Unchanged))
	if d.Changed > 0 {
		out += fmt.Sprintf(", %s changed in another way", text.Grouped(d.Changed))
	}
	return out
}

// notes say what the difference leaves out.
func (d *Difference) notes() []string {
	var out []string
	if n := len(d.NotCompared); n > 0 {
		const most = 5
		var names []string
		for _, id := range d.NotCompared[:min(n, most)] {
			names = append(names, cmp.Or(string(id), "one of unknown number"))
		}
		if n > most {
			names = append(names, fmt.Sprintf("%s more", text.Grouped(n-most)))
		}
		out = append(out, fmt.Sprintf("not compared: %s of one of the scans alone (%s)", text.Counted(n, "account"), strings.Join(names, ", ")))
	}
	if n := len(d.NewControls); n > 0 {
		out = append(out, fmt.Sprintf("not compared: %s that the earlier scan did not judge", text.Counted(n, "control")))
	}
	return out
}
