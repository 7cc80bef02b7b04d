package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
)

// Handle keeps what a batch of one partition says. Once it returned nil, the messages are
// acknowledged and do not come again, but for those whose acknowledgement is lost; with an
// error nothing of the batch may be kept. It gets the same batch again after an error, in
// halves after some, as often as it takes, unless the error is a Poison.
type Handle func(ctx context.Context, batch []Message) error

// Poison is the error of a Handle that cannot understand messages: those come again a few
// times, maybe to a process that can, and are put aside then. The others of the batch come
// again at once.
type Poison struct {
	IDs []string
	Err error
}

// Error names the messages and says what is wrong.
func (p *Poison) Error() string { return fmt.Sprintf("%s: %v", strings.Join(p.IDs, ", "), p.Err) }

// Unwrap gives what is wrong.
func (p *Poison) Unwrap() error { return p.Err }

const (
	// pullFor is how long the broker keeps a request for messages: a longer one may stay
	// unanswered for all that time after a server died.
	pullFor     = 3 * time.Second
	gatherFor   = 50 * time.Millisecond // for more messages once there is one
	mostBatch   = 256                   // messages
	mostBytes   = 4 << 20               // of a batch, and one message more
	ackWithin   = 15 * time.Second      // or else a message is delivered again
	firstWait   = 100 * time.Millisecond
	longestWait = 15 * time.Second
	laterBy     = 200 * time.Millisecond // for each delivery, before what cannot be understood comes again

	halved     = 2  // failures of a batch after which it is handled in halves
	alone      = 3  // deliveries after which a message is handled alone
	undigested = 5  // deliveries after which what cannot be understood is put aside
	deadly     = 10 // deliveries after which a message is put aside that no process came to the end of
)

// Consume handles what is published for a partition until ctx ends, or until the broker
// refuses. One process does for each partition at a time: who that is is decided outside.
func (f *Flow) Consume(ctx context.Context, partition int, handle Handle) error {
	if err := f.check(partition); err != nil {
		return err
	}
	c, err := broker.Ask(ctx, fmt.Sprintf("make the consumer of partition %d", partition), func(ctx context.Context) (jetstream.Consumer, error) {
		return f.events.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: fmt.Sprintf("partition-%d", partition), FilterSubject: eventSubject + strconv.Itoa(partition),
			// Each for itself: with one acknowledgement for all before it, a batch that is lost on
			// its way is acknowledged by the next.
			AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWithin, MaxDeliver: -1, MaxAckPending: 4 * mostBatch,
		})
	})
	r := &reading{f: f, partition: partition, handle: handle, from: c}
	for err == nil && ctx.Err() == nil {
		err = r.round(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("flow: partition %d: %w", partition, err)
}

// reading is one partition that this process has.
type reading struct {
	f         *Flow
	partition int
	handle    Handle
	from      jetstream.Consumer
}

// delivery is a message as the broker delivered it.
type delivery struct {
	Message
	jetstream.Msg
	number uint64 // in the stream
}

// round takes one batch and sees it to its end.
func (r *reading) round(ctx context.Context) error {
	waiting, stop := context.WithTimeout(ctx, pullFor)
	batch, err := r.pull(1, jetstream.FetchContext(waiting))
	stop()
	if len(batch) > 0 && ctx.Err() == nil {
		var more []delivery
		more, err = r.pull(mostBatch-1, jetstream.FetchMaxWait(gatherFor), jetstream.FetchMaxBytes(mostBytes))
		batch = append(batch, more...)
	}
	r.sort(ctx, batch)
	return err
}

// pull asks for messages and takes those that come.
func (r *reading) pull(n int, how ...jetstream.FetchOpt) ([]delivery, error) {
	got, err := r.from.Fetch(n, how...)
	if errors.Is(err, jetstream.ErrInvalidOption) { // the context ended before the request
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []delivery
	for m := range got.Messages() {
		d := delivery{Msg: m, Message: Message{Partition: r.partition, Data: m.Data(), Delivered: 1}}
		if about, err := m.Metadata(); err == nil {
			d.Delivered, d.number = int(about.NumDelivered), about.Sequence.Stream
		}
		_, d.ID, _ = strings.Cut(m.Headers().Get(jetstream.MsgIDHeader), "/")
		out = append(out, d)
	}
	if err := got.Error(); err != nil && !broker.Passing(err) && !errors.Is(err, context.Canceled) {
		return out, err
	}
	return out, nil
}

// sort hands on together what is new, and alone what came so often that it may be what
// ended the processes that had it.
func (r *reading) sort(ctx context.Context, batch []delivery) {
	var together []delivery
	for _, d := range batch {
		switch {
		case d.Delivered > deadly:
			r.putAside(ctx, d, fmt.Sprintf("delivered %d times, and no process came to its end", d.Delivered-1))
		case d.Delivered > alone:
			r.deliver(ctx, []delivery{d})
		default:
			together = append(together, d)
		}
	}
	r.deliver(ctx, together)
}

// deliver hands a batch on until it is kept or put aside, or until ctx ends.
func (r *reading) deliver(ctx context.Context, batch []delivery) {
	failures := 0
	for wait := firstWait; len(batch) > 0; wait = min(2*wait, longestWait) {
		err := r.attempt(ctx, batch)
		var bad *Poison
		var crash *panicked
		switch {
		case err == nil:
			r.each(batch, "acknowledge", func(m jetstream.Msg) error { return m.Ack() })
			return
		case ctx.Err() != nil:
			r.each(batch, "give back", func(m jetstream.Msg) error { return m.Nak() })
			return
		case errors.As(err, &bad) && r.names(bad, batch):
			batch = r.without(ctx, bad, batch)
		case errors.As(err, &crash) && len(batch) == 1:
			r.without(ctx, &Poison{[]string{batch[0].ID}, err}, batch)
			return
		case errors.As(err, &crash):
			for _, d := range batch {
				r.deliver(ctx, []delivery{d})
			}
			return
		case failures == halved && len(batch) > 1: // it may be more than one change can hold
			r.deliver(ctx, batch[:len(batch)/2])
			r.deliver(ctx, batch[len(batch)/2:])
			return
		default:
			failures++
			r.f.log(fmt.Sprintf("handle %d messages of partition %d, which is tried again", len(batch), r.partition), err)
			r.hold(ctx, batch, func(ctx context.Context) { _ = broker.Pause(ctx, wait) })
		}
	}
}

// panicked is a Handle that failed by our mistake.
type panicked struct{ cause any }

func (p *panicked) Error() string { return fmt.Sprintf("rootkeep failed here: %v", p.cause) }

// attempt calls Handle once.
func (r *reading) attempt(ctx context.Context, batch []delivery) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &panicked{cause}
		}
	}()
	messages := make([]Message, len(batch))
	for i := range batch {
		messages[i] = batch[i].Message
	}
	r.hold(ctx, batch, func(ctx context.Context) { err = r.handle(ctx, messages) })
	return err
}

// hold does something while the broker is told that the batch is still worked on.
func (r *reading) hold(ctx context.Context, batch []delivery, do func(context.Context)) {
	beating, stop := context.WithCancel(ctx)
	var beat sync.WaitGroup
	beat.Go(func() {
		for broker.Pause(beating, ackWithin/3) == nil {
			r.each(batch, "hold", func(m jetstream.Msg) error { return m.InProgress() })
		}
	})
	defer beat.Wait()
	defer stop()
	do(ctx)
}

// each tells the broker something of each message. What does not get there is harmless: the
// message comes again.
func (r *reading) each(batch []delivery, what string, tell func(jetstream.Msg) error) {
	for _, d := range batch {
		if err := tell(d.Msg); err != nil {
			r.f.log(fmt.Sprintf("%s message %s of partition %d", what, d.ID, r.partition), err)
			return
		}
	}
}

func (r *reading) names(bad *Poison, batch []delivery) bool {
	return slices.ContainsFunc(batch, func(d delivery) bool { return slices.Contains(bad.IDs, d.ID) })
}

// without takes what cannot be understood out of a batch: it comes again later, or is put
// aside.
func (r *reading) without(ctx context.Context, bad *Poison, batch []delivery) []delivery {
	return slices.DeleteFunc(batch, func(d delivery) bool {
		switch {
		case !slices.Contains(bad.IDs, d.ID):
			return false
		case d.Delivered >= undigested:
			r.putAside(ctx, d, bad.Err.Error())
		default:
			r.each([]delivery{d}, "give back", func(m jetstream.Msg) error { return m.NakWithDelay(time.Duration(d.Delivered) * laterBy) })
		}
		return true
	})
}
