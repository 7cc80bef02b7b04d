package cli

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
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
// names the file. A file that is among what the report is made of, or lies in a folder of
// it, is refused.
func OpenOutput(path string, stream io.Writer, madeOf ...string) (*Output, error) {
	if path == "" {
		return &Output{Writer: bufio.NewWriter(stream)}, nil
	}
	if err := apart(path, madeOf); err != nil {
		return nil, err
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

// apart refuses a file in a place that is read: a report there takes the place of evidence,
// or is read as a log the next time.
func apart(path string, read []string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil // a terminal or a pipe keeps nothing
	}
	target, err := real(path)
	if err != nil {
		return nil // opening it says what is wrong
	}
	for _, in := range read {
		found := []string{in}
		if _, err := os.Stat(in); err != nil && in != "-" {
			found, _ = filepath.Glob(in) // the reading says what is wrong with it
		}
		for _, place := range found {
			if holds(place, target) || leads(place, target) {
				return Usage("--file %s: %s is what is read, and a report there would replace evidence or be taken for a log; hint: write it to another folder", path, place)
			}
		}
	}
	return nil
}

// real is the path of a file, which need not be there, without links.
func real(path string) (string, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if target, err := filepath.EvalSymlinks(full); err == nil {
		return target, nil
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(full))
	return filepath.Join(folder, filepath.Base(full)), err
}

// holds says whether a place is a file or one of the folders that it lies in.
func holds(place, file string) bool {
	stat := func() (fs.FileInfo, error) { return os.Stat(place) }
	if place == "-" {
		stat = os.Stdin.Stat
	}
	info, err := stat()
	if err != nil {
		return false
	}
	for at := file; ; at = filepath.Dir(at) {
		if there, err := os.Stat(at); err == nil && os.SameFile(info, there) {
			return true
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}

// leads says whether a link somewhere in a folder is to a file.
func leads(folder, file string) bool {
	info, err := os.Stat(file)
	if err != nil {
		return false // there is nothing to replace
	}
	found := false
	filepath.WalkDir(folder+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return nil // the reading says what is wrong
		}
		if there, err := os.Stat(path); err == nil && os.SameFile(info, there) {
			found = true
			return filepath.SkipAll
		}
		return nil
	})
	return found
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
