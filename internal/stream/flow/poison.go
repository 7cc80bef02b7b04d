package flow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
)

// Aside is a message that could not be handled.
type Aside struct {
	Number  uint64 // by which it is given back or dropped
	Message Message
	Reason  string
	Since   time.Time
}

const (
	reasonHeader = "Rootkeep-Reason"
	idHeader     = "Rootkeep-Message"
	mostReason   = 1000 // bytes
)

// putAside keeps a message where a person finds it, and takes it out of the flow. If that
// cannot be done now, the message comes again.
func (r *reading) putAside(ctx context.Context, d delivery, reason string) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), oneAside)
	defer stop()
	_, err := r.f.conn.JetStream().PublishMsg(ctx, &nats.Msg{
		Subject: poisonSubject + strconv.Itoa(d.Partition), Data: d.Message.Data,
		Header: nats.Header{reasonHeader: {line(reason)}, idHeader: {d.ID}},
	}, jetstream.WithMsgID(strconv.FormatUint(d.number, 10)))
	if err != nil {
		r.f.log(fmt.Sprintf("put message %s of partition %d aside", d.ID, d.Partition), err)
		r.giveBack(d, longestWait)
		return
	}
	r.f.log(fmt.Sprintf("message %s of partition %d is put aside", d.ID, d.Partition), errors.New(reason))
	d.left--
	r.say(d.parcel, "end", func() error { return d.TermWithReason("put aside") })
}

const oneAside = time.Second

// line makes a text fit for a header.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), mostReason)], "")
}

// Asides lists messages that were put aside, from a number on.
func (f *Flow) Asides(ctx context.Context, from uint64, limit int) ([]Aside, error) {
	var out []Aside
	for next := max(from, 1); len(out) < limit; next = out[len(out)-1].Number + 1 {
		m, err := broker.Ask(ctx, "read stream "+poisonStream, func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
			m, err := f.poison.GetMsg(ctx, next, jetstream.WithGetMsgSubject(poisonSubject+"*"))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				return nil, nil
			}
			return m, err
		})
		if err != nil || m == nil {
			return out, err
		}
		out = append(out, aside(m))
	}
	return out, nil
}

func aside(m *jetstream.RawStreamMsg) Aside {
	partition, _ := strconv.Atoi(strings.TrimPrefix(m.Subject, poisonSubject)) // ours: a number
	return Aside{
		Number: m.Sequence, Reason: m.Header.Get(reasonHeader), Since: m.Time,
		Message: Message{Partition: partition, ID: m.Header.Get(idHeader), Data: m.Data},
	}
}

// ErrNotAside says that no message with the number is put aside.
var ErrNotAside = errors.New("no message with that number is put aside; hint: rootkeep flow show")

// GiveBack puts a message into the flow again, say once a newer version can read it.
func (f *Flow) GiveBack(ctx context.Context, number uint64) error {
	list, err := f.Asides(ctx, number, 1)
	if err != nil {
		return err
	}
	if len(list) == 0 || list[0].Number != number {
		return fmt.Errorf("message %d: %w", number, ErrNotAside)
	}
	m := list[0].Message
	_, err = broker.Ask(ctx, "publish message "+m.ID, func(ctx context.Context) (*jetstream.PubAck, error) {
		// With another name for the broker, which may still know the first as seen.
		return f.conn.JetStream().Publish(ctx, eventSubject+strconv.Itoa(m.Partition), m.Data, jetstream.WithMsgID(fmt.Sprintf("%d.%d/%s", m.Partition, number, m.ID)))
	})
	if err != nil {
		return full(err)
	}
	return f.Drop(ctx, number)
}

// Drop gives up a message that was put aside.
func (f *Flow) Drop(ctx context.Context, number uint64) error {
	_, err := broker.Ask(ctx, fmt.Sprintf("drop message %d of stream %s", number, poisonStream), func(ctx context.Context) (struct{}, error) {
		err := f.poison.DeleteMsg(ctx, number)
		if errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
			err = fmt.Errorf("message %d: %w", number, ErrNotAside)
		}
		return struct{}{}, err
	})
	return err
}
