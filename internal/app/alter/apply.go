package alter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awswrite"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
)

// Kinds of jobs.
const (
	ApplyKind   = "change"         // applies one change
	BatchKind   = "change-batch"   // applies the changes of a batch
	RecoverKind = "change-recover" // finds changes whose server is gone
)

const (
	// lease is how long a change is left alone by others after its server last said that
	// it is at work.
	lease = time.Minute
	// patience is how long a change that was begun waits for its job.
	patience = 24 * time.Hour
)

// applyJob is the payload of a job that applies a change: the run that was begun for it.
type applyJob struct {
	Change string `json:"change"`
	Run    int    `json:"run"`
}

// batchJob is the payload of a job that applies a batch for a person.
type batchJob struct {
	Batch string `json:"batch"`
	Actor string `json:"actor"`
}

// Jobs are the kinds of jobs that apply changes.
func (e *Engine) Jobs() []job.Kind {
	return []job.Kind{
		{Name: ApplyKind, Together: 4, Handler: job.HandlerFunc(e.applies)},
		{Name: BatchKind, Together: 2, Handler: job.HandlerFunc(e.appliesBatch)},
		{Name: RecoverKind, Handler: job.HandlerFunc(e.recovers)},
	}
}

// Apply begins a change, or goes on with one, and leaves the work to a job. The intent is
// in the ledger when it returns.
func (e *Engine) Apply(ctx context.Context, actor people.Actor, id, hash string) (*changes.Change, error) {
	var c *changes.Change
	err := e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		c, err = e.begin(ctx, tx, actor, id, hash, waiting(tx))
		if err != nil {
			return err
		}
		return add(ctx, tx, c)
	})
	if err == nil {
		e.Wake()
	}
	return c, err
}

// begin begins a change, or goes on with one that stopped. One whose kind is not there as
// it was planned is left as it is.
func (e *Engine) begin(ctx context.Context, tx *store.Tx, actor people.Actor, id, hash string, by changes.Hold) (*changes.Change, error) {
	c, err := e.Desk.Get(ctx, &tx.Reader, actor, id, tx.Now())
	if err != nil {
		return nil, err
	}
	if _, _, err := e.of(c); err != nil {
		return nil, err
	}
	if c.State != changes.Stopped {
		return e.Desk.Begin(ctx, tx, actor, id, hash, by)
	}
	if hash != c.Hash {
		return nil, fmt.Errorf("change %s: %w: its SHA-256 is %s, not %q", id, changes.ErrHash, c.Hash, hash)
	}
	return e.Desk.Resume(ctx, tx, actor, id, by)
}

func waiting(tx *store.Tx) changes.Hold {
	return changes.Hold{Owner: changes.Waiting, Lease: tx.Now().Add(patience)}
}

// add keeps the job of a run that was begun.
func add(ctx context.Context, tx *store.Tx, c *changes.Change) error {
	payload, err := json.Marshal(applyJob{c.ID, c.Run})
	if err != nil {
		return err
	}
	_, _, err = storejobs.Add(ctx, tx, job.Job{Kind: ApplyKind, Key: fmt.Sprintf("%s/%d", c.ID, c.Run), Payload: payload})
	return err
}

// applies does the job of a run.
func (e *Engine) applies(ctx context.Context, j *job.Job, report func(string)) error {
	var w applyJob
	if err := strict(j.Payload, &w); err != nil {
		return job.Permanent(err)
	}
	c, err := e.take(ctx, w, j.ID)
	if err != nil || c == nil {
		return err
	}
	_, err = e.run(ctx, c, report)
	return err
}

func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// take gives the change of a run that is still to be done, nil if there is none. Of one
// that a server worked at already, whose lease has run out, it makes another run.
func (e *Engine) take(ctx context.Context, w applyJob, owner string) (*changes.Change, error) {
	err := e.start(ctx, w.Change, w.Run, owner)
	if err != nil && !errors.Is(err, changes.ErrLost) {
		return nil, err
	}
	lost := err != nil
	var c *changes.Change
	err = e.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		c, err = changes.Read(ctx, r, w.Change, e.Now())
		return err
	})
	if err != nil || !lost {
		return c, err
	}
	if c.State != changes.Applying || c.Run != w.Run {
		return nil, nil // it has ended, or another job goes on with it
	}
	err = e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return again(ctx, tx, w.Change) })
	e.Wake()
	return nil, err
}

// start says that this server works at a run.
func (e *Engine) start(ctx context.Context, id string, run int, owner string) error {
	return e.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		return changes.Start(ctx, tx, id, run, changes.Hold{Owner: owner, Lease: tx.Now().Add(lease)})
	})
}

// again makes another run of a change whose server is gone; changes.ErrLost if it is not.
func again(ctx context.Context, tx *store.Tx, id string) error {
	c, err := changes.Take(ctx, tx, id, waiting(tx))
	if err != nil {
		return err
	}
	return add(ctx, tx, c)
}

// run makes the calls of a run and writes down how it ended.
func (e *Engine) run(ctx context.Context, c *changes.Change, report func(string)) (*changes.Change, error) {
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.hold(ctx, c, lost)
	}()
	out, err := e.call(ctx, c, report)
	lost(nil)
	<-done
	if cause := context.Cause(ctx); errors.Is(cause, changes.ErrLost) {
		return nil, job.Permanent(cause)
	}
	if err != nil {
		return nil, err
	}
	ended := c
	err = e.Store.Update(context.WithoutCancel(ctx), func(ctx context.Context, tx *store.Tx) (err error) {
		ended, err = changes.Finish(ctx, tx, c.ID, c.Run, out)
		return err
	})
	if err == nil {
		report(string(ended.State) + " after " + fmt.Sprint(out.Calls) + " calls")
	}
	return ended, err
}

// hold renews the lease until the work ends. Where it cannot, the work ends before the
// lease does: another server may take the change from then on.
func (e *Engine) hold(ctx context.Context, c *changes.Change, lost context.CancelCauseFunc) {
	until := c.Lease
	for e.Sleep(ctx, lease/4) == nil {
		next := e.Now().Add(lease)
		touch, cancel := context.WithTimeout(ctx, lease/4)
		err := e.Store.Touch(touch, func(ctx context.Context, tx *store.Tx) error {
			next = tx.Now().Add(lease)
			return changes.Extend(ctx, tx, c.ID, c.Run, next)
		})
		cancel()
		switch {
		case errors.Is(err, changes.ErrLost):
			lost(err)
			return
		case err == nil:
			until = next
		case ctx.Err() == nil && !e.Now().Before(until.Add(-lease/4)):
			lost(fmt.Errorf("the lease of %s could not be renewed: %w: %w", c.ID, changes.ErrLost, err))
			return
		}
	}
}

// call applies the plan. What AWS says is in the outcome: credentials that are not there
// stop the change as a refusal does.
func (e *Engine) call(ctx context.Context, c *changes.Change, report func(string)) (change.Outcome, error) {
	k, p, err := e.of(c)
	if err != nil {
		return stopped(c, 0, err), nil
	}
	var made []change.Made
	if err := e.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		made, err = changes.Calls(ctx, r, c.ID)
		return err
	}); err != nil {
		return change.Outcome{}, err
	}
	base, err := session.Open(ctx, e.AWS)
	if err != nil {
		return stopped(c, len(made), err), nil
	}
	reads, writes, err := e.entries(ctx, c, k, p)
	if err != nil {
		return stopped(c, len(made), err), nil
	}
	reader, err := ask.Begin(base, reads)
	if err != nil {
		return stopped(c, len(made), err), nil
	}
	defer reader.End()
	writer, err := awswrite.Begin(base, writes)
	if err != nil {
		return stopped(c, len(made), err), nil
	}
	defer writer.End()
	out, err := k.Apply(ctx, change.Run{
		Plan: p, Made: made, Begun: c.Resumed(), Reader: reader, Writer: writer, Clock: change.Clock{Now: e.Now, Sleep: e.Sleep},
		Journal: journal{changes.Journal{Store: e.Store, ID: c.ID, Run: c.Run}, len(p.Calls), report},
	})
	if ctx.Err() != nil { // the server stops: another one goes on with it
		return out, ctx.Err()
	}
	return out, err
}

// entries are how accounts are entered to read back and to write. What is done under a
// request for root carries its ID, and no root session outlives its window.
func (e *Engine) entries(ctx context.Context, c *changes.Change, k *change.Kind, p *change.Plan) (reads, writes session.Entry, err error) {
	reads = session.Entry{Role: e.ReadRole, Name: e.looks(c.ID, k), Own: true}
	writes = session.Entry{Role: e.writeRole(p.Class), Name: c.ID}
	if c.For != "" {
		var w changes.Window
		err = e.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
			w, err = c.Window(ctx, r, e.Now())
			return err
		})
		reads.Name, writes.Name = c.For, c.For
		reads.Longest, writes.Longest, reads.Until, writes.Until = w.Session, w.Session, w.Until, w.Until
	}
	for _, entry := range []*session.Entry{&reads, &writes} {
		name := entry.Name
		entry.Refused = e.refused(ctx, name)
		entry.Entered = func(s facts.Session) error {
			return e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
				return errors.Join(changes.Entered(ctx, tx, c.ID, c.Run, s), e.Recorded(ctx, tx, name, s))
			})
		}
	}
	return reads, writes, err
}

// stopped is the outcome of a run that could not begin, or not go on: whether an earlier
// run has made a call that nobody heard of is as open as before.
func stopped(c *changes.Change, calls int, err error) change.Outcome {
	return change.Outcome{State: change.Stopped, Calls: calls, Why: err.Error(), Doubt: c.Doubt}
}

// journal tells how far an apply is.
type journal struct {
	changes.Journal
	calls  int
	report func(string)
}

// Made is of change.Journal.
func (j journal) Made(ctx context.Context, m change.Made) error {
	// A call that was carried out is written down even if the server stops right now.
	if err := j.Journal.Made(context.WithoutCancel(ctx), m); err != nil {
		return err
	}
	j.report(fmt.Sprintf("%d of %d calls", m.Number+1, j.calls))
	return nil
}

// recovers finds changes that were being applied by a server that is gone.
func (e *Engine) recovers(ctx context.Context, _ *job.Job, report func(string)) error {
	n := 0
	err := e.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err := changes.Orphans(ctx, &tx.Reader, tx.Now())
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := again(ctx, tx, c.ID); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if n > 0 {
		e.Wake()
	}
	report(fmt.Sprintf("%d changes are gone on with", n))
	return err
}
