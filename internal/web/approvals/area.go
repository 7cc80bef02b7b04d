// Package approvals is where requests of every kind are signed: the page that shows a
// statement to the byte, the API of statements and signatures, and the parts that the
// page of each kind shows of who has to approve and who did. What they show and change is
// that of internal/store/approvals.
package approvals

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Face is how the requests of a kind look.
type Face struct {
	Kind  string    // name of the kind
	List  page.Link // where all of them are
	Signs string    // what an approver says of the subject: this failure is accepted
	Denys string    // and who denies it: this failure is not accepted
	// Facts are the fields of a subject, as approvers have to read them.
	Facts func(subject []byte) ([]page.Fact, error)
	// Differences are what changed from one subject to the next.
	Differences func(before, after []byte) ([]Difference, error)
}

// Difference is a field that an edit changed.
type Difference struct{ Field, Before, After string }

// path is the address of the page of a request.
func (f *Face) path(id string) string { return f.List.Path + "/" + id }

// Config is what the area is made of.
type Config struct {
	Store *store.Store
	Desk  *approvals.Desk
	Now   func() time.Time
	Faces []Face // of every kind of the desk
}

// Area is the pages and the API of approvals.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Desk == nil || c.Now == nil {
		return web.Area{}, errors.New("approvals: a store, a desk and a clock are required")
	}
	for _, k := range c.Desk.Kinds {
		if face(c.Faces, k.Name) == nil {
			return web.Area{}, fmt.Errorf("approvals: nothing says how requests of kind %s look", k.Name)
		}
	}
	a := &area{c}
	return web.Area{
		Name: "approvals", API: a.api,
		Problems: map[string]string{
			"nobody-could-approve": "Those who hold the role approver at the account, and a security key, do not suffice for the policy. The detail names the group.",
			"signature-refused":    "The signature is not one of a good key of yours, with user verification, over the statement that was handed out last.",
			"decided":              "The request is approved, denied, expired or withdrawn, or you have signed it already. That is final.",
		},
		Routes: []web.Route{
			{Method: "GET", Path: "/approvals/{id}", Need: people.Read, Handle: a.lead},
			{Method: "POST", Path: "/approvals/{id}/statement", Need: people.Approve, Handle: a.issue},
			{Method: "GET", Path: "/approvals/{id}/statement", Need: people.Approve, Handle: a.statement},
			{Method: "GET", Path: "/approvals/{id}/signatures/{version}/{approver}", Need: people.ReadEvidence, Handle: a.record},
		},
	}, nil
}

type area struct{ Config }

// face finds how a kind looks.
func face(faces []Face, kind string) *Face {
	for i := range faces {
		if faces[i].Kind == kind {
			return &faces[i]
		}
	}
	return nil
}

// face is how the requests of the folder look: Area made sure that every kind has one.
func (a *area) face(f *Folder) *Face { return face(a.Faces, f.Request.Kind) }

// Told makes errors that a person can do something about refusals with their text.
func Told(err error) error {
	var short *approval.Shortage
	switch {
	case err == nil:
		return nil
	case errors.As(err, &short):
		return web.Refuse(http.StatusUnprocessableEntity, "nobody-could-approve", err.Error())
	case errors.Is(err, approvals.ErrInvalid):
		return web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	case errors.Is(err, approvals.ErrNotAllowed), errors.Is(err, approval.ErrMayNot):
		return web.Refuse(http.StatusForbidden, "forbidden", err.Error())
	case errors.Is(err, approvals.ErrSigned):
		return web.Refuse(http.StatusForbidden, "signature-refused", err.Error())
	case errors.Is(err, approval.ErrFinal), errors.Is(err, approval.ErrTwice):
		return web.Refuse(http.StatusConflict, "decided", err.Error())
	case errors.Is(err, approval.ErrStale), errors.Is(err, approval.ErrLate):
		return web.Refuse(http.StatusConflict, "conflict", err.Error())
	}
	return err
}

// view reads the store; touch changes what the ledger does not tell.
func (a *area) view(ctx context.Context, read func(context.Context, *store.Reader) error) error {
	return Told(a.Store.View(ctx, read))
}

func (a *area) touch(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	return Told(a.Store.Touch(ctx, change))
}
