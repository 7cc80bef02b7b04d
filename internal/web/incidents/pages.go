package incidents

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	caseof "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

func invalid(err error) error {
	return web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
}

// filterOf reads the filter of a list's address. A value that is none of the form's is
// refused, not ignored.
func filterOf(q url.Values, me string) (f incident.Filter, err error) {
	f = incident.Filter{Before: q.Get("cursor"), Limit: web.PageSize, Request: q.Get("request")}
	if s := q.Get("state"); s != "" {
		if f.State, err = caseof.ParseState(s); err != nil {
			return f, invalid(err)
		}
	}
	if s := q.Get("account"); s != "" {
		if f.Account, err = rootkeep.ParseAccountID(s); err != nil {
			return f, invalid(err)
		}
	}
	if s := q.Get("severity"); s != "" {
		if f.Least, err = rootkeep.ParseSeverity(s); err != nil {
			return f, invalid(err)
		}
	}
	if q.Get("mine") != "" {
		f.Owner = me
	}
	return f, nil
}

func (a *area) list(w http.ResponseWriter, r *http.Request) error {
	f, err := filterOf(r.URL.Query(), web.ActorOf(r.Context()).ID)
	if err != nil {
		return err
	}
	p, err := a.find(r.Context(), f)
	if err != nil {
		return err
	}
	return web.Show(w, r, "Cases", listBody(listView{at: r.URL, items: p.Items, next: p.Next}))
}

func (a *area) detail(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("ETag", web.ETag(f.Revision))
	me := web.ActorOf(r.Context())
	return web.Show(w, r, f.ID, detailBody(detailView{f, f.may(me)}, me))
}

// acts carries out the form of an act, whose word is in the input, and goes back to the
// page of the case.
func (a *area) acts(said, input string, do act) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, word := r.PathValue("id"), strings.Join(strings.Fields(r.FormValue(input)), " ")
		revision, err := strconv.ParseInt(r.FormValue("revision"), 10, 64)
		if err != nil {
			return web.Refuse(http.StatusUnprocessableEntity, "invalid", "the form does not say which version it was made from; hint: open the page again")
		}
		err = a.update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := do(ctx, tx, web.ActorOf(ctx), id, revision, word)
			return err
		})
		if err != nil {
			return err
		}
		return web.Redirect(w, r, "/incidents/"+id, said)
	}
}

type listView struct {
	at    *url.URL
	items []*incident.Case
	next  string // cursor
}

func (v listView) more() string {
	if v.next == "" {
		return ""
	}
	return page.AtCursor(v.at, v.next)
}

func (v listView) filtered() bool {
	q := v.at.Query()
	q.Del("cursor")
	return len(q) > 0
}

func (v listView) inputs() []page.Input {
	q := v.at.Query()
	severities := []page.Option{{Value: "", Text: "Any"}}
	for s := rootkeep.Critical; s > 0; s-- {
		severities = append(severities, page.Option{Value: s.String(), Text: s.String() + " or worse"})
	}
	return []page.Input{
		{Name: "state", Label: "State", Kind: "select", Value: q.Get("state"), Options: []page.Option{{Value: "", Text: "Any"}, {Value: "open", Text: "open"}, {Value: "closed", Text: "closed"}}},
		{Name: "severity", Label: "Severity", Kind: "select", Value: q.Get("severity"), Options: severities},
		{Name: "account", Label: "Account", Kind: "text", Value: q.Get("account"), Most: 12},
		{Name: "request", Label: "Request", Kind: "text", Value: q.Get("request"), Most: 64},
		{Name: "mine", Label: "I have it", Kind: "checkbox", Checked: q.Get("mine") != ""},
	}
}

func stateTone(c *incident.Case) page.Tone {
	if c.State == caseof.Open {
		return page.Bad
	}
	return page.Plain
}

var listColumns = []page.Column{{Title: "Case"}, {Title: "State"}, {Title: "Severity"}, {Title: "About"}, {Title: "Account"}, {Title: "Events", Number: true}, {Title: "Opened"}}

func (v listView) rows() []page.Row {
	out := make([]page.Row, len(v.items))
	for i, c := range v.items {
		out[i] = page.Row{Tone: stateTone(c), Cells: []templ.Component{
			page.To("/incidents/"+c.ID, c.ID), page.Badge(stateTone(c), string(c.State)), page.Severity(c.Severity), page.Text(c.Title), page.Word(string(c.Account)), page.Text(strconv.Itoa(c.Events)), page.Time(c.Opened),
		}}
	}
	return out
}

type detailView struct {
	*folder
	can []string
}

func (v detailView) may(act string) bool { return slices.Contains(v.can, act) }

func (v detailView) facts() []page.Fact {
	owner := page.Badge(page.Careful, "nobody yet")
	if v.Owner != "" {
		owner = page.Text(v.who(v.Owner))
	}
	out := []page.Fact{{Term: "Owner", Value: owner}, {Term: "Account", Value: page.ID(string(v.Account))}, {Term: "Opened", Value: page.Time(v.Opened)}}
	if v.Request != "" {
		out = append(out, page.Fact{Term: "Request", Value: page.To("/root/"+v.Request, v.Request)})
	}
	if len(v.Parties) > 0 {
		var took []string
		for _, id := range v.Parties {
			took = append(took, v.who(id))
		}
		out = append(out, page.Fact{Term: "Took part, and does not close it", Value: page.LongText(strings.Join(took, ", "))})
	}
	if v.State == caseof.Closed {
		out = append(out, page.Fact{Term: "Closed", Value: page.Time(v.Closed)}, page.Fact{Term: "Why it was closed", Value: page.LongText(v.Reason)})
	}
	return out
}

// why says what keeps the case open, "" if nothing does.
func (v detailView) why(me people.Actor) string {
	switch {
	case v.State != caseof.Open || !v.works:
		return ""
	case v.Owner == "":
		return "Somebody has to have it before it can be closed."
	case !v.ready:
		return "It can be closed once the override is reviewed."
	case slices.Contains(v.Parties, me.ID):
		return "You took part in what it is about: somebody else closes it."
	}
	return ""
}

func (v detailView) ownerInput() page.Input {
	options := []page.Option{{Value: "", Text: "Choose"}}
	for _, p := range v.owners {
		if p.ID != v.Owner {
			options = append(options, page.Option{Value: p.ID, Text: named(p)})
		}
	}
	return page.Input{Name: "owner", Label: "Owner", Kind: "select", Options: options, Required: true}
}

func named(p client.RootPerson) string { return p.Name + " (" + p.ID + ")" }

var historyColumns = []page.Column{{Title: "Time"}, {Title: "Act"}, {Title: "By"}, {Title: "What"}}

func (v detailView) historyRows() []page.Row {
	var out []page.Row
	for _, l := range v.History {
		about := l.About
		if l.Act == caseof.Assigned {
			about = "to " + v.who(l.About)
		}
		out = append(out, page.Cells(page.Time(l.At), page.Text(string(l.Act)), page.Text(v.who(l.By)), page.LongText(about)))
	}
	return out
}

var alertColumns = []page.Column{{Title: "Alert"}, {Title: "Level"}, {Title: "State"}, {Title: "Last"}, {Title: "Events", Number: true}, {Title: "What to do"}}

func (v detailView) alertRows() []page.Row {
	var out []page.Row
	for _, x := range v.alerts {
		guidance := ""
		if len(x.Found.Rules) > 0 {
			guidance = x.Found.Rules[0].Guidance
		}
		row := page.Cells(page.To("/alerts/"+x.ID, x.Found.Title), page.Severity(x.Found.Level), page.Badge(page.Plain, string(x.State)), page.Time(x.Found.Last), page.Text(text.Grouped(x.Found.Count)), page.LongText(guidance))
		row.Tone = page.SeverityTone(x.Found.Level)
		out = append(out, row)
	}
	return out
}
