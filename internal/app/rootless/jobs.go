package rootless

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Kinds of jobs.
const (
	PlanKind  = "rootless-plan"  // plans the changes of a request, and asks for it
	ProveKind = "rootless-proof" // reads all members again
)

// Jobs are the kinds of jobs that it is done by, beside those of changes.
func (r *Runner) Jobs() []job.Kind {
	return []job.Kind{
		{Name: PlanKind, Handler: job.HandlerFunc(r.plans)},
		{Name: ProveKind, Handler: job.HandlerFunc(r.proves)},
	}
}

// Apply has the changes of a request applied by a job, from where they are.
func (r *Runner) Apply(ctx context.Context, actor people.Actor, request string, a client.RootlessApply) error {
	var batch *changes.Batch
	err := r.Engine.Store.View(ctx, func(ctx context.Context, read *store.Reader) (err error) {
		if _, err = r.Root.Get(ctx, read, actor, request, r.Engine.Now()); err != nil {
			return err
		}
		batch, err = r.batch(ctx, read, actor, request)
		return err
	})
	if err == nil && batch == nil {
		err = web.Refuse(http.StatusConflict, "rootless-not", "request "+request+" has no changes that are applied one after the other; hint: rootkeep root show "+request)
	}
	if err != nil {
		return told(err)
	}
	if a.Release {
		err = r.Engine.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := r.Engine.Desk.Release(ctx, tx, actor, batch.ID)
			return err
		})
		if err != nil {
			return told(err)
		}
	}
	_, err = r.Engine.ApplyBatch(ctx, actor, batch.ID)
	return told(err)
}

// batch is that of the changes of a request, nil if there is none.
func (r *Runner) batch(ctx context.Context, read *store.Reader, actor people.Actor, request string) (*changes.Batch, error) {
	list, _, err := r.facts(ctx, read, actor, request)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(c *changes.Change) bool { return c.Batch != "" })
	if i < 0 {
		return nil, nil
	}
	b, _, err := r.Engine.Desk.GetBatch(ctx, read, actor, list[i].Batch, r.Engine.Now())
	return b, err
}

// proveJob is the payload of the job that reads all members again.
type proveJob struct {
	Request  string               `json:"request"`
	Actor    string               `json:"actor"`
	Accounts []rootkeep.AccountID `json:"accounts"`
	Hidden   []rootkeep.AccountID `json:"hidden"` // members that the actor may not have read
	Beside   int                  `json:"beside"` // members that AWS answers nothing for
}

// Prove has the members read again: those of the request, those that were left out of it,
// and those that scans have seen since.
func (r *Runner) Prove(ctx context.Context, actor people.Actor, request string) error {
	w := proveJob{Request: request, Actor: actor.ID}
	err := r.Engine.Store.View(ctx, func(ctx context.Context, read *store.Reader) error {
		x, err := r.Root.Get(ctx, read, actor, request, r.Engine.Now())
		if err != nil {
			return err
		}
		last, err := newest(ctx, read, ProveKind, request)
		if err != nil {
			return err
		}
		if last != nil && (last.State == job.Waiting || last.State == job.Running) {
			return web.Refuse(http.StatusConflict, "rootless-busy", "job "+last.ID+" reads the members already; hint: rootkeep root rootless status "+request)
		}
		o, err := orderOf(ctx, read, x)
		if err != nil {
			return err
		}
		return r.members(ctx, read, actor, x, o, &w)
	})
	if err != nil {
		return told(err)
	}
	payload, err := json.Marshal(w)
	if err != nil {
		return err
	}
	err = r.Engine.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		tx.Announce(stored.Topic, request)
		_, err := jobs.Ask(ctx, tx, actor.ID, job.Job{Kind: ProveKind, Key: fmt.Sprintf("%s/%d", request, tx.Now().UnixNano()), Payload: payload})
		return err
	})
	if err == nil {
		r.Engine.Wake()
	}
	return told(err)
}

// members are the accounts that a proof reads. The actor may plan changes of those of the
// request, or it is refused; others are read where the actor may.
func (r *Runner) members(ctx context.Context, read *store.Reader, actor people.Actor, x *stored.Request, o *order, w *proveJob) error {
	w.Accounts = slices.Clone(x.Accounts())
	for _, a := range w.Accounts {
		if err := r.Engine.Desk.MayPlan(ctx, read, actor, a); err != nil {
			return err
		}
	}
	organization, err := r.organizationIn(ctx, read, actor, o.Management)
	if err != nil {
		return err
	}
	all := organization.Members
	for _, b := range o.Left {
		all = append(all, Member{Account: b.Account, Suspended: b.Suspended, Management: b.Never})
	}
	seen := map[rootkeep.AccountID]bool{}
	for _, m := range all {
		known := seen[m.Account] || slices.Contains(w.Accounts, m.Account)
		seen[m.Account] = true
		switch {
		case known || m.Management || m.Standalone:
		case m.Suspended:
			w.Beside++
		case r.Engine.Desk.MayPlan(ctx, read, actor, m.Account) != nil:
			w.Hidden = append(w.Hidden, m.Account)
		default:
			w.Accounts = append(w.Accounts, m.Account)
		}
	}
	return nil
}

// newest is the newest job of a kind about a request, nil if there is none.
func newest(ctx context.Context, r *store.Reader, kind, about string) (*job.Job, error) {
	list, err := jobs.List(ctx, r, jobs.Filter{Kind: kind, About: about, Limit: 1})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// proves does the job that reads all members again. What was read since it was asked for is
// not read twice.
func (r *Runner) proves(ctx context.Context, j *job.Job, report func(string)) error {
	var w proveJob
	if err := json.Unmarshal(j.Payload, &w); err != nil {
		return job.Permanent(err)
	}
	var actor people.Actor
	var done []Holding
	err := r.Engine.Store.View(ctx, func(ctx context.Context, read *store.Reader) (err error) {
		if actor, err = persons.ActorOf(ctx, read, w.Actor); err != nil {
			return err
		}
		done, err = audits(ctx, read, w.Request)
		return err
	})
	if err != nil {
		return final(err)
	}
	left := slices.DeleteFunc(slices.Clone(w.Accounts), func(a rootkeep.AccountID) bool {
		return slices.ContainsFunc(done, func(h Holding) bool { return h.Account == a && h.At.After(j.Created) && h.Unknown == "" })
	})
	before := len(w.Accounts) - len(left)
	_, err = r.Audit(ctx, actor, w.Request, left, func(read int) {
		report(fmt.Sprintf("%d of %d accounts are read", before+read, len(w.Accounts)))
	})
	if err == nil {
		report(fmt.Sprintf("%d accounts are read", len(w.Accounts)))
	}
	return final(err)
}
