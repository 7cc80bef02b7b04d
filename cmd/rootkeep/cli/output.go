package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Output is where a report goes. A named file appears whole or not at all, and
// only its owner can read it: a report tells an attacker what was not seen.
type Output struct {
	*bufio.Writer
	temp    *os.File // nil for a stream
	path    string
	through *os.File // a named file that is no regular one
}

// OpenOutput opens a named file, or takes the stream if there is no name. The error
// names the file.
func OpenOutput(path string, stream io.Writer) (*Output, error) {
	if path == "" {
		return &Output{Writer: bufio.NewWriter(stream)}, nil
	}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		// A link, a pipe or a device is written through, never replaced.
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", path, err)
		}
		return &Output{Writer: bufio.NewWriter(file), through: file}, nil
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &Output{Writer: bufio.NewWriter(temp), temp: temp, path: path}, nil
}

// Commit puts the file in its place.
func (o *Output) Commit() error {
	if err := o.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if o.through != nil {
		return o.through.Close()
	}
	if o.temp == nil {
		return nil
	}
	err := o.temp.Close()
	if err == nil {
		err = os.Rename(o.temp.Name(), o.path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", o.path, err)
	}
	o.temp = nil
	return nil
}

// Discard removes an unfinished file; after Commit it does nothing.
func (o *Output) Discard() {
	if o.temp != nil {
		o.temp.Close()
		os.Remove(o.temp.Name())
	}
}
