package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/app/demo/cast"
	"github.com/rootkeep/rootkeep/internal/app/demo/past"
	"github.com/rootkeep/rootkeep/internal/app/demo/receiver"
	"github.com/rootkeep/rootkeep/internal/app/rootproof"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web/home"
)

// Demo is a server over a simulated organization with a past.
type Demo struct {
	Folder  string // where the past is kept; made if it is not there
	Fresh   bool   // make the past anew
	Listen  string
	Version string
	Day     func(day, days int) // hears of each day of the past that is made; nil for nobody
	// Made hears that the past is made, with the link that enrols the first administrator.
	Made func(link string)

	weeks int                             // of the past; 0: demo.Weeks
	aside func(http.Handler) http.Handler // stands before the organization, in tests; nil: nothing
}

// RunDemo serves until the context ends. A past that is not there is made while the
// server answers: whoever comes looks on, and may change nothing until it has reached the
// present. It points this process's environment to the simulation, so that scans read
// nothing else.
func RunDemo(ctx context.Context, d Demo, logs io.Writer, started Started) error {
	if d.weeks == 0 {
		d.weeks = demo.Weeks
	}
	world, err := demo.New(d.weeks, time.Now)
	if err != nil {
		return err
	}
	stop, err := world.Serve(d.aside)
	if err != nil {
		return err
	}
	defer stop()
	// Before the folder is emptied: somebody who starts a second one by mistake learns that
	// the address is taken, and takes nothing from the first.
	c := d.settings()
	if err := c.resolve(); err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return taken(err)
	}
	notices, err := receiver.Open()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer notices.Close()
	h := &deps{settings: c, log: slog.New(slog.DiscardHandler), now: time.Now, started: started, listener: l, story: &story{Demo: d, world: world, lived: make(chan struct{})}}
	if err := h.openDemo(ctx, logs, notices); err != nil {
		return errors.Join(err, l.Close())
	}
	return errors.Join(h.run(ctx, []role{{"web", runWeb}, {"jobs", runStory}, {watchRole, runPresent}}), h.store.Close())
}

// openDemo opens the store of the demonstration: one whose past is to be made has the
// organization's clock, which comes to the present with it.
func (d *deps) openDemo(ctx context.Context, logs io.Writer, notices *receiver.Receiver) error {
	kept, err := past.Folder(d.story.Folder).Take(d.story.Fresh)
	if err != nil {
		return err
	}
	if err := d.settings.live(d.story.Folder, notices); err != nil {
		return err
	}
	if !kept {
		d.story.making.Store(true)
		d.now = d.story.world.Now
	}
	if d.log, err = d.settings.logger(logs); err != nil {
		return err
	}
	d.store, d.keys, err = openStore(ctx, d.settings, d.log, d.now)
	return err
}

func (d Demo) settings() Settings {
	return Settings{
		Listen: d.Listen, Store: filepath.Join(d.Folder, "rootkeep.db"), KeyFile: filepath.Join(d.Folder, "ledger.key"),
		Log: Log{Level: "warn"}, Version: d.Version,
	}
}

// live adds what the present needs: a live source, the logs whose digests are verified, and
// a way to tell of notices that leads to this machine.
func (c *Settings) live(folder string, notices *receiver.Receiver) (err error) {
	folder, err = filepath.Abs(folder)
	if err != nil {
		return err
	}
	c.Roles = append(c.Roles, watchRole)
	if c.Watch.Sources, c.Hunts, err = demo.Settings(folder); err != nil {
		return err
	}
	c.Notify.Ways, err = notices.Ways(folder)
	return err
}

// runStory makes the past, and then runs jobs as any server does.
func runStory(ctx context.Context, h *house) error {
	if err := h.past(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop; the next start begins anew
		}
		return err
	}
	close(h.story.lived)
	return runJobs(ctx, h)
}

// runPresent watches what happens in the organization once its past is over.
func runPresent(ctx context.Context, h *house) error {
	select {
	case <-ctx.Done():
		return nil
	case <-h.story.lived:
	}
	var flowing sync.WaitGroup
	flowing.Go(func() {
		h.story.world.Flow(h.story.Folder).Run(ctx, func(a demo.Act) {
			h.story.acts.Add(a)
			if err := h.noted(ctx); err != nil && ctx.Err() == nil {
				h.log.Warn("the demonstration: tell of what happened", "error", err)
			}
		}, func(err error) { h.log.Warn("the demonstration: something could not happen", "error", err) })
	})
	defer flowing.Wait()
	return runWatch(ctx, h)
}

// past makes the past. Where there is one, the organization lives through it again, so
// that it is where it was: scans of the present wait for that, pages do not.
func (h *house) past(ctx context.Context) error {
	if !h.story.making.Load() {
		return h.story.world.Live(ctx, demo.History{Folder: h.story.Folder})
	}
	if err := h.live(ctx); err != nil {
		return fmt.Errorf("make the past of the demonstration: %w", err)
	}
	// Absence of uses of root is claimed of what is proven: that takes some seconds, later.
	prove := job.Job{Kind: rootproof.Kind, Payload: fmt.Appendf(nil, `{"days": %d}`, 7*h.story.weeks+1)}
	err := h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, _, err := storejobs.Add(ctx, tx, prove)
		return err
	})
	if err = errors.Join(err, past.Folder(h.story.Folder).Keep()); err != nil {
		return err
	}
	h.story.making.Store(false)
	link, err := h.firstLink(ctx)
	if err != nil {
		return err
	}
	if h.story.Made != nil {
		h.story.Made(link)
	}
	return h.noted(ctx)
}

// live lets the past happen.
func (h *house) live(ctx context.Context) error {
	staff, err := cast.Hire(ctx, h.stage())
	if err != nil {
		return err
	}
	root, err := cast.NewRoot(staff)
	if err != nil {
		return err
	}
	w := h.story.world
	day := func(day, days int) {
		h.story.day.Store(int64(day))
		if h.story.Day != nil {
			h.story.Day(day, days)
		}
	}
	if err := w.Live(ctx, demo.History{Folder: h.story.Folder, Day: day, Scan: h.scanned, Hunt: h.hunted, Root: root}); err != nil {
		return err
	}
	if err := staff.Requests(ctx, w.Account("app-1")); err != nil {
		return err
	}
	_, err = root.Submit(ctx, demo.Use{
		Task: "activate-billing-access", Kind: access.Use, Account: w.Account("management"), Ticket: "FIN-211", Ahead: 20 * time.Hour,
		Why: "The new finance role reads bills and costs; without this no policy lets it.",
	})
	return err
}

// noted has the home page read again by whoever looks at it.
func (h *house) noted(ctx context.Context) error {
	return h.store.Touch(ctx, func(_ context.Context, tx *store.Tx) error {
		tx.Announce(home.NoteTopic, "story")
		return nil
	})
}

func id(kind string, at time.Time) string {
	var chance [5]byte
	rand.Read(chance[:]) // never fails, see crypto/rand
	return rootkeep.NewID(kind, at, chance[:])
}

func (h *house) scanned(ctx context.Context, c scan.Config) error {
	return h.recorder.Do(ctx, record.Run{ID: id("SC", c.Now), Source: posture.Job, Actor: people.SystemActor.ID, Config: c, Placed: true})
}

func (h *house) hunted(ctx context.Context, c app.HuntConfig) error {
	_, err := h.hunter().Keep(ctx, id("HU", h.now()), c)
	return err
}

// stage is where the people of the demonstration act.
func (h *house) stage() cast.Stage {
	return cast.Stage{Store: h.store, Exceptions: h.desk, Root: h.root, Alerts: h.alerts, Site: h.approvals.Site, Place: h.approvals.Place, Now: h.now}
}
