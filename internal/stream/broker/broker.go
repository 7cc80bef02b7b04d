// Package broker connects to NATS JetStream, by which several processes share the flow of
// events and the work of hunts. One process alone needs no broker.
package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rootkeep/rootkeep/internal/keyfile"
)

// Config says where the broker is.
type Config struct {
	URL         string // nats://HOST:PORT or tls://HOST:PORT, several separated by commas
	Credentials string // file of a user's credentials, or with the seed of an nkey; "" is nobody
	CA          string // file of certificates that sign the broker's, PEM; "" is the system's
	Replicas    int    // of each stream, on so many servers of a cluster; 0 is 1
}

// Check refuses what cannot be, without asking the broker.
func (c Config) Check() error {
	if c.URL == "" {
		return errors.New("nats: an address is required; hint: nats://HOST:4222")
	}
	for address := range strings.SplitSeq(c.URL, ",") {
		u, err := url.Parse(address)
		switch {
		case err != nil:
			return errors.New("nats: an address that does not parse; hint: nats://HOST:4222") // it may hold a password
		case u.Scheme != "nats" && u.Scheme != "tls" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
			return fmt.Errorf("nats: %s: want nats://HOST:PORT or tls://HOST:PORT", u.Redacted())
		case u.User != nil:
			return fmt.Errorf("nats: %s: a name or a password does not belong into an address, which others can read; hint: the setting nats.credentials names a file", u.Redacted())
		}
	}
	if c.Replicas != 0 && c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5 {
		return fmt.Errorf("nats: %d replicas: want 1, 3 or 5", c.Replicas)
	}
	_, err := c.identity()
	return err
}

// identity is how a process says who it is.
func (c Config) identity() ([]nats.Option, error) {
	if c.Credentials == "" {
		return nil, nil
	}
	text, err := keyfile.ReadSecret(c.Credentials)
	if err != nil {
		return nil, fmt.Errorf("nats: credentials: %w", err)
	}
	if strings.HasPrefix(text, "SU") && !strings.ContainsAny(text, " \n") {
		seed, err := nats.NkeyOptionFromSeed(c.Credentials)
		if err != nil {
			return nil, fmt.Errorf("nats: credentials %s: %w", c.Credentials, err)
		}
		return []nats.Option{seed}, nil
	}
	if !strings.Contains(text, "BEGIN NATS USER JWT") {
		return nil, fmt.Errorf("nats: credentials %s: want a file as nsc writes it (.creds), or the seed of an nkey (SU...)", c.Credentials)
	}
	return []nats.Option{nats.UserCredentials(c.Credentials)}, nil
}

// Conn is a connection that comes back by itself.
type Conn struct {
	js       jetstream.JetStream
	nc       *nats.Conn
	replicas int
}

const (
	dialWithin = 2 * time.Second
	againAfter = time.Second
	// onePublish bounds a try: while a stream gets a new leader, one that waits longer waits
	// for an answer that does not come.
	onePublish = time.Second
	mostAtOnce = 4096 // messages on their way that are not acknowledged
)

// Connect connects to the broker. name is that of the process, for whoever looks there.
func Connect(c Config, name string) (*Conn, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	options, err := c.identity()
	if err != nil {
		return nil, err
	}
	options = append(options, nats.Name(name), nats.Timeout(dialWithin), nats.ReconnectWait(againAfter), nats.MaxReconnects(-1))
	if c.CA != "" {
		options = append(options, nats.RootCAs(c.CA))
	}
	nc, err := nats.Connect(c.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w; hint: is NATS running there, with JetStream (nats-server -js)?", c.URL, err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(onePublish), jetstream.WithPublishAsyncTimeout(onePublish), jetstream.WithPublishAsyncMaxPending(mostAtOnce))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect to %s: %w", c.URL, err)
	}
	return &Conn{js: js, nc: nc, replicas: cmp.Or(c.Replicas, 1)}, nil
}

// Close ends the connection.
func (c *Conn) Close() { c.nc.Close() }

// Fault says what is wrong with the connection, "" if nothing is.
func (c *Conn) Fault() string {
	if s := c.nc.Status(); s != nats.CONNECTED {
		return "no connection to NATS: " + strings.ToLower(s.String())
	}
	return ""
}

// Stream makes a stream, or brings it to what the configuration says.
func (c *Conn) Stream(ctx context.Context, s jetstream.StreamConfig) (jetstream.Stream, error) {
	s.Replicas, s.Storage = c.replicas, jetstream.FileStorage
	return Ask(ctx, "make stream "+s.Name, func(ctx context.Context) (jetstream.Stream, error) { return c.js.CreateOrUpdateStream(ctx, s) })
}

// Replicas is on how many servers a stream is kept.
func (c *Conn) Replicas() int { return c.replicas }

// JetStream is what else the broker can do.
func (c *Conn) JetStream() jetstream.JetStream { return c.js }

const (
	oneTry   = time.Second
	allTries = 20 * time.Second
)

// Ask asks the broker until it answers, with a second for each try: before a cluster has a
// leader there is no answer, however long one waits.
func Ask[T any](ctx context.Context, what string, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, allTries)
	defer cancel()
	for wait := oneTry / 16; ; wait = min(2*wait, oneTry) {
		trying, stop := context.WithTimeout(ctx, oneTry)
		out, err := ask(trying)
		stop()
		if err == nil {
			return out, nil
		}
		if !Passing(err) || Pause(ctx, wait) != nil {
			return out, fmt.Errorf("NATS: %s: %w", what, plain(err))
		}
	}
}

// What JetStream answers while it has no leader, or too few servers.
const (
	codeUnavailable = 503
	errNoPeers      = 10005 // no suitable peers for placement
	errNoCluster    = 10004 // cluster incomplete
	errInProcess    = 10158 // the same message is on its way: a try before this one
)

// Passing tells whether what went wrong may pass by itself.
func Passing(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code == codeUnavailable && api.ErrorCode != jetstream.JSErrCodeJetStreamNotEnabledForAccount && api.ErrorCode != jetstream.JSErrCodeJetStreamNotEnabled ||
			api.ErrorCode == errNoPeers || api.ErrorCode == errNoCluster || api.ErrorCode == errInProcess
	}
	for _, passing := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, jetstream.ErrNoStreamResponse, jetstream.ErrAsyncPublishTimeout,
		nats.ErrDisconnected, nats.ErrConnectionReconnecting, jetstream.ErrTooManyStalledMsgs, nats.ErrReconnectBufExceeded,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

// plain adds what to do where the broker's word alone does not say.
func plain(err error) error {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) || errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("%w; hint: NATS runs without JetStream there, or for this account: nats-server -js", err)
	}
	return err
}

// Pause waits, or says why not.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
