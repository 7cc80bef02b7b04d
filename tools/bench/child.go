package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/inflate"
	"github.com/rootkeep/rootkeep/internal/app"
)

// child is a measurement in a process of its own: the decoders read a list of
// files from standard input and print how many bytes they made.
func child(name string, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	decoders := map[string]func([]byte) (int64, error){"child-standard": decodeStandard, "child-inflate": decodeOwn}
	var err error
	if decode := decoders[name]; decode != nil {
		var list []byte
		var n int64
		if list, err = io.ReadAll(stdin); err == nil {
			n, err = decode(list)
			fmt.Fprintln(stdout, n)
		}
	} else if name == "child-hash" {
		err = childHash(args, stdout)
	} else if name == "child-match" {
		err = childMatch(args, stdin, stdout, stderr)
	} else {
		err = childHunt(args, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %s: %v\n", name, err)
		return 1
	}
	return 0
}

// paths are the names in a list that ends each with a NUL byte.
func paths(list []byte) []string {
	return strings.Split(string(bytes.TrimSuffix(list, []byte{0})), "\x00")
}

const windowSize = 384 << 10 // as the reader of records has it

// onlyReader hides the other methods of a file, so that io.CopyBuffer uses its
// buffer.
type onlyReader struct{ io.Reader }

// decodeStandard inflates with compress/gzip, one reader for all files.
func decodeStandard(list []byte) (int64, error) {
	var total int64
	var z *gzip.Reader
	buf := make([]byte, windowSize)
	for _, path := range paths(list) {
		stored, err := os.ReadFile(path)
		if err != nil {
			return total, err
		}
		if z == nil {
			z, err = gzip.NewReader(bytes.NewReader(stored))
		} else {
			err = z.Reset(bytes.NewReader(stored))
		}
		if err != nil {
			return total, fmt.Errorf("%s: %w", path, err)
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, onlyReader{z}, buf)
		if err != nil {
			return total, fmt.Errorf("%s: %w", path, err)
		}
		total += n
	}
	return total, nil
}

// decodeOwn inflates with our decoder, checksum included.
func decodeOwn(list []byte) (int64, error) {
	var total int64
	var d inflate.Decoder
	buf := make([]byte, windowSize)
	for _, path := range paths(list) {
		file, err := os.Open(path)
		if err != nil {
			return total, err
		}
		d.Reset(file)
		for pos := 0; ; {
			n, err := d.Inflate(buf, pos)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return total, fmt.Errorf("%s: %w", path, err)
			}
			if pos += n; pos > len(buf)-inflate.WindowSize {
				pos = copy(buf, buf[pos-inflate.WindowSize:pos])
			}
		}
		total += d.Produced()
		if err := file.Close(); err != nil {
			return total, err
		}
	}
	return total, nil
}

// childHash hashes so many bytes, a buffer in the cache over and over: what a check
// of hashes costs at least. It differs tenfold between processors with and without
// instructions for it.
func childHash(args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return errors.New("want the number of bytes")
	}
	left, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return err
	}
	h := sha256.New()
	for buf := make([]byte, windowSize); left > 0; left -= int64(len(buf)) {
		h.Write(buf[:min(left, int64(len(buf)))])
	}
	_, err = fmt.Fprintf(stdout, "%x\n", h.Sum(nil))
	return err
}

// childHunt hunts inside this process, to count allocations or to write a profile:
// bench child-hunt [-rules DIR]... [-keys FILE] [-cpuprofile FILE] PATH
func childHunt(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("child-hunt", flag.ContinueOnError)
	f.SetOutput(stderr)
	profile := f.String("cpuprofile", "", "write a CPU profile to this file")
	heap := f.String("memprofile", "", "write a profile of all memory allocated to this file")
	rules := f.String("rules", "", "folders of rules in place of the shipped ones, separated by commas")
	keys := f.String("keys", "", "file with the public keys; verify the digest chains as well")
	if err := f.Parse(args); err != nil {
		return err
	}
	c := app.HuntConfig{Paths: f.Args(), Workers: 1, Now: time.Now}
	if *keys != "" {
		c.Keys = []string{*keys}
	}
	if *rules != "" {
		c.Rules.Dirs, c.Rules.OnlyDirs = strings.Split(*rules, ","), true
	}
	if *profile != "" {
		file, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h, err := app.Hunt(context.Background(), c)
	if err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	if *heap != "" {
		if err := writeHeap(*heap); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(stdout, h.Totals.Events, after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc)
	return err
}

func writeHeap(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.Lookup("allocs").WriteTo(file, 0); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
