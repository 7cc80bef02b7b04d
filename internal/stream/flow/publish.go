package flow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
)

const (
	mostInFlight  = 256      // bundles that are published together
	mostSent      = 16 << 20 // bytes of them
	publishWithin = time.Minute
)

// Publish gives messages to the broker, those of a partition in bundles. It returns nil once
// the broker has each on its disk; what is not acknowledged within a second is sent again, with the same ID, for a
// minute.
func (f *Flow) Publish(ctx context.Context, messages []Message) error {
	for i := range messages {
		if err := f.fits(&messages[i]); err != nil {
			return err
		}
	}
	for all := pack(messages); len(all) > 0; {
		n, size := 0, 0
		for n < min(len(all), mostInFlight) && (n == 0 || size+len(all[n].data) <= mostSent) {
			size += len(all[n].data)
			n++
		}
		if err := f.publish(ctx, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (f *Flow) fits(m *Message) error {
	switch {
	case m.ID == "" || len(m.ID) > 512 || strings.HasPrefix(m.ID, bundlePrefix):
		return fmt.Errorf("flow: a message of partition %d: an ID of 1 to 512 bytes is required that does not begin with %s", m.Partition, bundlePrefix)
	case len(m.Data) > MaxMessage:
		return fmt.Errorf("flow: message %s has %d bytes, at most %d", m.ID, len(m.Data), MaxMessage)
	}
	return f.check(m.Partition)
}

func (f *Flow) publish(ctx context.Context, all []envelope) error {
	ctx, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	for {
		left, err := f.try(ctx, all)
		switch {
		case err == nil:
			return nil
		case !broker.Passing(err):
			return fmt.Errorf("flow: publish: %w", full(err))
		}
		if broker.Pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("flow: publish: %d messages are not acknowledged: %w", len(left), err)
		}
		all = left
	}
}

// try publishes once, and gives what was not acknowledged.
func (f *Flow) try(ctx context.Context, all []envelope) (left []envelope, err error) {
	sent := make([]jetstream.PubAckFuture, len(all))
	for i := range all {
		if sent[i], err = f.conn.JetStream().PublishMsgAsync(all[i].message(),
			jetstream.WithMsgID(wireID(&all[i])), jetstream.WithExpectStream(eventStream), jetstream.WithRetryAttempts(0)); err != nil {
			return all, err
		}
	}
	for i, s := range sent {
		select {
		case <-s.Ok():
		case why := <-s.Err():
			left = append(left, all[i])
			if err == nil || broker.Passing(err) {
				err = why
			}
		case <-ctx.Done():
			return append(left, all[i:]...), ctx.Err()
		}
	}
	return left, err
}

// wireID is a message's ID among those of all partitions: the same event may go to several.
func wireID(e *envelope) string { return strconv.Itoa(e.partition) + "/" + e.id }

// What JetStream answers when a stream or its disk can hold no more.
const (
	errStreamFull  = 10077
	errNoResources = 10023
	errNoStorage   = 10047
)

func full(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.ErrorCode == errStreamFull || api.ErrorCode == errNoResources || api.ErrorCode == errNoStorage) {
		return fmt.Errorf("%w; hint: the broker has no room for more: do processes with the role watch take what is there? (rootkeep flow show)", err)
	}
	return err
}
