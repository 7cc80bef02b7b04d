// Package serve runs the server: it opens the store, puts the areas of the console and
// of the API together, and does what the process's roles say until it is told to stop.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/share"
	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web"
)

// deps is what the areas are made from.
type deps struct {
	settings Settings
	store    *store.Store
	keys     *keyfile.Keys
	log      *slog.Logger
	now      func() time.Time
	started  Started
	listener net.Listener // nil if this process answers no requests
	story    *story       // of the demonstration; nil elsewhere
	wakeup
}

// roles are what a process can do, by name.
func roles() []role {
	return []role{
		{"web", runWeb},
		{"jobs", runJobs},
		{watchRole, runWatch},
		{share.HuntRole, func(ctx context.Context, h *house) error { return h.settings.NATS.Hunt(ctx, h.settings.Version, h.log) }},
	}
}

// role is a part of the server's work; run ends when the context does.
type role struct {
	name string
	run  func(context.Context, *house) error
}

// Started is called once the server answers, with the address to open, and with the link
// that enrols the first administrator as long as nobody has a key. The link is a secret.
type Started func(address, link string)

// Roles lists what a process can do.
func Roles() []string {
	var out []string
	for _, r := range roles() {
		out = append(out, r.name)
	}
	return out
}

// Run serves until the context ends. Its log goes to logs.
func Run(ctx context.Context, c Settings, logs io.Writer, started Started) error {
	return RunBy(ctx, c, time.Now, logs, started)
}

// RunBy serves by another clock, which does not go back: one that runs ahead has a day go by in
// minutes. What waits, such as for the next look at a folder, waits by the system's clock.
func RunBy(ctx context.Context, c Settings, now func() time.Time, logs io.Writer, started Started) error {
	if err := c.resolve(); err != nil {
		return err
	}
	log, err := c.logger(logs)
	if err != nil {
		return err
	}
	s, keys, err := openStore(ctx, c, log, now)
	if err != nil {
		return err
	}
	d := &deps{settings: c, store: s, keys: keys, log: log, now: now, started: started}
	return errors.Join(d.run(ctx, roles()), s.Close())
}

// run does what all the roles say; when one fails, the others stop too.
func (d *deps) run(ctx context.Context, roles []role) error {
	h, err := d.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	// Whoever detects and whoever shows what is detected with follow the same files.
	following.Go(func() { h.detector.Follow(ctx, h.detecting, h.sayReloaded) })
	defer func() { cancel(); following.Wait() }()
	ended := make(chan error)
	n := 0
	for _, r := range roles {
		if !slices.Contains(d.settings.Roles, r.name) {
			continue
		}
		n++
		go func() { ended <- r.run(ctx, h) }()
	}
	var all error
	for range n {
		if err := <-ended; err != nil {
			all = errors.Join(all, err)
			cancel()
		}
	}
	return all
}

// open listens, if this process answers requests, and builds the house: its address is
// known only then.
func (d *deps) open() (*house, error) {
	if !slices.Contains(d.settings.Roles, "web") {
		address, err := ParseURL(d.settings.URL)
		if err != nil {
			return nil, err
		}
		return newHouse(d, address)
	}
	if d.listener == nil {
		var err error
		if d.listener, err = net.Listen("tcp", d.settings.Listen); err != nil {
			return nil, taken(err)
		}
	}
	address, err := d.settings.address(d.listener.Addr())
	if err != nil {
		return nil, errors.Join(err, d.listener.Close())
	}
	h, err := newHouse(d, address)
	if err != nil {
		return nil, errors.Join(err, d.listener.Close())
	}
	return h, nil
}

func taken(err error) error {
	return fmt.Errorf("%w; hint: --listen localhost:0 takes a free port", err)
}

// logger is the log that the settings ask for.
func (c Settings) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil {
		return nil, fmt.Errorf("log.level %q: want debug, info, warn or error", c.Log.Level)
	}
	options := &slog.HandlerOptions{Level: level}
	switch c.Log.Format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log.format %q: want text or json", c.Log.Format)
}

// runWeb answers requests.
func runWeb(ctx context.Context, h *house) error {
	server, stop, err := h.answers(ctx)
	if err != nil {
		return errors.Join(err, h.listener.Close())
	}
	link, err := h.firstLink(ctx)
	if err != nil {
		return errors.Join(err, h.listener.Close())
	}
	h.started(h.url.String(), link)
	err = listen(ctx, server, h.listener)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	return errors.Join(err, stop(ctx))
}

// answers builds the server of requests; stop ends its traces.
func (h *house) answers(ctx context.Context) (server *http.Server, stop func(context.Context) error, err error) {
	tracer, stop, err := tracer(ctx, h.settings.Traces)
	if err != nil {
		return nil, nil, err
	}
	areas, err := h.areas()
	if err != nil {
		return nil, nil, err
	}
	handler, err := web.New(web.Config{
		URL: h.url, Store: h.store, Authenticator: h.story.guests(h.signIn), Areas: areas, Now: h.now, Log: h.log, Version: h.settings.Version, Tracer: tracer,
	})
	if err != nil {
		return nil, nil, err
	}
	server, err = h.server(handler)
	return server, stop, err
}

// address is where browsers find the server. Port 0 stands for the one that it got.
func (c *Settings) address(at net.Addr) (*url.URL, error) {
	u, err := ParseURL(c.URL)
	if err != nil {
		return nil, err
	}
	if tcp, ok := at.(*net.TCPAddr); ok && u.Port() == "0" {
		u.Host = net.JoinHostPort(u.Hostname(), fmt.Sprint(tcp.Port))
	}
	return u, nil
}
