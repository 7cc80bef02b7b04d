package cloudtrail

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/rootkeep/rootkeep/cloudtrail/inflate"
)

const (
	// An object that inflates to more than bombBytes and to more than bombRatio
	// times what is stored is refused: no log repeats itself that much. The IDs of an
	// event alone, which nothing compresses, are a sixtieth of it.
	bombBytes = 64 << 20
	bombRatio = 200
)

// decoder inflates one gzip member after another; see inflate.Decoder for the
// contract of both methods.
type decoder interface {
	Inflate(dst []byte, pos int) (int, error)
	NextMember() (bool, error)
}

var errShrunk = errors.New("the object became shorter while it was read")

// source yields the inflated bytes of one object, whatever decoder it takes.
type source struct {
	in        Input
	stats     *Stats
	stored    stored
	decoder   decoder // nil for plain input
	own       inflate.Decoder
	standard  standardDecoder
	delivered int64 // inflated bytes handed out
	done      error // what every further fill returns

	hash    hash.Hash // of the bytes handed out, nil until somebody asks
	hashing bool
	single  bool // the object ended with its first member
}

// open starts reading an object; false after a problem was reported.
func (s *source) open(in Input, stats *Stats) bool {
	s.in, s.stats = in, stats
	s.delivered, s.done, s.decoder = 0, nil, nil
	s.hashing, s.single = false, false
	if err := s.stored.open(in); err != nil {
		s.stats.report(s.fault(err).in(in.Name))
		return false
	}
	if s.stored.isGzip() {
		s.own.Reset(&s.stored)
		s.decoder = &s.own
		stats.Members = 1
		s.startHash()
	}
	return true
}

func (s *source) startHash() {
	if s.hashing = s.in.Hash; !s.hashing {
		return
	}
	if s.hash == nil {
		s.hash = sha256.New()
	}
	s.hash.Reset()
}

func (s *source) close() {
	s.stats.StoredBytes = s.stored.n
	s.stats.InflatedBytes = s.delivered
	if s.hashing && s.single && s.done == io.EOF {
		s.hash.Sum(s.stats.SHA256[:0])
	}
	s.stored.close()
}

// fill writes inflated bytes to dst from pos on until dst is full or the object
// ends. The bytes before pos are those produced before. The error, io.EOF or a
// *fault, may come together with bytes.
func (s *source) fill(dst []byte, pos int) (int, error) {
	start := pos
	for pos < len(dst) && s.done == nil {
		n, err := s.next(dst, pos)
		if s.hashing {
			s.hash.Write(dst[pos : pos+n]) // while they are in the cache
		}
		pos += n
		s.delivered += int64(n)
		if err != nil {
			s.done = s.settle(err)
		} else if s.delivered > bombBytes && s.delivered/bombRatio > s.stored.n {
			s.done = s.problem(Bomb, fmt.Sprintf("%d stored bytes inflate to more than %d; the rest is not read", s.stored.n, s.delivered))
		}
	}
	return pos - start, s.done
}

// next is one step of fill.
func (s *source) next(dst []byte, pos int) (int, error) {
	if s.decoder == nil {
		return s.stored.Read(dst[pos:])
	}
	n, err := s.decoder.Inflate(dst, pos)
	if err == io.EOF {
		err = s.nextMember()
	}
	return n, err
}

// nextMember goes on to the next gzip member: nil, io.EOF if there is none.
func (s *source) nextMember() error {
	more, err := s.decoder.NextMember()
	switch {
	case err != nil:
		return &trailing{err}
	case !more:
		s.single = s.stats.Members == 1
		return io.EOF
	case s.in.OneMember:
		s.stats.report(s.problem(SecondMember, "a second gzip member follows; CloudTrail writes one, so somebody has tampered with the object; the second was not read").in(s.in.Name))
		return io.EOF
	}
	s.stats.Members++
	return nil
}

// settle decides what an error of next comes to: nil if reading goes on with
// the standard library's decoder, else io.EOF or a fault.
func (s *source) settle(err error) error {
	if err != io.EOF && s.decoder == &s.own && s.stored.failed == nil {
		if err = s.fallBack(err); err == nil {
			return nil
		}
	}
	if err == io.EOF {
		s.stats.Reread = s.decoder == &s.standard
		return err
	}
	f := s.fault(err)
	if f.kind == TrailingData {
		s.stats.report(f.in(s.in.Name))
		return io.EOF
	}
	return f
}

// fallBack opens the object again and has compress/gzip skip what was already
// delivered. Nil means that it goes on from there; otherwise the error is what
// is wrong with the object, which is the given one if it cannot be read again.
func (s *source) fallBack(doubt error) error {
	first := s.stored
	if err := s.stored.open(s.in); err != nil {
		s.stored = first
		return doubt
	}
	first.close()
	s.stats.Members = 1
	s.standard.Reset(&s.stored)
	s.decoder = &s.standard
	for left := s.delivered; left > 0; {
		n, err := s.next(s.standard.skip[:min(int64(len(s.standard.skip)), left)], 0)
		left -= int64(n)
		if err == io.EOF && left > 0 {
			return errShrunk
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fault words an error of a decoder or of the input.
func (s *source) fault(err error) *fault {
	if s.stored.failed != nil {
		err = s.stored.failed
	}
	var after *trailing
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.problem(Vanished, err.Error())
	case s.stored.failed != nil:
		return s.problem(ReadError, fmt.Sprintf("after %d stored bytes: %v", s.stored.n, err))
	case errors.As(err, &after):
		return s.problem(TrailingData, fmt.Sprintf("after the last gzip member: %v", after.err))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return s.problem(Truncated, fmt.Sprintf("gzip data ends after %d stored bytes; expected the rest of the member", s.stored.n))
	}
	return s.problem(Corrupt, err.Error())
}

func (s *source) problem(kind ProblemKind, detail string) *fault {
	return &fault{kind: kind, offset: s.delivered, detail: detail, final: true}
}

// trailing marks an error met while looking for a further gzip member.
type trailing struct{ err error }

func (t *trailing) Error() string { return t.err.Error() }

// fault is a Problem on its way up; final if nothing after it can be read.
type fault struct {
	kind   ProblemKind
	offset int64
	detail string
	final  bool
}

func (f *fault) Error() string { return string(f.kind) + ": " + f.detail }

func (f *fault) in(file string) Problem {
	return Problem{File: file, Offset: f.offset, Kind: f.kind, Detail: f.detail}
}

// stored reads the bytes as they are stored, counts them, and remembers a
// failure so that it is not taken for bad data.
type stored struct {
	r      io.ReadCloser
	head   [4 << 10]byte // read ahead to tell gzip from plain; all of a small object
	ahead  []byte        // part of head not yet handed out
	n      int64
	failed error
}

func (s *stored) open(in Input) error {
	*s = stored{}
	r, err := in.Open()
	if err != nil {
		s.failed = err
		return err
	}
	s.r = r
	n, err := io.ReadAtLeast(r, s.head[:], 2)
	s.ahead = s.head[:n]
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		s.failed = err
		s.close()
	}
	return s.failed
}

func (s *stored) isGzip() bool { return [2]byte(s.head[:]) == [2]byte{0x1f, 0x8b} }

// Read implements io.Reader.
func (s *stored) Read(p []byte) (int, error) {
	if len(s.ahead) > 0 {
		n := copy(p, s.ahead)
		s.ahead = s.ahead[n:]
		s.n += int64(n)
		return n, nil
	}
	if s.failed != nil {
		return 0, s.failed
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF {
		s.failed = err
	}
	return n, err
}

// close ignores the error: everything wanted has been read.
func (s *stored) close() { _ = s.r.Close() }

// standardDecoder is compress/gzip behind the methods of our own decoder.
type standardDecoder struct {
	in   bufio.Reader
	gzip gzip.Reader
	err  error // of a member's header
	skip [16 << 10]byte
}

// Reset starts at a gzip header.
func (d *standardDecoder) Reset(src io.Reader) {
	d.in.Reset(src)
	d.nextHeader()
}

func (d *standardDecoder) nextHeader() {
	if d.err = d.gzip.Reset(&d.in); d.err == io.EOF {
		d.err = io.ErrUnexpectedEOF
	}
	d.gzip.Multistream(false)
}

// Inflate decodes into dst[pos:].
func (d *standardDecoder) Inflate(dst []byte, pos int) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	return d.gzip.Read(dst[pos:])
}

// NextMember goes to the next member if there is one.
func (d *standardDecoder) NextMember() (bool, error) {
	if _, err := d.in.Peek(1); err == io.EOF {
		return false, nil
	}
	d.nextHeader()
	return d.err == nil, d.err
}
