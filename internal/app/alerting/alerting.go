// Package alerting is alerts on a server: the policy of a file, and what time
// does to alerts, seen to by a job.
package alerting

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/watch"
	configured "github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/finding"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/posture"
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

// Guards says which rules are guarded, those of findings among them. has says which rules
// are detections: one of somebody's own may be named as a finding is.
func Guards(has func(rule string) bool, detections alert.Guarded) alert.Guarded {
	return func(rule string) bool {
		if finding.IsRule(rule) && !has(rule) {
			return finding.Guarded(rule)
		}
		return detections(rule)
	}
}

// Tags says which tags alerts of a rule have: those of a detection, and of a finding the
// product that found it. has is as for Guards.
func Tags(has func(rule string) bool, detections func(rule string) []string) func(rule string) []string {
	return func(rule string) []string {
		if product, _, found := strings.Cut(rule, "/"); found && !has(rule) {
			return []string{product}
		}
		return detections(rule)
	}
}

// AccountTags gives the tags that a policy has for an account.
func AccountTags(p *alert.Policy) func(context.Context, *store.Reader, rootkeep.AccountID) ([]string, error) {
	return func(ctx context.Context, r *store.Reader, account rootkeep.AccountID) ([]string, error) {
		var at people.Place
		if p.ByUnit() {
			var err error
			if at, err = posture.PlaceOf(ctx, r, account); err != nil {
				return nil, err
			}
		}
		return p.TagsOf(account, at.Path), nil
	}
}

// Tell has people told of changes, in the transaction that makes them: outbox.Alerts does.
type Tell func(context.Context, *store.Tx, *alerts.Changes) error

// Desk is where people work at alerts, and where live events bring them, under a policy.
func Desk(p alert.Policy, guarded alert.Guarded, tell Tell) (*alerts.Desk, error) {
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
// live sources that nobody reads; live sources that were taken out of the settings end.
type Times struct {
	Store   *store.Store
	Desk    *alerts.Desk
	Wake    func() // when somebody is to be told
	Now     func() time.Time
	Sources string // file of live sources, "" for none
	Alone   bool   // no other process works on the store: it watches nothing that this one's settings do not name

	seen atomic.Bool // what happened while no server ran
}

// Verdicts of root's events that are as old as this are looked at: the first time, and then.
const (
	first = 35 * 24 * time.Hour
	later = 15 * time.Minute
)

// endSources ends the live sources that the settings do not name any more. Settings without
// any may be those of a process that watches nothing, while others do.
func (t *Times) endSources(ctx context.Context) error {
	if t.Sources == "" && !t.Alone {
		return nil
	}
	names, err := configured.Names(t.Sources)
	if err != nil {
		return err
	}
	return watch.EndTakenOut(ctx, t.Store, t.Desk, names, t.Now())
}

// Run is one look. What is wrong with the file of sources keeps no alert from its time.
func (t *Times) Run(ctx context.Context, _ *job.Job, report func(string)) error {
	return errors.Join(t.lookAtSources(ctx), t.tend(ctx, report))
}

func (t *Times) lookAtSources(ctx context.Context) error {
	if t.Sources != "" {
		if err := watch.TellUnwatched(ctx, t.Store, t.Desk, t.Sources, t.Now()); err != nil {
			return err
		}
	}
	return t.endSources(ctx)
}

func (t *Times) tend(ctx context.Context, report func(string)) error {
	back, told := later, 0
	if t.seen.CompareAndSwap(false, true) {
		back = first
	}
	for n := 1; n > 0; told += n {
		err := t.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = t.Desk.Tend(ctx, tx, tx.Clock(), tx.Clock().Add(-back))
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
