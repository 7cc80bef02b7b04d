package app

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/rootuse"
	"github.com/rootkeep/rootkeep/internal/detect/sift"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/stream"
)

// audience is who listens to a reading: it says which fields it asks for, and gives
// each worker an observer of its own.
type audience interface {
	Fields() []string
	Derived() int
	observer() observer
}

// observer takes the records that one worker reads. A record is valid until Observe
// returns.
type observer interface {
	Observe(rec *cloudtrail.Record, file string)
	// NewReader says that further records come from another reader.
	NewReader()
}

// hunting is a hunt as an audience.
type hunting struct {
	*detect.Hunt
	workers []*detect.Worker
	uses    *rootuse.Collector // nil: nobody asks for them
}

func (h *hunting) observer() observer {
	w := h.NewWorker()
	h.workers = append(h.workers, w)
	if h.uses != nil {
		return collecting{w, h.uses}
	}
	return w
}

// collecting is a worker beside which uses of root are gathered.
type collecting struct {
	*detect.Worker
	uses *rootuse.Collector
}

func (c collecting) Observe(rec *cloudtrail.Record, file string) {
	c.Worker.Observe(rec, file)
	c.uses.Observe(rec)
}

// pass is one reading of all input by several workers.
type pass struct {
	audience
	source  source
	config  HuntConfig
	sums    *sums // nil: nothing is to be proven, nothing is hashed
	started time.Time
	journal journal

	mu      sync.Mutex // guards what follows
	totals  report.Totals
	digests int64
	reread  int64

	done, stored, inflated, events atomic.Int64 // for the progress bar
}

func (p *pass) run(ctx context.Context) error {
	fields, err := cloudtrail.CompileFields(p.Fields())
	if err != nil {
		return err
	}
	n := p.config.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if p.config.Elsewhere != nil {
		return p.gather(ctx, fields)
	}
	objects := make(chan stream.Object, 4*n)
	var wg sync.WaitGroup
	for range n {
		w := p.observer()
		wg.Go(func() { p.work(ctx, w, fields, objects) })
	}
	stop := p.progress(ctx)
	p.source.Send(ctx, objects)
	wg.Wait()
	stop()
	return nil
}

// Elsewhere is a reading that other processes do.
type Elsewhere interface {
	source
	// Read calls take for what is left of one object after the other, see sift.
	Read(ctx context.Context, take func(*sift.Piece) error) error
}

// gather takes what other processes read.
func (p *pass) gather(ctx context.Context, fields *cloudtrail.Fields) error {
	w := p.observer()
	reader := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: p.Derived()})
	defer p.progress(ctx)()
	err := p.config.Elsewhere.Read(ctx, func(o *sift.Piece) error {
		for _, r := range o.Records {
			rec, err := reader.One(r.Raw)
			if err != nil {
				return fmt.Errorf("%s at byte %d: read again: %w", o.Name, r.Offset, err)
			}
			rec.Offset = r.Offset
			w.Observe(rec, o.Name)
		}
		if o.Fault != nil {
			p.journal.add(report.Problem{File: o.Name, Offset: -1, Kind: o.Fault.Kind, Detail: o.Fault.Detail})
		}
		if o.Stats != nil {
			p.tally(*o.Stats)
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil // what was found so far is reported
	}
	return err
}

// work reads objects with one worker until there are no more.
func (p *pass) work(ctx context.Context, w observer, fields *cloudtrail.Fields, objects <-chan stream.Object) {
	newReader := func() *cloudtrail.Reader {
		return cloudtrail.NewReader(fields, cloudtrail.Options{Derived: p.Derived()})
	}
	reader := newReader()
	for o := range objects {
		switch {
		case ctx.Err() != nil:
			return
		case o.Err != nil:
			p.journal.add(report.Problem{File: o.Input.Name, Offset: -1, Kind: string(cloudtrail.ReadError), Detail: o.Err.Error()})
		case o.Digest:
			p.mu.Lock()
			p.digests++
			p.mu.Unlock()
		default:
			stats, ok := p.read(ctx, reader, w, o)
			if !ok {
				reader = newReader() // its state is not to be trusted
				w.NewReader()
			}
			p.tally(stats)
		}
	}
}

// read reads one object. A mistake of ours must cost one object, named, and not
// the hunt: ok is false then.
func (p *pass) read(ctx context.Context, r *cloudtrail.Reader, w observer, o stream.Object) (stats cloudtrail.Stats, ok bool) {
	defer func() {
		if cause := recover(); cause != nil {
			p.journal.add(report.Problem{File: o.Input.Name, Offset: -1, Kind: "internal",
				Detail: fmt.Sprintf("rootkeep failed here, please report it with this: %v %s", cause, where(debug.Stack()))})
		}
	}()
	o.Input.Hash = p.sums.wants(o)
	stats = r.Read(ctx, o.Input, func(rec *cloudtrail.Record) error {
		w.Observe(rec, o.Input.Name)
		return nil
	})
	p.sums.keep(o, stats)
	if o.Root == "" && o.Size >= 0 {
		stats.StoredBytes = min(stats.StoredBytes, o.Size) // the entry of a zip was inflated on its way here
	}
	return stats, true
}

// where cuts a stack to what a bug report needs.
func where(stack []byte) string {
	const enough = 2000
	return string(stack[:min(len(stack), enough)])
}

func (p *pass) tally(s cloudtrail.Stats) {
	p.done.Add(1)
	p.stored.Add(s.StoredBytes)
	p.inflated.Add(s.InflatedBytes)
	p.events.Add(int64(s.Records))
	p.mu.Lock()
	p.totals.Objects++
	p.totals.StoredBytes += s.StoredBytes
	p.totals.InflatedBytes += s.InflatedBytes
	p.totals.GzipMembers += int64(s.Members)
	p.totals.GzipObjects += int64(min(s.Members, 1))
	if s.Reread {
		p.reread++
	}
	p.mu.Unlock()
	for _, problem := range s.Problems {
		p.journal.add(report.Problem{File: problem.File, Offset: problem.Offset, Kind: string(problem.Kind), Detail: problem.Detail, Notice: problem.Notice()})
	}
	p.journal.omit(s.ProblemsOmitted)
}

// progress calls back four times a second; the returned function ends it.
func (p *pass) progress(ctx context.Context) (stop func()) {
	if p.config.Progress == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var objects, bytes atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		n, size := p.source.Count(ctx)
		if ctx.Err() == nil {
			objects.Store(int64(n))
			bytes.Store(size)
		}
	})
	wg.Go(func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				p.config.Progress(report.Progress{
					FilesDone: p.done.Load(), FilesTotal: objects.Load(),
					StoredDone: p.stored.Load(), StoredTotal: bytes.Load(),
					Inflated: p.inflated.Load(), Events: p.events.Load(),
					Elapsed: p.config.Now().Sub(p.started),
				})
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// account adds to the report what the reading itself came to.
func (p *pass) account(out *report.Hunt) {
	t := &out.Totals
	t.Objects, t.StoredBytes, t.InflatedBytes = p.totals.Objects, p.totals.StoredBytes, p.totals.InflatedBytes
	t.GzipObjects, t.GzipMembers = p.totals.GzipObjects, p.totals.GzipMembers
	p.journal.close(out)
	if p.digests > 0 && p.sums == nil {
		out.Notices = append(out.Notices, fmt.Sprintf("%d digest files hold no events and were passed over; hint: rootkeep trail verify reads them", p.digests))
	}
	if p.reread > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d objects were read again by the standard library because our decoder was in doubt", p.reread))
	}
	if t.GzipMembers > t.GzipObjects {
		out.Notices = append(out.Notices, fmt.Sprintf("%s were read in %s", text.Counted(t.GzipMembers, "gzip member"), text.Counted(t.GzipObjects, "compressed object")))
	}
	if t.Objects == 0 {
		out.Notices = append(out.Notices, "nothing was read: the paths hold no file")
	}
}
