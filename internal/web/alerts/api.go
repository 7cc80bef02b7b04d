package alerts

import (
	"context"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/root"
)

func (a *area) api(api *web.API) {
	op := func(id, method, path, summary, about string) web.Operation {
		return web.Operation{ID: id, Method: method, Path: path, Summary: summary, Tag: "alerts", Need: people.Read, Description: about}
	}
	const acts = "Who operates at the account does, such as a responder. Wants `If-Match`."
	web.Register(api, op("list-alerts", "GET", "/alerts", "Alerts, the most severe first, then the latest", "Only those of accounts that you may read."), a.apiList)
	web.Register(api, op("count-alerts", "GET", "/alert-counts", "How many alerts a list would hold, by state and by level", ""), a.apiCount)
	web.Register(api, op("get-alert", "GET", "/alerts/{id}", "An alert with its events, its history, and what root did meanwhile", ""), a.apiGet)
	web.Register(api, op("acknowledge-alert", "POST", "/alerts/{id}/acknowledge", "Say that you look at an alert", acts), a.apiAcknowledge)
	web.Register(api, op("assign-alert", "PUT", "/alerts/{id}/owner", "Give an alert to a person", acts), a.apiAssign)
	web.Register(api, op("snooze-alert", "POST", "/alerts/{id}/snooze", "Have an alert wait", acts+" It wakes before its time if it becomes more severe."), a.apiSnooze)
	web.Register(api, op("close-alert", "POST", "/alerts/{id}/close", "Close an alert with a reason", acts+" What arrives later opens it again. A storm closes its members with it."), a.apiClose)
	web.Register(api, op("reopen-alert", "POST", "/alerts/{id}/reopen", "Take a close, an acknowledgement or a snooze back", acts), a.apiReopen)
	web.Register(api, op("tag-alert", "POST", "/alerts/{id}/tags", "Add and remove tags of an alert", acts), a.apiTag)
	web.Register(api, op("list-suppressions", "GET", "/suppressions", "Suppressions, the newest first, at most 1,000", ""), a.apiSuppressions)
	suppress := op("make-suppression", "POST", "/suppressions", "Keep alerts from being told", "Its owner is a person who operates there. It expires within 90 days, and never hides alerts on root users or on what watches.")
	suppress.Status = http.StatusCreated
	web.Register(api, suppress, a.apiSuppress)
	web.Register(api, op("end-suppression", "POST", "/suppressions/{id}/end", "End a suppression before its time", "Who operates there does."), a.apiUnsuppress)
	web.Register(api, op("list-rule-volumes", "GET", "/rule-volumes", "How much each rule found", "Over whole accounts, rules on trial among them: for who reads everywhere. With `rule`, that one by the hour."), a.apiVolumes)
}

// Filters is the part of an operation's input that says which alerts it is about.
type Filters struct {
	State   string    `query:"state" enum:"open,new,acknowledged,snoozed,closed" doc:"open: all but closed"`
	Level   string    `query:"level" enum:"informational,low,medium,high,critical" doc:"This one, or worse"`
	Rule    string    `query:"rule" maxLength:"256" doc:"Name of one of its rules"`
	Account string    `query:"account" maxLength:"12" doc:"About it, by itself or among several, or about more accounts than are named"`
	Owner   string    `query:"owner" maxLength:"64" doc:"ID of a person"`
	Tactic  string    `query:"tactic" maxLength:"60" doc:"Of ATT&CK"`
	Tag     string    `query:"tag" maxLength:"40"`
	Case    string    `query:"case" maxLength:"60" doc:"CS-..."`
	Hunt    string    `query:"hunt" maxLength:"60" doc:"Only what this hunt found"`
	Storm   string    `query:"storm" maxLength:"60" doc:"Only the members of this storm"`
	Muted   string    `query:"muted" enum:"inbox,told,case,hunt,storm,suppression,dry-run,all" doc:"Why nobody is told; inbox, unless a storm is asked for: told, case and hunt"`
	Text    string    `query:"q" maxLength:"200" doc:"In the title, the principal or the ID"`
	Since   time.Time `query:"since" doc:"With an event in this moment or later"`
}

func (in *Filters) filter() (alerts.Filter, error) {
	f := alerts.Filter{
		Account: rootkeep.AccountID(in.Account), Rule: in.Rule, Owner: in.Owner, Tactic: in.Tactic, Tag: in.Tag, Case: in.Case, Hunt: in.Hunt, Storm: in.Storm, Text: in.Text, Since: in.Since,
	}
	switch in.State {
	case "":
	case "open":
		f.States = []alert.State{alert.New, alert.Acknowledged, alert.Snoozed}
	default:
		f.States = []alert.State{alert.State(in.State)}
	}
	switch {
	case in.Muted == "all" || in.Muted == "" && in.Storm != "":
	case in.Muted == "" || in.Muted == "inbox":
		f.Muted = alerts.Inbox()
	case in.Muted == "told":
		f.Muted = []alert.Mute{""}
	default:
		f.Muted = []alert.Mute{alert.Mute(in.Muted)}
	}
	if in.Level == "" {
		return f, nil
	}
	var err error
	f.Least, err = rootkeep.ParseSeverity(in.Level)
	return f, err
}

type listIn struct {
	web.Paging
	Filters
}

type listOut struct{ Body client.Page[client.Alert] }

func (a *area) apiList(ctx context.Context, in *listIn) (*listOut, error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	out := &listOut{client.Page[client.Alert]{Items: []client.Alert{}}}
	err = a.view(ctx, func(ctx context.Context, r *store.Reader, s sight.Sight) error {
		list, next, err := alerts.List(ctx, r, s, f, in.Cursor, in.Limit)
		for _, x := range list {
			out.Body.Items = append(out.Body.Items, wire(x))
		}
		out.Body.Next = next
		return err
	})
	return out, err
}

type countOut struct{ Body client.AlertCounts }

func (a *area) apiCount(ctx context.Context, in *Filters) (*countOut, error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	out := &countOut{client.AlertCounts{States: map[string]int64{}, Levels: map[string]int64{}}}
	err = a.view(ctx, func(ctx context.Context, r *store.Reader, s sight.Sight) error {
		c, err := alerts.Count(ctx, r, s, f)
		for _, state := range alert.States() {
			out.Body.States[string(state)] = c.States[state]
		}
		for level, n := range c.Levels {
			out.Body.Levels[rootkeep.Severity(level).String()] = n
		}
		return err
	})
	return out, err
}

type detailOut struct {
	ETag string `header:"ETag"`
	Body client.AlertDetail
}

type idIn struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *area) apiGet(ctx context.Context, in *idIn) (*detailOut, error) {
	f, err := a.open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &detailOut{web.ETag(f.Revision), client.AlertDetail{
		Alert: wire(f.Alert), Found: f.Found, History: []client.AlertLine{}, RootEvents: []client.RootEvent{}, CouldOwn: f.owners, May: f.may(),
	}}
	for _, l := range f.History {
		out.Body.History = append(out.Body.History, client.AlertLine{At: l.At, By: l.By, Act: string(l.Act), About: l.About})
	}
	for _, e := range f.events {
		out.Body.RootEvents = append(out.Body.RootEvents, root.EventOf(e))
	}
	return out, nil
}

func wire(a *alerts.Alert) client.Alert {
	f := &a.Found
	out := client.Alert{
		ID: a.ID, Revision: a.Revision, State: string(a.State), Level: f.Level.String(), Title: f.Title, Kind: f.Kind, Account: string(f.Account), Principal: f.Actor.Principal,
		Tactic: f.Tactic, Rules: []string{}, First: f.First, Last: f.Last, Count: f.Count, Owner: a.Owner, Tags: append([]string{}, a.Tags...), Muted: string(a.Muted), MutedBy: a.MutedBy,
		Case: a.Case, Request: a.Request, Verdict: string(a.Verdict), Opened: a.Opened, Told: a.Told, Due: a.Due, Until: a.Until, Closed: a.Closed, Escalated: a.Escalated,
		Decided: a.Decided, DecidedBy: a.By, Reason: a.Reason,
	}
	for _, id := range f.Accounts {
		out.Accounts = append(out.Accounts, string(id))
	}
	for _, r := range f.Rules {
		out.Rules = append(out.Rules, r.Name)
	}
	return out
}

// actIn is an act on an alert as its maker read it.
type actIn[T any] struct {
	ID      string `path:"id" maxLength:"64"`
	IfMatch string `header:"If-Match"`
	Body    T
}

// do changes an alert that the actor read, as it was then.
func (a *area) do(ctx context.Context, id, ifMatch string, act func(ctx context.Context, tx *store.Tx, actor people.Actor, revision int64) (*alerts.Alert, error)) (*detailOut, error) {
	actor := web.ActorOf(ctx)
	err := a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		x, err := a.Desk.Get(ctx, &tx.Reader, actor, id)
		if err != nil {
			return err
		}
		if err := web.IfMatch(ifMatch, x.Revision); err != nil {
			return err
		}
		_, err = act(ctx, tx, actor, x.Revision)
		return err
	})
	if err != nil {
		return nil, told(err)
	}
	return a.apiGet(ctx, &idIn{id})
}

func (a *area) apiAcknowledge(ctx context.Context, in *actIn[client.AlertNote]) (*detailOut, error) {
	return a.do(ctx, in.ID, in.IfMatch, func(ctx context.Context, tx *store.Tx, actor people.Actor, revision int64) (*alerts.Alert, error) {
		return a.Desk.Acknowledge(ctx, tx, actor, in.ID, revision, in.Body.Note)
	})
}

func (a *area) apiAssign(ctx context.Context, in *actIn[client.AlertOwner]) (*detailOut, error) {
	return a.do(ctx, in.ID, in.IfMatch, func(ctx context.Context, tx *store.Tx, actor people.Actor, revision int64) (*alerts.Alert, error) {
		return a.Desk.Assign(ctx, tx, actor, in.ID, revision, in.Body.Owner)
	})
}

func (a *area) apiSnooze(ctx context.Context, in *actIn[client.AlertSnooze]) (*detailOut, error) {
	return a.do(ctx, in.ID, in.IfMatch, func(ctx context.Context, tx *store.Tx, actor people.Actor, revision int64) (*alerts.Alert, error) {
		return a.Desk.Snooze(ctx, tx, actor, in.ID, revision, in.Body.Until, in.Body.Reason)
	})
}

func (a *area) apiClose(ctx context.Context, in *actIn[client.AlertReason]) (*detailOut, error) {
	return a.do(ctx, in.ID, in.IfMatch, func(ctx context.Context, tx *store.Tx, actor people.Actor, revision int64) (*alerts.Alert, error) {
		return a.Desk.Close(ctx, tx, actor, in.ID, revision, in.Body.Reason)
	})
}

func (a *area) apiReopen(ctx context.Context, in *actIn[client.AlertReason]) (*detailOut, error) {
	return a.do(ctx, in.ID, in.IfMatch, func(ctx context.Context, tx *store.Tx, actor people.Actor, revision int64) (*alerts.Alert, error) {
		return a.Desk.Reopen(ctx, tx, actor, in.ID, revision, in.Body.Reason)
	})
}

func (a *area) apiTag(ctx context.Context, in *actIn[client.AlertTags]) (*detailOut, error) {
	return a.do(ctx, in.ID, in.IfMatch, func(ctx context.Context, tx *store.Tx, actor people.Actor, revision int64) (*alerts.Alert, error) {
		return a.Desk.Tag(ctx, tx, actor, in.ID, revision, in.Body.Add, in.Body.Remove)
	})
}
