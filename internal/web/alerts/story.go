package alerts

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
)

// storyView is the page of one alert.
type storyView struct {
	*folder
	me    people.Actor
	can   []string
	names map[string]string
	near  []*alerts.Alert // of the same principal, within a day
	never string          // why it is never suppressed, "" if it may be
	whole string          // as JSON
}

// Bounds of the alerts that are shown beside one.
const (
	nearBy   = 24 * time.Hour
	mostNear = 20
)

func (a *area) story(w http.ResponseWriter, r *http.Request) error {
	f, err := a.open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := storyView{folder: f, me: web.ActorOf(r.Context()), can: f.may(), never: a.Desk.Never(&f.Found)}
	err = a.view(r.Context(), func(ctx context.Context, read *store.Reader, s sight.Sight) (err error) {
		if v.names, err = approvals.Names(ctx, read, f.persons()); err != nil {
			return err
		}
		v.near, err = neighbours(ctx, read, s, f.Alert)
		return err
	})
	if err != nil {
		return err
	}
	whole, err := json.MarshalIndent(f.Found, "", "  ")
	if err != nil {
		return err
	}
	v.whole = string(whole)
	w.Header().Set("ETag", web.ETag(f.Revision))
	return web.Show(w, r, "Alert "+f.ID, storyBody(v))
}

// persons are the IDs of everybody whom the page names.
func (f *folder) persons() []string {
	out := []string{f.Owner, f.By}
	for _, l := range f.History {
		out = append(out, l.By)
		if l.Act == alert.Assigned {
			out = append(out, l.About)
		}
	}
	return slices.DeleteFunc(out, func(id string) bool { return !strings.HasPrefix(id, "PE-") })
}

// neighbours are other alerts of the principal in the account, within a day of this one.
func neighbours(ctx context.Context, r *store.Reader, s sight.Sight, x *alerts.Alert) ([]*alerts.Alert, error) {
	f := &x.Found
	if f.Actor.Principal == "" {
		return nil, nil
	}
	list, _, err := alerts.List(ctx, r, s, alerts.Filter{
		Account: f.Account, Of: f.Actor.Principal, Since: f.First.Add(-nearBy), Until: f.Last.Add(nearBy),
	}, "", mostNear+1)
	return slices.DeleteFunc(list, func(o *alerts.Alert) bool { return o.ID == x.ID }), err
}

// sentence says what happened.
func sentence(f *rootkeep.Alert) string {
	switch f.Kind {
	case alerts.StormKind:
		return fmt.Sprintf("%s of the same rule came within a short time, and are told as one.", text.Counted(f.Count, "alert"))
	case alerts.SourceKind:
		return "A live source does not deliver: what happens meanwhile is not known."
	case alerts.LossKind:
		return "Something that a live source delivered could not be read: what was in it is not known."
	}
	who := cmp.Or(f.Actor.Principal, "Somebody whom the records do not name")
	did := text.Counted(f.Count, "event")
	switch {
	case f.Attempts > 0 && f.Attempts == f.Count:
		did += ", all of which failed"
	case f.Attempts > 0:
		did += ", of which " + text.Grouped(f.Attempts) + " failed"
	}
	where := ""
	switch {
	case f.Account != "":
		where = " in account " + string(f.Account)
	case len(f.Accounts) > 0:
		where = " in " + text.Accounts("", f.Accounts, f.AccountsOmitted > 0, 0)
	}
	if len(f.Regions) > 0 {
		where += " (" + text.List(f.Regions, text.Short) + ")"
	}
	if len(f.Addresses) > 0 {
		where += ", from " + f.Addresses[0].Text
		if n := len(f.Addresses) - 1; n > 0 {
			where += fmt.Sprintf(" and %d other %s", n, plural(n, "address", "addresses"))
		}
	}
	return fmt.Sprintf("%s: %s%s, %s.", who, did, where, text.Period(f.First, f.Last))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// touched is a resource that events of an alert name.
type touched struct {
	Target string
	Calls  []string
	Failed int
	N      int
	Last   time.Time
}

// touches sums the events of an alert by what they name, in the order of the first of each.
func touches(list []rootkeep.Event) []*touched {
	var out []*touched
	for i := range list {
		e := &list[i]
		if e.Target == "" {
			continue
		}
		at := slices.IndexFunc(out, func(t *touched) bool { return t.Target == e.Target })
		if at < 0 {
			at, out = len(out), append(out, &touched{Target: e.Target})
		}
		t := out[at]
		t.N++
		if e.ErrorCode != "" {
			t.Failed++
		}
		if !slices.Contains(t.Calls, e.Name) {
			t.Calls = append(t.Calls, e.Name)
		}
		if e.Time.After(t.Last) {
			t.Last = e.Time
		}
	}
	return out
}

// has says who has the alert.
func (v *storyView) has() string {
	switch {
	case v.State == alert.Closed:
		return "It is closed."
	case v.Owner == "":
		return "Nobody has it yet."
	case v.Owner == v.me.ID:
		return "You have it."
	}
	return who(v.names, v.Owner) + " has it."
}

// mayDo says whether the actor may do something with the alert now.
func (v *storyView) mayDo(act string) bool { return slices.Contains(v.can, act) }

// whyNot says why the actor cannot work at the alert.
func (v *storyView) whyNot() string {
	switch {
	case v.works:
		return ""
	case v.Found.Account == "":
		return "You may read this alert. It is of no single account: who works at it has the role responder everywhere."
	}
	return "You may read this alert. Who works at it has the role responder for account " + string(v.Found.Account) + "."
}

// whyTold says why the actor cannot suppress alerts like this one, "" if they can.
func (v *storyView) whyTold() string {
	switch {
	case v.never != "":
		return "Alerts like this one are never suppressed: " + v.never + ". Close it with a reason; a use of root is explained by a request."
	case !v.works:
		return "Who works at alerts of the account suppresses them."
	case v.me.Kind != people.Person:
		return "A person suppresses alerts, who answers for it."
	}
	return ""
}
