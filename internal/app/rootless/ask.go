package rootless

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	webchanges "github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
	"github.com/rootkeep/rootkeep/ledger"
)

// TaskID is the task by which it is asked for.
const TaskID = "delete-root-credentials"

// placed is an account in its turn, as the ledger keeps it.
type placed struct {
	Account rootkeep.AccountID `json:"account"`
	Name    string             `json:"name"`
	Canary  bool               `json:"canary"`
	Had     string             `json:"had"`
	Told    bool               `json:"told"`             // a scan says that it is a member
	Read    time.Time          `json:"read,omitzero"`    // by that scan
	Change  string             `json:"change,omitempty"` // CH-..., once it is planned
}

// beside is an account that is left out, as the ledger keeps it.
type beside struct {
	Account   rootkeep.AccountID `json:"account"`
	Name      string             `json:"name"`
	Why       string             `json:"why"`
	Unknown   bool               `json:"unknown"`
	Refused   bool               `json:"refused"`
	Suspended bool               `json:"suspended"`
	Never     bool               `json:"never"` // the management account, and those in no organization
}

func besideOf(l *LeftOut) beside {
	return beside{l.Account, l.Name, l.Why, l.Unknown, l.Refused, l.Suspended, l.Management || l.Standalone}
}

// order is what root.ordered keeps of a request: who comes when, and who does not.
type order struct {
	Management rootkeep.AccountID `json:"management"`
	Steps      []placed           `json:"steps"`
	Left       []beside           `json:"left"`
}

// planJob is the payload of the job that plans and asks.
type planJob struct {
	Request string             `json:"request"`
	Actor   string             `json:"actor"`
	Ask     client.RootlessAsk `json:"ask"`
	Order   order              `json:"order"`
}

// Ask has the changes of the members planned and root asked for, by a job. What can be
// refused at once is.
func (r *Runner) Ask(ctx context.Context, actor people.Actor, a client.RootlessAsk) (string, error) {
	w, err := r.job(ctx, actor, a)
	if err != nil {
		return "", err
	}
	if err := r.try(ctx, actor, w); err != nil {
		return "", told(err)
	}
	payload, err := json.Marshal(w)
	if err != nil {
		return "", err
	}
	err = r.Engine.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.Announce(stored.Topic, w.Request)
		_, err := jobs.Ask(ctx, tx, actor.ID, job.Job{Kind: PlanKind, Key: w.Request, Payload: payload})
		return err
	})
	if err != nil {
		return "", told(err)
	}
	r.Engine.Wake()
	return w.Request, nil
}

// job orders the accounts of what somebody asks for.
func (r *Runner) job(ctx context.Context, actor people.Actor, a client.RootlessAsk) (*planJob, error) {
	var c Chosen
	var err error
	for _, list := range []struct {
		from []string
		to   *[]rootkeep.AccountID
	}{{a.Accounts, &c.Accounts}, {a.First, &c.First}} {
		if *list.to, err = accounts(list.from); err != nil {
			return nil, told(err)
		}
	}
	o, err := r.organization(ctx, actor, rootkeep.AccountID(a.Management))
	if err != nil {
		return nil, err
	}
	wanted, err := o.Wanted(c, r.Engine.Now())
	if err != nil {
		return nil, told(fmt.Errorf("%w: %w", approvals.ErrInvalid, err))
	}
	steps, left, err := Order(wanted)
	switch {
	case errors.Is(err, ErrNothing):
		return nil, web.Refuse(http.StatusConflict, "nothing-to-take", err.Error()+"; hint: rootkeep root rootless plan says what is not known")
	case err != nil:
		return nil, told(fmt.Errorf("%w: %w", approvals.ErrInvalid, err))
	case o.Management == "":
		return nil, told(fmt.Errorf("%w: no scan has seen the management account, at which this is decided; hint: rootkeep scan --aws --organization", approvals.ErrInvalid))
	}
	var chance [8]byte
	rand.Read(chance[:]) // never fails, see crypto/rand
	w := &planJob{Request: rootkeep.NewID(access.Prefix, r.Engine.Now(), chance[:]), Actor: actor.ID, Ask: a, Order: order{Management: o.Management, Left: []beside{}}}
	for i := range steps {
		w.Order.Steps = append(w.Order.Steps, placed{Account: steps[i].Member.Account, Name: steps[i].Name, Canary: steps[i].Canary, Had: steps[i].Holding.String(), Told: steps[i].Told, Read: steps[i].At})
	}
	for i := range left {
		w.Order.Left = append(w.Order.Left, besideOf(&left[i]))
	}
	return w, nil
}

func accounts(list []string) ([]rootkeep.AccountID, error) {
	var out []rootkeep.AccountID
	for _, s := range list {
		id, err := rootkeep.ParseAccountID(s)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
		}
		out = append(out, id)
	}
	return out, nil
}

// try refuses what would be refused once all is planned.
func (r *Runner) try(ctx context.Context, actor people.Actor, w *planJob) error {
	k := r.Engine.Catalogue.Find(access.DeleteAll)
	if k == nil {
		return fmt.Errorf("%w: there is no kind of change %s", approvals.ErrInvalid, access.DeleteAll)
	}
	if _, err := k.Arguments(w.Ask.Parameters); err != nil {
		return fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	var stands []access.Change
	for i, s := range w.Order.Steps {
		stands = append(stands, access.Change{Account: s.Account, ID: fmt.Sprint("CH-", i), Plan: approval.Sum(nil)})
	}
	x, err := r.prepare(w, stands)
	if err != nil {
		return err
	}
	return r.Engine.Store.View(ctx, func(ctx context.Context, read *store.Reader) error {
		for _, a := range append([]rootkeep.AccountID{w.at(stands)}, x.Accounts...) {
			if err := r.Engine.Desk.MayPlan(ctx, read, actor, a); err != nil {
				return err
			}
		}
		seen, err := r.Root.Outlook(ctx, read, actor, stored.Wanted{Account: w.at(stands), Asked: x})
		if err == nil && !w.Ask.Urgent {
			err = seen.Shortage
		}
		return err
	})
}

// at is the account at which the request is decided: the management account, unless it is
// over one.
func (w *planJob) at(list []access.Change) rootkeep.AccountID {
	if len(list) == 1 {
		return list[0].Account
	}
	return w.Order.Management
}

// prepare makes the request for changes.
func (r *Runner) prepare(w *planJob, list []access.Change) (*access.Request, error) {
	now := r.Engine.Now()
	a := access.Ask{
		Holder: access.Member, Changes: list, From: w.Ask.From, Until: w.Ask.Until, Justification: w.Ask.Justification, Kind: access.Use, Ticket: w.Ask.Ticket,
	}
	for _, c := range list {
		a.Accounts = append(a.Accounts, c.Account)
	}
	if a.From.IsZero() {
		a.From = now
	}
	if a.Until.IsZero() {
		a.Until = a.From.Add(max(access.UsualWindow, Within(len(list))))
	}
	x, err := r.Task.Prepare(a, now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", approvals.ErrInvalid, err)
	}
	return x, nil
}

// plans does the job that plans and asks. A server that dies leaves plans behind that
// nobody has asked for yet: the next one asks for these.
func (r *Runner) plans(ctx context.Context, j *job.Job, report func(string)) error {
	var w planJob
	if err := json.Unmarshal(j.Payload, &w); err != nil {
		return job.Permanent(err)
	}
	var actor people.Actor
	var there bool
	var list []*changes.Change
	err := r.Engine.Store.View(ctx, func(ctx context.Context, read *store.Reader) (err error) {
		if actor, err = persons.ActorOf(ctx, read, w.Actor); err != nil {
			return err
		}
		if _, err = r.Root.Get(ctx, read, actor, w.Request, r.Engine.Now()); !errors.Is(err, store.ErrNotFound) {
			there = true
			return err
		}
		list, _, err = r.facts(ctx, read, actor, w.Request)
		return err
	})
	if err != nil || there {
		return final(err)
	}
	if len(list) == 0 {
		if list, err = r.planned(ctx, actor, &w, report); err != nil {
			return final(err)
		}
	}
	report(fmt.Sprintf("%d changes are planned, and are asked for", len(list)))
	return final(r.submit(ctx, actor, &w, list))
}

// final marks errors that no further attempt would mend.
func final(err error) error {
	var short *approval.Shortage
	if errors.Is(err, approvals.ErrInvalid) || errors.Is(err, approvals.ErrNotAllowed) || errors.Is(err, ErrNothing) || errors.Is(err, persons.ErrSuspended) || errors.As(err, &short) {
		return job.Permanent(err)
	}
	return err
}

// planned plans the accounts of a job, and takes those out of its order that are left out.
func (r *Runner) planned(ctx context.Context, actor people.Actor, w *planJob, report func(string)) ([]*changes.Change, error) {
	var steps []Step
	for _, s := range w.Order.Steps {
		steps = append(steps, Step{Member: Member{Account: s.Account, Name: s.Name}, Holding: Holding{Account: s.Account}, Canary: s.Canary})
	}
	p, err := r.planSteps(ctx, actor, w.Request, steps, nil, w.Ask.Parameters, func(read int) {
		report(fmt.Sprintf("%d of %d accounts are read and planned", read, len(steps)))
	})
	if err != nil {
		return nil, err
	}
	for i := range p.LeftOut {
		w.Order.Left = append(w.Order.Left, besideOf(&p.LeftOut[i]))
	}
	return p.Changes, nil
}

// submit asks for the changes, and keeps the order in the ledger.
func (r *Runner) submit(ctx context.Context, actor people.Actor, w *planJob, list []*changes.Change) error {
	p := &Planned{Request: w.Request, Changes: list}
	var named access.Request
	p.Name(&named)
	x, err := r.prepare(w, named.Changes)
	if err != nil {
		return err
	}
	text, err := json.Marshal(w.settle(list))
	if err != nil {
		return err
	}
	return r.Engine.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := r.Root.Submit(ctx, tx, actor, stored.Wanted{ID: w.Request, Account: w.at(named.Changes), Asked: x, Urgent: w.Ask.Urgent})
		if err != nil {
			return err
		}
		return errors.Join(w.standing(list).Keep(tx, w.Request, actor.ID), tx.Record("root.ordered", w.Request, actor.ID, ledger.NewPayload("order", text)))
	})
}

// standing is what scans say of the accounts of changes.
func (w *planJob) standing(list []*changes.Change) *stored.Standing {
	out := &stored.Standing{Holder: access.Member, Accounts: len(list), Unverified: []rootkeep.AccountID{}}
	for _, s := range w.Order.Steps {
		switch {
		case !slices.ContainsFunc(list, func(c *changes.Change) bool { return c.Account == s.Account }):
		case !s.Told:
			out.Unverified = append(out.Unverified, s.Account)
		case out.Read.IsZero() || s.Read.Before(out.Read):
			out.Read = s.Read
		}
	}
	slices.Sort(out.Unverified)
	return out
}

// settle is the order as it was planned: with its changes, and without accounts that have
// none.
func (w *planJob) settle(list []*changes.Change) order {
	out := order{Management: w.Order.Management, Steps: []placed{}, Left: slices.Clone(w.Order.Left)}
	for _, c := range list {
		i := slices.IndexFunc(w.Order.Steps, func(s placed) bool { return s.Account == c.Account })
		s := w.Order.Steps[i]
		s.Change, s.Canary = c.ID, c.Canary
		out.Steps = append(out.Steps, s)
	}
	for _, s := range w.Order.Steps {
		there := slices.ContainsFunc(list, func(c *changes.Change) bool { return c.Account == s.Account })
		if there || slices.ContainsFunc(out.Left, func(b beside) bool { return b.Account == s.Account }) {
			continue
		}
		// It was left out by a server that died before it could say why.
		out.Left = append(out.Left, beside{Account: s.Account, Name: s.Name, Why: "no change of it could be planned; hint: rootkeep root rootless proof reads it", Unknown: true})
	}
	slices.SortFunc(out.Left, func(a, b beside) int { return cmp.Compare(a.Account, b.Account) })
	return out
}

// told makes errors that a person can do something about refusals with their text.
func told(err error) error {
	var refused *web.Refusal
	if err == nil || errors.As(err, &refused) {
		return err
	}
	if err = ask.Told(err); errors.As(err, &refused) {
		return err
	}
	return webchanges.Asked(err)
}
