package spread

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/detect/sift"
	"github.com/rootkeep/rootkeep/internal/stream"
	"github.com/rootkeep/rootkeep/internal/stream/s3"
	"github.com/rootkeep/rootkeep/internal/stream/work"
)

// chunk is a piece of a hunt: objects of a bucket.
type chunk struct {
	Bucket  string     `json:"bucket"`
	Objects []s3.Entry `json:"objects"`
}

// Worker reads pieces of hunts. It is for several goroutines.
type Worker struct {
	version string
	mu      sync.Mutex // guards what follows
	order   string     // of the hunt at hand
	config  app.HuntConfig
	idle    []*sift.Sifter
	buckets map[string]*s3.Bucket
}

// NewWorker makes a worker of a process of that version.
func NewWorker(version string) *Worker { return &Worker{version: version} }

const (
	flushAt   = 1 << 20  // bytes of records in one piece of an object
	mostStack = 64 << 20 // bytes that a decoder may ask for
)

// Do reads the objects of a piece and writes what is left of them.
func (w *Worker) Do(ctx context.Context, p *work.Piece, out io.Writer) error {
	var c chunk
	if err := json.Unmarshal(p.Data, &c); err != nil {
		return fmt.Errorf("a piece of a hunt: %w", err)
	}
	s, b, err := w.prepare(ctx, p, c.Bucket)
	if err != nil {
		return err
	}
	defer w.done(p.Order, s)
	packed, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	r := &reader{sifter: s, out: json.NewEncoder(packed)}
	if err := r.all(ctx, b, c.Objects); err != nil {
		return err
	}
	return packed.Close()
}

// prepare gives a sifter and the bucket of a piece.
func (w *Worker) prepare(ctx context.Context, p *work.Piece, bucket string) (*sift.Sifter, *s3.Bucket, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.order != p.Order {
		if err := w.begin(ctx, p); err != nil {
			return nil, nil, err
		}
	}
	b := w.buckets[bucket]
	if b == nil {
		var err error
		if b, err = w.config.OpenBucket(ctx, "s3://"+bucket); err != nil {
			return nil, nil, fmt.Errorf("%w: %w", work.ErrElsewhere, err)
		}
		w.buckets[bucket] = b
	}
	if n := len(w.idle); n > 0 {
		s := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return s, b, nil
	}
	s, err := w.config.Sifter()
	return s, b, err
}

// begin takes up another hunt.
func (w *Worker) begin(ctx context.Context, p *work.Piece) error {
	text, err := p.Kit(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "rootkeep-kit-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	k, c, err := unpack(text, dir)
	if err != nil {
		return err
	}
	sum, err := shipped()
	switch {
	case err != nil:
		return err
	case k.Version != w.version || k.Content != sum:
		return fmt.Errorf("%w: the hunt is one of rootkeep %s, and this is %s", work.ErrElsewhere, k.Version, w.version)
	}
	first, err := c.Sifter() // while the files are there
	if err != nil {
		return err
	}
	w.order, w.config, w.idle, w.buckets = p.Order, c, []*sift.Sifter{first}, map[string]*s3.Bucket{}
	return nil
}

// done puts a sifter back for the next piece of the same hunt.
func (w *Worker) done(order string, s *sift.Sifter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if order == w.order {
		w.idle = append(w.idle, s)
	}
}

// reader reads the objects of one piece.
type reader struct {
	sifter *sift.Sifter
	out    *json.Encoder
	left   sift.Piece
	size   int // bytes of its records
}

func (r *reader) all(ctx context.Context, b *s3.Bucket, list []s3.Entry) error {
	fields, err := cloudtrail.CompileFields(r.sifter.Fields())
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	objects := make(chan stream.Object)
	go func() { defer close(objects); b.SendSome(ctx, list, objects) }()
	from := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: r.sifter.Derived()})
	for o := range objects {
		intact, err := r.one(ctx, from, o)
		if err != nil {
			return err
		}
		if !intact {
			from = cloudtrail.NewReader(fields, cloudtrail.Options{Derived: r.sifter.Derived()})
		}
	}
	return ctx.Err()
}

// one reads an object. A mistake of ours costs this object, named: intact is false then.
func (r *reader) one(ctx context.Context, from *cloudtrail.Reader, o stream.Object) (intact bool, err error) {
	r.left, r.size = sift.Piece{Name: o.Input.Name}, 0
	r.sifter.Renew()
	if o.Err != nil {
		r.left.Fault = &sift.Fault{Kind: string(cloudtrail.ReadError), Detail: o.Err.Error()}
		return true, r.out.Encode(r.left)
	}
	defer func() {
		if cause := recover(); cause != nil {
			r.left.Fault = &sift.Fault{Kind: "internal", Detail: fmt.Sprintf("rootkeep failed here, please report it with this: %v", cause)}
			intact, err = false, r.out.Encode(r.left)
		}
	}()
	stats := from.Read(ctx, o.Input, func(rec *cloudtrail.Record) error {
		kept := r.sifter.Sift(rec, o.Input.Name)
		r.left.Records = append(r.left.Records, kept)
		if r.size += len(kept.Raw); r.size < flushAt {
			return nil
		}
		err := r.out.Encode(r.left)
		r.left.Records, r.size = nil, 0
		return err
	})
	if stats.Err != nil {
		return true, stats.Err
	}
	r.left.Stats = &stats
	return true, r.out.Encode(r.left)
}
