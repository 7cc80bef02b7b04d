package digest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/rootkeep/rootkeep/cloudtrail/inflate"
)

// objectBuffer holds the inflate window and what one step decodes; at 256 KiB
// the decoded bytes are still in the cache when they are hashed.
const objectBuffer = 256 << 10

// fault is why an object is not what it should be.
type fault struct {
	status Status
	reason Reason
	detail string
}

func (f *fault) Error() string { return f.detail }

func faultf(status Status, reason Reason, format string, args ...any) *fault {
	return &fault{status, reason, fmt.Sprintf(format, args...)}
}

// objectReader inflates objects of the copy one after the other, in bounded
// memory. It is for one goroutine.
type objectReader struct {
	fsys     fs.FS
	decoder  inflate.Decoder
	buf      []byte
	stored   int64 // compressed bytes used so far, of all objects
	inflated int64
	left     *atomic.Int64 // bytes that may still be inflated, nil for no bound
}

func newObjectReader(fsys fs.FS) *objectReader {
	return &objectReader{fsys: fsys, buf: make([]byte, objectBuffer)}
}

// inflate writes the inflated content of the object at path to w. The object
// must be one gzip member that inflates to at most limit bytes.
func (r *objectReader) inflate(path string, limit int64, w io.Writer) *fault {
	if !fs.ValidPath(path) {
		return faultf(Missing, ReasonNotFound, "not found: the key leads out of the copy")
	}
	f, err := openFile(r.fsys, path)
	if err != nil {
		return openFault(err)
	}
	defer f.Close()
	// The CRC-32 is checked although a SHA-256 follows: AWS's validator calls a
	// file with a wrong one invalid, and it costs about 3 %.
	r.decoder.Reset(f)
	defer func() {
		r.stored += r.decoder.Consumed()
		r.inflated += r.decoder.Produced()
	}()
	if err := r.member(limit, w); err != nil {
		return err
	}
	switch more, err := r.decoder.NextMember(); {
	case errors.Is(err, inflate.ErrTrailing):
		return faultf(Invalid, ReasonSecondMember, "%d bytes in, other data follows the gzip member that CloudTrail wrote", r.decoder.Consumed())
	case err != nil:
		return readFault(err)
	case more:
		return faultf(Invalid, ReasonSecondMember, "%d bytes in, a second gzip member follows; CloudTrail writes one", r.decoder.Consumed())
	}
	return nil
}

// sum is the SHA-256 of the inflated log at path.
func (r *objectReader) sum(path string) (sum [sha256.Size]byte, f *fault) {
	hash := sha256.New()
	f = r.inflate(path, MaxLog, hash)
	hash.Sum(sum[:0])
	return sum, f
}

func (r *objectReader) member(limit int64, w io.Writer) *fault {
	for pos := 0; ; {
		n, err := r.decoder.Inflate(r.buf, pos)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return readFault(err)
		}
		if r.decoder.Produced() > limit {
			return faultf(Invalid, ReasonFormat, "inflates to more than %d MiB", limit>>20)
		}
		if r.left != nil && r.left.Add(-int64(n)) < 0 {
			return faultf(Unknown, ReasonUnreadable, "not read to its end: all files together inflate to more than is read")
		}
		if _, err := w.Write(r.buf[pos : pos+n]); err != nil {
			return readFault(err)
		}
		if pos += n; len(r.buf)-pos < 2*inflate.WindowSize {
			pos = copy(r.buf, r.buf[pos-inflate.WindowSize:pos])
		}
	}
}

// openFile opens a regular file. Anything else may never answer: a pipe holds up
// whoever opens it until somebody writes.
func openFile(fsys fs.FS, path string) (fs.File, error) {
	info, err := fs.Stat(fsys, path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("no regular file")
	}
	return fsys.Open(path)
}

func openFault(err error) *fault {
	if errors.Is(err, fs.ErrNotExist) {
		return faultf(Missing, ReasonNotFound, "not found")
	}
	return faultf(Unknown, ReasonUnreadable, "cannot be read: %v", err)
}

// readFault tells damage from a file that the operating system would not give.
func readFault(err error) *fault {
	if errors.Is(err, inflate.ErrCorrupt) || errors.Is(err, inflate.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		return faultf(Invalid, ReasonFormat, "invalid format: %v", err)
	}
	return faultf(Unknown, ReasonUnreadable, "cannot be read: %v", err)
}
