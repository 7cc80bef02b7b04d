package exceptions

import (
	"net/url"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

type listView struct {
	at       *url.URL
	items    []*exceptions.Exception
	next     string // cursor
	filtered bool
}

// stateWord is where an exception stands, in one word.
func stateWord(x *exceptions.Exception) string {
	if x.Ended {
		return "ended"
	}
	return string(x.State)
}

func stateTone(x *exceptions.Exception) page.Tone {
	switch {
	case x.Ended:
		return page.Plain
	case x.State == approval.Requested:
		return page.Unsure
	case x.State == approval.Approved:
		return page.Careful // a failure that somebody accepts is not good
	}
	return page.Plain
}

func (v listView) inputs() []page.Input {
	q := v.at.Query()
	states := []page.Option{{Value: "", Text: "Any"}}
	for _, s := range approval.States() {
		states = append(states, page.Option{Value: string(s), Text: string(s)})
	}
	states = append(states, page.Option{Value: "ended", Text: "ended"})
	return []page.Input{
		{Name: "state", Label: "State", Kind: "select", Value: q.Get("state"), Options: states},
		{Name: "account", Label: "Account", Kind: "text", Value: q.Get("account"), Most: 12},
		{Name: "control", Label: "Control", Kind: "text", Value: q.Get("control"), Most: 64},
		{Name: "mine", Label: "Asked for by me", Kind: "checkbox", Checked: q.Get("mine") != ""},
	}
}

func (v listView) rows() []page.Row {
	out := make([]page.Row, len(v.items))
	for i, x := range v.items {
		out[i] = page.Row{Tone: stateTone(x), Cells: []templ.Component{
			page.To("/exceptions/"+x.ID, x.ID), page.Badge(stateTone(x), stateWord(x)), page.Text(string(x.Request.Account)),
			page.Text(x.Subject.Control + " " + x.Subject.Title), page.Severity(x.Subject.Severity), page.Text(x.Subject.Owner), page.Day(x.Subject.Until), page.Time(x.Request.Created),
		}}
	}
	return out
}

var listColumns = []page.Column{{Title: "Request"}, {Title: "State"}, {Title: "Account"}, {Title: "Control"}, {Title: "Severity"}, {Title: "Owner"}, {Title: "Until"}, {Title: "Asked"}}

// Face is how requests for exceptions look where all requests are decided.
func Face() approvals.Face {
	return approvals.Face{
		Kind: approval.ExceptionKind, List: page.Link{Text: "Exceptions", Path: "/exceptions"},
		Signs: "this failure is accepted", Denys: "this failure is not accepted", Facts: facts, Differences: differences,
	}
}

// facts are the fields of an exception, as approvers have to read them.
func facts(subject []byte) ([]page.Fact, error) {
	e, err := approval.ParseException(subject)
	if err != nil {
		return nil, err
	}
	return []page.Fact{
		{Term: "Account", Value: page.ID(string(e.Account))},
		{Term: "Control", Value: page.Text(e.Control + " " + e.Title)},
		{Term: "Severity", Value: page.Severity(e.Severity)},
		{Term: "Region", Value: page.Text(orAll(string(e.Region)))},
		{Term: "Resource", Value: page.LongText(orAll(e.Resource))},
		{Term: "Owner", Value: page.Text(e.Owner)},
		{Term: "Reason", Value: page.LongText(e.Reason)},
		{Term: "Until", Value: page.Time(e.Until)},
	}, nil
}

func orAll(s string) string {
	if s == "" {
		return "all"
	}
	return s
}

// differences are what changed from one subject to the next.
func differences(before, after []byte) ([]approvals.Difference, error) {
	b, err := approval.ParseException(before)
	if err != nil {
		return nil, err
	}
	a, err := approval.ParseException(after)
	if err != nil {
		return nil, err
	}
	var out []approvals.Difference
	for _, d := range []approvals.Difference{
		{Field: "Region", Before: orAll(string(b.Region)), After: orAll(string(a.Region))},
		{Field: "Resource", Before: orAll(b.Resource), After: orAll(a.Resource)},
		{Field: "Owner", Before: b.Owner, After: a.Owner},
		{Field: "Reason", Before: b.Reason, After: a.Reason},
		{Field: "Until", Before: b.Until.Format(time.RFC3339), After: a.Until.Format(time.RFC3339)},
		{Field: "Severity of the control", Before: b.Severity.String(), After: a.Severity.String()},
		{Field: "Title of the control", Before: b.Title, After: a.Title},
	} {
		if d.Before != d.After {
			out = append(out, d)
		}
	}
	return out, nil
}

// pathOf is the address of the next page, empty on the last.
func pathOf(v listView) string {
	if v.next == "" {
		return ""
	}
	return page.AtCursor(v.at, v.next)
}
