package alerts

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
)

// form is an act on an alert that a page sends.
type form struct {
	act  string // last part of its path
	said string // once it is done
	do   func(ctx context.Context, tx *store.Tx, r *http.Request, x *alerts.Alert, revision int64) error
}

func (a *area) forms() []form {
	worded := func(field string, do func(context.Context, *store.Tx, people.Actor, string, int64, string) (*alerts.Alert, error)) func(context.Context, *store.Tx, *http.Request, *alerts.Alert, int64) error {
		return func(ctx context.Context, tx *store.Tx, r *http.Request, x *alerts.Alert, revision int64) error {
			_, err := do(ctx, tx, web.ActorOf(ctx), x.ID, revision, ask.OneLine(r.FormValue(field)))
			return err
		}
	}
	return []form{
		{"acknowledge", "Acknowledged.", worded("note", a.Desk.Acknowledge)},
		{"assign", "It has another owner.", worded("owner", a.Desk.Assign)},
		{"close", "Closed.", worded("reason", a.Desk.Close)},
		{"reopen", "Open again.", worded("reason", a.Desk.Reopen)},
		{"snooze", "It waits.", a.snoozeForm},
		{"tags", "Its tags are changed.", a.tagForm},
	}
}

// acts carries out a form on an alert, and goes back to the page that sent it.
func (a *area) acts(f form) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id := r.PathValue("id")
		err := a.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
			x, err := a.Desk.Get(ctx, &tx.Reader, web.ActorOf(ctx), id) // what is out of sight ends here, whatever was typed
			if err != nil {
				return err
			}
			revision, err := ask.Revision(r)
			if err != nil {
				return err
			}
			return f.do(ctx, tx, r, x, revision)
		})
		if err != nil {
			return told(err)
		}
		back := web.LocalPath(r.FormValue("back"))
		if back != "/alerts" && !strings.HasPrefix(back, "/alerts?") {
			back = "/alerts/" + id
		}
		return web.Redirect(w, r, back, f.said)
	}
}

// snoozes are how long an alert can wait, in the order of the form.
var snoozes = []struct {
	hours int
	words string
}{{1, "an hour"}, {4, "4 hours"}, {24, "a day"}, {72, "3 days"}, {168, "a week"}, {int(alert.LongestSnooze / time.Hour), "two weeks"}}

func (a *area) snoozeForm(ctx context.Context, tx *store.Tx, r *http.Request, x *alerts.Alert, revision int64) error {
	hours, err := strconv.Atoi(r.FormValue("hours"))
	if err != nil || hours < 1 || hours > snoozes[len(snoozes)-1].hours {
		return invalid("say for how many hours the alert waits: 1 to " + strconv.Itoa(snoozes[len(snoozes)-1].hours))
	}
	_, err = a.Desk.Snooze(ctx, tx, web.ActorOf(ctx), x.ID, revision, tx.Now().Add(time.Duration(hours)*time.Hour), ask.OneLine(r.FormValue("reason")))
	return err
}

// tagForm takes all the tags that the alert is to have.
func (a *area) tagForm(ctx context.Context, tx *store.Tx, r *http.Request, x *alerts.Alert, revision int64) error {
	want := strings.FieldsFunc(r.FormValue("tags"), func(c rune) bool { return c == ',' || c <= ' ' })
	without := func(list, others []string) (out []string) {
		for _, t := range list {
			if !slices.Contains(others, t) {
				out = append(out, t)
			}
		}
		return out
	}
	_, err := a.Desk.Tag(ctx, tx, web.ActorOf(ctx), x.ID, revision, without(want, x.Tags), without(x.Tags, want))
	return err
}

// suppressionDays are how long a suppression made on a page may hide.
var suppressionDays = []int{1, 7, 30, int(alert.LongestSuppression / (24 * time.Hour))}

// suppressForm keeps alerts like one that was read from being told.
func (a *area) suppressForm(w http.ResponseWriter, r *http.Request) error {
	days, err := strconv.Atoi(r.FormValue("days"))
	if err != nil || !slices.Contains(suppressionDays, days) {
		return invalid("say for how many days the suppression hides alerts")
	}
	id, made := r.PathValue("id"), ""
	err = a.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		x, err := a.Desk.Get(ctx, &tx.Reader, web.ActorOf(ctx), id)
		if err != nil {
			return err
		}
		s := alert.Suppression{Owner: r.FormValue("owner"), Reason: ask.OneLine(r.FormValue("reason")), Expires: tx.Now().AddDate(0, 0, days)}
		s.Scope.Rule = r.FormValue("rule")
		if r.FormValue("account") != "" {
			s.Scope.Account = x.Found.Account
		}
		if r.FormValue("principal") != "" {
			s.Scope.Principal = x.Found.Actor.Principal
		}
		kept, err := a.Desk.Suppress(ctx, tx, web.ActorOf(ctx), s)
		if err == nil {
			made = kept.ID
		}
		return err
	})
	if err != nil {
		return told(err)
	}
	return web.Redirect(w, r, "/suppressions", made+" hides alerts from now on.")
}

func (a *area) unsuppressForm(w http.ResponseWriter, r *http.Request) error {
	err := a.Store.Update(r.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := a.Desk.Unsuppress(ctx, tx, web.ActorOf(ctx), r.PathValue("id"))
		return err
	})
	if err != nil {
		return told(err)
	}
	return web.Redirect(w, r, "/suppressions", "It hides nothing any more.")
}

// suppressionsView is the page of suppressions.
type suppressionsView struct {
	list  []*alert.Suppression
	ended bool // those that are over are there too
	now   time.Time
	names map[string]string
	works map[rootkeep.AccountID]bool
}

func (a *area) suppressions(w http.ResponseWriter, r *http.Request) error {
	v := suppressionsView{ended: r.URL.Query().Get("ended") != "", now: a.Now(), works: map[rootkeep.AccountID]bool{}}
	err := a.Store.View(r.Context(), func(ctx context.Context, read *store.Reader) (err error) {
		actor := web.ActorOf(ctx)
		if v.list, err = alerts.Suppressions(ctx, read, actor, v.now, v.ended, mostShown); err != nil {
			return err
		}
		var persons []string
		for _, s := range v.list {
			persons = append(persons, s.Owner)
			if v.works[s.Scope.Account], err = alerts.May(ctx, read, actor, s.Scope.Account); err != nil {
				return err
			}
		}
		v.names, err = approvals.Names(ctx, read, persons)
		return err
	})
	if err != nil {
		return told(err)
	}
	return web.Show(w, r, "Suppressions", suppressionsBody(v))
}

// mostShown bounds the suppressions of the page; the API has more.
const mostShown = 200

func version(x *alerts.Alert) page.Input {
	return page.Input{Name: "revision", Kind: "hidden", Value: strconv.FormatInt(x.Revision, 10)}
}
