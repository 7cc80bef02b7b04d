// Package flow carries messages to the partitions that they belong to, over NATS
// JetStream: what was published is handled at least once, by whoever has its partition,
// whichever process or server dies meanwhile. Order is not kept.
package flow

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
)

// Message is one thing on its way.
type Message struct {
	Partition int
	ID        string // of what it tells: the same ID in the same partition is the same message
	Data      []byte
	// Delivered counts the deliveries of a message, this one included. It is 0 in what is
	// published.
	Delivered int
}

// Config says how the flow is divided.
type Config struct {
	Partitions int // 0 is 64; a flow keeps the number that it was made with
	// Log is told what goes wrong and is tried again; nil is nobody.
	Log func(what string, err error)
}

// Usual is the number of partitions unless somebody says another.
const Usual = 64

// Flow is an open flow.
type Flow struct {
	conn       *broker.Conn
	partitions int
	log        func(string, error)
	events     jetstream.Stream
	poison     jetstream.Stream
}

const (
	eventStream   = "ROOTKEEP_EVENTS"
	eventSubject  = "rootkeep.event."
	poisonStream  = "ROOTKEEP_POISON"
	poisonSubject = "rootkeep.poison."
	divided       = "rootkeep-partitions" // metadata of the stream

	// MaxMessage bounds a message, bytes: a broker takes 1 MiB with the headers.
	MaxMessage = 960 << 10

	sameWithin = 2 * time.Minute     // a message that is published again is known to be the same
	keepPoison = 90 * 24 * time.Hour // for somebody to look at
	mostPoison = 100_000             // messages
)

// Open makes the streams, if they are not there.
func Open(ctx context.Context, conn *broker.Conn, c Config) (*Flow, error) {
	f := &Flow{conn: conn, partitions: c.Partitions, log: c.Log}
	if f.partitions == 0 {
		f.partitions = Usual
	}
	if f.partitions < 0 || f.partitions > 1024 {
		return nil, fmt.Errorf("flow: %d partitions: want 1 to 1024", f.partitions)
	}
	if f.log == nil {
		f.log = func(string, error) {}
	}
	if err := f.agree(ctx); err != nil {
		return nil, err
	}
	var err error
	if f.events, err = conn.Stream(ctx, jetstream.StreamConfig{
		Name: eventStream, Subjects: []string{eventSubject + "*"}, Description: "what matched, for the windows of rules",
		// What nobody has handled yet is never given up: a full stream takes nothing new.
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxMsgSize: MaxMessage + 4096, Duplicates: sameWithin,
		Metadata: map[string]string{divided: strconv.Itoa(f.partitions)},
	}); err != nil {
		return nil, err
	}
	f.poison, err = conn.Stream(ctx, jetstream.StreamConfig{
		Name: poisonStream, Subjects: []string{poisonSubject + "*"}, Description: "what could not be handled, for a person to see",
		MaxAge: keepPoison, MaxMsgs: mostPoison, Duplicates: sameWithin,
	})
	return f, err
}

// agree refuses another number of partitions than the flow has: what waits would be
// handled with half of its group.
func (f *Flow) agree(ctx context.Context) error {
	there, err := broker.Ask(ctx, "look for stream "+eventStream, func(ctx context.Context) (jetstream.Stream, error) {
		s, err := f.conn.JetStream().Stream(ctx, eventStream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil, nil
		}
		return s, err
	})
	if err != nil || there == nil {
		return err
	}
	if has := there.CachedInfo().Config.Metadata[divided]; has != strconv.Itoa(f.partitions) {
		return fmt.Errorf("flow: the stream %s has %s partitions, not %d; hint: all processes say the same number, and another one needs an empty stream (nats stream rm %s)", eventStream, has, f.partitions, eventStream)
	}
	return nil
}

// Partitions is how many there are.
func (f *Flow) Partitions() int { return f.partitions }

// Waiting is what the flow holds.
type Waiting struct {
	Partitions []uint64  // messages that nobody has handled yet, of each partition
	First      uint64    // number of the first of them; that of the next to come if there is none
	Last       uint64    // number of the message that was published last
	Oldest     time.Time // when the first of them was published; zero if there is none
	Poison     uint64    // messages that could not be handled, kept for a person to see
	Fault      string    // of the connection, "" if there is none
}

// Waiting asks the broker what the flow holds.
func (f *Flow) Waiting(ctx context.Context) (*Waiting, error) {
	out := &Waiting{Partitions: make([]uint64, f.partitions), Fault: f.conn.Fault()}
	info, err := broker.Ask(ctx, "ask about stream "+eventStream, func(ctx context.Context) (*jetstream.StreamInfo, error) {
		return f.events.Info(ctx, jetstream.WithSubjectFilter(eventSubject+"*"))
	})
	if err != nil {
		return nil, err
	}
	for p := range out.Partitions {
		out.Partitions[p] = info.State.Subjects[eventSubject+strconv.Itoa(p)]
	}
	out.First, out.Last = info.State.FirstSeq, info.State.LastSeq
	if info.State.Msgs > 0 {
		out.Oldest = info.State.FirstTime
	} else {
		out.First = out.Last + 1
	}
	kept, err := broker.Ask(ctx, "ask about stream "+poisonStream, func(ctx context.Context) (*jetstream.StreamInfo, error) { return f.poison.Info(ctx) })
	if err != nil {
		return nil, err
	}
	out.Poison = kept.State.Msgs
	return out, nil
}

func (f *Flow) check(partition int) error {
	if partition < 0 || partition >= f.partitions {
		return fmt.Errorf("flow: partition %d: want 0 to %d", partition, f.partitions-1)
	}
	return nil
}
