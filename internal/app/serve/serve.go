// Package serve runs the server: it opens the store, puts the areas of the console and
// of the API together, and listens until it is told to stop.
package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web"
)

// deps is what the areas are made from.
type deps struct {
	settings Settings
	store    *store.Store
	log      *slog.Logger
	now      func() time.Time
}

// areas lists the areas of the console and of the API, in the order of the main menu.
func areas(d *deps) []web.Area {
	return []web.Area{
		startArea(d),
	}
}

// Run serves until the context ends. started is called once with the address to open.
func Run(ctx context.Context, c Settings, log *slog.Logger, started func(address string)) error {
	if err := c.check(); err != nil {
		return err
	}
	s, err := openStore(ctx, c, log)
	if err != nil {
		return err
	}
	err = serveStore(ctx, &deps{c, s, log, time.Now}, started)
	return errors.Join(err, s.Close())
}

func serveStore(ctx context.Context, d *deps, started func(string)) error {
	handler, err := web.New(web.Config{
		URL: d.settings.address, Store: d.store, Areas: areas(d), Now: d.now, Log: d.log, Version: d.settings.Version,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", d.settings.Listen)
	if err != nil {
		return fmt.Errorf("%w; hint: --listen localhost:0 takes a free port", err)
	}
	started(d.settings.address.String())
	return listen(ctx, listener, handler, d.log)
}

const stopWithin = 10 * time.Second

// listen answers until the context ends, then lets the requests under way finish.
func listen(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		stopped <- err
	})
	err := server.Serve(l)
	if !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve: %w", err)
	}
	return <-stopped
}
