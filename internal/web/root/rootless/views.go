package rootless

import (
	"fmt"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/root/subject"
)

// planView is the page of the order.
type planView struct {
	form   *form
	plan   *client.RootlessPlan // nil if what was typed is refused
	mayAsk bool
}

func (v planView) stats() []page.Stat {
	p := v.plan
	unknown, old := page.Good, page.Good
	if p.Unknown > 0 {
		unknown = page.Unsure
	}
	if p.Old > 0 {
		old = page.Unsure
	}
	return []page.Stat{
		{Label: "In the order", Value: text.Grouped(len(p.Steps)), Note: "accounts whose root users lose credentials", Tone: page.Plain},
		{Label: "Not known", Value: text.Grouped(p.Unknown), Note: "nobody knows what these have", Tone: unknown},
		{Label: "Old", Value: text.Grouped(p.Old), Note: "read more than " + text.Span(time.Duration(p.OldAfter)*time.Second) + " ago", Tone: old},
		{Label: "Left out", Value: text.Grouped(len(p.Left)), Note: "each with its reason", Tone: page.Plain},
	}
}

// choice are the inputs that say which accounts are ordered.
func (f *form) choice() []page.Input {
	return []page.Input{
		{Name: "first", Label: "Canaries", Kind: "text", Value: f.first, Hint: "Accounts that come first, in their order; the others wait for them", Most: 1000},
		{Name: "accounts", Label: "Only these members", Kind: "text", Value: f.accounts, Hint: "Empty for all", Most: 8000},
		{Name: "management", Label: "Management account", Kind: "text", Value: f.management, Hint: "Where several organizations are known", Most: 12},
	}
}

// wish are the inputs of the request, with the accounts that the order was made for.
func (f *form) wish() []page.Input {
	return []page.Input{
		{Name: "first", Kind: "hidden", Value: f.first}, {Name: "accounts", Kind: "hidden", Value: f.accounts}, {Name: "management", Kind: "hidden", Value: f.management},
		{Name: "justification", Label: "Why, and why now", Kind: "textarea", Value: f.justification, Hint: "Approvers sign this text", Required: true, Most: 2000},
		{Name: "ticket", Label: "Ticket", Kind: "text", Value: f.ticket, Hint: "Its number or address, if there is one", Most: 200},
	}
}

var stepColumns = []page.Column{{Title: "Turn"}, {Title: "Account"}, {Title: "Root user has"}, {Title: "Read"}, {Title: "Why here"}, {Title: "Lost for good"}}

func (v planView) steps() []page.Row {
	out := make([]page.Row, len(v.plan.Steps))
	for i, s := range v.plan.Steps {
		turn, tone := fmt.Sprint(i+1), page.Plain
		if s.Canary {
			turn += ", canary"
		}
		read := page.Text("never")
		if !s.Read.IsZero() {
			read = page.Text(subject.At(s.Read))
		}
		if s.Old || s.Unknown {
			tone = page.Unsure
		}
		out[i] = page.Row{Tone: tone, Cells: []templ.Component{page.Text(turn), account(s.Account, s.Name), page.LongText(s.Has), read, page.LongText(s.Why), page.LongText(subject.OrNone(strings.Join(s.Lost, "; ")))}}
	}
	return out
}

var leftColumns = []page.Column{{Title: "Account"}, {Title: "Known"}, {Title: "Why it is left out"}}

func (v planView) left() []page.Row {
	out := make([]page.Row, len(v.plan.Left))
	for i, l := range v.plan.Left {
		known, tone := "yes", page.Plain
		if l.Unknown {
			known, tone = "no", page.Unsure
		}
		out[i] = page.Row{Tone: tone, Cells: []templ.Component{account(l.Account, l.Name), page.Badge(tone, known), page.LongText(l.Why)}}
	}
	return out
}

// statusView is the page of a request over all members.
type statusView struct{ *client.RootlessStatus }

// tones are those of the words.
var tones = map[string]page.Tone{
	"proven": page.Good, "deleted": page.Careful, "working": page.Careful, "half-way": page.Bad, "open": page.Bad, "back": page.Critical, "holds": page.Bad,
	"refused": page.Unsure, "not known": page.Unsure, "waits": page.Plain, "ended": page.Plain, "left out": page.Plain,
}

// order is that in which the words are counted: what needs somebody first.
var order = []string{"back", "half-way", "open", "holds", "refused", "not known", "working", "waits", "deleted", "proven", "ended", "left out"}

func (v statusView) stats() []page.Stat {
	var out []page.Stat
	for _, word := range order {
		if n := v.Count[word]; n > 0 {
			out = append(out, page.Stat{Label: word, Value: text.Grouped(n), Tone: tones[word]})
		}
	}
	return out
}

var lineColumns = []page.Column{{Title: "Turn"}, {Title: "Account"}, {Title: "State"}, {Title: "Why, and what to do"}, {Title: "Had"}, {Title: "Read last"}, {Title: "Change"}}

func (v statusView) lines() []page.Row {
	out := make([]page.Row, len(v.Accounts))
	for i, l := range v.Accounts {
		turn, change, read := "", page.Text(""), "never"
		if l.Change != "" {
			turn, change = fmt.Sprint(i+1), page.To("/changes/"+l.Change, l.Change)
		}
		if l.Canary {
			turn += ", canary"
		}
		if !l.Read.IsZero() {
			read = subject.At(l.Read) + ": " + l.Has
		}
		out[i] = page.Row{Tone: tones[l.Word], Cells: []templ.Component{
			page.Text(turn), account(l.Account, l.Name), page.Badge(tones[l.Word], l.Word), page.LongText(l.Why), page.LongText(l.Had), page.LongText(read), change,
		}}
	}
	return out
}

// works are the pieces of work with their names.
func (v statusView) works() []page.Fact {
	var out []page.Fact
	for _, w := range []struct {
		term string
		of   *client.RootlessWork
	}{{"Planning", v.Planning}, {"Applying", v.Applying}, {"Proving", v.Proving}} {
		if w.of == nil {
			continue
		}
		said := w.of.State
		for _, more := range []string{w.of.Progress, w.of.Error} {
			if more != "" {
				said += ": " + more
			}
		}
		out = append(out, page.Fact{Term: w.term, Value: page.LongText(said)})
	}
	return out
}

func (v statusView) proofTone() page.Tone {
	if v.Proof.Claim {
		return page.Good
	}
	return page.Unsure
}
