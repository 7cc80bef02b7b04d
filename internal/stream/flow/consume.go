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
	mostBatch   = 256                   // messages of the broker
	mostBytes   = 4 << 20               // of a batch, and one message more
	mostAtOnce  = 1024                  // messages that are handed on together
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
	has       []*parcel // of this round
}

// delivery is a message, and what it was delivered in.
type delivery struct {
	Message
	*parcel
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
	r.has = nil
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
		p, whole := &parcel{Msg: m}, Message{Partition: r.partition, Data: m.Data(), Delivered: 1}
		if about, err := m.Metadata(); err == nil {
			whole.Delivered, p.number = int(about.NumDelivered), about.Sequence.Stream
		}
		_, whole.ID, _ = strings.Cut(m.Headers().Get(jetstream.MsgIDHeader), "/")
		out, r.has = append(out, open(p, whole)...), append(r.has, p)
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
		case d.Delivered > alone && d.bundle:
			r.single(ctx, d)
		case d.Delivered > deadly:
			r.putAside(ctx, d, fmt.Sprintf("delivered %d times, and no process came to its end", d.Delivered-1))
		case d.Delivered > alone:
			r.deliver(ctx, []delivery{d})
		default:
			together = append(together, d)
		}
	}
	for part := range slices.Chunk(together, mostAtOnce) {
		r.deliver(ctx, part)
	}
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
			for _, d := range batch {
				r.done(d)
			}
			return
		case ctx.Err() != nil:
			for _, d := range batch {
				r.giveBack(d, 0)
			}
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
			r.hold(ctx, func(ctx context.Context) { _ = broker.Pause(ctx, wait) })
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
	r.hold(ctx, func(ctx context.Context) { err = r.handle(ctx, messages) })
	return err
}

// hold does something while the broker is told that all of the round is still worked on.
func (r *reading) hold(ctx context.Context, do func(context.Context)) {
	beating, stop := context.WithCancel(ctx)
	var beat sync.WaitGroup
	beat.Go(func() {
		for broker.Pause(beating, ackWithin/3) == nil {
			for _, p := range r.has {
				if p.left > 0 && !p.back {
					r.say(p, "hold", p.InProgress)
				}
			}
		}
	})
	defer beat.Wait()
	defer stop()
	do(ctx)
}

// say tells the broker something of a parcel. What does not get there is harmless: the
// message comes again.
func (r *reading) say(p *parcel, what string, tell func() error) {
	if err := tell(); err != nil {
		r.f.log(fmt.Sprintf("%s message %d of partition %d", what, p.number, r.partition), err)
	}
}

// done says that a message was seen to its end.
func (r *reading) done(d delivery) {
	if d.left--; d.left == 0 && !d.back {
		r.say(d.parcel, "acknowledge", d.Ack)
	}
}

// giveBack has a message come again, with all that came in its parcel.
func (r *reading) giveBack(d delivery, after time.Duration) {
	if d.left--; d.back {
		return
	}
	d.back = true
	r.say(d.parcel, "give back", func() error { return d.NakWithDelay(after) })
}

// single publishes a message of a bundle for itself: what becomes of it then is no matter of
// the others, nor how often it comes.
func (r *reading) single(ctx context.Context, d delivery) {
	if d.back || ctx.Err() != nil { // it comes again in any case; each takes a minute while the broker is away
		r.giveBack(d, 0)
		return
	}
	var err error
	r.hold(ctx, func(ctx context.Context) {
		err = r.f.publish(ctx, []envelope{{partition: r.partition, id: d.ID, data: d.Message.Data}})
	})
	if err != nil {
		r.f.log(fmt.Sprintf("publish message %s of a bundle for itself", d.ID), err)
		r.giveBack(d, longestWait)
		return
	}
	r.done(d)
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
		case d.bundle:
			r.single(ctx, d)
		case d.Delivered >= undigested:
			r.putAside(ctx, d, bad.Err.Error())
		default:
			r.giveBack(d, time.Duration(d.Delivered)*laterBy)
		}
		return true
	})
}
