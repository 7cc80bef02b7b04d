package stream

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/rootkeep/rootkeep/cloudtrail"
)

// encrypted is the flag of an entry that needs a password (APPNOTE.TXT, section 4.4.4).
const encrypted = 0x1

// zip sends the entries of a zip under the name of the zip, a slash, and their
// own name as it stands there: nothing is written anywhere, so a name with ../
// in it is a mere text.
func (p *Paths) zip(name string, size int64, send func(Object) bool) bool {
	refuse := func(name string, err error) bool {
		return send(Object{Input: cloudtrail.Input{Name: name}, Err: err})
	}
	file := &sharedFile{path: name}
	if err := file.acquire(); err != nil {
		return refuse(name, fmt.Errorf("read zip: %w", plain(err)))
	}
	defer file.release()
	z, err := zip.NewReader(file, size)
	if err != nil {
		return refuse(name, fmt.Errorf("read zip: %w", plain(err)))
	}
	var stored uint64
	for _, f := range z.File {
		if stored += f.CompressedSize64; stored > uint64(size) {
			return refuse(name, errors.New("the entries of the zip overlap: a zip bomb; the rest is not read"))
		}
		full := name + "/" + f.Name
		going := true
		switch {
		case f.FileInfo().IsDir():
		case f.Flags&encrypted != 0:
			going = refuse(full, errors.New("the entry is encrypted; hint: unzip it with its password first"))
		default:
			going = send(object(full, int64(f.CompressedSize64), entry(file, f)))
		}
		if !going {
			return false
		}
	}
	return true
}

func entry(file *sharedFile, f *zip.File) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		if err := file.acquire(); err != nil {
			return nil, err
		}
		r, err := f.Open()
		if err != nil {
			file.release()
			return nil, err
		}
		return &bounded{ReadCloser: r, file: file, stored: int64(f.CompressedSize64)}, nil
	}
}

// sharedFile is open while anybody reads an entry of it, so that a folder of
// zips does not use up the file descriptors.
type sharedFile struct {
	path string

	mu    sync.Mutex // guards what follows
	users int
	file  *os.File
}

func (s *sharedFile) acquire() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		file, err := os.Open(s.path)
		if err != nil {
			return err
		}
		s.file = file
	}
	s.users++
	return nil
}

func (s *sharedFile) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.file.Close() // was only read
	}
}

// ReadAt is called between acquire and release only.
func (s *sharedFile) ReadAt(p []byte, off int64) (int, error) { return s.file.ReadAt(p, off) }

const (
	// A zip entry that inflates past bombBytes and to more than bombRatio times
	// its stored size is refused, as cloudtrail refuses such a gzip object.
	bombBytes = 64 << 20
	bombRatio = 200
)

// bounded stops a zip entry that inflates out of all proportion.
type bounded struct {
	io.ReadCloser
	file         *sharedFile
	stored, read int64
}

func (b *bounded) Close() error {
	defer b.file.release()
	return b.ReadCloser.Close()
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.read += int64(n); b.read > bombBytes && b.read/bombRatio > b.stored {
		return 0, fmt.Errorf("%d stored bytes inflate to more than %d: a zip bomb; the rest is not read", b.stored, b.read)
	}
	return n, err
}
