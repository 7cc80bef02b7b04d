package outbox

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
)

// Topics of notices about alerts.
const (
	alertTopic     = "alert"
	escalatedTopic = "alert-escalated"
	handledTopic   = "alert-handled"
	stormTopic     = "alert-storm"
	endingTopic    = "suppression-ending"
)

// Alerts puts the notices of what happened to alerts, in the transaction in which it did. All
// notices of one alert are of one thread: its message is sent once, and changed when somebody
// handles it. Link is the address of the console.
func (o *Outbox) Alerts(link string) func(context.Context, *store.Tx, *alerts.Changes) error {
	return func(ctx context.Context, tx *store.Tx, c *alerts.Changes) error {
		for _, change := range c.Alerts {
			n := ofAlert(change, link, tx.Now())
			n.Urgent = o.urgent(change.Alert)
			var err error
			if change.Owner != "" {
				n.To, err = ownerAddress(ctx, &tx.Reader, change.Owner, tx.Clock(), func(a people.Actor) (bool, error) {
					return alerts.May(ctx, &tx.Reader, a, change.Found.Account)
				})
				if err != nil {
					return err
				}
			}
			if n.Text, err = alertText(ctx, &tx.Reader, change); err != nil {
				return err
			}
			if err := o.Put(ctx, tx, n); err != nil {
				return err
			}
		}
		for _, s := range c.Expiring {
			if err := o.putEnding(ctx, tx, s, link); err != nil {
				return err
			}
		}
		return nil
	}
}

// steps says what each act tells: its topic, and what becomes of the message.
var steps = map[alert.Act]struct {
	topic, action string
}{
	alert.Opened: {alertTopic, "open"}, alert.Reopened: {alertTopic, "open"}, alert.Woken: {alertTopic, "open"},
	alert.Escalated: {escalatedTopic, "update"}, alert.Grown: {stormTopic, "update"},
	alert.Seen: {handledTopic, "update"}, alert.Assigned: {handledTopic, "update"}, alert.Put: {handledTopic, "update"}, alert.Ended: {handledTopic, "close"},
}

// ofAlert is the notice of one step of an alert, without its text. The step is known by the
// revision, which changes with each.
func ofAlert(c alerts.Change, link string, now time.Time) notify.Notice {
	f, step := &c.Found, steps[c.Act]
	topic, action, also := step.topic, step.action, ""
	switch {
	case c.First && (topic == escalatedTopic || topic == alertTopic && alert.Crossed(f)):
		topic, action, also = escalatedTopic, "open", alertTopic // ten at once page whom five and then ten do; whoever is told of alerts hears of it too
	case topic == escalatedTopic && c.Spread:
		also = alertTopic // whose the further account is has not heard of it
	case topic == alertTopic && f.Kind == alerts.StormKind:
		topic, also = stormTopic, notify.Also(stormTopic) // whoever would be told of its members is told of it
	case topic == stormTopic:
		also = notify.Also(topic)
	case topic != escalatedTopic && (f.Kind == alerts.SourceKind || f.Kind == alerts.LossKind):
		topic = alert.Rule(f) // source-silent and source-fault are topics
	}
	var accounts []string
	for _, a := range f.Accounts {
		accounts = append(accounts, string(a))
	}
	return notify.Notice{
		ID: ID(topic, c.ID, string(c.Act), strconv.FormatInt(c.Revision, 10)), Topic: topic, Severity: f.Level, Title: f.Title, Subject: c.ID, Account: string(f.Account), Accounts: accounts, Unnamed: f.AccountsOmitted > 0,
		Link: strings.TrimSuffix(link, "/") + "/alerts/" + c.ID, At: now.UTC().Truncate(time.Second), Also: also,
		Action: action, Thread: c.ID, Tags: slices.Clone(c.Tags), Untagged: c.Untagged, Count: f.Count, Principal: text.Visible(f.Actor.Principal, text.Line),
	}
}

// urgent says whether quiet hours never hold an alert back: what may not be suppressed may not
// wait either.
func (o *Outbox) urgent(a *alerts.Alert) bool {
	f := &a.Found
	return o.Guarded == nil || a.Urgent || f.Kind == alerts.SourceKind || f.Kind == alerts.LossKind || alert.Never(f, o.Guarded) != ""
}

// alertText is what the message says: where the alert stands, and what it is about.
func alertText(ctx context.Context, r *store.Reader, c alerts.Change) (string, error) {
	f := &c.Found
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	standing := string(c.State)
	if c.By != alert.System && c.By != "" {
		who, err := nameOf(ctx, r, c.By)
		if err != nil {
			return "", err
		}
		if string(c.Act) != standing {
			standing += ", " + string(c.Act)
		}
		standing += " by " + who
	}
	if c.Owner != "" {
		who, err := nameOf(ctx, r, c.Owner)
		if err != nil {
			return "", err
		}
		standing += ", with " + who
	}
	line("%s", standing)
	if len(c.History) > 0 {
		if last := c.History[len(c.History)-1]; last.Act != alert.Assigned && last.About != "" {
			line("%s", text.Visible(last.About, text.Long))
		}
	}
	if c.State == alert.Snoozed {
		line("until %s", text.Stamp(c.Until))
	}
	if f.Kind != alerts.StormKind && f.Kind != alerts.SourceKind && f.Kind != alerts.LossKind {
		line("%s, %s, %s", text.Counted(f.Count, "event"), whose(f), text.Period(f.First, f.Last))
	}
	for _, e := range f.Events[:min(len(f.Events), mostEvents)] {
		line("%s %s %s%s from %s in %s", text.Stamp(e.Time), text.Visible(e.Source, text.Short), text.Visible(e.Name, text.Short), doer(f, &e), text.Visible(e.Address, text.Short), text.Visible(string(e.Region), text.Short))
	}
	for _, n := range f.Notes[:min(len(f.Notes), mostEvents)] {
		line("%s", text.Visible(n, text.Long))
	}
	if len(f.Rules) > 0 && f.Rules[0].Guidance != "" {
		line("%s", text.Visible(f.Rules[0].Guidance, text.Long))
	}
	return strings.TrimSpace(b.String()), nil
}

// whose says by whom the events of an alert are: by one principal, or by several and in how
// many accounts.
func whose(f *rootkeep.Alert) string {
	out := text.Visible(f.Actor.Principal, text.Line)
	if f.Several {
		out = "several principals"
	}
	if n := len(f.Accounts); n > 0 {
		more := ""
		if f.AccountsOmitted > 0 {
			more = "more than "
		}
		out += " in " + more + text.Counted(n, "account")
	}
	return out
}

// doer says by whom and in which account an event is, where an alert has several.
func doer(f *rootkeep.Alert, e *rootkeep.Event) (out string) {
	if f.Several && e.Actor.Principal != "" {
		out = " by " + text.Visible(e.Actor.Principal, text.Line)
	}
	if len(f.Accounts) > 0 && e.Account != "" {
		out += " in account " + text.Visible(string(e.Account), text.Short)
	}
	return out
}

// putEnding tells the owner of a suppression that it ends soon.
func (o *Outbox) putEnding(ctx context.Context, tx *store.Tx, s *alert.Suppression, link string) error {
	to, err := addresses(ctx, &tx.Reader, []string{s.Owner})
	if err != nil {
		return err
	}
	what := []string{}
	for _, part := range [][2]string{{"rule", s.Scope.Rule}, {"account", string(s.Scope.Account)}, {"principal", s.Scope.Principal}, {"addresses", s.Scope.Addresses}} {
		if part[1] != "" {
			what = append(what, part[0]+" "+text.Visible(part[1], text.Line))
		}
	}
	return o.Put(ctx, tx, notify.Notice{
		ID: ID(endingTopic, s.ID), Topic: endingTopic, Severity: rootkeep.Low, Subject: s.ID, Account: string(s.Scope.Account), To: to, Link: strings.TrimSuffix(link, "/") + "/alerts",
		Title: "The suppression " + s.ID + " ends " + text.Stamp(s.Expires), At: tx.Now().UTC().Truncate(time.Second), Count: s.Hidden,
		Text: fmt.Sprintf("%s\nIt hid %s. From then on they are told again.\n%s", strings.Join(what, ", "), text.Counted(s.Hidden, "alert"), text.Visible(s.Reason, text.Long)),
	})
}
