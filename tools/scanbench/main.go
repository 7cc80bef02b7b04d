// Command scanbench measures the scan of an organization against the simulated one,
// each of whose answers takes some milliseconds more, and prints its figures.
//
//	go build -o bin/rootkeep ./cmd/rootkeep
//	go run ./tools/scanbench [-accounts 200,1000] [-write]
//
// The simulator, the scan and this command are processes of their own, so that the
// memory of each is its own. The scan that is measured is the whole command: discovery,
// reading, snapshots on the disk, judging, the report. What it is compared with is one
// call after the other for a few accounts of the same organization, from the first
// account's first call to the last answer, scaled by the number of accounts.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

type options struct {
	bin      string // rootkeep
	accounts []int  // numbers of accounts to measure with
	sample   int    // accounts that are read one call after the other
	delay    time.Duration
	write    string // markdown file to update
	serve    int    // be the simulator of so many accounts
}

// Targets of the scan; a run that misses one ends with an error.
const (
	leastRatio = 20
	mostMemory = 300e6 // bytes, of up to 200 accounts
	memoryOf   = 200
)

func run(args []string, stdout, stderr io.Writer) int {
	o := options{sample: 5}
	write, list := false, ""
	f := flag.NewFlagSet("scanbench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.bin, "bin", "bin/rootkeep", "the program to measure")
	f.StringVar(&list, "accounts", "200", "numbers of accounts, with commas between them")
	f.DurationVar(&o.delay, "delay", 20*time.Millisecond, "added to each answer")
	f.IntVar(&o.serve, "serve", 0, "be the simulator of so many accounts")
	f.BoolVar(&write, "write", false, "write the table into docs/benchmarks.md")
	if err := f.Parse(args); err != nil {
		return 2
	}
	for n := range strings.SplitSeq(list, ",") {
		accounts, err := strconv.Atoi(n)
		if err != nil || accounts < o.sample+3 {
			fmt.Fprintf(stderr, "scanbench: -accounts %s: want numbers from %d on\n", list, o.sample+3)
			return 2
		}
		o.accounts = append(o.accounts, accounts)
	}
	if write {
		o.write = "docs/benchmarks.md"
	}
	if err := bench(o, list, stdout); err != nil {
		fmt.Fprintf(stderr, "scanbench: %v\n", err)
		return 1
	}
	return 0
}

func bench(o options, list string, stdout io.Writer) error {
	if o.serve > 0 {
		return serve(o, stdout)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s, %d processors, %s/%s, %s, %s.\n", benchdoc.Processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().Format(time.DateOnly))
	fmt.Fprintf(&text, "Command: `go run ./tools/scanbench -accounts %s -write`. %s are added to each answer of the simulator, which shares the processors with the scan.\n\n", list, o.delay)
	fmt.Fprintf(&text, "| accounts | Regions | calls | one call after the other, s, scaled from %d accounts | `scan --aws --organization`, s | times as fast | peak memory, MB |\n|---:|---:|---:|---:|---:|---:|---:|\n", o.sample)
	var missed []error
	for _, n := range o.accounts {
		m, err := measure(o, n)
		if err != nil {
			return err
		}
		text.WriteString(m.row())
		missed = append(missed, m.missed())
	}
	if _, err := io.WriteString(stdout, text.String()); err != nil {
		return err
	}
	if o.write != "" {
		if err := benchdoc.Put(o.write, "tools/scanbench", text.String()); err != nil {
			return err
		}
	}
	return errors.Join(missed...)
}
