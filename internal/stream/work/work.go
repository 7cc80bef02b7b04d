// Package work hands pieces of work to whichever process takes them, over NATS JetStream,
// and gathers what comes of each: once, whichever process dies meanwhile.
package work

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
)

const (
	stream    = "ROOTKEEP_WORK"
	subject   = "rootkeep.work."
	workers   = "workers"
	kitName   = "kit"
	pull      = 3 * time.Second
	ackIn     = 10 * time.Second   // or else a piece is delivered again
	keep      = 3 * 24 * time.Hour // what nobody asks for any more
	mostTries = 5                  // of a piece
	longCall  = 5 * time.Minute    // to store or get a result
	look      = 200 * time.Millisecond
	closeIn   = 20 * time.Second
)

// Desk is where pieces lie.
type Desk struct {
	conn   *broker.Conn
	pieces jetstream.Stream
	log    func(what string, err error)
}

// Open makes the stream of pieces, if it is not there. log is told what goes wrong and is
// tried again.
func Open(ctx context.Context, conn *broker.Conn, log func(what string, err error)) (*Desk, error) {
	s, err := conn.Stream(ctx, jetstream.StreamConfig{
		Name: stream, Subjects: []string{subject + "*"}, Description: "pieces of hunts", Retention: jetstream.WorkQueuePolicy, MaxAge: keep,
	})
	return &Desk{conn, s, log}, err
}

// Order is a work that is done in pieces.
type Order struct {
	desk *Desk
	id   string
	box  jetstream.ObjectStore // the kit and the results
}

// Order begins a work. Every process that takes a piece gets the kit beside it. The ID is
// unlike any other's: letters, digits and -.
func (d *Desk) Order(ctx context.Context, id string, kit []byte) (*Order, error) {
	box, err := broker.Ask(ctx, "make the store of "+id, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return d.conn.JetStream().CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: boxOf(id), TTL: keep, Replicas: d.conn.Replicas()})
	})
	if err != nil {
		return nil, err
	}
	long, stop := context.WithTimeout(ctx, longCall)
	defer stop()
	if _, err := box.PutBytes(long, kitName, kit); err != nil {
		return nil, fmt.Errorf("NATS: store the kit of %s: %w", id, err)
	}
	return &Order{d, id, box}, nil
}

func boxOf(id string) string { return "rootkeep-" + id }

// Add puts a piece on the desk.
func (o *Order) Add(ctx context.Context, number int, data []byte) error {
	_, err := broker.Ask(ctx, fmt.Sprintf("publish piece %d of %s", number, o.id), func(ctx context.Context) (*jetstream.PubAck, error) {
		return o.desk.conn.JetStream().PublishMsg(ctx, &nats.Msg{Subject: subject + o.id, Data: data}, jetstream.WithMsgID(o.id+"/"+strconv.Itoa(number)))
	})
	return err
}

// Failed is a piece that no process could do.
type Failed struct{ Why string }

// Error says why.
func (f *Failed) Error() string { return f.Why }

// Result waits for what came of a piece, and gives it to take, or a Failed.
func (o *Order) Result(ctx context.Context, number int, take func(io.Reader) error) error {
	name := strconv.Itoa(number)
	for {
		got, err := o.box.Get(ctx, name)
		switch {
		case err == nil:
			if err = o.taken(ctx, name, got, take); !errors.Is(err, errBroken) {
				return err
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, jetstream.ErrObjectNotFound) && !broker.Passing(err):
			return fmt.Errorf("NATS: get the result of piece %s of %s: %w", name, o.id, err)
		}
		if err := broker.Pause(ctx, look); err != nil {
			return err
		}
	}
}

func (o *Order) taken(ctx context.Context, name string, got jetstream.ObjectResult, take func(io.Reader) error) error {
	info, err := got.Info()
	if err != nil {
		return err
	}
	if info.Description != "" {
		err = &Failed{info.Description}
	} else {
		err = whole(got, take)
	}
	if err := errors.Join(err, got.Close()); err != nil {
		return err
	}
	if err := o.box.Delete(ctx, name); err != nil {
		o.desk.log("drop the result of piece "+name, err) // Close drops all
	}
	return nil
}

// errBroken says that a result did not come whole.
var errBroken = errors.New("the result did not come whole")

// whole gives a result to take once all of it is here: half of one must not count.
func whole(r io.Reader, take func(io.Reader) error) error {
	f, err := os.CreateTemp("", "rootkeep-result-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return take(f)
}

// Close drops what is left of the work. Processes that still have pieces of it drop those.
func (o *Order) Close(ctx context.Context) error {
	within := closeIn // a broker takes its time to remove files
	if ctx.Err() != nil {
		within = pull // whoever interrupts waits for nothing
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer stop()
	return errors.Join(o.desk.conn.JetStream().DeleteObjectStore(ctx, boxOf(o.id)), o.desk.pieces.Purge(ctx, jetstream.WithPurgeSubject(subject+o.id)))
}

// Piece is a piece of a work in the hands of a process.
type Piece struct {
	Order string // ID of the work
	Data  []byte
	box   jetstream.ObjectStore
}

// Kit is what the work gave with all pieces.
func (p *Piece) Kit(ctx context.Context) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, longCall)
	defer stop()
	return p.box.GetBytes(ctx, kitName)
}

// ErrElsewhere is the error of a Do in a process that cannot do the piece, where another may.
var ErrElsewhere = errors.New("another process has to do it")

// Do does a piece and writes what comes of it. It may be called again for the same piece,
// and in another process at the same time.
type Do func(ctx context.Context, p *Piece, out io.Writer) error

// Work takes pieces until ctx ends, one at a time.
func (d *Desk) Work(ctx context.Context, do Do) error {
	c, err := broker.Ask(ctx, "make the consumer of "+stream, func(ctx context.Context) (jetstream.Consumer, error) {
		return d.pieces.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: workers, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackIn, MaxDeliver: -1})
	})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		waiting, stop := context.WithTimeout(ctx, pull)
		got, err := c.Fetch(1, jetstream.FetchContext(waiting))
		if err == nil {
			for m := range got.Messages() {
				d.take(ctx, m, do)
			}
			err = got.Error()
		}
		stop()
		if err != nil && !broker.Passing(err) && ctx.Err() == nil {
			d.log("ask for pieces of work", err)
			_ = broker.Pause(ctx, pull) // the context's end is seen above
		}
	}
	return nil
}

// take sees a piece to its end.
func (d *Desk) take(ctx context.Context, m jetstream.Msg, do Do) {
	id := strings.TrimPrefix(m.Subject(), subject)
	_, number, _ := strings.Cut(m.Headers().Get(jetstream.MsgIDHeader), "/")
	p := &Piece{Order: id, Data: m.Data()}
	beating, stop := context.WithCancel(ctx)
	var beat sync.WaitGroup
	beat.Go(func() {
		for broker.Pause(beating, ackIn/4) == nil {
			_ = m.InProgress() // what is not heard has the piece delivered again, which is harmless
		}
	})
	err := d.do(ctx, p, number, do)
	stop()
	beat.Wait()
	tries := uint64(mostTries)
	if about, e := m.Metadata(); e == nil {
		tries = about.NumDelivered
	}
	switch {
	case errors.Is(err, jetstream.ErrBucketNotFound):
		err = m.TermWithReason("the work is over")
	case err != nil && ctx.Err() != nil:
		err = m.Nak()
	case errors.Is(err, ErrElsewhere):
		d.log(fmt.Sprintf("piece %s of %s", number, id), err)
		err = m.NakWithDelay(pull)
	case err != nil && tries < mostTries:
		d.log(fmt.Sprintf("piece %s of %s, which is tried again", number, id), err)
		err = m.NakWithDelay(time.Second)
	case err != nil:
		if err = d.fail(ctx, p, number, err); err == nil {
			err = m.Ack()
		}
	default:
		err = m.Ack()
	}
	if err != nil {
		d.log(fmt.Sprintf("end piece %s of %s", number, id), err)
	}
}

// do does a piece and stores what came of it.
func (d *Desk) do(ctx context.Context, p *Piece, number string, do Do) (err error) {
	if p.box, err = broker.Ask(ctx, "open the store of "+p.Order, func(ctx context.Context) (jetstream.ObjectStore, error) {
		return d.conn.JetStream().ObjectStore(ctx, boxOf(p.Order))
	}); err != nil {
		return err
	}
	f, err := os.CreateTemp("", "rootkeep-piece-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := do(ctx, p, f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, longCall)
	defer stop()
	_, err = p.box.Put(ctx, jetstream.ObjectMeta{Name: number}, f)
	return err
}

// fail stores that nobody could do a piece.
func (d *Desk) fail(ctx context.Context, p *Piece, number string, why error) error {
	if p.box == nil {
		return why
	}
	ctx, stop := context.WithTimeout(ctx, longCall)
	defer stop()
	_, err := p.box.Put(ctx, jetstream.ObjectMeta{Name: number, Description: why.Error()}, strings.NewReader(""))
	return err
}
