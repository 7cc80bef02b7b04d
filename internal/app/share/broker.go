package share

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/spread"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/stream/broker"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
)

// Settings say where the broker is by which several processes share the flow of events.
// One process alone needs none.
type Settings struct {
	URL         string `yaml:"url"`         // nats://HOST:PORT or tls://HOST:PORT, several separated by commas
	Credentials string `yaml:"credentials"` // file of a user's credentials, or with the seed of an nkey
	CA          string `yaml:"ca"`          // file of certificates that sign the broker's
	Replicas    string `yaml:"replicas"`    // of each stream: 1, 3 or 5; "" is 1
}

// Broker is where the broker is; ok is false if there is none.
func (s Settings) Broker() (c broker.Config, ok bool, err error) {
	if s.URL == "" {
		if s.Credentials != "" || s.CA != "" {
			err = errors.New("nats: credentials or certificates without an address; hint: the setting nats.url")
		}
		return c, false, err
	}
	c = broker.Config{URL: s.URL, Credentials: s.Credentials, CA: s.CA}
	if s.Replicas != "" {
		if c.Replicas, err = strconv.Atoi(s.Replicas); err != nil {
			return c, false, fmt.Errorf("nats.replicas %q: want 1, 3 or 5", s.Replicas)
		}
	}
	return c, true, c.Check()
}

// HuntRole is the role of processes that read for hunts of others.
const HuntRole = "hunt"

// Check refuses what cannot be, and a broker for processes that cannot be several.
func (s Settings) Check(address string, roles []string) error {
	_, ok, err := s.Broker()
	if err == nil && !ok && slices.Contains(roles, HuntRole) {
		return errors.New("role hunt: there is no broker to take pieces of hunts from; hint: --nats nats://HOST:4222")
	}
	if err == nil && ok && !store.IsPostgreSQL(address) {
		err = fmt.Errorf("nats.url: several processes share PostgreSQL, and %s is a file of one; hint: --store postgres://..., or no nats.url", address)
	}
	return err
}

// Hunt reads for hunts of other processes until the context ends.
func (s Settings) Hunt(ctx context.Context, version string, log *slog.Logger) error {
	where, _, err := s.Broker()
	if err != nil {
		return err
	}
	conn, err := broker.Connect(where, "rootkeep hunt")
	if err != nil {
		return err
	}
	defer conn.Close()
	return spread.Work(ctx, conn, version, log)
}

// OpenFlow connects to the broker and opens the flow of events, which stop ends; nil if the
// settings name no broker: then one process does it all, and nothing travels.
func (s Settings) OpenFlow(ctx context.Context, log *slog.Logger) (f *flow.Flow, stop func(), err error) {
	where, ok, err := s.Broker()
	if err != nil || !ok {
		return nil, func() {}, err
	}
	conn, err := broker.Connect(where, "rootkeep")
	if err != nil {
		return nil, nil, err
	}
	f, err = flow.Open(ctx, conn, flow.Config{Log: func(what string, err error) { log.Warn("flow: "+what, "error", err) }})
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return f, conn.Close, nil
}

const (
	lookWithin = 5 * time.Second
	mostAside  = 100
)

// Look asks what waits between processes, and for the first messages that were put aside; nil
// if the settings name no broker. That it cannot be asked is what it says then.
func (s Settings) Look(ctx context.Context) (*client.Flow, error) { return s.look(ctx, mostAside) }

// Count is a Look at the numbers alone.
func (s Settings) Count(ctx context.Context) (*client.Flow, error) { return s.look(ctx, 0) }

func (s Settings) look(ctx context.Context, asides int) (*client.Flow, error) {
	if _, ok, err := s.Broker(); err != nil || !ok {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	out := &client.Flow{Waiting: []client.FlowPart{}, List: []client.FlowAside{}}
	if err := s.ask(ctx, out, asides); err != nil {
		out.Fault = err.Error()
	}
	return out, nil
}

func (s Settings) ask(ctx context.Context, out *client.Flow, asides int) error {
	f, stop, err := s.OpenFlow(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer stop()
	w, err := f.Waiting(ctx)
	if err != nil {
		return err
	}
	d, err := f.Delivered(ctx)
	if err != nil {
		return err
	}
	out.Oldest, out.Aside, out.Fault, out.InFlight, out.Redelivered = w.Oldest, w.Poison, w.Fault, d.InFlight, d.Redelivered
	for p, n := range w.Partitions {
		if n > 0 {
			out.Waiting = append(out.Waiting, client.FlowPart{Partition: p, Messages: n})
		}
	}
	list, err := f.Asides(ctx, 0, asides)
	for _, a := range list {
		out.List = append(out.List, client.FlowAside{Number: a.Number, Since: a.Since, Partition: a.Message.Partition, Reason: a.Reason})
	}
	return err
}
