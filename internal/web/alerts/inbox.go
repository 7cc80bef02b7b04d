package alerts

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/chart"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// inboxView is the page of alerts.
type inboxView struct {
	at       *url.URL
	in       Filters
	me       string
	list     []*alerts.Alert
	next     string                       // cursor
	byState  map[alert.State]int64        // of every state
	byLevel  [rootkeep.Critical + 1]int64 // of every level
	names    map[string]string            // of owners
	operated map[rootkeep.AccountID]bool  // the actor works at alerts of the account
}

const (
	longestValue = 200 // bytes of a value of the filter
	openStates   = "open"
	everything   = "all"
)

// mutes are the choices of why nobody is told, as the filter has them.
var mutes = []string{"inbox", "told", string(alert.ByCase), string(alert.ByHunt), string(alert.ByStorm), string(alert.BySuppression), string(alert.ByDryRun), everything}

// filtersOf reads the filter of the list's address. A value that is none of the form's is
// refused, not ignored. The list shows what is open unless it is asked for something else.
func filtersOf(q url.Values) (Filters, error) {
	in := Filters{
		State: q.Get("state"), Level: q.Get("level"), Rule: q.Get("rule"), Account: q.Get("account"), Owner: q.Get("owner"), Tactic: q.Get("tactic"), Tag: q.Get("tag"),
		Case: q.Get("case"), Hunt: q.Get("hunt"), Storm: q.Get("storm"), Muted: q.Get("muted"), Text: q.Get("q"),
	}
	for _, v := range []string{in.Rule, in.Owner, in.Tactic, in.Tag, in.Case, in.Hunt, in.Storm, in.Text} {
		if len(v) > longestValue {
			return in, invalid("a value of the filter is longer than 200 bytes")
		}
	}
	switch in.State {
	case "":
		if in.Hunt == "" && in.Storm == "" && in.Case == "" {
			in.State = openStates
		}
	case openStates, everything:
	default:
		if _, err := alert.ParseState(in.State); err != nil {
			return in, invalid(err.Error())
		}
	}
	if in.Account != "" {
		if _, err := rootkeep.ParseAccountID(in.Account); err != nil {
			return in, invalid(err.Error())
		}
	}
	if in.Muted != "" && !slices.Contains(mutes, in.Muted) {
		return in, invalid("muted: want one of " + strings.Join(mutes, ", "))
	}
	return in, nil
}

func invalid(detail string) error {
	return web.Refuse(http.StatusUnprocessableEntity, "invalid", detail)
}

// stored is the filter as the store takes it.
func (in Filters) stored() (alerts.Filter, error) {
	if in.State == everything {
		in.State = ""
	}
	f, err := in.filter()
	if err != nil {
		return f, invalid(err.Error())
	}
	return f, nil
}

func (a *area) inbox(w http.ResponseWriter, r *http.Request) error {
	in, err := filtersOf(r.URL.Query())
	if err != nil {
		return err
	}
	f, err := in.stored()
	if err != nil {
		return err
	}
	v := inboxView{at: r.URL, in: in, me: web.ActorOf(r.Context()).ID}
	err = a.view(r.Context(), func(ctx context.Context, read *store.Reader, s sight.Sight) (err error) {
		if v.list, v.next, err = alerts.List(ctx, read, s, f, r.URL.Query().Get("cursor"), web.PageSize); err != nil {
			return err
		}
		if err = v.count(ctx, read, s, f); err != nil {
			return err
		}
		return v.about(ctx, read, web.ActorOf(ctx))
	})
	if err != nil {
		return err
	}
	return web.Show(w, r, "Alerts", inboxBody(v))
}

// count counts by state what the filter holds in any state, and by level what it holds at any.
func (v *inboxView) count(ctx context.Context, r *store.Reader, s sight.Sight, f alerts.Filter) error {
	states, levels := f, f
	states.States, levels.Least = nil, 0
	c, err := alerts.Count(ctx, r, s, states)
	if err != nil {
		return err
	}
	v.byState = c.States
	c, err = alerts.Count(ctx, r, s, levels)
	v.byLevel = c.Levels
	return err
}

// about reads who has the alerts, and at which the actor may work.
func (v *inboxView) about(ctx context.Context, r *store.Reader, actor people.Actor) (err error) {
	var owners []string
	v.operated = map[rootkeep.AccountID]bool{}
	for _, x := range v.list {
		if x.Owner != "" {
			owners = append(owners, x.Owner)
		}
		account := x.Found.Account
		if _, known := v.operated[account]; known {
			continue
		}
		if v.operated[account], err = alerts.May(ctx, r, actor, account); err != nil {
			return err
		}
	}
	v.names, err = approvals.Names(ctx, r, owners)
	return err
}

func (v *inboxView) inputs() []page.Input {
	option := func(value, text string) page.Option { return page.Option{Value: value, Text: text} }
	states := []page.Option{option(openStates, "open"), option(everything, "all states")}
	for _, s := range alert.States() {
		states = append(states, option(string(s), string(s)))
	}
	levels := []page.Option{option("", "all levels")}
	for s := rootkeep.Critical; s > 0; s-- {
		levels = append(levels, option(s.String(), s.String()+" or worse"))
	}
	state := v.in.State
	if state == "" {
		state = everything
	}
	return []page.Input{
		{Name: "q", Label: "Text", Kind: "search", Value: v.in.Text, Most: longestValue},
		{Name: "state", Label: "State", Kind: "select", Value: state, Options: states},
		{Name: "level", Label: "Level", Kind: "select", Value: v.in.Level, Options: levels},
		{Name: "hunt", Kind: "hidden", Value: v.in.Hunt}, {Name: "storm", Kind: "hidden", Value: v.in.Storm}, {Name: "case", Kind: "hidden", Value: v.in.Case},
	}
}

// seldom are the inputs of the filter that few need.
func (v *inboxView) seldom() []page.Input {
	option := func(value, text string) page.Option { return page.Option{Value: value, Text: text} }
	told := []page.Option{
		option("", "told, by a case, of hunts"), option("told", "told"), option(string(alert.ByCase), "told by their case"), option(string(alert.ByHunt), "found by hunts"),
		option(string(alert.ByStorm), "part of a storm"), option(string(alert.BySuppression), "suppressed"), option(string(alert.ByDryRun), "rules on trial"), option(everything, "everything"),
	}
	muted := v.in.Muted
	if muted == "inbox" {
		muted = ""
	}
	return []page.Input{
		{Name: "rule", Label: "Rule", Kind: "text", Value: v.in.Rule, Most: longestValue},
		{Name: "account", Label: "Account", Kind: "text", Value: v.in.Account, Most: 12},
		{Name: "owner", Label: "Owner", Kind: "text", Value: v.in.Owner, Options: []page.Option{option(v.me, "you")}, Most: 64},
		{Name: "tag", Label: "Tag", Kind: "text", Value: v.in.Tag, Most: 40},
		{Name: "tactic", Label: "Tactic", Kind: "text", Value: v.in.Tactic, Most: 60},
		{Name: "muted", Label: "Told", Kind: "select", Value: muted, Options: told},
	}
}

// stats are the numbers by state, each a way to its alerts.
func (v *inboxView) stats() []page.Stat {
	var out []page.Stat
	for _, s := range alert.States() {
		stat := page.Stat{Label: strings.ToUpper(string(s[:1])) + string(s[1:]), Value: text.Grouped(v.byState[s]), Tone: page.Plain, Path: page.With(v.at, "state", string(s))}
		if s == alert.New && v.byState[s] > 0 {
			stat.Tone = page.Careful
		}
		out = append(out, stat)
	}
	return out
}

// shares are the numbers by level.
func (v *inboxView) shares() chart.Shares {
	c := chart.Shares{Title: "By level"}
	for level, n := range slices.Backward(v.byLevel[:]) {
		if s := rootkeep.Severity(level); n > 0 {
			c.Parts = append(c.Parts, chart.Part{Name: s.String(), Tone: chart.Level(s), N: n})
		}
	}
	return c
}

var inboxColumns = []page.Column{
	{Title: "Alert"}, {Title: "Level"}, {Title: "State"}, {Title: "Owner"}, {Title: "Account"}, {Title: "Who"}, {Title: "Last"}, {Title: "Events", Number: true}, {Title: "Do"},
}

func (v *inboxView) rows() []page.Row {
	var out []page.Row
	for _, x := range v.list {
		f := &x.Found
		row := page.Cells(page.To("/alerts/"+x.ID, f.Title), page.Severity(f.Level), brief(x), page.Text(who(v.names, x.Owner)), page.Word(text.Accounts(f.Account, f.Accounts, f.AccountsOmitted > 0, 0)), page.Text(f.Actor.Principal),
			page.Time(f.Last), page.Text(text.Grouped(f.Count)), v.quick(x))
		row.Tone = page.SeverityTone(f.Level)
		out = append(out, row)
	}
	return out
}

// quick is what can be done with an alert without opening it.
func (v *inboxView) quick(x *alerts.Alert) templ.Component {
	if x.State != alert.New || !v.operated[x.Found.Account] {
		return templ.NopComponent
	}
	return page.Act("/alerts/"+x.ID+"/acknowledge", "Acknowledge", "", page.Plain, version(x), page.Input{Name: "back", Value: page.AtCursor(v.at, v.at.Query().Get("cursor"))})
}

// who is a person in a table.
func who(names map[string]string, id string) string {
	if name := names[id]; name != "" {
		return name
	}
	return id
}

// stateTone is the tone of where an alert stands.
func stateTone(s alert.State) page.Tone {
	switch s {
	case alert.New:
		return page.Careful
	case alert.Closed:
		return page.Good
	case alert.Snoozed:
		return page.Unsure
	}
	return page.Plain
}

// muteWords say why nobody is told.
func muteWords(a *alerts.Alert) string {
	switch a.Muted {
	case alert.ByHunt:
		return "found by a hunt"
	case alert.ByDryRun:
		return "rule on trial"
	case alert.BySuppression:
		return "suppressed"
	case alert.ByStorm:
		return "part of a storm"
	case alert.ByCase:
		return "told by its case"
	}
	return ""
}
