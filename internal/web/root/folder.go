package root

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	caseof "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	requests "github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/approvals"
)

// folder is everything that is known of one request.
type folder struct {
	*stored.Request
	signing  *approvals.Folder
	now      time.Time
	answers  []stored.Answer
	events   []*rootlog.Event // the earliest first
	all      int              // how many there are
	override *stored.Override // nil if there is none
	cases    []*incident.Case // without those out of sight
	record   []byte           // nil until the session is sealed
	judges   bool             // the actor may review the override
	names    map[string]string
	standing *stored.Standing // nil if it was not kept
}

// Bounds of what a page shows.
const (
	shownEvents = 500
	shownCases  = 50
)

// The sides of a session.
const (
	beforeSession = true
	afterSession  = false
)

// open reads a folder that the actor of the request may read.
func (a *area) open(ctx context.Context, id string) (*folder, error) {
	f := &folder{now: a.Now()}
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		actor := web.ActorOf(ctx)
		if f.Request, err = a.Desk.Get(ctx, r, actor, id, f.now); err != nil {
			return err
		}
		if f.signing, err = approvals.Open(ctx, r, a.Desk.Desk, actor, id, f.now); err != nil {
			return err
		}
		if f.standing, err = stored.StandingOf(ctx, r, id); err != nil {
			return err
		}
		if f.answers, err = stored.Answers(ctx, r, id); err != nil {
			return err
		}
		if f.events, f.all, err = rootlog.OfRequest(ctx, r, id, shownEvents); err != nil {
			return err
		}
		if err = a.about(ctx, r, f, actor); err != nil {
			return err
		}
		f.names, err = approvals.Names(ctx, r, f.persons())
		return err
	})
	return f, err
}

// about reads what came of the request: its override, its cases, its record.
func (a *area) about(ctx context.Context, r *store.Reader, f *folder, actor people.Actor) (err error) {
	f.override, err = a.Desk.OverrideOf(ctx, r, actor, f.ID, f.now)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	sight, err := a.Desk.EventSight(ctx, r, actor)
	if err != nil {
		return err
	}
	if f.cases, err = incident.List(ctx, r, sight, incident.Filter{Request: f.ID, Limit: shownCases}); err != nil {
		return err
	}
	if f.override != nil {
		err = a.Desk.MayReview(ctx, r, actor, f.Request, f.override)
		if f.judges = err == nil; err != nil && !errors.Is(err, requests.ErrNotAllowed) {
			return err
		}
	}
	if f.Sealed.IsZero() {
		return nil
	}
	activity, err := stored.ActivityOf(ctx, r, f.Request)
	if err != nil {
		return err
	}
	f.record, err = activity.Bytes()
	return err
}

// persons are the IDs of everybody whom the folder names beside those of the signing.
func (f *folder) persons() []string {
	out := f.Parties()
	for _, s := range f.answers {
		out = append(out, s.By)
	}
	if o := f.override; o != nil {
		out = append(out, o.By, o.Reviewer)
		out = append(out, o.Skipped...)
	}
	return slices.DeleteFunc(out, func(id string) bool { return id == "" })
}

// who is a person for a page.
func (f *folder) who(id string) string {
	if name := f.names[id]; name != "" {
		return name + " (" + id + ")"
	}
	return id
}

// items are those of a side of the session, with what was said of them.
func (f *folder) items(before bool) []client.RootItem {
	out := []client.RootItem{}
	for _, i := range f.Asked.Checklist {
		if i.Phase.Before() != before {
			continue
		}
		item := client.RootItem{ID: i.ID, Phase: string(i.Phase), Text: i.Text}
		if n := slices.IndexFunc(f.answers, func(s stored.Answer) bool { return s.Item == i.ID }); n >= 0 {
			item.Answer = &client.RootAnswer{By: f.answers[n].By, At: f.answers[n].At, Skipped: f.answers[n].Skipped}
		}
		out = append(out, item)
	}
	return out
}

// waiting counts the items of a side of the session that nobody answered.
func (f *folder) waiting(before bool) int {
	n := 0
	for _, i := range f.items(before) {
		if i.Answer == nil {
			n++
		}
	}
	return n
}

func (f *folder) recordHash() string { return approval.Sum(f.record).String() }

// confirmFrom is when the record can be confirmed: events may arrive until then.
func (f *folder) confirmFrom() time.Time { return f.Over.Add(reconcile.Delay) }

// Acts of a request, as the API names them.
const (
	actApprove  = "approve"
	actEdit     = "edit"
	actWithdraw = "withdraw"
	actOverride = "override"
	actOpen     = "open"
	actAnswer   = "answer"
	actClose    = "close"
	actConfirm  = "confirm"
	actReview   = "review"
)

// may lists what the actor may do with the request now.
func (f *folder) may(actor people.Actor) []string {
	out := []string{}
	if actor.Kind != people.Person {
		return out
	}
	add := func(act string, yes bool) {
		if yes {
			out = append(out, act)
		}
	}
	own, in := actor.ID == f.Requester(), f.State
	part := own || actor.ID == f.Asked.Custodian
	running := (in == stored.Open || in == stored.Closing) && f.Sealed.IsZero()
	pending := f.override != nil && f.override.State == stored.Waiting
	add(actApprove, f.signing.MayDecide(actor))
	add(actEdit, in == stored.Requested && actor.May(people.Request, f.signing.Place))
	add(actWithdraw, own && (in == stored.Requested || in == stored.Approved))
	add(actOverride, own && in == stored.Requested && f.now.Before(f.Decidable()) && !pending)
	add(actOpen, own && in == stored.Approved && !f.now.Before(f.Begins) && f.waiting(beforeSession) == 0)
	add(actAnswer, part && (in == stored.Approved || running))
	add(actClose, part && running && f.waiting(afterSession) == 0)
	add(actConfirm, own && in == stored.Closing && !f.Sealed.IsZero() && !f.now.Before(f.confirmFrom()) && f.Outcome != "" && f.Outcome != reconcile.Pending)
	add(actReview, f.judges && f.override.State == stored.Granted && in != stored.Approved && !running)
	return out
}

// answerable says whether the items of a side can be answered now.
func (f *folder) answerable(before bool) bool {
	if before {
		return f.State == stored.Approved
	}
	return (f.State == stored.Open || f.State == stored.Closing) && f.Sealed.IsZero()
}

// open are the cases that somebody still has to look at.
func (f *folder) open() int {
	n := 0
	for _, c := range f.cases {
		if c.State == caseof.Open {
			n++
		}
	}
	return n
}
