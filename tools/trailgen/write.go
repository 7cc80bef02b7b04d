package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// totals count what was written.
type totals struct {
	events, objects int
	raw, stored     int64
}

// written is a log file on disk.
type written struct {
	object *object
	sum    [sha256.Size]byte // of the inflated content
}

// writer writes objects, one goroutine for each processor.
type writer struct {
	options options
	book    *book

	mu      sync.Mutex // guards what follows
	total   totals
	written []written
	err     error
}

func (w *writer) writeAll(objects []*object) (totals, error) {
	queue := make(chan *object)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			p := press{}
			for o := range queue {
				w.note(p.write(w.options, w.book, o))
			}
		})
	}
	for _, o := range objects {
		queue <- o
	}
	close(queue)
	wg.Wait()
	return w.total, w.err
}

func (w *writer) note(done written, raw, stored int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = errors.Join(w.err, err)
	w.total.objects++
	w.total.events += done.object.events + len(done.object.story)
	w.total.raw += int64(raw)
	w.total.stored += int64(stored)
	if w.options.digests {
		w.written = append(w.written, done)
	}
}

// press is what one goroutine writes with, used again for each object.
type press struct {
	raw  []byte
	gz   bytes.Buffer
	zip  *gzip.Writer
	seen map[string]bool // folders made
}

func (p *press) write(opt options, b *book, o *object) (done written, raw, stored int, err error) {
	p.raw = appendObject(p.raw[:0], b, opt, o)
	p.gz.Reset()
	if p.zip == nil {
		// Level 6 is zlib's own and what CloudTrail's objects look like. The error
		// is for levels that do not exist.
		p.zip, _ = gzip.NewWriterLevel(&p.gz, 6)
		p.seen = map[string]bool{}
	}
	p.zip.Reset(&p.gz)
	if _, err := p.zip.Write(p.raw); err != nil {
		return done, 0, 0, err
	}
	if err := p.zip.Close(); err != nil {
		return done, 0, 0, err
	}
	path := filepath.Join(opt.out, filepath.FromSlash(o.key()))
	if dir := filepath.Dir(path); !p.seen[dir] {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return done, 0, 0, err
		}
		p.seen[dir] = true
	}
	done = written{object: o}
	if opt.digests {
		done.sum = sha256.Sum256(p.raw)
	}
	return done, len(p.raw), p.gz.Len(), os.WriteFile(path, p.gz.Bytes(), 0o644)
}
