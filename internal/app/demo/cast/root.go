package cast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/approval"
	cases "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// Root is what the cast does about uses of root: it is demo.Root.
type Root struct {
	*Cast
	tasks  *roottask.Catalogue
	desk   *incident.Desk
	intake *reconcile.Intake
	reader *cloudtrail.Reader
	IDs    map[string]string // of the requests, by task
}

// NewRoot is ready to act.
func NewRoot(s *Cast) (*Root, error) {
	r := &Root{Cast: s, IDs: map[string]string{}}
	var err error
	if r.tasks, err = roottask.Load(); err != nil {
		return nil, err
	}
	if r.desk, err = incident.New(incident.Desk{Place: s.Place, Ready: stored.Unreviewed}); err != nil {
		return nil, err
	}
	if r.intake, err = reconcile.NewIntake(); err != nil {
		return nil, err
	}
	fields, err := cloudtrail.CompileFields(r.intake.Fields())
	if err != nil {
		return nil, err
	}
	r.reader = cloudtrail.NewReader(fields, cloudtrail.Options{})
	return r, nil
}

// storyNetwork is where the staff signs in from (RFC 5737).
var storyNetwork = netip.MustParsePrefix("192.0.2.0/24")

// Ask has somebody ask for root, and the approvers approve it.
func (r *Root) Ask(ctx context.Context, u demo.Use) error {
	id, err := r.Submit(ctx, u)
	if err != nil {
		return err
	}
	r.IDs[u.Task] = id
	approvers := []*Member{r.Bruno, r.Chiara}
	if u.Kind == access.Drill {
		approvers = approvers[:1]
	}
	for _, by := range approvers {
		if err := r.Approve(ctx, by, id); err != nil {
			return fmt.Errorf("%s approves %s: %w", by.Name, id, err)
		}
	}
	return nil
}

// Task is a root task by its ID, nil if there is none.
func (r *Root) Task(id string) *access.Task { return r.tasks.Find(id) }

// Submit has somebody ask for root, and wait.
func (r *Root) Submit(ctx context.Context, u demo.Use) (string, error) {
	t := r.Task(u.Task)
	if t == nil {
		return "", fmt.Errorf("demo: no root task %s", u.Task)
	}
	asked, err := t.Prepare(access.Ask{
		Holder: access.Management, Accounts: []rootkeep.AccountID{u.Account}, Custodian: r.Ines.ID, From: r.Now().Add(u.Ahead), Justification: u.Why, Kind: u.Kind,
		Networks: []netip.Prefix{storyNetwork}, Ticket: u.Ticket,
	}, r.Now())
	if err != nil {
		return "", err
	}
	var x *stored.Request
	err = r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = r.Cast.Root.Submit(ctx, tx, r.Ada.Actor, stored.Wanted{Account: u.Account, Asked: asked})
		return err
	})
	if err != nil {
		return "", err
	}
	return x.ID, nil
}

// Approve signs a request as one of the approvers.
func (r *Root) Approve(ctx context.Context, by *Member, id string) error {
	var s *approval.Statement
	err := r.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = r.Cast.Root.Issue(ctx, tx, by.Actor, id, approval.Approve)
		return err
	})
	if err != nil {
		return err
	}
	signed, err := by.sign(s, r.Site)
	if err != nil {
		return err
	}
	_, err = r.Cast.Root.Decide(ctx, r.Store, by.Actor, id, s.Nonce, signed)
	return err
}

// change does something to the request for a task as it is now.
func (r *Root) change(ctx context.Context, u demo.Use, do func(context.Context, *store.Tx, *stored.Request) error) error {
	return r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		x, err := r.Cast.Root.Get(ctx, &tx.Reader, r.Ada.Actor, r.IDs[u.Task], tx.Now())
		if err != nil {
			return err
		}
		return do(ctx, tx, x)
	})
}

// skipped is what of the checklist was not done, and why.
var skipped = map[string]string{"endpoint-protection": "The laptop of the safe starts from a read-only stick and has none."}

func (r *Root) answer(ctx context.Context, tx *store.Tx, x *stored.Request, before bool) error {
	for _, i := range x.Asked.Checklist {
		if i.Phase.Before() != before {
			continue
		}
		if _, err := r.Cast.Root.Answer(ctx, tx, r.Ada.Actor, x.ID, access.Answer{Item: i.ID, Skipped: skipped[i.ID]}); err != nil {
			return err
		}
	}
	return nil
}

// Open begins the session.
func (r *Root) Open(ctx context.Context, u demo.Use) error {
	return r.change(ctx, u, func(ctx context.Context, tx *store.Tx, x *stored.Request) error {
		if err := r.answer(ctx, tx, x, true); err != nil {
			return err
		}
		_, err := r.Cast.Root.Open(ctx, tx, r.Ada.Actor, x.ID, x.Revision, u.Device)
		return err
	})
}

// Close ends it: everything is put back.
func (r *Root) Close(ctx context.Context, u demo.Use) error {
	return r.change(ctx, u, func(ctx context.Context, tx *store.Tx, x *stored.Request) error {
		if err := r.answer(ctx, tx, x, false); err != nil {
			return err
		}
		_, err := r.Cast.Root.Close(ctx, tx, r.Ada.Actor, x.ID, x.Revision)
		return err
	})
}

// Confirm confirms the record of the session.
func (r *Root) Confirm(ctx context.Context, u demo.Use) error {
	return r.change(ctx, u, func(ctx context.Context, tx *store.Tx, x *stored.Request) error {
		activity, err := stored.ActivityOf(ctx, &tx.Reader, x)
		if err != nil {
			return err
		}
		text, err := activity.Bytes()
		if err != nil {
			return err
		}
		_, err = r.Cast.Root.Confirm(ctx, tx, r.Ada.Actor, x.ID, x.Revision, approval.Sum(text))
		return err
	})
}

// storySource is the name of the live source that the past came from.
const storySource = "organization-trail"

// Arrive takes in what the trail delivered, as the watching server does.
func (r *Root) Arrive(ctx context.Context, files []string) error {
	var events []reconcile.Event
	for _, path := range files {
		in := cloudtrail.Input{Name: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
		stats := r.reader.Read(ctx, in, func(rec *cloudtrail.Record) error {
			if e, ok := r.intake.Event(rec); ok {
				events = append(events, e)
			}
			return nil
		})
		if err := errors.Join(stats.Err, ctx.Err()); err != nil {
			return err
		}
	}
	if len(events) == 0 {
		return nil
	}
	return r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		touched, err := rootlog.Arrive(ctx, tx, storySource, nil, events)
		if err != nil {
			return err
		}
		_, err = stored.Judge(ctx, tx, touched)
		return err
	})
}

// Look has the responder take the open cases that nobody has.
func (r *Root) Look(ctx context.Context) error {
	esi := r.Esi.Actor
	return r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err := incident.List(ctx, &tx.Reader, sight.All(), incident.Filter{State: cases.Open, Limit: 50})
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.Owner != "" || tx.Now().Sub(c.Opened) > time.Hour {
				continue
			}
			if c, err = r.desk.Assign(ctx, tx, esi, c.ID, c.Revision, esi.ID); err != nil {
				return err
			}
			if _, err = r.desk.Note(ctx, tx, esi, c.ID, c.Revision, "Nobody asked for it, and the address is none of ours. The password is changed."); err != nil {
				return err
			}
		}
		return nil
	})
}
