package cloudtrail

import (
	"context"
	"errors"
	"io"
)

const (
	windowSize = 384 << 10 // bytes held of the inflated stream, unless a record is larger
	history    = 32 << 10  // what DEFLATE may refer back to
	pad        = 8         // NUL bytes after the data, so that a scan needs no bounds of its own
)

// errTooLarge is what window.more says when the bytes to keep reach the limit.
var errTooLarge = errors.New("record larger than the limit")

// window is the part of the inflated stream that is in memory. Bytes before pos
// are done with, except from keep on.
type window struct {
	ctx  context.Context
	src  *source // nil for JSON that came in a string: all of it is here
	home []byte  // the buffer of normal size
	buf  []byte
	pos  int // next byte to read
	end  int // data is buf[:end]; pad NULs follow
	keep int // bytes from here on must outlive a refill; none when negative
	base int64
	max  int   // most bytes from keep to end
	err  error // why the stream ended, nil while it has not
}

// reset starts a new stream.
func (w *window) reset(ctx context.Context, src *source, maxRecord int) {
	if w.home == nil {
		w.home = make([]byte, windowSize)
	}
	*w = window{ctx: ctx, src: src, home: w.home, buf: w.home, keep: -1, max: maxRecord}
	clear(w.buf[:pad])
}

// hold makes a window of text that is all there, found at a stream offset.
func (w *window) hold(text []byte, offset int64) {
	buf := append(text, make([]byte, pad)...)
	*w = window{buf: buf, end: len(text), keep: -1, base: offset, err: io.EOF}
}

// offset is the place of buf[i] in the inflated stream.
func (w *window) offset(i int) int64 {
	if w.src == nil {
		return w.base
	}
	return w.base + int64(i)
}

// data is what scanners see: the bytes in memory and the padding.
func (w *window) data() []byte { return w.buf[:w.end+pad] }

// more appends at least one byte to the window or says why there is none:
// io.EOF at the end, errTooLarge, or a *fault of the source.
func (w *window) more() error {
	if w.err != nil {
		return w.err
	}
	if err := w.ctx.Err(); err != nil {
		w.err = err
		return err
	}
	from := w.pos
	if w.keep >= 0 {
		from = w.keep
	}
	if w.end-from >= w.max {
		return errTooLarge
	}
	w.slide(from)
	n, err := w.src.fill(w.buf[:len(w.buf)-pad], w.end)
	w.end += n
	clear(w.buf[w.end : w.end+pad])
	w.err = err
	if n == 0 {
		return err
	}
	return nil
}

// slide moves the bytes from index from on, and the history before them, to the
// front, and grows the buffer when they leave too little room behind.
func (w *window) slide(from int) {
	from = min(from, max(0, w.end-history))
	kept := w.end - from
	old := w.buf
	if size := min(2*len(old), w.max+history+windowSize); kept > len(old)/2 && size > len(old) {
		w.buf = make([]byte, size)
	}
	copy(w.buf, old[from:w.end])
	w.base += int64(from)
	w.pos -= from
	w.end -= from
	if w.keep >= 0 {
		w.keep -= from
	}
}
