// Package wire writes numbers, texts and events compactly, for state that is kept in
// rows, and reads them back. What is read is not trusted: it costs no more memory
// than a small multiple of its length, and a fault is an error, never a panic.
package wire

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/rootkeep/rootkeep"
)

// Writer collects values. A text or an event that was written before is written as
// its number.
type Writer struct {
	data   []byte
	texts  map[string]uint64
	events map[eventKey]uint64
}

// NewWriter begins with the version of what is written.
func NewWriter(version byte) *Writer {
	return &Writer{data: []byte{version}, texts: map[string]uint64{}, events: map[eventKey]uint64{}}
}

// Bytes is all that was written.
func (w *Writer) Bytes() []byte { return w.data }

// Uint writes a number that is small mostly.
func (w *Writer) Uint(x uint64) { w.data = binary.AppendUvarint(w.data, x) }

// Int writes a number near zero mostly.
func (w *Writer) Int(x int64) { w.data = binary.AppendVarint(w.data, x) }

// Len writes a length.
func (w *Writer) Len(n int) { w.Uint(uint64(n)) }

// Fixed writes a number as eight bytes.
func (w *Writer) Fixed(x uint64) { w.data = binary.BigEndian.AppendUint64(w.data, x) }

// Float writes a number as it is.
func (w *Writer) Float(x float64) { w.Fixed(math.Float64bits(x)) }

// Bool writes one byte.
func (w *Writer) Bool(b bool) {
	if b {
		w.data = append(w.data, 1)
		return
	}
	w.data = append(w.data, 0)
}

// Text writes a text.
func (w *Writer) Text(s string) {
	if n, ok := w.texts[s]; ok {
		w.Uint(n)
		return
	}
	w.texts[s] = uint64(len(w.texts)) + 1
	w.Uint(0)
	w.Len(len(s))
	w.data = append(w.data, s...)
}

// Blob writes bytes that are not looked for among the texts: as Text does one that is new.
func (w *Writer) Blob(b []byte) {
	w.data = slices.Grow(w.data, len(b)+2*binary.MaxVarintLen64)
	w.Uint(0)
	w.Len(len(b))
	w.data = append(w.data, b...)
}

// ErrMalformed is the error of data that no Writer wrote.
var ErrMalformed = errors.New("wire: malformed")

// ErrVersion is the error of data of another version.
var ErrVersion = errors.New("wire: of another version")

// MaxData is how many bytes a Reader takes.
const MaxData = 64 << 20

// Reader gives values back in the order in which they were written. After an error
// it gives zeros.
type Reader struct {
	data    []byte
	version byte
	texts   []string
	events  []*rootkeep.Event
	err     error
}

// NewReader reads what a Writer of one of these versions wrote.
func NewReader(data []byte, versions ...byte) *Reader {
	r := &Reader{data: data}
	switch {
	case len(data) == 0 || len(data) > MaxData:
		r.fail()
	case !slices.Contains(versions, data[0]):
		r.data, r.err = nil, ErrVersion
	default:
		r.version, r.data = data[0], data[1:]
	}
	return r
}

// Version is that of the data; 0 if it could not be read.
func (r *Reader) Version() byte { return r.version }

// Err is the first error.
func (r *Reader) Err() error { return r.err }

// Close is the first error, or that something is left over.
func (r *Reader) Close() error {
	if r.err == nil && len(r.data) > 0 {
		r.fail()
	}
	return r.err
}

// Fail says that a value makes no sense.
func (r *Reader) Fail() { r.fail() }

func (r *Reader) fail() {
	r.data = nil
	if r.err == nil {
		r.err = ErrMalformed
	}
}

// Uint reads what Writer.Uint wrote.
func (r *Reader) Uint() uint64 {
	x, n := binary.Uvarint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return x
}

// Int reads what Writer.Int wrote.
func (r *Reader) Int() int64 {
	x, n := binary.Varint(r.data)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.data = r.data[n:]
	return x
}

// Small reads a number that fits an int32 and is not negative.
func (r *Reader) Small() int {
	x := r.Uint()
	if x > math.MaxInt32 {
		r.fail()
		return 0
	}
	return int(x)
}

// Len reads how many values follow, of which each takes at least a byte.
func (r *Reader) Len() int {
	n := r.Uint()
	if n > uint64(len(r.data)) {
		r.fail()
		return 0
	}
	return int(n)
}

// Fixed reads what Writer.Fixed wrote.
func (r *Reader) Fixed() uint64 {
	if len(r.data) < 8 {
		r.fail()
		return 0
	}
	x := binary.BigEndian.Uint64(r.data)
	r.data = r.data[8:]
	return x
}

// Float reads what Writer.Float wrote; what is no number is an error.
func (r *Reader) Float() float64 {
	x := math.Float64frombits(r.Fixed())
	if math.IsNaN(x) {
		r.fail()
		return 0
	}
	return x
}

// Bool reads what Writer.Bool wrote.
func (r *Reader) Bool() bool {
	if len(r.data) == 0 || r.data[0] > 1 {
		r.fail()
		return false
	}
	b := r.data[0] == 1
	r.data = r.data[1:]
	return b
}

// Text reads what Writer.Text wrote.
func (r *Reader) Text() string {
	if n := r.Uint(); n > 0 {
		if n > uint64(len(r.texts)) {
			r.fail()
			return ""
		}
		return r.texts[n-1]
	}
	s := string(r.take(r.Len()))
	r.texts = append(r.texts, s)
	return s
}

// Blob reads what Blob or Text wrote. It may share the data that is read.
func (r *Reader) Blob() []byte {
	if n := r.Uint(); n > 0 {
		if n > uint64(len(r.texts)) {
			r.fail()
			return nil
		}
		return []byte(r.texts[n-1])
	}
	return r.take(r.Len())
}

// take is the next n bytes.
func (r *Reader) take(n int) []byte {
	if n > len(r.data) {
		r.fail()
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}
