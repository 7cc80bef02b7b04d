package inflate

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	// inputSize is how much compressed data is read at a time. A power of two,
	// so that a masked index needs no bounds check.
	inputSize = 1 << 16
	// wordSize is the number of bytes of the bit buffer, and of one load.
	wordSize = 8
	// maxTake is the most that take and peek can return.
	maxTake = 512
	// maxEmptyReads bounds reads that return nothing, not even an error.
	maxEmptyReads = 100
)

// input is the compressed stream, as bits (RFC 1951 section 3.1.1: the lowest
// bit of a byte comes first) and as bytes.
//
// The lowest bitCount bits of bits come before in[next]. Those above are zero or
// equal to the bits of in[next] and on, so that or-ing a word in again is harmless.
type input struct {
	src      io.Reader
	srcErr   error // what src returned last; no more is read
	base     int64 // offset of in[0] in the stream
	next     int
	end      int
	bits     uint64
	bitCount uint
	in       [inputSize + wordSize]byte
}

func (r *input) reset(src io.Reader) {
	r.src, r.srcErr = src, nil
	r.base, r.next, r.end = 0, 0, 0
	r.bits, r.bitCount = 0, 0
}

func (r *input) consumed() int64 { return r.base + int64(r.next) - int64(r.bitCount/8) }

// refill brings at least 56 bits into the bit buffer unless the input ends.
func (r *input) refill() {
	if r.end-r.next >= wordSize {
		r.bits |= binary.LittleEndian.Uint64(r.in[r.next:]) << (r.bitCount & 63)
		r.next += int(63-r.bitCount) >> 3
		r.bitCount |= 56
		return
	}
	for r.bitCount < 56 {
		if r.next == r.end && !r.fill() {
			return
		}
		r.bits |= uint64(r.in[r.next]) << r.bitCount
		r.next++
		r.bitCount += 8
	}
}

// drop removes n bits, of which the buffer must have as many.
func (r *input) drop(n uint) {
	r.bits >>= n
	r.bitCount -= n
}

// align drops the rest of a byte that is used in part, and gives whole bytes
// back, so that in[next] comes next.
func (r *input) align() {
	r.next -= int(r.bitCount / 8)
	r.bits, r.bitCount = 0, 0
}

// fill reads once from the source, and tells whether there is a byte more.
func (r *input) fill() bool {
	if r.srcErr != nil {
		return false
	}
	// The bytes that are in the bit buffer stay, for align.
	keep := max(0, r.next-wordSize)
	copy(r.in[:], r.in[keep:r.end])
	r.base += int64(keep)
	r.next -= keep
	r.end -= keep
	for range maxEmptyReads {
		n, err := r.src.Read(r.in[r.end:inputSize])
		r.end += n
		r.srcErr = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	r.srcErr = io.ErrNoProgress
	return false
}

// take returns the next n bytes, which are valid until the next call.
func (r *input) take(n int) ([]byte, error) {
	b, err := r.peek(n)
	if err != nil {
		return nil, err
	}
	if len(b) < n {
		r.next = r.end
		return nil, r.cut()
	}
	r.next += n
	return b, nil
}

// peek is take without moving on. It returns fewer bytes if the stream ends.
func (r *input) peek(n int) ([]byte, error) {
	r.align()
	for r.end-r.next < n {
		if !r.fill() {
			if r.srcErr != io.EOF {
				return nil, r.cut()
			}
			break
		}
	}
	return r.in[r.next:min(r.next+n, r.end)], nil
}

// cut is the error for input that ended too early.
func (r *input) cut() error {
	if r.srcErr == io.EOF {
		return r.failure(io.ErrUnexpectedEOF, "input is cut")
	}
	return r.failure(r.srcErr, "reading failed")
}

// failure adds the place in the compressed stream to err.
func (r *input) failure(err error, detail string) error {
	return fmt.Errorf("inflate: at compressed byte %d: %w: %s", r.consumed(), err, detail)
}
