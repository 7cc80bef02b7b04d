package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"github.com/rootkeep/rootkeep/internal/app/serve/front"
	"github.com/rootkeep/rootkeep/internal/web"
)

const (
	stopWithin      = 10 * time.Second
	headerWithin    = 10 * time.Second
	requestWithin   = 30 * time.Second
	idleFor         = 2 * time.Minute
	mostHeader      = 64 << 10 // bytes
	mostConnections = 4096
)

// server puts the listener's side around the routes: certificate, proxy, bounds.
func (d *deps) server(handler *web.Server) (*http.Server, error) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerWithin, IdleTimeout: idleFor, MaxHeaderBytes: mostHeader,
		ReadTimeout: requestWithin, WriteTimeout: 2 * requestWithin, // a route that takes longer says so
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug), // mostly connections that strangers break off
	}
	server.RegisterOnShutdown(handler.Stop)
	if len(d.settings.BehindProxy) > 0 {
		proxies, err := d.settings.proxies()
		if err != nil {
			return nil, err
		}
		server.Handler = front.Behind{Proxies: proxies, Next: handler}
	}
	if d.settings.TLS.Cert != "" {
		c, err := front.ReadCertificate(d.settings.TLS.Cert, d.settings.TLS.Key, d.log, d.now)
		if err != nil {
			return nil, err
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.Get}
	}
	return server, nil
}

// listen answers until the context ends, then lets the requests under way finish.
func listen(ctx context.Context, server *http.Server, l net.Listener) error {
	l = netutil.LimitListener(l, mostConnections)
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
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(l, "", "")
	} else {
		err = server.Serve(l)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("serve: %w", err)
	}
	return <-stopped
}
