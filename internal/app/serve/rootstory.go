package serve

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

// rootStory is what the staff does about uses of root: it is demo.Root.
type rootStory struct {
	*house
	staff  *staff
	tasks  *roottask.Catalogue
	desk   *incident.Desk
	intake *reconcile.Intake
	reader *cloudtrail.Reader
	ids    map[string]string // of the requests, by task
}

func (h *house) rootStory(s *staff) (*rootStory, error) {
	r := &rootStory{house: h, staff: s, ids: map[string]string{}}
	var err error
	if r.tasks, err = roottask.Load(""); err != nil {
		return nil, err
	}
	if r.desk, err = incident.New(incident.Desk{Place: h.approvals.Place, Ready: stored.Unreviewed}); err != nil {
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
func (r *rootStory) Ask(ctx context.Context, u demo.Use) error {
	id, err := r.ask(ctx, u)
	if err != nil {
		return err
	}
	r.ids[u.Task] = id
	approvers := []*member{r.staff.bruno, r.staff.chiara}
	if u.Kind == access.Drill {
		approvers = approvers[:1]
	}
	for _, by := range approvers {
		if err := r.approve(ctx, by, id); err != nil {
			return fmt.Errorf("%s approves %s: %w", by.Name, id, err)
		}
	}
	return nil
}

func (r *rootStory) ask(ctx context.Context, u demo.Use) (string, error) {
	t := r.tasks.Find(u.Task)
	if t == nil {
		return "", fmt.Errorf("demo: no root task %s", u.Task)
	}
	asked, err := t.Prepare(access.Ask{
		Holder: access.Management, Accounts: []rootkeep.AccountID{u.Account}, Custodian: r.staff.ines.ID, From: r.now().Add(u.Ahead), Justification: u.Why, Kind: u.Kind,
		Networks: []netip.Prefix{storyNetwork}, Ticket: u.Ticket,
	}, r.now())
	if err != nil {
		return "", err
	}
	var x *stored.Request
	err = r.store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		x, err = r.root.Submit(ctx, tx, r.staff.ada.Actor, stored.Wanted{Account: u.Account, Asked: asked})
		return err
	})
	if err != nil {
		return "", err
	}
	return x.ID, nil
}

// approve signs a request as one of the approvers.
func (r *rootStory) approve(ctx context.Context, by *member, id string) error {
	var s *approval.Statement
	err := r.store.Touch(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = r.root.Issue(ctx, tx, by.Actor, id, approval.Approve)
		return err
	})
	if err != nil {
		return err
	}
	signed, err := by.sign(s, r.approvals.Site)
	if err != nil {
		return err
	}
	_, err = r.root.Decide(ctx, r.store, by.Actor, id, s.Nonce, signed)
	return err
}

// change does something to the request for a task as it is now.
func (r *rootStory) change(ctx context.Context, u demo.Use, do func(context.Context, *store.Tx, *stored.Request) error) error {
	return r.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		x, err := r.root.Get(ctx, &tx.Reader, r.staff.ada.Actor, r.ids[u.Task], tx.Now())
		if err != nil {
			return err
		}
		return do(ctx, tx, x)
	})
}

// skipped is what of the checklist was not done, and why.
var skipped = map[string]string{"endpoint-protection": "The laptop of the safe starts from a read-only stick and has none."}

func (r *rootStory) answer(ctx context.Context, tx *store.Tx, x *stored.Request, before bool) error {
	for _, i := range x.Asked.Checklist {
		if i.Phase.Before() != before {
			continue
		}
		if _, err := r.root.Answer(ctx, tx, r.staff.ada.Actor, x.ID, access.Answer{Item: i.ID, Skipped: skipped[i.ID]}); err != nil {
			return err
		}
	}
	return nil
}

// Open begins the session.
func (r *rootStory) Open(ctx context.Context, u demo.Use) error {
	return r.change(ctx, u, func(ctx context.Context, tx *store.Tx, x *stored.Request) error {
		if err := r.answer(ctx, tx, x, true); err != nil {
			return err
		}
		_, err := r.root.Open(ctx, tx, r.staff.ada.Actor, x.ID, x.Revision, u.Device)
		return err
	})
}

// Close ends it: everything is put back.
func (r *rootStory) Close(ctx context.Context, u demo.Use) error {
	return r.change(ctx, u, func(ctx context.Context, tx *store.Tx, x *stored.Request) error {
		if err := r.answer(ctx, tx, x, false); err != nil {
			return err
		}
		_, err := r.root.Close(ctx, tx, r.staff.ada.Actor, x.ID, x.Revision)
		return err
	})
}

// Confirm confirms the record of the session.
func (r *rootStory) Confirm(ctx context.Context, u demo.Use) error {
	return r.change(ctx, u, func(ctx context.Context, tx *store.Tx, x *stored.Request) error {
		activity, err := stored.ActivityOf(ctx, &tx.Reader, x)
		if err != nil {
			return err
		}
		text, err := activity.Bytes()
		if err != nil {
			return err
		}
		_, err = r.root.Confirm(ctx, tx, r.staff.ada.Actor, x.ID, x.Revision, approval.Sum(text))
		return err
	})
}

// storySource is the name of the live source that the past came from.
const storySource = "organization-trail"

// Arrive takes in what the trail delivered, as the watching server does.
func (r *rootStory) Arrive(ctx context.Context, files []string) error {
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
	return r.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		touched, err := rootlog.Arrive(ctx, tx, storySource, nil, events)
		if err != nil {
			return err
		}
		_, err = stored.Judge(ctx, tx, touched)
		return err
	})
}

// Look has the responder take the open cases that nobody has.
func (r *rootStory) Look(ctx context.Context) error {
	esi := r.staff.esi.Actor
	return r.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
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
