package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// output is where a report goes. A named file appears whole or not at all.
type output struct {
	*bufio.Writer
	temp *os.File // nil for a stream
	path string
}

func openOutput(path string, stream io.Writer) (*output, error) {
	if path == "" {
		return &output{Writer: bufio.NewWriter(stream)}, nil
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &output{bufio.NewWriter(temp), temp, path}, nil
}

func (o *output) commit() error {
	if err := o.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if o.temp == nil {
		return nil
	}
	err := o.temp.Chmod(0o644)
	if cerr := o.temp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(o.temp.Name(), o.path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", o.path, err)
	}
	o.temp = nil
	return nil
}

// discard removes an unfinished file; after commit it does nothing.
func (o *output) discard() {
	if o.temp != nil {
		o.temp.Close()
		os.Remove(o.temp.Name())
	}
}
