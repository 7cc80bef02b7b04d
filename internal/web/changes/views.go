package changes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/change/expr"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

var (
	allChanges = page.Link{Text: "Changes", Path: "/changes"}
	allKinds   = page.Link{Text: "Kinds of change", Path: "/changes/kinds"}
)

// listView is the page of changes.
type listView struct {
	at          *url.URL
	kinds       []*change.Kind
	items       []*changes.Change
	first, next string
	actor       people.Actor
}

func stateTone(s changes.State) page.Tone {
	switch s {
	case changes.Applied:
		return page.Good
	case changes.Requested, changes.Unverified, changes.Partial:
		return page.Unsure
	case changes.Approved, changes.Applying, changes.Undoing:
		return page.Careful
	case changes.Stopped, changes.Refused:
		return page.Bad
	}
	return page.Plain
}

// filtered says whether an address leaves something out, beside what is on other pages.
func filtered(at *url.URL) bool {
	q := at.Query()
	q.Del("cursor")
	return len(q) > 0
}

func (v listView) inputs() []page.Input {
	q := v.at.Query()
	states, kinds := []page.Option{{Value: "", Text: "Any"}}, []page.Option{{Value: "", Text: "Any"}}
	for _, s := range changes.States() {
		states = append(states, page.Option{Value: string(s), Text: string(s)})
	}
	for _, k := range v.kinds {
		kinds = append(kinds, page.Option{Value: k.ID, Text: k.ID})
	}
	out := []page.Input{
		{Name: "state", Label: "State", Kind: "select", Value: q.Get("state"), Options: states},
		{Name: "account", Label: "Account", Kind: "text", Value: q.Get("account"), Most: 12},
		{Name: "kind", Label: "Kind", Kind: "select", Value: q.Get("kind"), Options: kinds},
		{Name: "batch", Label: "Batch", Kind: "text", Value: q.Get("batch"), Most: 64},
		{Name: "mine", Label: "Planned by me", Kind: "checkbox", Checked: q.Get("mine") != ""},
	}
	return out
}

// title is what a kind of change is called.
func (v listView) title(id string) string {
	for _, k := range v.kinds {
		if k.ID == id {
			return k.Title
		}
	}
	return id
}

var listColumns = []page.Column{{Title: "Change"}, {Title: "State"}, {Title: "Account"}, {Title: "What"}, {Title: "Class"}, {Title: "Batch"}, {Title: "Planned"}}

func (v listView) rows() []page.Row {
	out := make([]page.Row, len(v.items))
	for i, c := range v.items {
		what := v.title(c.Kind)
		if c.Undoes != "" {
			what = "Undo " + c.Undoes + ": " + what
		}
		batch := page.Text("")
		if c.Batch != "" {
			batch = page.To("/changes/batches/"+c.Batch, c.Batch)
		}
		out[i] = page.Row{Tone: stateTone(c.State), Cells: []templ.Component{
			page.To("/changes/"+c.ID, c.ID), page.Badge(stateTone(c.State), string(c.State)), page.Word(string(c.Account)), page.Text(what), page.Word(string(c.Class)), batch, page.Time(c.Created),
		}}
	}
	return out
}

// detailView is the page of a change.
type detailView struct {
	*folder
	edits     [][]approvals.Difference
	actor     people.Actor
	durations map[string]bool // parameters that are seconds
}

// apply is what the button says that begins it, or goes on with it, and what it asks.
func (v detailView) apply() (words, question string) {
	switch {
	case len(v.plan.Guide) > 0:
		return "It was done: read it back", ""
	case v.State == changes.Stopped:
		return "Go on with it", "Go on with the calls that were not made?"
	}
	return "Apply this plan", "Apply it to account " + string(v.Account) + " now?"
}

// replan is what the button says that plans it anew, and what it asks.
func (v detailView) replan() (words, question string) {
	if v.State == changes.Requested {
		return "Plan it anew", "Read the account and plan it anew? Approvals of this plan are void then."
	}
	if v.Open() {
		return "Plan it anew", ""
	}
	return "Plan it again", ""
}

func (v detailView) can(act string) bool { return slices.Contains(v.may(v.actor), act) }

// person is a name with the ID that the ledger holds.
func person(name, id string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}

// standing says in a sentence what is next.
func (v detailView) standing() string {
	if len(v.plan.Guide) > 0 && (v.State == changes.Approved || v.State == changes.Stopped) {
		return "A person does what stands below. Then the account is read back, which shows whether it was done."
	}
	switch v.State {
	case changes.Planned, changes.Requested, changes.Approved:
		if v.For != "" {
			return "It is done as root: " + v.For + " asks for it, and approves it. It may be applied in the window of that request."
		}
	}
	switch v.State {
	case changes.Planned:
		return "Nobody was asked yet. Whoever planned it reads the plan and asks for its approval."
	case changes.Requested:
		return "It waits for those who have to approve it. Who planned it is none of them."
	case changes.Approved:
		return "It may be applied, while the account is as the plan found it."
	case changes.Applying:
		return fmt.Sprintf("%d of %d calls are made.", len(v.made), len(v.plan.Calls))
	case changes.Stopped:
		return fmt.Sprintf("It stopped after %d of %d calls. Go on with it, undo what was done, or give it up.", len(v.made), len(v.plan.Calls))
	case changes.Applied:
		return "Every call was made, and the account was read back: it is as the plan wanted it."
	case changes.Unverified:
		return "What was done is not proven: the account was not read back as the plan wanted it. Look at it, or undo it."
	case changes.Partial:
		return v.partly()
	case changes.Undoing:
		return "Another change undoes it now, or stopped in the middle of that: its page says so."
	case changes.Undone:
		return "Another change undid it."
	case changes.Refused:
		return "Nothing was done: the account was not as the plan found it." + v.instead()
	case changes.Denied:
		return "An approver denied it. That is final."
	case changes.Expired:
		return "It waited too long, and nothing was done." + v.instead()
	}
	return "Whoever planned it took it back. Nothing was done."
}

// instead says what becomes of one that lapsed.
func (v detailView) instead() string {
	if v.Replaced != "" {
		return " Another change was planned in its place."
	}
	return " Plan it again."
}

// partly says what is next where a change was undone in part.
func (v detailView) partly() string {
	switch {
	case v.Undoes != "":
		return "Every call of this undo was made. What the change did that cannot be undone stays."
	case v.undoable():
		return "A part of it is undone. Undo it again for the rest."
	}
	return "A part of it is undone. What stays, no call undoes: a person does it by hand, or it is left."
}

// stood are the facts of where it stands.
func (v detailView) stood() []page.Fact {
	out := []page.Fact{{Term: "Planned by", Value: page.Text(person(v.planner, v.Planner))}, {Term: "Planned", Value: page.Time(v.Created)}}
	if !v.Expires.IsZero() {
		out = append(out, page.Fact{Term: "In time until", Value: page.Time(v.Expires)})
	}
	if !v.Approved.IsZero() {
		out = append(out, page.Fact{Term: "Approved", Value: page.Time(v.Approved)})
	}
	if !v.Begun.IsZero() {
		out = append(out, page.Fact{Term: "Begun", Value: page.Time(v.Begun)})
	}
	if !v.Ended.IsZero() {
		out = append(out, page.Fact{Term: "Ended", Value: page.Time(v.Ended)})
	}
	if v.Run > 1 {
		out = append(out, page.Fact{Term: "Gone on with", Value: page.Text(fmt.Sprintf("%d times", v.Run-1))})
	}
	if v.For != "" {
		out = append(out, page.Fact{Term: "Request for root", Value: page.ID(v.For)})
	}
	for _, other := range []struct{ term, id, path string }{{"Undoes", v.Undoes, "/changes/"}, {"Undone by", v.UndoneBy, "/changes/"}, {"Planned again as", v.Replaced, "/changes/"}, {"Batch", v.Batch, "/changes/batches/"}} {
		if other.id != "" {
			out = append(out, page.Fact{Term: other.term, Value: page.To(other.path+other.id, other.id)})
		}
	}
	return out
}

// what are the facts of the plan.
func (v detailView) what() []page.Fact {
	p := v.plan
	out := []page.Fact{
		{Term: "Account", Value: page.ID(string(p.Account))}, {Term: "Kind", Value: page.To("/changes/kinds/"+p.Kind, p.Kind)},
		{Term: "Risk", Value: page.Badge(riskTone(p.Risk), p.Risk)}, {Term: "What may break", Value: page.LongText(p.Breaks)},
		{Term: "Undo", Value: page.LongText(undoWord(p))}, {Term: "Class", Value: page.Text(p.Class)}, {Term: "Decided by the policy", Value: page.Text(v.Policy())},
	}
	return append(out,
		page.Fact{Term: "Applied by the role", Value: page.Text(p.Role)}, page.Fact{Term: "Holds meanwhile", Value: page.LongText(strings.Join(p.Resources, ", "))},
		page.Fact{Term: "SHA-256 of the plan", Value: page.ID(v.Hash)})
}

// with are the parameters of the plan.
func (v detailView) with() []page.Fact {
	var out []page.Fact
	for _, name := range slices.Sorted(maps.Keys(v.plan.Parameters)) {
		text := strings.ReplaceAll(textOf(v.plan.Parameters[name]), "\n", ", ")
		if v.durations[name] {
			text += " seconds"
		}
		out = append(out, page.Fact{Term: label(name), Value: page.LongText(text)})
	}
	return out
}

func undoWord(p *change.Plan) string {
	switch {
	case p.Undoes != "":
		return "this is an undo; to come back, plan the change again"
	case p.Undoable():
		return "all of it can be undone"
	case len(p.Final) == 0:
		return "what a person does, a person undoes"
	case len(p.Final) > 0 && slices.ContainsFunc(p.Calls, func(c change.Planned) bool { return c.Final == "" }):
		return "a part of it cannot be undone"
	}
	return "it cannot be undone"
}

func riskTone(risk string) page.Tone {
	switch risk {
	case "high":
		return page.Bad
	case "medium":
		return page.Careful
	}
	return page.Plain
}

// pretty is a plain value as JSON over several lines.
func pretty(v any) string {
	text, err := expr.Encode(v)
	var out bytes.Buffer
	if err == nil {
		err = json.Indent(&out, text, "", "  ")
	}
	if err != nil {
		return err.Error() // a plan that was read holds what JSON can
	}
	return out.String()
}

var differenceColumns = []page.Column{{Title: "What"}, {Title: "Before"}, {Title: "After"}}

func differenceRows(list []change.Difference) []page.Row {
	out := make([]page.Row, len(list))
	for i, d := range list {
		out[i] = page.Cells(page.Text(d.Path), shown(d.Before), shown(d.After))
	}
	return out
}

// longText is how many bytes of a text stand in the cell of a table.
const longText = 300

// shown is a value of a difference: text on a line, what is larger as a block.
func shown(v any) templ.Component {
	switch x := v.(type) {
	case nil:
		return page.Text("nothing")
	case map[string]any, []any:
		return page.Code("JSON", pretty(v))
	case string:
		if len(x) > longText {
			return page.Code("Text", x) // whole: what is cut off is what would be hidden
		}
	}
	text, _ := expr.Encode(v) // a plan that was read holds what JSON can
	return page.LongText(string(text))
}

// call is a call of a plan as the page shows it.
type call struct {
	change.Planned
	number   int
	made     *change.Made // nil: not yet
	undoneBy string       // ID of a change, or ""
	stays    bool         // others of its change are undone, and it is not
}

func (v detailView) calls() []call {
	out := make([]call, len(v.plan.Calls))
	for i, c := range v.plan.Calls {
		out[i] = call{Planned: c, number: i + 1}
		for j := range v.made {
			if v.made[j].Number == i {
				out[i].made, out[i].undoneBy = &v.made[j], v.undone[i]
				out[i].stays = v.State == changes.Partial && v.Undoes == "" && out[i].undoneBy == ""
			}
		}
	}
	return out
}

func where(c change.Call) string {
	if c.Root != "" {
		return c.Operation + ", in a root session under " + c.Root
	}
	return c.Operation
}

var kindColumns = []page.Column{{Title: "Kind"}, {Title: "What"}, {Title: "Class"}, {Title: "Risk"}, {Title: "Undo"}, {Title: "Mends"}}

func kindRows(list []client.ChangeKind) []page.Row {
	out := make([]page.Row, len(list))
	for i, k := range list {
		out[i] = page.Cells(page.To("/changes/kinds/"+k.ID, k.ID), page.Text(k.Title), page.Word(k.Class), page.Badge(riskTone(k.Risk), k.Risk), page.Word(kindUndo(&k)), page.Text(strings.Join(k.Fixes, ", ")))
	}
	return out
}

func kindUndo(k *client.ChangeKind) string {
	switch {
	case k.Guided:
		return "a person's"
	case len(k.Final) > 0:
		return "not all"
	}
	return "yes"
}

var parameterColumns = []page.Column{{Title: "Parameter"}, {Title: "Type"}, {Title: "Otherwise"}, {Title: "What"}}

func parameterRows(list []client.ChangeParameter) []page.Row {
	out := make([]page.Row, len(list))
	for i, p := range list {
		kind, otherwise := p.Type, "required"
		if len(p.OneOf) > 0 {
			kind += ": " + strings.Join(p.OneOf, ", ")
		}
		if !p.Required {
			otherwise = strings.ReplaceAll(textOf(p.Default), "\n", ", ")
		}
		out[i] = page.Cells(page.Text(p.Name), page.Text(kind), page.Text(otherwise), page.LongText(p.About))
	}
	return out
}
