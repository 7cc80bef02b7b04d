package changes

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

var allBatches = page.Link{Text: "Batches", Path: "/changes/batches"}

// batchesView is the page of batches.
type batchesView struct {
	at          *url.URL
	items       []*changes.Listed
	first, next string
}

func (v batchesView) inputs() []page.Input {
	q := v.at.Query()
	return []page.Input{
		{Name: "halted", Label: "Halted", Kind: "checkbox", Checked: q.Get("halted") != ""},
		{Name: "mine", Label: "Planned by me", Kind: "checkbox", Checked: q.Get("mine") != ""},
	}
}

func standsTone(stands string) page.Tone {
	switch stands {
	case "halted":
		return page.Bad
	case "ended":
		return page.Plain
	}
	return stateTone(changes.State(stands))
}

var batchesColumns = []page.Column{{Title: "Batch"}, {Title: "It is"}, {Title: "What"}, {Title: "Changes"}, {Title: "Canaries"}, {Title: "Halted at"}, {Title: "Planned"}}

func (v batchesView) rows() []page.Row {
	out := make([]page.Row, len(v.items))
	for i, l := range v.items {
		stands, at := l.Stands(), page.Text("")
		var canaries []string
		for _, m := range l.Members {
			if m.Canary {
				canaries = append(canaries, string(m.Account))
			}
			if m.ID == l.Halted {
				at = page.LongText(fmt.Sprintf("%s, %s: %s", m.Account, m.State, m.Why))
			}
		}
		if l.Unseen {
			at = page.Text("an account that you may not read")
		}
		out[i] = page.Row{Tone: standsTone(stands), Cells: []templ.Component{
			page.To("/changes/batches/"+l.ID, l.ID), page.Badge(standsTone(stands), stands), page.LongText(l.About), page.Text(countsOf(l)), page.Text(strings.Join(canaries, ", ")), at, page.Time(l.Created),
		}}
	}
	return out
}

// countsOf says how many changes of a batch are in which state.
func countsOf(l *changes.Listed) string {
	var out []string
	for _, s := range changes.States() {
		n := 0
		for _, m := range l.Members {
			if m.State == s {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(out, ", ")
}

// order says in a sentence how the changes of a batch are applied.
func (b *bundle) order() string {
	if b.Undoes != "" {
		return "It undoes another batch: the change that was applied last is undone first, as the canary of this one, and the canaries of that one come last. It halts at the first that does not end well."
	}
	return "Changes that are applied one after the other. The canaries go first, and it halts at the first that does not end applied."
}

// applyWords are those of the button that applies the batch.
func (b *bundle) applyWords() string {
	if b.Halted != "" && b.next == b.Halted {
		return "Go on with the one it halted at"
	}
	return "Apply the batch"
}

// facts are those of the batch as a whole.
func (b *bundle) facts() []page.Fact {
	out := []page.Fact{{Term: "Batch", Value: page.ID(b.ID)}, {Term: "Planned by", Value: page.Text(person(b.planner, b.Planner))}, {Term: "Planned", Value: page.Time(b.Created)}}
	if b.Undoes != "" {
		out = append(out, page.Fact{Term: "Undoes", Value: page.To("/changes/batches/"+b.Undoes, b.Undoes)})
	}
	for _, id := range b.undos {
		out = append(out, page.Fact{Term: "To be undone by", Value: page.To("/changes/batches/"+id, id)})
	}
	if b.next != "" {
		out = append(out, page.Fact{Term: "Next", Value: page.To("/changes/"+b.next, b.next)})
	}
	if b.blocked != "" {
		out = append(out, page.Fact{Term: "In the way", Value: page.LongText(b.blocked)})
	}
	return out
}

var batchColumns = []page.Column{{Title: "Place", Number: true}, {Title: "Change"}, {Title: "State"}, {Title: "Account"}, {Title: "Canary"}, {Title: "Why"}}

func (b *bundle) rows() []page.Row {
	out := make([]page.Row, len(b.changes))
	for i, c := range b.changes {
		canary := ""
		if c.Canary {
			canary = "canary"
		}
		out[i] = page.Row{Tone: stateTone(c.State), Cells: []templ.Component{
			page.Text(fmt.Sprint(c.Place)), page.To("/changes/"+c.ID, c.ID), page.Badge(stateTone(c.State), string(c.State)), page.Text(string(c.Account)), page.Text(canary), page.LongText(c.Why),
		}}
	}
	return out
}
