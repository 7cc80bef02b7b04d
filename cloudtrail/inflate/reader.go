package inflate

import "io"

// readerBuffer is the window and as much again as one call decodes.
const readerBuffer = 4 * WindowSize

// A Reader decodes a whole gzip stream, all its members one after the other, for
// those who keep no window of their own. Its errors are those of [Decoder].
type Reader struct {
	decoder Decoder
	buf     [readerBuffer]byte
	read    int // buf[read:end] is decoded and not read
	end     int
	err     error
}

// NewReader returns a Reader of src. It reads ahead of what it decodes.
func NewReader(src io.Reader) *Reader {
	r := new(Reader)
	r.decoder.Reset(src)
	return r
}

// Read implements [io.Reader].
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.read == r.end {
		if r.err != nil {
			return 0, r.err
		}
		r.decode()
	}
	n := copy(p, r.buf[r.read:r.end])
	r.read += n
	return n, nil
}

func (r *Reader) decode() {
	if len(r.buf)-r.end < WindowSize {
		r.end = copy(r.buf[:], r.buf[r.end-WindowSize:r.end])
		r.read = r.end
	}
	n, err := r.decoder.Inflate(r.buf[:], r.end)
	r.end += n
	if err == io.EOF {
		var more bool
		if more, err = r.decoder.NextMember(); err == nil && !more {
			err = io.EOF
		}
	}
	r.err = err
}
