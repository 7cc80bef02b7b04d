package ask

import (
	"fmt"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/report/text"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/root/subject"
)

var taskColumns = []page.Column{{Title: "Task"}, {Title: "Member"}, {Title: "Management account"}, {Title: "Standalone"}}

func taskRows(tasks []*access.Task) []page.Row {
	var out []page.Row
	for _, t := range tasks {
		cells := []templ.Component{page.Text(t.Title)}
		for _, h := range access.Holders() {
			a := t.Advise(h)
			switch {
			case a.Refused:
				cells = append(cells, cell(page.Bad, "never as root", a.Instead))
			case a.Needs == nil:
				cells = append(cells, cell(page.Good, "no root needed", a.Instead))
			default:
				cells = append(cells, cell(page.Careful, string(a.Needs.Path), a.Instead))
			}
		}
		out = append(out, page.Cells(cells...))
	}
	return out
}

// composeView is the form of a request, with what the task comes to.
type composeView struct {
	*form
	tasks    []*access.Task
	task     *access.Task     // nil while it is not chosen
	outlook  *outlook         // nil before accounts are known
	standing *stored.Standing // nil likewise
	kind     *change.Kind     // that is planned for each account
	me       string
}

func minutes(d time.Duration) string {
	if d >= time.Hour && d%time.Hour == 0 {
		return text.Counted(int64(d/time.Hour), "hour")
	}
	return text.Counted(int64(d/time.Minute), "minute")
}

// matrix is what a request for the task needs.
func (v composeView) matrix() []page.Fact {
	n, o := v.outlook.advice.Needs, v.outlook
	out := []page.Fact{
		{Term: "The account is", Value: page.LongText(v.standing.Words())},
		{Term: "How", Value: page.Text(subject.PathWord(n.Path))},
		{Term: "Approvals", Value: page.Text(approvals.Needs(o.policy) + ", each with a security key")},
		{Term: "Who could approve now", Value: page.LongText(personsWord(o.could))},
		{Term: "Stays open for", Value: page.Text(o.policy.Open())},
		{Term: "A session lasts", Value: page.Text(minutes(n.Session) + " at most; the task takes about " + minutes(n.Expected))},
	}
	if n.Custodian {
		out = append(out, page.Fact{Term: "Custodian", Value: page.Text("hands the credential out, and neither asks nor approves")})
	}
	if n.Recovery {
		out = append(out, page.Fact{Term: "Credential", Value: page.Text("is made first, and taken away afterwards")})
	}
	if n.Change != "" {
		out = append(out, page.Fact{Term: "Change", Value: page.To("/changes/kinds/"+n.Change, n.Change)})
	}
	return append(out,
		page.Fact{Term: "Checklist", Value: page.Text(fmt.Sprintf("%s before, %s after", text.Counted(int64(len(n.Before)), "item"), text.Counted(int64(len(n.After)), "item")))},
		page.Fact{Term: "May cause", Value: page.LongText(strings.Join(n.Events, ", "))})
}

func personsWord(list []client.RootPerson) string {
	if len(list) == 0 {
		return "nobody"
	}
	var out []string
	for _, p := range list {
		out = append(out, p.Name+" ("+p.ID+")")
	}
	return strings.Join(out, ", ")
}
