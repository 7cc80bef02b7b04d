// Command evalbench measures how long it takes to load the controls and to judge a large
// account by all of them, and prints its figures.
//
//	go build -o bin/rootkeep ./cmd/rootkeep
//	go run ./tools/evalbench [-bin bin/rootkeep] [-write]
//
// Each figure is user and system CPU time on one processor, so that other work on the
// machine counts little: the best of the rounds. The whole command is a process of its
// own, with the snapshot of the same account.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
	"github.com/rootkeep/rootkeep/tools/evalbench/large"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

type options struct {
	bin    string // rootkeep
	rounds int
	write  string // markdown file to update
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	write := false
	f := flag.NewFlagSet("evalbench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.bin, "bin", "bin/rootkeep", "the program to measure")
	f.IntVar(&o.rounds, "rounds", 10, "rounds of each measure")
	f.BoolVar(&write, "write", false, "write the table into docs/benchmarks.md")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if o.rounds < 1 {
		fmt.Fprintf(stderr, "evalbench: -rounds %d: want at least 1\n", o.rounds)
		return 2
	}
	if write {
		o.write = "docs/benchmarks.md"
	}
	if err := bench(o, stdout); err != nil {
		fmt.Fprintf(stderr, "evalbench: %v\n", err)
		return 1
	}
	return 0
}

func bench(o options, stdout io.Writer) error {
	// One processor: what the garbage collector does beside counts as well.
	runtime.GOMAXPROCS(1)
	now := time.Now().UTC().Truncate(time.Second)
	s := large.Snapshot(now)
	m, err := measure(s, now, o.rounds)
	if err != nil {
		return err
	}
	if err := m.command(o, s); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s, %d processors, %s/%s, %s, %s.\n", benchdoc.Processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().Format(time.DateOnly))
	fmt.Fprintf(&text, "Command: `go run ./tools/evalbench -write`. %d controls, %d findings. CPU time, user and system, one processor, best of %d rounds.\n\n", m.controls, m.findings, o.rounds)
	text.WriteString("| measure | figure | target |\n|---|---:|---:|\n")
	for _, row := range m.rows() {
		fmt.Fprintf(&text, "| %s | %s | %s |\n", row.name, row.figure, row.target)
	}
	if _, err := io.WriteString(stdout, text.String()); err != nil {
		return err
	}
	if o.write != "" {
		if err := benchdoc.Put(o.write, "tools/evalbench", text.String()); err != nil {
			return err
		}
	}
	return nil
}
