// Package inflate decodes gzip (RFC 1952) and the DEFLATE data inside it (RFC
// 1951), built for throughput: decoding is where a hunt over CloudTrail logs
// spends most of its time. Compressed bytes go in through an io.Reader, decoded
// bytes come out in the caller's buffer, which also serves as the 32 KiB window
// that DEFLATE copies from. It accepts and refuses what compress/gzip does.
package inflate

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// WindowSize is how many decoded bytes DEFLATE may refer back to (RFC 1951
// section 2), and so how many a caller of [Decoder.Inflate] keeps in its buffer.
const WindowSize = 32 << 10

// What a Decoder reports, always wrapped with the place in the compressed input:
// test with errors.Is. Cut input is io.ErrUnexpectedEOF.
var (
	// ErrCorrupt means that the input is no gzip, or is damaged.
	ErrCorrupt = errors.New("corrupt gzip data")
	// ErrChecksum means that the member decoded but its CRC-32 or its length
	// differ from those stored behind it.
	ErrChecksum = errors.New("gzip checksum mismatch")
	// ErrTrailing means that the bytes behind a member do not start another.
	ErrTrailing = errors.New("trailing data after gzip member")
)

// A stage is what the decoder expects next in the compressed input.
type stage uint8

const (
	gzipHeader stage = iota
	blockHeader
	storedBlock
	codedBlock
	gzipTrailer
)

// A Decoder decodes the members of one gzip stream, one after the other. It is
// for one goroutine, and a single one should decode many streams: it holds about
// 90 KiB. The zero value is ready for [Decoder.Reset].
type Decoder struct {
	input
	stage stage
	err   error // returned by every further call of Inflate

	final        bool // the current block is the last of its member
	stored       int  // bytes of the stored block still to copy
	fixedCodes   bool // the tables hold the fixed codes
	matchLength  int  // bytes of a match that did not fit into dst
	matchOffset  int
	produced     int64 // by the whole stream
	member       int64 // by the current member
	crc          uint32
	skipChecksum bool

	litlen      [litlenTableSize]uint32
	offset      [offsetTableSize]uint32
	lengthTable [lengthTableSize]uint32
	lengths     [maxLitlenSymbols + maxOffsetSymbols + wordSize]uint8 // a word is written at a time
	code        code
}

// Reset makes d decode src, which starts with a gzip header. The choice made
// with [Decoder.SkipChecksum] stays.
func (d *Decoder) Reset(src io.Reader) {
	d.input.reset(src)
	d.err = nil
	d.produced = 0
	d.startMember()
}

func (d *Decoder) startMember() {
	d.stage = gzipHeader
	d.final = false
	d.matchLength = 0
	d.member = 0
	d.crc = 0
}

// SkipChecksum turns the CRC-32 of the decoded bytes off or on again, for a
// caller that checks a stronger hash. The stored length is still compared. It may
// be called before the first byte of a member is decoded.
func (d *Decoder) SkipChecksum(skip bool) { d.skipChecksum = skip }

// Consumed returns the number of compressed bytes used since Reset.
func (d *Decoder) Consumed() int64 { return d.consumed() }

// Produced returns the number of bytes decoded since Reset, by all members.
func (d *Decoder) Produced() int64 { return d.produced }

// Inflate decodes into dst[pos:] and returns the number of decoded bytes. It is
// either positive and err is nil, or zero and err says why: io.EOF after the
// last byte of a member whose checksum and length agreed, io.ErrShortBuffer if
// dst has no room behind pos, or what is wrong with the input. The bytes of dst
// behind the decoded ones may be overwritten.
//
// dst[:pos] must end with what the current member produced so far, or with its
// last WindowSize bytes. Give room for several WindowSize: near the end of dst
// decoding is slower, or stops early.
func (d *Decoder) Inflate(dst []byte, pos int) (n int, err error) {
	if d.err != nil {
		return 0, d.err
	}
	if d.src == nil {
		return 0, errors.New("inflate: no source; call Reset first")
	}
	if want := min(d.member, WindowSize); int64(pos) < want {
		return 0, fmt.Errorf("inflate: window of %d bytes before the position, want %d", pos, want)
	}
	// Matches must not reach into what precedes the member.
	start := max(0, int64(pos)-d.member)
	out := dst[start:]
	begin := pos - int(start)
	end, err := d.decode(out, begin)
	n = end - begin
	d.err = err
	if n == 0 {
		if err == nil {
			err = io.ErrShortBuffer
		}
		return 0, err
	}
	if !d.skipChecksum {
		d.crc = crc32.Update(d.crc, crc32.IEEETable, out[begin:end])
	}
	d.member += int64(n)
	d.produced += int64(n)
	return n, nil
}

// decode runs the stages until out is full or nearly so, the member's data ends,
// or an error. It returns the end of the decoded bytes, which begin at pos.
func (d *Decoder) decode(out []byte, pos int) (end int, err error) {
	for end = pos; err == nil; {
		switch d.stage {
		case gzipHeader:
			err = d.readGzipHeader()
		case blockHeader:
			err = d.readBlockHeader()
		case storedBlock:
			end, err = d.copyStored(out, end)
		case codedBlock:
			end, err = d.decodeBlock(out, end)
		case gzipTrailer:
			// The checksum needs the bytes of this call first.
			if end > pos {
				return end, nil
			}
			return end, d.readGzipTrailer()
		}
		if d.stage == storedBlock || d.stage == codedBlock {
			if end == len(out) || (end > pos && len(out)-end < fastOutput) {
				return end, err
			}
		}
	}
	return end, err
}

// NextMember tells, after Inflate returned io.EOF, whether another gzip member
// follows. If so, Inflate continues with it; its window starts empty. The error
// is ErrTrailing if other bytes follow, or that of the source.
func (d *Decoder) NextMember() (bool, error) {
	if d.err != io.EOF {
		return false, errors.New("inflate: NextMember before the end of a member")
	}
	magic, err := d.peek(len(gzipMagic))
	if err != nil {
		return false, err
	}
	if len(magic) == 0 {
		return false, nil
	}
	if string(magic) != gzipMagic {
		return false, d.failure(ErrTrailing, fmt.Sprintf("found %x, want %x or the end", magic, gzipMagic))
	}
	d.err = nil
	d.startMember()
	return true, nil
}
