// Package exceptions is where exceptions to controls are asked for and approved: pages
// and API. What they show and change is that of internal/store/exceptions.
package exceptions

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what the area is made of.
type Config struct {
	Store    *store.Store
	Desk     *exceptions.Desk
	Now      func() time.Time
	Controls []exceptions.Control // for the form, in its order
}

// Area is the pages and the API of exceptions.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Desk == nil || c.Now == nil {
		return web.Area{}, errors.New("exceptions: a store, a desk and a clock are required")
	}
	a := &area{c}
	return web.Area{
		Name: "exceptions", API: a.api,
		Topics: map[string]web.Sees{"exception": a.sees},
		Problems: map[string]string{
			"nobody-could-approve": "Those who hold the role approver at the account, and a security key, do not suffice for the policy. The detail names the group.",
			"signature-refused":    "The signature is not one of a good key of yours, with user verification, over the statement that was handed out last.",
			"decided":              "The request is approved, denied, expired or withdrawn, or you have signed it already. That is final.",
		},
		Nav: []page.Link{{Text: "Exceptions", Path: "/exceptions", Need: people.Read}},
		Routes: []web.Route{
			{Method: "GET", Path: "/exceptions", Need: people.Read, Handle: a.list},
			{Method: "GET", Path: "/exceptions/new", Need: people.Request, Handle: a.ask},
			{Method: "POST", Path: "/exceptions/new", Need: people.Request, Handle: a.submit},
			{Method: "GET", Path: "/exceptions/{id}", Need: people.Read, Handle: a.detail},
			{Method: "GET", Path: "/exceptions/{id}/edit", Need: people.Request, Handle: a.edit},
			{Method: "POST", Path: "/exceptions/{id}/edit", Need: people.Request, Handle: a.change},
			{Method: "POST", Path: "/exceptions/{id}/withdraw", Need: people.Request, Handle: a.withdraw},
			{Method: "POST", Path: "/exceptions/{id}/statement", Need: people.Approve, Handle: a.issue},
			{Method: "GET", Path: "/exceptions/{id}/statement", Need: people.Approve, Handle: a.statement},
			{Method: "GET", Path: "/exceptions/{id}/approvals/{version}/{approver}", Need: people.ReadEvidence, Handle: a.record},
		},
	}, nil
}

type area struct{ Config }

// sees says whether the actor may learn that an exception changed.
func (a *area) sees(ctx context.Context, r *store.Reader, actor people.Actor, id string) (bool, error) {
	_, err := a.Desk.Get(ctx, r, actor, id, a.Now())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// told makes errors that a person can do something about refusals with their text.
func told(err error) error {
	var short *approval.Shortage
	switch {
	case err == nil:
		return nil
	case errors.As(err, &short):
		return web.Refuse(http.StatusUnprocessableEntity, "nobody-could-approve", err.Error())
	case errors.Is(err, exceptions.ErrInvalid):
		return web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	case errors.Is(err, exceptions.ErrNotAllowed), errors.Is(err, approval.ErrMayNot):
		return web.Refuse(http.StatusForbidden, "forbidden", err.Error())
	case errors.Is(err, exceptions.ErrSigned):
		return web.Refuse(http.StatusForbidden, "signature-refused", err.Error())
	case errors.Is(err, approval.ErrFinal), errors.Is(err, approval.ErrTwice):
		return web.Refuse(http.StatusConflict, "decided", err.Error())
	case errors.Is(err, approval.ErrStale), errors.Is(err, approval.ErrLate):
		return web.Refuse(http.StatusConflict, "conflict", err.Error())
	}
	return err
}

// view reads the store; change changes it; touch changes what the ledger does not tell.
func (a *area) view(ctx context.Context, read func(context.Context, *store.Reader) error) error {
	return told(a.Store.View(ctx, read))
}

func (a *area) update(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return told(a.Store.Update(ctx, change))
}

func (a *area) touch(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return told(a.Store.Touch(ctx, change))
}

// folder is everything that is known of one exception.
type folder struct {
	*exceptions.Exception
	place     people.Place
	versions  []exceptions.Version
	approvals []exceptions.Approval
	tally     []approval.Tally
	could     []exceptions.Approver // approve now
	entries   []entries.Entry       // of the ledger, the newest first
	names     map[string]string     // of persons, by ID
}

// open reads a folder that the actor may read.
func (a *area) open(ctx context.Context, id string) (*folder, error) {
	var f folder
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if f.Exception, err = a.Desk.Get(ctx, r, web.ActorOf(ctx), id, a.Now()); err != nil {
			return err
		}
		if f.place, err = a.Desk.Place(ctx, r, f.Request.Account); err != nil {
			return err
		}
		if f.versions, err = exceptions.Versions(ctx, r, id); err != nil {
			return err
		}
		if f.approvals, err = exceptions.Approvals(ctx, r, id); err != nil {
			return err
		}
		if f.tally, err = a.Desk.Tally(ctx, r, f.Exception, f.Signed(f.approvals)); err != nil {
			return err
		}
		if f.could, err = a.Desk.Could(ctx, r, f.Exception); err != nil {
			return err
		}
		if f.entries, err = entries.List(ctx, r, entries.Filter{Subject: id}); err != nil {
			return err
		}
		f.names, err = names(ctx, r, f.persons())
		return err
	})
	return &f, err
}

// persons are the IDs of everybody whom the folder names.
func (f *folder) persons() []string {
	out := append([]string{f.Request.Requester}, f.Request.Editors...)
	for _, v := range f.versions {
		out = append(out, v.Editor)
	}
	for i := range f.approvals {
		out = append(out, f.approvals[i].Statement.Approver)
	}
	for i := range f.entries {
		out = append(out, f.entries[i].Actor)
	}
	return out
}

// names reads the names of persons; who is not there has none.
func names(ctx context.Context, r *store.Reader, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		if _, known := out[id]; known {
			continue
		}
		p, err := stored.Get(ctx, r, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		out[id] = p.Name
	}
	return out, nil
}

// who is a person for a page: the name, and the ID that statements hold.
func (f *folder) who(id string) string {
	if name := f.names[id]; name != "" {
		return name + " (" + id + ")"
	}
	return id
}

// waiting are those who could sign for or against it now.
func (f *folder) waiting() []exceptions.Approver {
	if f.State != approval.Requested {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.could), func(c exceptions.Approver) bool {
		return slices.ContainsFunc(f.approvals, func(a exceptions.Approval) bool {
			return a.Counts(f.Exception) && a.Statement.Approver == c.ID
		})
	})
}

// signature is the last one of a person over a version; nil if there is none.
func (f *folder) signature(version int, approver string) *exceptions.Approval {
	for i := range slices.Backward(f.approvals) {
		if a := &f.approvals[i]; a.Version == version && a.Statement.Approver == approver {
			return a
		}
	}
	return nil
}

// mayDecide says whether the actor is one of them.
func (f *folder) mayDecide(actor people.Actor) bool {
	return slices.ContainsFunc(f.waiting(), func(c exceptions.Approver) bool { return c.ID == actor.ID })
}
