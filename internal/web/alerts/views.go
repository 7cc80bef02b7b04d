package alerts

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/chart"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/root"
)

var allAlerts = page.Link{Text: "Alerts", Path: "/alerts"}

// lanes draw what is known of the time of an alert: its own events on a lane for each
// principal, and what root did meanwhile on a lane for each session.
func (v *storyView) lanes() chart.Lanes {
	f := &v.Found
	c := chart.Lanes{Title: "Session", From: f.First, To: f.Last, Keys: []chart.Key{
		{Name: "succeeded", Tone: chart.Accent}, {Name: "failed", Tone: chart.Bad},
	}}
	if f.EventsOmitted > 0 {
		c.Note = fmt.Sprintf("the first %d of %s", len(f.Events), text.Counted(f.Count, "event"))
	}
	mark := func(lane string, m chart.Mark) {
		i := slices.IndexFunc(c.Lanes, func(l chart.Lane) bool { return l.Name == lane })
		if i < 0 {
			i, c.Lanes = len(c.Lanes), append(c.Lanes, chart.Lane{Name: lane})
		}
		c.Lanes[i].Marks = append(c.Lanes[i].Marks, m)
	}
	for _, e := range f.Events {
		m := chart.Mark{At: e.Time, Tone: chart.Accent, Words: e.Name}
		if e.Target != "" {
			m.Words += " of " + e.Target
		}
		if e.ErrorCode != "" {
			m.Tone, m.Words = chart.Bad, m.Words+", failed: "+e.ErrorCode
		}
		mark(e.Actor.Principal, m)
	}
	if len(v.events) > 0 {
		c.Keys = append(c.Keys, chart.Key{Name: "explained", Tone: chart.Good}, chart.Key{Name: "not explained", Tone: chart.Critical}, chart.Key{Name: "not judged yet", Tone: chart.Unknown})
	}
	for _, e := range slices.Backward(v.events) {
		lane := "root"
		if e.Session != "" {
			lane = "root, session " + e.Session
		}
		mark(lane, chart.Mark{At: e.Time, Tone: verdictTone(e.Verdict), Words: e.Name + ": " + root.VerdictWord(e.Verdict)})
	}
	return c
}

func verdictTone(v rootkeep.Verdict) chart.Tone {
	switch v {
	case "":
		return chart.Unknown
	case rootkeep.Unexplained, rootkeep.OutOfScope, rootkeep.OutOfWindow:
		return chart.Critical
	}
	return chart.Good
}

func (v *storyView) facts() []page.Fact {
	x, f := v.Alert, &v.Found
	var facts []page.Fact
	add := func(term string, there bool, value templ.Component) {
		if there {
			facts = append(facts, page.Fact{Term: term, Value: value})
		}
	}
	// What a responder asks first stands first: who, what, from where, when.
	add("Who", f.Actor.Principal != "", page.LongText(f.Actor.Principal))
	add("Calls", len(f.Actions) > 0, page.LongText(counts(f.Actions)))
	add("From", len(f.Addresses) > 0, page.LongText(addresses(f.Addresses)))
	add("Account", f.Account != "", page.Word(string(f.Account)))
	add("Accounts", len(f.Accounts) > 0, page.LongText(text.Accounts("", f.Accounts, f.AccountsOmitted > 0, len(f.Accounts))))
	add("When", true, page.Text(text.Period(f.First, f.Last)))
	add("Regions", len(f.Regions) > 0, page.LongText(text.List(f.Regions, text.Short)))
	add("Agents", len(f.Agents) > 0, page.LongText(strings.Join(f.Agents, "; ")))
	add("State", true, standing(x))
	add("Owner", true, page.Text(ownerWords(v.names, x.Owner)))
	add("Told", true, toldFact(x))
	add("Escalates", !x.Due.IsZero(), page.Time(x.Due))
	add("Escalated by time", x.Escalated > 0, page.Text(text.Counted(x.Escalated, "time")))
	add("Snoozed until", x.State == alert.Snoozed, page.Time(x.Until))
	add("Closed", x.State == alert.Closed, page.Time(x.Closed))
	add("Why", x.Reason != "", page.LongText(x.Reason))
	add("ATT&CK", f.Tactic != "" || len(f.Techniques) > 0, page.LongText(techniques(f)))
	add("Runbook", f.Opens != "", page.Text(f.Opens))
	add("First seen", true, page.Time(x.Opened))
	add("Alert", true, page.ID(x.ID))
	return facts
}

func ownerWords(names map[string]string, id string) string {
	if id == "" {
		return "nobody"
	}
	return who(names, id)
}

func toldFact(x *alerts.Alert) templ.Component {
	switch {
	case x.Muted == alert.ByStorm && x.MutedBy != "":
		return page.To("/alerts/"+x.MutedBy, "part of the storm "+x.MutedBy)
	case x.Muted == alert.BySuppression:
		return page.To("/suppressions?ended=yes", "suppressed by "+x.MutedBy)
	case x.Muted != "":
		return page.Text("nobody: " + muteWords(x))
	}
	return page.Time(x.Told)
}

// explains is the way to what explains the use of root, by its ID.
func explains(id string) templ.Component {
	for prefix, path := range map[string]string{"RR-": "/root/", "SC-": "/scans/", "CH-": "/changes/"} {
		if strings.HasPrefix(id, prefix) {
			return page.To(path+id, id)
		}
	}
	return page.Text(id)
}

func counts(list []rootkeep.Count) string {
	var out []string
	for _, c := range list {
		out = append(out, c.Text+" "+text.Grouped(c.Count))
	}
	return strings.Join(out, ", ")
}

func addresses(list []rootkeep.Address) string {
	var out []string
	for _, a := range list {
		words := a.Text + ", "
		if a.Country == "" {
			words += "country "
		}
		words += page.Country(a.Country)
		if a.Network != "" {
			words += ", " + a.Network
		}
		if len(a.Lists) > 0 {
			words += ", on " + strings.Join(a.Lists, " and ")
		}
		out = append(out, words)
	}
	return strings.Join(out, "; ")
}

func techniques(f *rootkeep.Alert) string {
	out := []string{}
	if f.Tactic != "" {
		out = append(out, f.Tactic)
	}
	for _, t := range f.Techniques {
		out = append(out, t.ID)
	}
	return strings.Join(out, ", ")
}

var (
	eventColumns       = []page.Column{{Title: "Time"}, {Title: "Call"}, {Title: "Outcome"}, {Title: "Target"}, {Title: "From"}, {Title: "Event"}, {Title: "Record"}}
	touchedColumns     = []page.Column{{Title: "What"}, {Title: "Calls"}, {Title: "Events", Number: true}, {Title: "Failed", Number: true}, {Title: "Last"}}
	ruleColumns        = []page.Column{{Title: "Rule"}, {Title: "Level"}, {Title: "Matches", Number: true}, {Title: "Failed", Number: true}, {Title: "What to do"}, {Title: "Author"}}
	historyColumns     = []page.Column{{Title: "When"}, {Title: "What"}, {Title: "Who"}, {Title: "About"}}
	nearColumns        = []page.Column{{Title: "Alert"}, {Title: "Level"}, {Title: "State"}, {Title: "First"}, {Title: "Last"}, {Title: "Events", Number: true}}
	suppressionColumns = []page.Column{{Title: "Suppression"}, {Title: "State"}, {Title: "Hides"}, {Title: "Why"}, {Title: "Owner"}, {Title: "Expires"}, {Title: "Hid", Number: true}, {Title: "Last"}}
)

func eventRows(list []rootkeep.Event) []page.Row {
	var out []page.Row
	for _, e := range list {
		from := e.Address
		if e.Agent != "" {
			from += " with " + e.Agent
		}
		out = append(out, page.Cells(page.Time(e.Time), page.Text(e.Source+" "+e.Name), page.Outcome(e.ErrorCode != "", e.ErrorCode), page.Text(e.Target),
			page.Text(from), eventLink(&e), page.Text(recordOf(&e))))
	}
	return out
}

// recordOf is where the record is. Live sources say of it which object it was in, and no more.
func recordOf(e *rootkeep.Event) string {
	if e.Offset == 0 {
		return e.File
	}
	return fmt.Sprintf("%s at byte %s", e.File, text.Grouped(e.Offset))
}

// eventLink leads to the event if it is one of root: those are kept.
func eventLink(e *rootkeep.Event) templ.Component {
	if e.Actor.OfRoot() && len(e.ID) <= longestValue {
		return page.To("/root-uses?days=365&q="+url.QueryEscape(e.ID), e.ID)
	}
	return page.Text(e.ID)
}

func touchedRows(list []*touched) []page.Row {
	var out []page.Row
	for _, t := range list {
		out = append(out, page.Cells(page.Text(t.Target), page.LongText(strings.Join(t.Calls, ", ")), page.Text(text.Grouped(t.N)), page.Text(text.Grouped(t.Failed)), page.Time(t.Last)))
	}
	return out
}

func ruleRows(list []rootkeep.RuleHit) []page.Row {
	var out []page.Row
	for _, r := range list {
		title := r.Title
		if r.Threshold != "" {
			title += ": " + r.Threshold
		}
		out = append(out, page.Cells(page.To("/rules?q="+url.QueryEscape(r.Name), title), page.Severity(r.Level), page.Text(text.Grouped(r.Count)), page.Text(text.Grouped(r.Attempts)),
			page.LongText(r.Guidance), page.Name(r.Author)))
	}
	return out
}

func (v *storyView) historyRows() []page.Row {
	var out []page.Row
	for _, l := range v.History {
		about := l.About
		if l.Act == alert.Assigned {
			about = "to " + who(v.names, l.About)
		}
		out = append(out, page.Cells(page.Time(l.At), page.Text(string(l.Act)), page.Text(who(v.names, l.By)), page.LongText(about)))
	}
	return out
}

func nearRows(list []*alerts.Alert) []page.Row {
	var out []page.Row
	for _, x := range list {
		f := &x.Found
		row := page.Cells(page.To("/alerts/"+x.ID, f.Title), page.Severity(f.Level), brief(x), page.Time(f.First), page.Time(f.Last), page.Text(text.Grouped(f.Count)))
		row.Tone = page.SeverityTone(f.Level)
		out = append(out, row)
	}
	return out
}

func (v *suppressionsView) rows() []page.Row {
	var out []page.Row
	for _, s := range v.list {
		out = append(out, page.Cells(page.ID(s.ID), suppressionState(s, s.Active(v.now), v.works[s.Scope.Account]), page.LongText(scopeWords(&s.Scope)), page.LongText(s.Reason),
			page.Text(who(v.names, s.Owner)), page.Time(s.Expires), page.Text(text.Grouped(s.Hidden)), page.Time(s.Last)))
	}
	return out
}

// scopeWords say what a suppression hides.
func scopeWords(c *alert.Scope) string {
	var out []string
	for _, p := range []struct{ term, value string }{{"rule", c.Rule}, {"account", string(c.Account)}, {"principal", c.Principal}, {"addresses", c.Addresses}} {
		if p.value != "" {
			out = append(out, p.term+" "+p.value)
		}
	}
	return strings.Join(out, ", ")
}

func (v *storyView) ownerInput(name, label string) page.Input {
	i := page.Input{Name: name, Label: label, Kind: "select", Value: v.Owner}
	for _, p := range v.owners {
		i.Options = append(i.Options, page.Option{Value: p.ID, Text: p.Name + " (" + p.ID + ")"})
	}
	return i
}

// of is an input of one of the forms of the page.
func of(form string, i page.Input) page.Input {
	i.Of = form
	return i
}

func reason(label string) page.Input {
	return page.Input{Name: "reason", Label: label, Kind: "textarea", Required: true, Most: alert.LongestReason}
}

func snoozeInput() page.Input {
	i := page.Input{Name: "hours", Label: "It waits for", Kind: "select", Hint: "It wakes before if it becomes more severe"}
	for _, s := range snoozes {
		i.Options = append(i.Options, page.Option{Value: strconv.Itoa(s.hours), Text: s.words})
	}
	return i
}

// suppressInputs are those of the form that keeps alerts like this one from being told.
func (v *storyView) suppressInputs() []page.Input {
	rule := page.Input{Name: "rule", Label: "Rule to suppress", Kind: "select"}
	for _, r := range v.Found.Rules {
		rule.Options = append(rule.Options, page.Option{Value: r.Name, Text: r.Name})
	}
	days := page.Input{Name: "days", Label: "For", Kind: "select", Value: "7"}
	for _, d := range suppressionDays {
		days.Options = append(days.Options, page.Option{Value: strconv.Itoa(d), Text: text.Counted(d, "day")})
	}
	out := []page.Input{rule}
	if v.Found.Account != "" {
		out = append(out, page.Input{Name: "account", Label: "Only in account " + string(v.Found.Account), Kind: "checkbox", Checked: true})
	}
	if v.Found.Actor.Principal != "" {
		out = append(out, page.Input{Name: "principal", Label: "Only of this principal", Kind: "checkbox", Checked: true})
	}
	owner := v.ownerInput("owner", "Who answers for it")
	owner.Value = v.me.ID
	return append(out, days, owner, reason("Why nobody has to be told"))
}
