// Command storebench measures how many changes a second the store makes durable, each
// with an entry of the ledger that a signed checkpoint covers before the change is
// acknowledged, and how long proofs and a whole verification take in a long ledger.
//
//	go run ./tools/storebench [-entries 1000000] [-write]
//
// A change waits for the disk, so the figures are by the clock, the best of the rounds,
// and beside them stands what a loop does in the same round that appends a page to a
// file and waits for it: the ratio says more than the figure.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

type options struct {
	rounds  int
	seconds time.Duration // of each measure in a round
	entries int64         // of the long ledger
	folder  string        // on the disk that is measured
	write   string        // markdown file to update
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	write := false
	f := flag.NewFlagSet("storebench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.rounds, "rounds", 5, "rounds of each measure")
	f.DurationVar(&o.seconds, "time", 3*time.Second, "time of each measure in a round")
	f.Int64Var(&o.entries, "entries", 1_000_000, "entries of the ledger that is proven and verified")
	f.StringVar(&o.folder, "folder", ".", "a folder on the disk to measure")
	f.BoolVar(&write, "write", false, "write the table into docs/benchmarks.md")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if o.rounds < 1 || o.entries < 1000 || o.seconds <= 0 {
		fmt.Fprintln(stderr, "storebench: want at least one round, 1,000 entries and some time")
		return 2
	}
	if write {
		o.write = "docs/benchmarks.md"
	}
	if err := bench(context.Background(), o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "storebench: %v\n", err)
		return 1
	}
	return 0
}

func bench(ctx context.Context, o options, stdout, stderr io.Writer) error {
	folder, err := os.MkdirTemp(o.folder, "storebench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o711); err != nil { // PostgreSQL's folder in it may be another user's
		return err
	}
	appends, err := measureAppends(ctx, o, folder, stderr)
	if err != nil {
		return err
	}
	long, err := measureLong(ctx, o, folder, stderr)
	if err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s, %d processors, %s/%s, %s, %s.\n", benchdoc.Processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().Format(time.DateOnly))
	fmt.Fprintf(&text, "Command: `go run ./tools/storebench -write`. By the clock, best of %d rounds of %v; other work on the machine counts.\n\n", o.rounds, o.seconds)
	appends.table(&text)
	text.WriteByte('\n')
	long.table(&text)
	if _, err := io.WriteString(stdout, text.String()); err != nil {
		return err
	}
	if o.write != "" {
		return benchdoc.Put(o.write, "tools/storebench", text.String())
	}
	return nil
}
