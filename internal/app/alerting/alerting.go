// Package alerting is alerts on a server: the policy of a file, and what time
// does to alerts, seen to by a job.
package alerting

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/watch"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
)

// Policy reads a file of a policy; an empty path is the default.
func Policy(path string) (alert.Policy, error) {
	if path == "" {
		return alert.Default(), nil
	}
	folder, name := filepath.Split(path)
	p, err := alert.ReadPolicy(rule.Source{FS: os.DirFS(filepath.Clean(folder)), Dir: ".", Name: folder}, name) // Clean makes no folder this one
	if err != nil {
		return p, fmt.Errorf("alerts: %w", err)
	}
	return p, nil
}

// Tell has people told of changes, in the transaction that makes them: outbox.Alerts does.
type Tell func(context.Context, *store.Tx, *alerts.Changes) error

// Desk is where people work at alerts, and where live events bring them, under the policy of
// a file.
func Desk(policy string, guarded alert.Guarded, tell Tell) (*alerts.Desk, error) {
	p, err := Policy(policy)
	if err != nil {
		return nil, err
	}
	k, err := alerts.New(p, guarded)
	return &alerts.Desk{Keeper: k, Tell: tell}, err
}

// VolumesKept is how long is kept what rules came to.
const VolumesKept = 90 * 24 * time.Hour

// Kind is the kind of jobs that see to what time does to alerts.
const Kind = "alert-times"

// Schedule is when they do.
var Schedule = job.Schedule{ID: Kind, Kind: Kind, Cron: "* * * * *", Zone: "UTC", Payload: []byte("{}"), Enabled: true}

// Times wakes alerts whose snooze is over, escalates those that nobody acknowledges, ends
// those that are explained by now, and has alerts tell of suppressions that end soon and of
// live sources that nobody reads.
type Times struct {
	Store   *store.Store
	Desk    *alerts.Desk
	Wake    func() // when somebody is to be told
	Now     func() time.Time
	Sources string // file of live sources, "" for none

	seen atomic.Bool // what happened while no server ran
}

// Verdicts of root's events that are as old as this are looked at: the first time, and then.
const (
	first = 35 * 24 * time.Hour
	later = 15 * time.Minute
)

// Run is one look.
func (t *Times) Run(ctx context.Context, _ *job.Job, report func(string)) error {
	if t.Sources != "" {
		if err := watch.TellUnwatched(ctx, t.Store, t.Desk, t.Sources, t.Now()); err != nil {
			return err
		}
	}
	back, told := later, 0
	if t.seen.CompareAndSwap(false, true) {
		back = first
	}
	for n := 1; n > 0; told += n {
		err := t.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = t.Desk.Tend(ctx, tx, tx.Now(), tx.Now().Add(-back))
			return err
		})
		if err != nil {
			t.seen.Store(false)
			return err
		}
		t.Wake()
	}
	report(fmt.Sprintf("%d told", told))
	return nil
}
