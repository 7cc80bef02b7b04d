// Package spread spreads a hunt through buckets over processes. One of them lists the
// objects and puts them on the desk in pieces; all take pieces, read them, and send back
// what is left of the objects (see sift); the first hunts through that. So it finds what it
// would have found alone, and a process that dies costs a piece that is read again.
package spread

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/detect/sift"
	"github.com/rootkeep/rootkeep/internal/stream"
	"github.com/rootkeep/rootkeep/internal/stream/broker"
	"github.com/rootkeep/rootkeep/internal/stream/s3"
	"github.com/rootkeep/rootkeep/internal/stream/work"
)

const (
	mostObjects = 200      // of a piece
	mostStored  = 64 << 20 // bytes of them
)

// Work takes pieces of hunts in this process until ctx ends.
func Work(ctx context.Context, conn *broker.Conn, version string, log *slog.Logger) error {
	desk, err := open(ctx, conn, log)
	if err != nil {
		return err
	}
	return several(ctx, desk, NewWorker(version), 0)
}

func open(ctx context.Context, conn *broker.Conn, log *slog.Logger) (*work.Desk, error) {
	return work.Open(ctx, conn, func(what string, err error) { log.Warn("hunt: "+what, "error", err) })
}

// several takes pieces in n goroutines, 0 is one for each processor.
func several(ctx context.Context, desk *work.Desk, w *Worker, n int) error {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	ended := make(chan error, n)
	for range n {
		go func() { ended <- desk.Work(ctx, w.Do) }()
	}
	var all error
	for range n {
		all = errors.Join(all, <-ended)
	}
	return all
}

// Hunt is a hunt that is spread. It is the app.Elsewhere of its settings.
type Hunt struct {
	desk    *work.Desk
	config  app.HuntConfig
	id      string
	buckets []*s3.Bucket

	listed  chan struct{} // closed once what follows holds
	objects int
	stored  int64
}

// New prepares a hunt. The ID is unlike any other's: letters, digits and -.
func New(ctx context.Context, conn *broker.Conn, c app.HuntConfig, id string, log *slog.Logger) (*Hunt, error) {
	switch {
	case c.Memory != nil:
		return nil, errors.New("a hunt that is sent to a server is not spread: it needs every event of a root user whole")
	case len(c.Keys) > 0:
		return nil, errors.New("a hunt that verifies digests is not spread")
	}
	desk, err := open(ctx, conn, log)
	if err != nil {
		return nil, err
	}
	h := &Hunt{desk: desk, config: c, id: id, listed: make(chan struct{})}
	for _, path := range c.Paths {
		if !s3.Is(path) {
			return nil, fmt.Errorf("%s: other processes read buckets alone; hint: s3://BUCKET/PREFIX", path)
		}
		b, err := c.OpenBucket(ctx, path)
		if err != nil {
			return nil, err
		}
		h.buckets = append(h.buckets, b)
	}
	return h, nil
}

// Send is of app.Elsewhere: this process reads nothing of itself.
func (h *Hunt) Send(_ context.Context, out chan<- stream.Object) { close(out) }

// Count is how many objects and stored bytes there are. It waits until Read has listed them.
func (h *Hunt) Count(ctx context.Context) (objects int, bytes int64) {
	select {
	case <-h.listed:
		return h.objects, h.stored
	case <-ctx.Done():
		return 0, 0
	}
}

// span is what a piece holds, for when nobody could read it.
type span struct {
	first, last string
	objects     int
}

// Read puts all objects on the desk, works beside the others, and calls take for what is
// left of one object after the other, in the order of their keys.
func (h *Hunt) Read(ctx context.Context, take func(*sift.Piece) error) (err error) {
	text, err := pack(h.config)
	if err != nil {
		return err
	}
	order, err := h.desk.Order(ctx, h.id, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, order.Close(ctx)) }()
	working, stop := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { _ = several(working, h.desk, NewWorker(h.config.Version), h.config.Workers) }) // others work as well
	defer beside.Wait()
	defer stop()
	spans, broken, err := h.lay(ctx, order)
	if err != nil {
		return err
	}
	for i, s := range spans {
		if err := result(ctx, order, i, s, take); err != nil {
			return err
		}
	}
	for _, p := range broken {
		if err := take(p); err != nil {
			return err
		}
	}
	return nil
}

// lay lists the buckets and puts their objects on the desk. A listing that broke off is
// for the report.
func (h *Hunt) lay(ctx context.Context, order *work.Order) (spans []span, broken []*sift.Piece, err error) {
	for _, b := range h.buckets {
		c, size := chunk{Bucket: b.Bucket}, int64(0)
		flush := func() error {
			if len(c.Objects) == 0 {
				return nil
			}
			text, err := json.Marshal(c)
			if err == nil {
				err = order.Add(ctx, len(spans), text)
			}
			spans = append(spans, span{b.Name(c.Objects[0].Key), b.Name(c.Objects[len(c.Objects)-1].Key), len(c.Objects)})
			c.Objects, size = nil, 0
			return err
		}
		var desk error // what went wrong with the desk, not with the listing
		err := b.List(ctx, func(e s3.Entry) error {
			h.objects++
			h.stored += e.Size
			c.Objects = append(c.Objects, e)
			if size += e.Size; len(c.Objects) >= mostObjects || size >= mostStored {
				desk = flush()
			}
			return desk
		})
		if desk == nil {
			desk = flush()
		}
		switch {
		case desk != nil:
			return nil, nil, desk
		case ctx.Err() != nil:
			return nil, nil, ctx.Err()
		case err != nil:
			broken = append(broken, &sift.Piece{Name: b.String(), Fault: &sift.Fault{Kind: string(cloudtrail.ReadError), Detail: "the listing broke off: " + err.Error()}})
		}
	}
	close(h.listed)
	return spans, broken, nil
}

// result takes what came of a piece.
func result(ctx context.Context, order *work.Order, number int, s span, take func(*sift.Piece) error) error {
	err := order.Result(ctx, number, func(r io.Reader) error {
		packed, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostStack))
		if err != nil {
			return err
		}
		defer packed.Close()
		for d := json.NewDecoder(packed); ; {
			var p sift.Piece
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("what is left of the objects from %s on: %w", s.first, err)
			}
			if err := take(&p); err != nil {
				return err
			}
		}
	})
	if failed, ok := errors.AsType[*work.Failed](err); ok {
		return take(&sift.Piece{Name: s.first, Fault: &sift.Fault{Kind: string(cloudtrail.ReadError),
			Detail: fmt.Sprintf("%d objects, from here to %s, were read by no process: %s", s.objects, s.last, failed.Why)}})
	}
	return err
}
