package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Use is a use of root that people ask for.
type Use struct {
	Task, Why, Ticket string
	Kind              access.Kind
	Account           rootkeep.AccountID
	Device            string        // MFA device that the custodian hands out
	Ahead             time.Duration // from the asking to the beginning of its window
}

// Root is what people do at the server about uses of root, each at its time of the story.
type Root interface {
	Ask(context.Context, Use) error // and have it approved
	Open(context.Context, Use) error
	Close(context.Context, Use) error
	Confirm(context.Context, Use) error
	// Arrive takes in the files that the trail delivered since the last time.
	Arrive(ctx context.Context, files []string) error
	// Look has a responder take the cases that nobody has.
	Look(context.Context) error
	// Triage has them work through the alerts of a hunt.
	Triage(context.Context) error
}

// device is the security key in the safe of the management account.
const device = "mfa/root-safe-1"

// The uses of the story: one for the auditors, and an exercise.
var (
	invoices = Use{
		Task: "tax-invoices", Kind: access.Use, Ticket: "FIN-207", Ahead: time.Hour,
		Why: "The auditors want the tax invoices of the last quarter. A role that may read invoices was tried, and does not see them.",
	}
	exercise = Use{
		Task: "drill-sign-in", Kind: access.Drill, Ticket: "OPS-131", Ahead: time.Hour,
		Why: "The exercise of this quarter: sign in with the key of the safe, and see that the alarm fires.",
	}
)

// told is something that people do at the server, if there is one.
type told func(ctx context.Context, w *World, h *History) error

// with has somebody do something about a use.
func with(u Use, do func(Root, context.Context, Use) error) told {
	return func(ctx context.Context, w *World, h *History) error { return do(h.Root, ctx, w.placed(u)) }
}

func (w *World) placed(u Use) Use {
	a := w.account("management")
	u.Account, u.Device = a.ID, a.IAM(device)
	return u
}

// used is a session of root under a request: opened, used for what was asked, closed.
func used(u Use, calls ...[2]string) told {
	return func(ctx context.Context, w *World, h *History) error {
		u := w.placed(u)
		if err := h.Root.Open(ctx, u); err != nil {
			return err
		}
		w.clock.pass(time.Minute)
		who := cloud.Console{Account: w.account("management"), SourceIP: office, UserAgent: browser, Device: u.Device}.SignIn()
		for _, c := range calls {
			w.clock.pass(90 * time.Second)
			if err := w.from(who, "us-east-1", office, browser, c[0], c[1], nil); err != nil {
				return err
			}
		}
		w.clock.pass(3 * time.Minute)
		return h.Root.Close(ctx, u)
	}
}

// arrive has the server take in what the trail delivered.
func arrive(ctx context.Context, w *World, h *History) error {
	if _, err := w.deliver(filepath.Join(h.Folder, Trail)); err != nil {
		return err
	}
	files := w.fresh
	w.fresh = nil
	slices.Sort(files)
	return h.Root.Arrive(ctx, files)
}

// look has a responder see to what arrived.
func look(ctx context.Context, w *World, h *History) error {
	return errors.Join(arrive(ctx, w, h), h.Root.Look(ctx))
}

// confirm has the record confirmed, once all events are there.
func confirm(u Use) told {
	return func(ctx context.Context, w *World, h *History) error {
		if err := arrive(ctx, w, h); err != nil {
			return err
		}
		if err := h.Root.Confirm(ctx, w.placed(u)); err != nil {
			return fmt.Errorf("confirm the use for %s: %w", u.Task, err)
		}
		return nil
	}
}

// Deliver has a few minutes pass and the trail deliver, and copies what is new to a folder.
func (w *World) Deliver(folder string) error {
	w.clock.pass(6 * time.Minute)
	w.cloud.Tick()
	_, err := w.deliver(folder)
	return err
}

// Intrude has a stranger sign in as the root user of an account.
func (w *World) Intrude(account string) error { return signInAsRoot(account, stranger, false)(w) }
