package flow

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
)

// Delivered is what processes have of what the flow holds.
type Delivered struct {
	InFlight    int // messages that are delivered, and not acknowledged yet
	Redelivered int // of those, messages that were delivered more than once
}

// Delivered asks the broker what processes have at the moment.
func (f *Flow) Delivered(ctx context.Context) (Delivered, error) {
	return broker.Ask(ctx, "ask about the consumers of stream "+eventStream, func(ctx context.Context) (out Delivered, err error) {
		all := f.events.ListConsumers(ctx)
		for c := range all.Info() {
			out.add(c)
		}
		return out, all.Err()
	})
}

func (d *Delivered) add(c *jetstream.ConsumerInfo) {
	d.InFlight += c.NumAckPending
	d.Redelivered += c.NumRedelivered
}
