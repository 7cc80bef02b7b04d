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
	"os"
	"path/filepath"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/app/demo/cast"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
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
	stop, err := d.simulate(world)
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
	h := &deps{settings: c, log: slog.New(slog.DiscardHandler), now: time.Now, started: started, listener: l, story: &story{Demo: d, world: world}}
	if err := h.openDemo(ctx, logs); err != nil {
		return errors.Join(err, l.Close())
	}
	return errors.Join(h.run(ctx, []role{{"web", runWeb}, {"jobs", runStory}}), h.store.Close())
}

// openDemo opens the store of the demonstration: one whose past is to be made has the
// organization's clock, which comes to the present with it.
func (d *deps) openDemo(ctx context.Context, logs io.Writer) error {
	kept, err := d.story.take()
	if err != nil {
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

// simulate serves the organization on a free port of this machine, and has the
// environment name it and nothing else.
func (d Demo) simulate(w *demo.World) (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("simulated organization: %w", err)
	}
	var handler http.Handler = w
	if d.aside != nil {
		handler = d.aside(w)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerWithin}
	go server.Serve(l) // ends with Close
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + l.Addr().String(), "AWS_ACCESS_KEY_ID": w.Administrator.ID, "AWS_SECRET_ACCESS_KEY": w.Administrator.Secret,
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, errors.Join(err, server.Close())
		}
	}
	return func() { server.Close() }, nil
}

// runStory makes the past, and then runs jobs as any server does.
func runStory(ctx context.Context, h *house) error {
	if err := h.past(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop; the next start begins anew
		}
		return err
	}
	return runJobs(ctx, h)
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
	if err := h.story.keep(); err != nil {
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
	return cast.Stage{Store: h.store, Exceptions: h.desk, Root: h.root, Site: h.approvals.Site, Place: h.approvals.Place, Now: h.now}
}
