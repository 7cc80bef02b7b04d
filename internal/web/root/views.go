package root

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/root/subject"
)

type listView struct {
	at     *url.URL
	items  []*stored.Request
	next   string // cursor
	tasks  []*access.Task
	number *rootlog.Number
	mayAsk bool
}

// VerdictTone is the tone of a verdict; "" is an event that has none yet.
func VerdictTone(v rootkeep.Verdict) page.Tone {
	switch v {
	case "":
		return page.Unsure
	case rootkeep.Unexplained:
		return page.Critical
	case rootkeep.OutOfScope, rootkeep.OutOfWindow:
		return page.Bad
	case rootkeep.Explained:
		return page.Good
	}
	return page.Plain
}

// VerdictWord is a verdict in words.
func VerdictWord(v rootkeep.Verdict) string {
	if v == "" {
		return "not judged yet"
	}
	return strings.ToLower(strings.ReplaceAll(string(v), "_", " "))
}

func stateTone(s stored.State) page.Tone {
	switch s {
	case stored.Requested:
		return page.Unsure
	case stored.Approved, stored.Closing:
		return page.Careful
	case stored.Open:
		return page.Bad // root is in use
	case stored.Closed:
		return page.Good
	}
	return page.Plain
}

func outcomeTone(o reconcile.Outcome) page.Tone {
	switch o {
	case reconcile.Used, reconcile.Unused:
		return page.Good
	}
	return page.Unsure
}

func outcomeWord(o reconcile.Outcome) string {
	return strings.ToLower(strings.ReplaceAll(string(o), "_", " "))
}

func (v listView) inputs() []page.Input {
	q := v.at.Query()
	states := []page.Option{{Value: "", Text: "Any"}}
	for _, s := range stored.States() {
		states = append(states, page.Option{Value: string(s), Text: string(s)})
	}
	tasks := []page.Option{{Value: "", Text: "Any"}}
	for _, t := range v.tasks {
		if len(t.Requests) > 0 {
			tasks = append(tasks, page.Option{Value: t.ID, Text: t.Title})
		}
	}
	return []page.Input{
		{Name: "state", Label: "State", Kind: "select", Value: q.Get("state"), Options: states},
		{Name: "account", Label: "Account", Kind: "text", Value: q.Get("account"), Most: 12},
		{Name: "task", Label: "Task", Kind: "select", Value: q.Get("task"), Options: tasks},
		{Name: "mine", Label: "Asked for by me", Kind: "checkbox", Checked: q.Get("mine") != ""},
		{Name: "override", Label: "Without approvals", Kind: "checkbox", Checked: q.Get("override") != ""},
	}
}

func (v listView) filtered() bool {
	q := v.at.Query()
	q.Del("cursor")
	return len(q) > 0
}

func (v listView) more() string {
	if v.next == "" {
		return ""
	}
	return page.AtCursor(v.at, v.next)
}

var listColumns = []page.Column{{Title: "Request"}, {Title: "State"}, {Title: "Accounts"}, {Title: "Task"}, {Title: "Window"}, {Title: "Became"}, {Title: "Asked"}}

func (v listView) rows() []page.Row {
	out := make([]page.Row, len(v.items))
	for i, x := range v.items {
		became := page.Text("")
		if x.Outcome != "" {
			became = page.Badge(outcomeTone(x.Outcome), outcomeWord(x.Outcome))
		}
		out[i] = page.Row{Tone: stateTone(x.State), Cells: []templ.Component{
			page.To("/root/"+x.ID, x.ID), stateBadges(x), page.Text(accountsWord(x.Asked.Accounts)), page.Text(x.Asked.Title), page.Text(subject.At(x.Begins) + " to " + subject.At(x.Ends)), became, page.Time(x.Matter.Request.Created),
		}}
	}
	return out
}

func accountsWord(list []rootkeep.AccountID) string {
	if len(list) == 1 {
		return string(list[0])
	}
	return text.Counted(int64(len(list)), "account")
}

// NumberStats are the one number with what it rests on.
func NumberStats(n *rootlog.Number) []page.Stat {
	unexplained, coverage := page.Unsure, page.Unsure
	if n.Coverage.Complete() {
		coverage = page.Good
	}
	switch {
	case n.Unexplained > 0:
		unexplained = page.Critical
	case n.Claim():
		unexplained = page.Good
	}
	out := []page.Stat{
		{Label: "Explained", Value: text.Grouped(n.Explained), Note: "uses of root, with a request", Tone: page.Plain, Path: "/root-events?verdict=EXPLAINED"},
		{Label: "Unexplained", Value: text.Grouped(n.Unexplained), Note: "uses that nothing covers", Tone: unexplained, Path: "/incidents?state=open"},
		{Label: "Coverage", Value: n.Coverage.Percent(), Note: n.Coverage.Words(), Tone: coverage, Path: "/root-uses"},
	}
	if n.Unjudged > 0 {
		out = append(out, page.Stat{Label: "Not judged yet", Value: text.Grouped(n.Unjudged), Tone: page.Unsure, Path: "/root-events?unjudged=yes"})
	}
	if n.Drills > 0 {
		out = append(out, page.Stat{Label: "Drills", Value: text.Grouped(n.Drills), Tone: page.Plain, Path: "/root-events?verdict=DRILL"})
	}
	return out
}

// detailView is the page of a request.
type detailView struct {
	*folder
	facts []page.Fact
	edits [][]approvals.Difference
	actor people.Actor
	can   []string
}

func (v detailView) may(act string) bool { return slices.Contains(v.can, act) }

// counts is what the countdown of the page runs to, zero if nothing runs.
func (f *folder) counts() (words string, until time.Time) {
	switch f.State {
	case stored.Requested:
		if ends := f.Decidable(); f.now.Before(ends) {
			return "Can be approved for", ends
		}
	case stored.Approved:
		if f.now.Before(f.Begins) {
			return "The window begins in", f.Begins
		}
		return "Can be opened for", f.Ends
	case stored.Open:
		return "The session ends in", f.Due
	case stored.Closing:
		if !f.Sealed.IsZero() && f.now.Before(f.confirmFrom()) {
			return "Events may still arrive for", f.confirmFrom()
		}
	}
	return "", time.Time{}
}

// left is a time that is left, as the countdown shows it: 1:04:09, 14:59.
func left(d time.Duration) string {
	s := max(0, int64(d.Round(time.Second)/time.Second))
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// next says what happens next, and who does it.
func (f *folder) next() string {
	switch f.State {
	case stored.Requested:
		if !f.now.Before(f.Decidable()) {
			return "Its window was over before it was approved. " + f.who(f.Requester()) + " edits or withdraws it."
		}
		return "It waits for those who have to approve it."
	case stored.Approved:
		if n := f.waiting(beforeSession); n > 0 {
			return f.who(f.Requester()) + " or the custodian answers " + text.Counted(int64(n), "item") + " of the checklist; then the session can be opened."
		}
		return f.who(f.Requester()) + " opens the session."
	case stored.Open:
		return "Root is in use. When the work is done, the items after the session are answered, and all is closed and re-sealed."
	case stored.Closing:
		if f.Sealed.IsZero() {
			return "The session is over. " + text.Counted(int64(f.waiting(afterSession)), "item") + " after it wait for an answer; then all is closed and re-sealed."
		}
		return f.who(f.Requester()) + " confirms the record."
	case stored.Lapsed:
		return "Nobody opened it within its window."
	}
	return ""
}

// stood are the moments of a request that have come.
func (f *folder) stood() []page.Fact {
	var out []page.Fact
	for _, m := range []struct {
		term string
		at   time.Time
	}{{"Approved", f.Granted}, {"Opened", f.Opened}, {"Over", f.Over}, {"Not closed in time, seen", f.Overrun}, {"Re-sealed", f.Sealed}, {"Ended", f.Ended}} {
		if m.term == "Approved" && f.Override {
			m.term = "Overridden"
		}
		if !m.at.IsZero() {
			out = append(out, page.Fact{Term: m.term, Value: page.Time(m.at)})
		}
	}
	if f.Override {
		out = append(out, page.Fact{Term: "Window that holds", Value: page.Text(subject.At(f.Begins) + " to " + subject.At(f.Ends))})
	}
	if f.standing != nil {
		out = append(out, page.Fact{Term: "The account is", Value: page.LongText(f.standing.Words())})
	}
	if f.Asked.Custodian != "" {
		out = append(out, page.Fact{Term: "Custodian", Value: page.Text(f.who(f.Asked.Custodian))})
	}
	if f.Device != "" {
		out = append(out, page.Fact{Term: "MFA device", Value: page.Text(f.Device)})
	}
	return out
}

// deletesAll is the task that takes root users their credentials: its requests have a page
// that says where each account is.
const deletesAll = "delete-root-credentials"

var changeColumns = []page.Column{{Title: "Change"}, {Title: "Account"}, {Title: "SHA-256 of the plan"}}

func (f *folder) changeRows() []page.Row {
	var out []page.Row
	for _, c := range f.Asked.Changes {
		out = append(out, page.Cells(page.To("/changes/"+c.ID, c.ID), page.Word(string(c.Account)), page.ID(c.Plan.String())))
	}
	return out
}

// EventColumns head EventRows.
var EventColumns = []page.Column{{Title: "Time"}, {Title: "Verdict"}, {Title: "Event"}, {Title: "From"}, {Title: "Why"}, {Title: "Account"}}

// EventRows are events with their verdicts. All texts are AWS's.
func EventRows(list []*rootlog.Event) []page.Row {
	out := make([]page.Row, len(list))
	for i, e := range list {
		name := e.Name
		if e.Failed {
			name += " (failed)"
		}
		out[i] = page.Row{Tone: VerdictTone(e.Verdict), Cells: []templ.Component{
			page.To("/root-events/"+e.Key, subject.At(e.Time)), page.Badge(VerdictTone(e.Verdict), VerdictWord(e.Verdict)), page.Text(name + " of " + e.Source), address(e.Address), page.LongText(e.Why), page.Word(string(e.Account)),
		}}
	}
	return out
}

// address is one that does not break within a line, as long as AWS writes addresses.
func address(s string) templ.Component {
	if len(s) > len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") {
		return page.Text(s)
	}
	return page.Word(s)
}

var caseColumns = []page.Column{{Title: "Case"}, {Title: "State"}, {Title: "Severity"}, {Title: "About"}}

func (f *folder) caseRows() []page.Row {
	var out []page.Row
	for _, c := range f.cases {
		tone := page.Plain
		if c.State == "open" {
			tone = page.Bad
		}
		out = append(out, page.Cells(page.To("/incidents/"+c.ID, c.ID), page.Badge(tone, string(c.State)), page.Severity(c.Severity), page.Text(c.Title)))
	}
	return out
}

func (f *folder) overrideFacts() []page.Fact {
	o := f.override
	var skipped []string
	for _, id := range o.Skipped {
		skipped = append(skipped, f.who(id))
	}
	out := []page.Fact{
		{Term: "Signed by", Value: page.Text(f.who(o.By))}, {Term: "Signed", Value: page.Time(o.Signed)}, {Term: "Why nobody was waited for", Value: page.LongText(o.Reason)},
		{Term: "Could have approved", Value: page.LongText(subject.OrNone(strings.Join(skipped, ", ")))}, {Term: "Stands", Value: page.Text(string(o.State))},
	}
	if o.Second != "" {
		out = append(out, page.Fact{Term: "Second person", Value: page.To("/root-overrides/"+o.Second, o.Second)})
	}
	if !o.Due.IsZero() {
		out = append(out, page.Fact{Term: "Review due", Value: page.Time(o.Due)})
	}
	if o.State == stored.Reviewed {
		out = append(out, page.Fact{Term: "Reviewed by", Value: page.Text(f.who(o.Reviewer))}, page.Fact{Term: "It was", Value: page.Text(strings.ReplaceAll(string(o.Verdict), "-", " "))}, page.Fact{Term: "Review", Value: page.LongText(o.Review)})
	}
	return out
}

func reviewInputs() []page.Input {
	return []page.Input{
		{Name: "verdict", Label: "It was", Kind: "select", Required: true, Options: []page.Option{{Value: "", Text: "Choose"}, {Value: string(stored.Justified), Text: "justified"}, {Value: string(stored.NotJustified), Text: "not justified"}}},
		{Name: "review", Label: "Why", Kind: "textarea", Required: true, Most: 2000},
	}
}

// overrideView is the page on which somebody goes on without approvals.
type overrideView struct {
	*folder
	skipped   []client.RootPerson
	reason    string
	refused   *web.Refusal
	statement *approval.Statement // nil before it is handed out
	prompt    string
	facts     []page.Fact
	me        string
}

// eventsView is the list of events.
type eventsView struct {
	at     *url.URL
	events []*rootlog.Event
	next   string
}

func (v eventsView) inputs() []page.Input {
	q := v.at.Query()
	verdicts := []page.Option{{Value: "", Text: "Any"}}
	for _, k := range rootkeep.Verdicts() {
		verdicts = append(verdicts, page.Option{Value: string(k), Text: VerdictWord(k)})
	}
	return []page.Input{
		{Name: "verdict", Label: "Verdict", Kind: "select", Value: q.Get("verdict"), Options: verdicts},
		{Name: "account", Label: "Account", Kind: "text", Value: q.Get("account"), Most: 12},
		{Name: "request", Label: "Request", Kind: "text", Value: q.Get("request"), Most: 64},
		{Name: "event", Label: "ID of the event", Kind: "text", Value: q.Get("event"), Most: 128},
		{Name: "unjudged", Label: "Not judged yet", Kind: "checkbox", Checked: q.Get("unjudged") != ""},
	}
}

func eventFacts(e *rootlog.Event) []page.Fact {
	out := []page.Fact{
		{Term: "Account", Value: page.Text(string(e.Account))}, {Term: "Region", Value: page.Text(string(e.Region))}, {Term: "Time", Value: page.Time(e.Time)},
		{Term: "Arrived", Value: page.Time(e.Arrived)}, {Term: "Delivered", Value: page.Text(fmt.Sprintf("%s, by %s", text.Counted(int64(e.Delivered), "time"), strings.Join(e.Sources, ", ")))},
		{Term: "Event", Value: page.Text(e.Name + " of " + e.Source)}, {Term: "ID", Value: page.ID(e.ID)}, {Term: "Who", Value: page.Text(e.Principal)}, {Term: "From", Value: page.Text(e.Address)},
		{Term: "Error", Value: page.LongText(subject.OrNone(e.Error))}, {Term: "MFA device", Value: page.Text(subject.OrNone(e.Device))}, {Term: "Source identity", Value: page.Text(subject.OrNone(e.SourceIdentity))},
		{Term: "Rule", Value: page.Text(subject.OrNone(e.Rule))}, {Term: "Session", Value: page.Text(subject.OrNone(e.Session))},
	}
	if strings.HasPrefix(e.Request, access.Prefix+"-") {
		return append(out, page.Fact{Term: "Request", Value: page.To("/root/"+e.Request, e.Request)})
	}
	return append(out, page.Fact{Term: "Request", Value: page.Text(subject.OrNone(e.Request))})
}
