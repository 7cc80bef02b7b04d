package staff

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
	"github.com/rootkeep/rootkeep/internal/approval"
	cases "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// storyNetwork is where the staff signs in from (RFC 5737).
var storyNetwork = netip.MustParsePrefix("192.0.2.0/24")

// Ask has somebody ask for root, and the approvers approve it.
func (s *Staff) Ask(ctx context.Context, u demo.Use) error {
	id, err := s.ask(ctx, u)
	if err != nil {
		return err
	}
	approvers := []*Member{s.Bruno, s.Chiara}
	if u.Kind == access.Drill {
		approvers = approvers[:1]
	}
	for _, by := range approvers {
		if err := s.Approve(ctx, by, id); err != nil {
			return fmt.Errorf("%s approves %s: %w", by.Name, id, err)
		}
	}
	return nil
}

// Wait asks for root, and nobody has approved it yet.
func (s *Staff) Wait(ctx context.Context, u demo.Use) error {
	_, err := s.ask(ctx, u)
	return err
}

// Submit asks for root as it is prepared, under an ID.
func (s *Staff) Submit(ctx context.Context, task, id string, at rootkeep.AccountID, asked *access.Request) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		x, err := s.Root.Submit(ctx, tx, s.Ada.Actor, stored.Wanted{ID: id, Account: at, Asked: asked})
		if err == nil {
			s.ids[task] = x.ID
		}
		return err
	})
}

func (s *Staff) ask(ctx context.Context, u demo.Use) (string, error) {
	t := s.Tasks.Find(u.Task)
	if t == nil {
		return "", fmt.Errorf("demo: no root task %s", u.Task)
	}
	asked, err := t.Prepare(access.Ask{
		Holder: access.Management, Accounts: []rootkeep.AccountID{u.Account}, Custodian: s.Ines.ID, From: s.Now().Add(u.Ahead), Justification: u.Why, Kind: u.Kind,
		Networks: []netip.Prefix{storyNetwork}, Ticket: u.Ticket,
	}, s.Now())
	if err != nil {
		return "", err
	}
	if err := s.Submit(ctx, u.Task, "", u.Account, asked); err != nil {
		return "", err
	}
	return s.ids[u.Task], nil
}

// Approve signs a request as one of the approvers.
func (s *Staff) Approve(ctx context.Context, by *Member, id string) error {
	var given *approval.Statement
	err := s.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		given, err = s.Root.Issue(ctx, tx, by.Actor, id, approval.Approve)
		return err
	})
	if err != nil {
		return err
	}
	signed, err := by.sign(given, s.Root.Site)
	if err != nil {
		return err
	}
	_, err = s.Root.Decide(ctx, s.Store, by.Actor, id, given.Nonce, signed)
	return err
}

// change does something to the request for a task as it is now.
func (s *Staff) change(ctx context.Context, u demo.Use, do func(context.Context, *store.Tx, *stored.Request) error) error {
	return s.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		x, err := s.Root.Get(ctx, &tx.Reader, s.Ada.Actor, s.ids[u.Task], tx.Now())
		if err != nil {
			return err
		}
		return do(ctx, tx, x)
	})
}

// skipped is what of the checklist was not done, and why.
var skipped = map[string]string{"endpoint-protection": "The laptop of the safe starts from a read-only stick and has none."}

func (s *Staff) answer(ctx context.Context, tx *store.Tx, x *stored.Request, before bool) error {
	for _, i := range x.Asked.Checklist {
		if i.Phase.Before() != before {
			continue
		}
		if _, err := s.Root.Answer(ctx, tx, s.Ada.Actor, x.ID, access.Answer{Item: i.ID, Skipped: skipped[i.ID]}); err != nil {
			return err
		}
	}
	return nil
}

// Open begins the session.
func (s *Staff) Open(ctx context.Context, u demo.Use) error {
	return s.change(ctx, u, func(ctx context.Context, tx *store.Tx, x *stored.Request) error {
		if err := s.answer(ctx, tx, x, true); err != nil {
			return err
		}
		_, err := s.Root.Open(ctx, tx, s.Ada.Actor, x.ID, x.Revision, u.Device)
		return err
	})
}

// Close ends it: everything is put back.
func (s *Staff) Close(ctx context.Context, u demo.Use) error {
	return s.change(ctx, u, func(ctx context.Context, tx *store.Tx, x *stored.Request) error {
		if err := s.answer(ctx, tx, x, false); err != nil {
			return err
		}
		_, err := s.Root.Close(ctx, tx, s.Ada.Actor, x.ID, x.Revision)
		return err
	})
}

// Confirm confirms the record of the session.
func (s *Staff) Confirm(ctx context.Context, u demo.Use) error {
	return s.change(ctx, u, func(ctx context.Context, tx *store.Tx, x *stored.Request) error {
		activity, err := stored.ActivityOf(ctx, &tx.Reader, x)
		if err != nil {
			return err
		}
		text, err := activity.Bytes()
		if err != nil {
			return err
		}
		_, err = s.Root.Confirm(ctx, tx, s.Ada.Actor, x.ID, x.Revision, approval.Sum(text))
		return err
	})
}

// storySource is the name of the live source that the past came from.
const storySource = "organization-trail"

// Arrive takes in what the trail delivered, as the watching server does.
func (s *Staff) Arrive(ctx context.Context, files []string) error {
	var events []reconcile.Event
	for _, path := range files {
		in := cloudtrail.Input{Name: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }}
		stats := s.reader.Read(ctx, in, func(rec *cloudtrail.Record) error {
			if e, ok := s.intake.Event(rec); ok {
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
	return s.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		touched, err := rootlog.Arrive(ctx, tx, storySource, nil, events)
		if err != nil {
			return err
		}
		_, err = stored.Judge(ctx, tx, touched)
		return err
	})
}

// Look has the responder take the open cases that nobody has.
func (s *Staff) Look(ctx context.Context) error {
	esi := s.Esi.Actor
	return s.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err := incident.List(ctx, &tx.Reader, sight.All(), incident.Filter{State: cases.Open, Limit: 50})
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.Owner != "" || tx.Now().Sub(c.Opened) > time.Hour {
				continue
			}
			if c, err = s.cases.Assign(ctx, tx, esi, c.ID, c.Revision, esi.ID); err != nil {
				return err
			}
			if _, err = s.cases.Note(ctx, tx, esi, c.ID, c.Revision, "Nobody asked for it, and the address is none of ours. The password is changed."); err != nil {
				return err
			}
		}
		return nil
	})
}
