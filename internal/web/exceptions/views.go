package exceptions

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
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

// facts are the fields of an exception, as approvers have to read them.
func (f *folder) facts() []page.Fact {
	e := f.Subject
	return []page.Fact{
		{Term: "Account", Value: page.ID(string(e.Account))},
		{Term: "Control", Value: page.Text(e.Control + " " + e.Title)},
		{Term: "Severity", Value: page.Severity(e.Severity)},
		{Term: "Region", Value: page.Text(orAll(string(e.Region)))},
		{Term: "Resource", Value: page.LongText(orAll(e.Resource))},
		{Term: "Owner", Value: page.Text(e.Owner)},
		{Term: "Reason", Value: page.LongText(e.Reason)},
		{Term: "Until", Value: page.Time(e.Until)},
		{Term: "Asked by", Value: page.Text(f.who(f.Request.Requester))},
		{Term: "Asked", Value: page.Time(f.Request.Created)},
		{Term: "Can be approved until", Value: page.Time(f.Request.Expires)},
		{Term: "Policy", Value: page.Text(fmt.Sprintf("%s, version %d", f.Policy.ID, f.Policy.Version))},
	}
}

func orAll(s string) string {
	if s == "" {
		return "all"
	}
	return s
}

// difference is a field that an edit changed.
type difference struct{ field, before, after string }

// differences are what changed from one version to the next.
func differences(before, after exceptions.Version) []difference {
	var out []difference
	for _, d := range []difference{
		{"Region", orAll(string(before.Subject.Region)), orAll(string(after.Subject.Region))},
		{"Resource", orAll(before.Subject.Resource), orAll(after.Subject.Resource)},
		{"Owner", before.Subject.Owner, after.Subject.Owner},
		{"Reason", before.Subject.Reason, after.Subject.Reason},
		{"Until", before.Subject.Until.Format(time.RFC3339), after.Subject.Until.Format(time.RFC3339)},
		{"Severity of the control", before.Subject.Severity.String(), after.Subject.Severity.String()},
		{"Title of the control", before.Subject.Title, after.Subject.Title},
	} {
		if d.before != d.after {
			out = append(out, d)
		}
	}
	return out
}

func differenceRows(list []difference) []page.Row {
	out := make([]page.Row, len(list))
	for i, d := range list {
		out[i] = page.Cells(page.Text(d.field), page.LongText(d.before), page.LongText(d.after))
	}
	return out
}

var differenceColumns = []page.Column{{Title: "Field"}, {Title: "Before"}, {Title: "Now"}}

func (f *folder) tallyRows() []page.Row {
	out := make([]page.Row, len(f.tally))
	for i, t := range f.tally {
		var by []string
		for _, person := range t.By {
			by = append(by, f.who(person))
		}
		tone, word := page.Unsure, "open"
		if len(t.By) >= t.Count {
			tone, word = page.Good, "met"
		}
		out[i] = page.Cells(page.Text(t.Name+" ("+t.Group+")"), page.Text(fmt.Sprintf("%d of %d", len(t.By), t.Count)), page.Badge(tone, word), page.Text(orNobody(by)))
	}
	return out
}

var tallyColumns = []page.Column{{Title: "Group"}, {Title: "Approvals", Number: true}, {Title: "State"}, {Title: "By"}}

func orNobody(list []string) string {
	if len(list) == 0 {
		return "nobody yet"
	}
	return strings.Join(list, ", ")
}

func (f *folder) approvalRows(evidence bool) []page.Row {
	out := make([]page.Row, len(f.approvals))
	for i := range f.approvals {
		a := &f.approvals[i]
		tone, word := page.Good, "approved"
		if a.Statement.Decision == approval.Deny {
			tone, word = page.Bad, "denied"
		}
		switch {
		case a.Version != f.Request.Version:
			tone, word = page.Plain, "void"
		case !a.Counts(f.Exception):
			tone, word = page.Plain, "void: key revoked"
		}
		file := page.Text("")
		if evidence && a == f.signature(a.Version, a.Statement.Approver) {
			file = page.To(fmt.Sprintf("/exceptions/%s/approvals/%d/%s", f.ID, a.Version, a.Statement.Approver), "File to verify")
		}
		out[i] = page.Cells(page.Text(f.who(a.Statement.Approver)), page.Badge(tone, word), page.Time(a.At), page.ID(a.Key.Fingerprint().String()[:16]), page.ID(a.Statement.Challenge().String()), file)
	}
	return out
}

var approvalColumns = []page.Column{{Title: "Approver"}, {Title: "Decision"}, {Title: "Signed"}, {Title: "Key"}, {Title: "SHA-256 of the statement"}, {Title: "Evidence"}}

// entryRows are the entries of the ledger that tell of it. Who may not read the whole
// ledger gets no links into it.
func (f *folder) entryRows(links bool) []page.Row {
	out := make([]page.Row, len(f.entries))
	for i := range f.entries {
		e := &f.entries[i]
		number, receipt := page.Text(strconv.FormatInt(e.N, 10)), page.Text("")
		if links {
			at := fmt.Sprintf("/ledger/entries/%d", e.N)
			number, receipt = page.To(at, strconv.FormatInt(e.N, 10)), page.To(at+"/receipt", "Receipt")
		}
		out[i] = page.Cells(number, page.Text(e.Type), page.Time(e.Time), page.Text(f.who(e.Actor)), receipt)
	}
	return out
}

var entryColumns = []page.Column{{Title: "Entry"}, {Title: "Type"}, {Title: "Time"}, {Title: "By"}, {Title: "Proof"}}

func couldText(list []exceptions.Approver) string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.Name + " (" + a.ID + ")"
	}
	return orNobody(out)
}

// needs says in words what a policy asks for.
func needs(p *approval.Policy) string {
	out := make([]string, len(p.Require))
	for i, q := range p.Require {
		out[i] = fmt.Sprintf("%d of %s (%s)", q.Count, q.Name, q.Group)
	}
	return strings.Join(out, " and ")
}

// pathOf is the address of the next page, empty on the last.
func pathOf(v listView) string {
	if v.next == "" {
		return ""
	}
	return page.AtCursor(v.at, v.next)
}
