package rootless

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	web "github.com/rootkeep/rootkeep/internal/web/changes"
	"github.com/rootkeep/rootkeep/ledger"
)

// Runner does what an order says, with the engine of a server.
type Runner struct {
	Engine *alter.Engine
	Root   *stored.Desk // where it is asked for
	Task   *access.Task // that it is asked for by
	Region string       // where root sessions are asked; "" is us-east-1
}

// New checks that nothing is missing.
func New(r Runner) (*Runner, error) {
	if r.Engine == nil || r.Root == nil || r.Task == nil {
		return nil, errors.New("rootless: engine, desk and the task " + TaskID + " are required")
	}
	return &r, nil
}

func (r *Runner) region() string {
	if r.Region == "" {
		return "us-east-1"
	}
	return r.Region
}

// Planned is an order with its plans. They wait for the request for root that names them.
type Planned struct {
	Request string // ID, RR-...
	Batch   *changes.Batch
	Changes []*changes.Change // in the order in which they are applied
	Steps   []Step            // of them
	LeftOut []LeftOut
}

// Plan plans the deletion in every account of an order, under the request for root with an
// ID that is not used yet. with are parameters of root-credentials-delete, such as
// unused_for. Accounts that are refused are left out.
func (r *Runner) Plan(ctx context.Context, actor people.Actor, request string, w Wanted, with map[string]any) (*Planned, error) {
	steps, left, err := Order(w)
	if err != nil {
		return nil, err
	}
	return r.planSteps(ctx, actor, request, steps, left, with, nil)
}

// planSteps plans the deletion in accounts that are ordered. told, if it is not nil, hears
// how many of them were read.
func (r *Runner) planSteps(ctx context.Context, actor people.Actor, request string, steps []Step, left []LeftOut, with map[string]any, told func(read int)) (*Planned, error) {
	var list []web.Wanted
	canaries := 0
	for i := range steps {
		list = append(list, web.Wanted{Kind: access.DeleteAll, Account: steps[i].Member.Account, Parameters: with, For: request})
		if steps[i].Canary {
			canaries++
		}
	}
	out := &Planned{Request: request, LeftOut: left}
	b, planned, refused, err := r.Engine.PlanEach(ctx, actor, fmt.Sprintf("Root credentials of %d members", len(list)), list, canaries, told)
	out.Batch, out.Changes = b, planned
	if err != nil && !errors.Is(err, change.ErrNothing) {
		return nil, err
	}
	for _, l := range refused {
		i := slices.IndexFunc(steps, func(s Step) bool { return s.Member.Account == l.Account })
		out.LeftOut = append(out.LeftOut, refusal(steps[i].Member, l.Err))
		steps = slices.Delete(steps, i, i+1)
	}
	if out.Steps = steps; len(out.Changes) == 0 {
		return out, ErrNothing
	}
	return out, nil
}

// refusal is an account whose change could not be planned.
func refusal(m Member, err error) LeftOut {
	var no *change.Refused
	switch {
	case errors.Is(err, change.ErrNothing):
		return LeftOut{Member: m, Why: "its root user has nothing"}
	case errors.As(err, &no):
		return LeftOut{Member: m, Why: err.Error(), Refused: true}
	}
	return LeftOut{Member: m, Why: err.Error(), Unknown: true}
}

// Name has a request for root name the plans, in their order, and their accounts.
func (p *Planned) Name(r *access.Request) {
	r.Path, r.Accounts, r.Changes = access.Assumed, []rootkeep.AccountID{}, []access.Change{}
	for _, c := range p.Changes {
		r.Changes = append(r.Changes, access.Change{Account: c.Account, ID: c.ID, Plan: approval.Sum(c.Plan)})
		r.Accounts = append(r.Accounts, c.Account)
	}
	slices.Sort(r.Accounts)
}

// Audit asks what the root users of accounts have, and keeps the answers as root.audited of
// the request, which proves what is gone. The actor is one who may plan changes of all of
// them. told, if it is not nil, hears how many were read.
func (r *Runner) Audit(ctx context.Context, actor people.Actor, request string, accounts []rootkeep.AccountID, told func(read int)) ([]Holding, error) {
	// Before AWS is asked: root is not looked at for whoever may not.
	err := r.Engine.Store.View(ctx, func(ctx context.Context, read *store.Reader) error {
		for _, a := range accounts {
			if err := r.Engine.Desk.MayPlan(ctx, read, actor, a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []Holding
	err = r.Engine.Look(ctx, actor, request, func(reader change.Reader) error {
		for i, a := range accounts {
			if told != nil {
				told(i)
			}
			h, err := Audit(ctx, reader, a, r.region(), r.Engine.Now())
			if err != nil {
				return err
			}
			out = append(out, h)
			text, err := json.Marshal(h)
			if err != nil {
				return err
			}
			err = r.Engine.Store.Update(ctx, func(_ context.Context, tx *store.Tx) error {
				tx.Announce(stored.Topic, request)
				return tx.Record("root.audited", request, actor.ID, ledger.NewPayload("holding", text))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Status is where the accounts of a request are, as far as the actor may see them.
func (r *Runner) Status(ctx context.Context, actor people.Actor, request string) (out *Status, err error) {
	err = r.Engine.Store.View(ctx, func(ctx context.Context, read *store.Reader) error {
		list, proofs, err := r.facts(ctx, read, actor, request)
		if err != nil {
			return err
		}
		out, err = r.status(ctx, read, list, proofs)
		return err
	})
	return out, err
}

// facts are the changes of a request, in their order, and its audits.
func (r *Runner) facts(ctx context.Context, read *store.Reader, actor people.Actor, request string) ([]*changes.Change, []Holding, error) {
	list, err := r.Engine.Desk.List(ctx, read, actor, changes.Filter{For: request, Limit: 2 * Most}, r.Engine.Now())
	if err != nil {
		return nil, nil, err
	}
	list = slices.DeleteFunc(list, func(c *changes.Change) bool { return c.Replaced != "" })
	slices.SortFunc(list, func(a, b *changes.Change) int { return a.Place - b.Place })
	proofs, err := audits(ctx, read, request)
	return list, proofs, err
}

func (r *Runner) status(ctx context.Context, read *store.Reader, list []*changes.Change, proofs []Holding) (*Status, error) {
	calls := map[string]int{}
	for _, c := range list {
		made, err := changes.Calls(ctx, read, c.ID)
		if err != nil {
			return nil, err
		}
		calls[c.ID] = len(made)
	}
	return StatusOf(list, calls, proofs), nil
}

// audits reads the audits of a request from the ledger.
func audits(ctx context.Context, r *store.Reader, request string) ([]Holding, error) {
	var out []Holding
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var h Holding
		err := json.Unmarshal(text, &h)
		out = append(out, h)
		return err
	}, `SELECT p.data FROM log_payload p JOIN log_entry e ON e.n = p.n WHERE e.subject = $1 AND e.type = 'root.audited' AND p.name = 'holding' AND p.data IS NOT NULL ORDER BY e.n`, request)
	if err != nil {
		return nil, fmt.Errorf("read the audits of %s: %w", request, err)
	}
	return out, nil
}

// Within is the time that a request over so many accounts is asked for: a change takes
// seconds, and waits where AWS is slow.
func Within(accounts int) time.Duration {
	return min(access.LongestWindow, max(time.Hour, time.Duration(accounts)*time.Minute))
}
