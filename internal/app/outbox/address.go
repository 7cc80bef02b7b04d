package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify"
	roles "github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/people"
)

// Could lists who could decide a request now: approvals.Desk.Could does.
type Could func(context.Context, *store.Reader, *approvals.Matter) ([]approvals.Approver, error)

// mostNamed bounds the persons that one notice names or is addressed to.
const mostNamed = 100

// concerned are the addresses of those a notice of a request is for: of one that waits, who
// could approve it; of a session that nobody closed, who asked and who keeps the credential.
func (o *Outbox) concerned(ctx context.Context, r *store.Reader, x *access.Request) ([]string, error) {
	if x.State != access.Requested {
		return addresses(ctx, r, x.Parties())
	}
	if o.Could == nil {
		return nil, nil
	}
	list, err := o.Could(ctx, r, x.Matter)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, a := range list {
		ids = append(ids, a.ID)
	}
	return addresses(ctx, r, ids)
}

// address fills in whom a case of a request concerns: who took part; and of an override
// everybody who was skipped, whom its text names.
func address(ctx context.Context, r *store.Reader, n *notify.Notice, request string, now time.Time) error {
	x, err := access.Read(ctx, r, request, now)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	ids := x.Parties()
	if x.Override && n.Topic == overrideTopic {
		v, err := access.ReadOverride(ctx, r, request)
		if err != nil {
			return err
		}
		skipped, err := namesOf(ctx, r, v.Skipped)
		if err != nil {
			return err
		}
		by, err := namesOf(ctx, r, []string{v.By})
		if err != nil {
			return err
		}
		n.Text = fmt.Sprintf("Overridden by %s: %s\nNot asked for approval: %s\nTo be reviewed by somebody else until %s\n%s",
			by, text.Visible(v.Reason, text.Long), skipped, text.Stamp(v.Due), n.Text)
		ids = append(ids, v.Skipped...)
	}
	to, err := addresses(ctx, r, ids)
	for _, a := range to {
		if !slices.Contains(n.To, a) {
			n.To = append(n.To, a)
		}
	}
	return err
}

// ReviewLate is the notice of an override whose review is late: it is for those who were
// skipped, who may review it.
func (o *Outbox) ReviewLate(ctx context.Context, r *store.Reader, v *access.Override, link string) (notify.Notice, error) {
	to, err := addresses(ctx, r, v.Skipped)
	if err != nil {
		return notify.Notice{}, err
	}
	x, err := access.Read(ctx, r, v.Request, v.Late)
	if err != nil {
		return notify.Notice{}, err
	}
	n := notify.Notice{
		ID: ID(overrideTopic, v.Request, "review-late"), Topic: overrideTopic, Severity: rootkeep.High, Subject: v.Request, Account: string(x.Matter.Request.Account), To: to, At: v.Late.UTC().Truncate(time.Second),
		Title: "The review of " + v.Request + ", which went without approvals, is late", Link: strings.TrimSuffix(link, "/") + "/root/" + v.Request,
		Text: "It was due " + text.Stamp(v.Due) + ". Until somebody else than who overrode has reviewed it, a further override needs a second person.",
	}
	return n, o.tag(ctx, r, &n)
}

// addresses are the mail addresses of persons, each once: of those that have one, and that
// are not suspended.
func addresses(ctx context.Context, r *store.Reader, ids []string) ([]string, error) {
	var out []string
	err := each(ctx, r, ids, func(p people.Person) {
		if p.Email != "" && p.State == people.Active && !slices.Contains(out, p.Email) {
			out = append(out, p.Email)
		}
	})
	return out, err
}

// ownerAddress is the mail address of who has an alert or a case, none once they may not work
// there: roles are taken away, and an alert comes to be about further accounts. Roles of a
// session that goes on count as well.
func ownerAddress(ctx context.Context, r *store.Reader, id string, now time.Time, may func(roles.Actor) (bool, error)) ([]string, error) {
	actor, err := people.ActorOf(ctx, r, id)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, people.ErrSuspended) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sessions, err := people.Sessions(ctx, r, id)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		if s.Deadline.After(now) {
			actor.Grants = append(actor.Grants, s.Grants...)
		}
	}
	if ok, err := may(actor); !ok || err != nil {
		return nil, err
	}
	return addresses(ctx, r, []string{id})
}

// namesOf names persons in a sentence.
func namesOf(ctx context.Context, r *store.Reader, ids []string) (string, error) {
	var out []string
	err := each(ctx, r, ids, func(p people.Person) { out = append(out, text.Visible(p.Name, text.Short)+" ("+p.ID+")") })
	switch more := len(ids) - mostNamed; {
	case more > 0:
		out = append(out, fmt.Sprintf("and %d more", more))
	case len(out) == 0:
		out = []string{"nobody, because nobody could have approved it"}
	}
	return strings.Join(out, ", "), err
}

// nameOf names who did something: a person, or a machine by its token.
func nameOf(ctx context.Context, r *store.Reader, id string) (string, error) {
	p, err := people.Get(ctx, r, id)
	name := p.Name
	if errors.Is(err, store.ErrNotFound) {
		name, err = people.TokenName(ctx, r, id)
		name = "the token " + name
	}
	if errors.Is(err, store.ErrNotFound) {
		return text.Visible(id, text.Short), nil
	}
	return text.Visible(name, text.Short) + " (" + id + ")", err
}

func each(ctx context.Context, r *store.Reader, ids []string, do func(people.Person)) error {
	for _, id := range ids[:min(len(ids), mostNamed)] {
		p, err := people.Get(ctx, r, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		do(p)
	}
	return nil
}
