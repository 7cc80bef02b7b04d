package serve

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/alerting"
	"github.com/rootkeep/rootkeep/internal/app/archive"
	"github.com/rootkeep/rootkeep/internal/app/backup"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/rootproof"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/job/run"
	"github.com/rootkeep/rootkeep/internal/process"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/store/idempotency"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/letters"
	"github.com/rootkeep/rootkeep/internal/store/notices"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web/jobs"
)

// kinds lists the kinds of jobs that this process runs.
func (h *house) kinds() []job.Kind {
	return append(slices.Concat(h.recorder.Kinds(h.folder()), h.engine.Jobs(), h.rootless.Jobs(), h.outbox.Kinds()),
		job.Kind{Name: "anchor", Handler: job.HandlerFunc(h.anchorHead)},
		job.Kind{Name: "expire", Handler: job.HandlerFunc(h.expire)},
		job.Kind{Name: "tidy", Handler: job.HandlerFunc(h.tidy)},
		job.Kind{Name: archive.Kind, Attempts: 3, Handler: job.HandlerFunc(h.hunter().Run)},
		job.Kind{Name: backup.Kind, Attempts: 3, Handler: job.HandlerFunc(backup.Maker{Settings: h.settings.Backup, Store: h.store}.Run)},
		job.Kind{Name: rootuse.TimesKind, Handler: job.HandlerFunc((&rootuse.Times{Store: h.store, Desk: h.root, Outbox: h.outbox, Link: h.url.String()}).Run)},
		job.Kind{Name: alerting.Kind, Handler: job.HandlerFunc((&alerting.Times{Store: h.store, Desk: h.alerts, Wake: h.outbox.Wake, Now: h.now, Sources: h.settings.Watch.Sources, Alone: !store.IsPostgreSQL(h.settings.Store)}).Run)},
		job.Kind{Name: rootproof.Kind, Attempts: 3, Handler: job.HandlerFunc((&rootproof.Prover{Store: h.store, Places: h.settings.Hunts, Now: h.now, Wake: h.outbox.Wake}).Run)},
	)
}

func (h *house) hunter() *archive.Hunter {
	return &archive.Hunter{Store: h.store, Places: h.settings.Hunts, Version: h.settings.Version, Now: h.now}
}

// askable are the kinds that people may ask for.
func (h *house) askable() []jobs.Kind {
	return []jobs.Kind{
		{Name: record.ScanKind, Title: "Scan AWS with the server's own credentials", Example: `{"organization": true}`, Choices: h.scanInputs, Check: func(payload []byte) error {
			_, err := record.ParseScanJob(payload)
			return err
		}},
		{Name: archive.Kind, Title: "Hunt through logs that the server's settings name", Example: `{"logs": ""}`, Choices: h.huntInputs, Check: func(payload []byte) error {
			_, err := archive.Find(h.settings.Hunts, payload)
			return err
		}},
		{Name: backup.Kind, Title: "Back the store up into the folder of the settings, and verify the copy"},
		{Name: rootproof.Kind, Title: "Verify the digests of logs with CloudTrail's keys, for claims about uses of root", Example: `{"days": 30}`, Check: func(payload []byte) error {
			_, err := rootproof.Parse(payload)
			return err
		}},
		{Name: "anchor", Title: "Put the head of the ledger to its anchors"},
		{Name: "expire", Title: "End what has run out: requests and exceptions"},
		{Name: "tidy", Title: "Forget what nobody needs: old jobs, facts, notices, idempotency keys, what detections no longer ask for"},
	}
}

// own are the schedules that every server keeps, whoever set it up.
var own = []job.Schedule{
	{ID: "anchor", Kind: "anchor", Cron: "42 * * * *", Zone: "UTC", Payload: []byte("{}"), Enabled: true},
	{ID: "expire", Kind: "expire", Cron: "*/5 * * * *", Zone: "UTC", Payload: []byte("{}"), Enabled: true},
	{ID: "tidy", Kind: "tidy", Cron: "17 3 * * *", Zone: "UTC", Payload: []byte("{}"), Enabled: true},
}

// nightly is the schedule of backups, on servers that have a folder for them.
var nightly = job.Schedule{ID: "backup", Kind: backup.Kind, Cron: "23 2 * * *", Zone: "UTC", Payload: []byte("{}"), Enabled: true}

// wakeup passes a request for work on to the runner, if this process has one.
type wakeup struct{ runner atomic.Pointer[run.Runner] }

func (w *wakeup) wake() {
	if r := w.runner.Load(); r != nil {
		r.Wake()
	}
}

// runJobs runs jobs until the context ends.
func runJobs(ctx context.Context, h *house) error {
	if err := h.keepOwn(ctx); err != nil {
		return err
	}
	if err := h.outbox.Adopt(ctx); err != nil {
		return err
	}
	r, err := run.New(run.Config{
		Keeper: storejobs.Keeper{Store: h.store}, Kinds: h.kinds(), Now: h.now, Log: h.log,
		Owner: h.owner(),
	})
	if err != nil {
		return err
	}
	h.runner.Store(r)
	var telling sync.WaitGroup
	telling.Go(func() { h.outbox.Follow(ctx, h.url.String(), h.log) })
	r.Run(ctx)
	telling.Wait()
	return nil
}

// owner is a name of this server, unlike any other's.
func (h *house) owner() string { return process.Name(h.now()) }

func (h *house) own() []job.Schedule {
	out := append(slices.Clone(own), recoverChanges, rootuse.TimesSchedule, alerting.Schedule)
	if h.settings.Backup.Folder != "" {
		out = append(out, nightly)
	}
	if places, err := rootproof.Provable(h.settings.Hunts); err == nil && len(places) > 0 { // what is wrong was said at the start
		out = append(out, rootproof.Schedule)
	}
	return out
}

// keepOwn makes the server's own schedules where they are missing; those that somebody
// changed stay as they are.
func (h *house) keepOwn(ctx context.Context) error {
	return h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		have, err := storejobs.Schedules(ctx, &tx.Reader)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, s := range have {
			known[s.ID] = true
		}
		for _, s := range h.own() {
			if known[s.ID] {
				continue
			}
			if err := storejobs.SetSchedule(ctx, tx, "system", s); err != nil {
				return err
			}
		}
		return nil
	})
}

// expire ends what time has ended.
func (h *house) expire(ctx context.Context, _ *job.Job, report func(string)) error {
	total := 0
	for {
		var n int
		err := h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			if n, err = h.approvals.Expire(ctx, tx); err != nil {
				return err
			}
			unused, err := changes.Expire(ctx, tx)
			if err != nil {
				return err
			}
			ended, err := exceptions.End(ctx, tx, h.recorder.Except)
			n += unused + ended
			return err
		})
		if err != nil {
			return err
		}
		if total += n; n == 0 {
			report(fmt.Sprintf("%d ended", total))
			return nil
		}
	}
}

// How long is kept what nobody needs day by day.
const (
	keepJobs    = 30 * 24 * time.Hour
	keepNotices = 24 * time.Hour       // whoever was away for longer reads its pages again
	keepFacts   = 400 * 24 * time.Hour // of scans: an auditor looks back a year
	keepThreads = 180 * 24 * time.Hour // of notices: what changes later is a message of its own
	keepSends   = 24 * time.Hour       // a scan that is being sent and does not go on
)

// tidy forgets what nobody needs.
func (h *house) tidy(ctx context.Context, _ *job.Job, report func(string)) error {
	err := h.store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := storejobs.Forget(ctx, tx, tx.Now().Add(-keepJobs))
		if err != nil {
			return err
		}
		told, err := notices.Forget(ctx, tx, tx.Now().Add(-keepNotices))
		if err != nil {
			return err
		}
		if _, err := letters.Forget(ctx, tx, tx.Now().Add(-keepThreads)); err != nil {
			return err
		}
		if _, err := alerts.ForgetVolume(ctx, tx, tx.Now().Add(-alerting.VolumesKept)); err != nil {
			return err
		}
		keys, err := idempotency.Expire(ctx, tx)
		report(fmt.Sprintf("%d old jobs, %d notices and %d idempotency keys forgotten", n, told, keys))
		return err
	})
	if err != nil {
		return err
	}
	rows, err := detector.Tidy(ctx, h.store)
	if err != nil {
		return err
	}
	report(fmt.Sprintf("%d rows of detections forgotten", rows))
	return h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		ended, err := posture.Abandon(ctx, tx, tx.Now().Add(-keepSends))
		if err != nil {
			return err
		}
		forgotten, err := posture.Forget(ctx, tx, tx.Now().Add(-keepFacts))
		report(fmt.Sprintf("%d scans without an end ended, %d old snapshots forgotten", ended, forgotten))
		return err
	})
}
