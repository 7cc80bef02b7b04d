// Package record keeps scans in a server's store: a scan that runs here, a folder that a
// scan wrote, or snapshots that somebody sent. Each account is taken in a transaction of
// its own as soon as it is judged, so that a scan that ends early has what it came to,
// and one that is run again goes on behind that.
package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
)

// Recorder records scans.
type Recorder struct {
	Store    *store.Store
	Version  string   // of the program
	Register string   // file of what people decide and vouch for, "" for none
	Controls []string // folders of the user's own
	Now      func() time.Time
	Card     *score.Scorecard

	catalogue []*posture.Control
	problems  []error // files of controls that were left out
}

// New loads controls and scorecard.
func New(r Recorder) (*Recorder, error) {
	if r.Store == nil || r.Now == nil {
		return nil, errors.New("record: a store and a clock are required")
	}
	var err error
	if r.catalogue, r.problems, err = scan.LoadControls(r.Controls); err != nil {
		return nil, err
	}
	if r.Card == nil {
		r.Card, err = scan.LoadScorecard()
	}
	return &r, err
}

// Run is a scan that is to be recorded.
type Run struct {
	ID     string // SC-...
	Source string // kept.Job or kept.Imported
	Actor  string // ID
	Config scan.Config
	Placed bool         // where snapshots put accounts in the organization is believed
	Report func(string) // hears how far it is; nil for nobody
	Again  bool         // whoever calls tries again: a failure does not end the scan
}

// Do runs a scan and records it. When it fails, the scan is ended as failed, unless it
// is to be tried again or was interrupted.
func (r *Recorder) Do(ctx context.Context, run Run) error {
	begin := kept.Begin{ID: run.ID, Source: run.Source, Actor: run.Actor, Version: r.Version, State: kept.Judging}
	if err := r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return kept.Start(ctx, tx, begin) }); err != nil {
		return err
	}
	c, err := r.config(ctx, run.Config)
	if err != nil {
		return r.fail(ctx, run, err)
	}
	done := 0
	c.Took = func(s *facts.Snapshot, findings []rootkeep.Finding) error {
		if err := r.take(ctx, run.ID, kept.Account{
			Name: c.Names()[s.Account], Snapshot: s, Findings: findings, Controls: r.ids(), Card: r.Card, Placed: run.Placed,
		}); err != nil {
			return err
		}
		done++
		if run.Report != nil {
			run.Report(fmt.Sprintf("%d accounts judged", done))
		}
		return nil
	}
	a, err := scan.Run(ctx, c)
	if err != nil {
		return r.fail(ctx, run, err)
	}
	return r.finish(ctx, run, a, done)
}

// config adds what the server knows to what is to be scanned.
func (r *Recorder) config(ctx context.Context, c scan.Config) (scan.Config, error) {
	if c.Now.IsZero() {
		c.Now = r.Now()
	}
	c.Version, c.Controls = r.Version, r.Controls
	var err error
	if c.People, err = r.people(ctx, c.Now); err != nil {
		return c, err
	}
	err = r.Store.View(ctx, func(ctx context.Context, tx *store.Reader) error {
		c.Keys, err = kept.OwnKeys(ctx, tx, c.Now)
		return err
	})
	return c, err
}

// people is the register with the exceptions that were granted.
func (r *Recorder) people(ctx context.Context, now time.Time) (*register.Register, error) {
	out := &register.Register{}
	if r.Register != "" {
		var err error
		if out, err = scan.UseRegister(r.Register, now); err != nil {
			return nil, err
		}
	}
	var granted []register.Granted
	err := r.Store.View(ctx, func(ctx context.Context, tx *store.Reader) (err error) {
		granted, err = exceptions.Granted(ctx, tx, "", now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out.With(granted), nil
}

// Except brings the exceptions of an account up to date, for exceptions.Desk.Changed.
func (r *Recorder) Except(ctx context.Context, tx *store.Tx, id rootkeep.AccountID) error {
	granted, err := exceptions.Granted(ctx, &tx.Reader, id, tx.Now())
	if err != nil {
		return err
	}
	people := &register.Register{}
	if r.Register != "" {
		if people, err = scan.UseRegister(r.Register, tx.Now()); err != nil {
			return err
		}
	}
	return kept.Except(ctx, tx, id, r.Card, people.With(granted).Use(tx.Now()).Except)
}

func (r *Recorder) ids() []string {
	out := make([]string, len(r.catalogue))
	for i, c := range r.catalogue {
		out[i] = c.ID
	}
	return out
}

// Catalogue are the controls that accounts are judged by.
func (r *Recorder) Catalogue() []*posture.Control { return r.catalogue }

// Problems are the files of controls that were left out.
func (r *Recorder) Problems() []error { return r.problems }

func (r *Recorder) take(ctx context.Context, id string, a kept.Account) error {
	p, err := kept.Prepare(a)
	if err != nil {
		return err
	}
	return r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := kept.Take(ctx, tx, id, p); err != nil || !a.Placed {
			return err
		}
		return keepSessions(ctx, tx, id, a.Snapshot.Account, a.Snapshot.Sessions) // of whom the whole organization is believed
	})
}

// finish notes the accounts of which there is nothing, and ends the scan.
func (r *Recorder) finish(ctx context.Context, run Run, a *assessment.Assessment, done int) error {
	end := kept.End{ID: run.ID, Actor: run.Actor, Controls: a.Judging, Version: r.Version}
	if done == 0 {
		end.Error = "no account was read"
		if len(a.Problems) > 0 {
			end.Error += ": " + a.Problems[0].Reason
		}
	}
	names := run.Config.Names()
	return r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, p := range a.Problems {
			if p.Account == "" {
				continue
			}
			if err := kept.Miss(ctx, tx, run.ID, p.Account, names[p.Account], kept.Unread, p.Reason); err != nil {
				return err
			}
		}
		for _, l := range a.Left {
			if err := kept.Miss(ctx, tx, run.ID, l.ID, l.Name, kept.Left, l.Reason); err != nil {
				return err
			}
		}
		_, err := kept.Finish(ctx, tx, end)
		return err
	})
}

// fail ends a scan that failed, for whoever looks; the error stays the caller's.
func (r *Recorder) fail(ctx context.Context, run Run, err error) error {
	if ctx.Err() != nil || run.Again {
		return err
	}
	return errors.Join(err, r.Fail(ctx, run.ID, run.Actor, err))
}

// Fail ends a scan as failed.
func (r *Recorder) Fail(ctx context.Context, id, actor string, reason error) error {
	return r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := kept.Finish(ctx, tx, kept.End{ID: id, Actor: actor, Error: reason.Error(), Version: r.Version})
		return err
	})
}
