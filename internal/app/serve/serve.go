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
	"net/url"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web"
)

// deps is what the areas are made from.
type deps struct {
	settings Settings
	url      *url.URL
	store    *store.Store
	keys     *keyfile.Keys
	log      *slog.Logger
	now      func() time.Time
}

// areas lists the areas of the console and of the API, in the order of the main menu.
func areas(d *deps) []web.Area {
	return []web.Area{
		startArea(d),
	}
}

// roles are what a process can do, by name.
func roles() []role {
	return []role{
		{"web", runWeb},
	}
}

// role is a part of the server's work; run ends when the context does.
type role struct {
	name string
	run  func(context.Context, *deps, Started) error
}

// Started is called once the server answers, with the address to open.
type Started func(address string)

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
	if err := c.resolve(); err != nil {
		return err
	}
	log, err := c.logger(logs)
	if err != nil {
		return err
	}
	s, keys, err := OpenStore(ctx, c, log)
	if err != nil {
		return err
	}
	d := &deps{settings: c, store: s, keys: keys, log: log, now: time.Now}
	return errors.Join(d.run(ctx, started), s.Close())
}

// run does what all the roles say; when one fails, the others stop too.
func (d *deps) run(ctx context.Context, started Started) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error)
	n := 0
	for _, r := range roles() {
		if !slices.Contains(d.settings.Roles, r.name) {
			continue
		}
		n++
		go func() { ended <- r.run(ctx, d, started) }()
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
func runWeb(ctx context.Context, d *deps, started Started) error {
	listener, err := net.Listen("tcp", d.settings.Listen)
	if err != nil {
		return fmt.Errorf("%w; hint: --listen localhost:0 takes a free port", err)
	}
	if d.url, err = d.settings.address(listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	tracer, stop, err := tracer(ctx, d.settings.Traces)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	handler, err := web.New(web.Config{
		URL: d.url, Store: d.store, Areas: areas(d), Now: d.now, Log: d.log, Version: d.settings.Version, Tracer: tracer,
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server, err := d.server(handler)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	started(d.url.String())
	err = listen(ctx, server, listener)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	return errors.Join(err, stop(ctx))
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
