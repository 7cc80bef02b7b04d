// Command bench measures rootkeep over a generated trail and prints its speed
// beside four gzip decoders on the same files, as ratios of one run: a machine
// drifts by ten percent between runs. Each measurement is a process of its own,
// on one processor; what counts is its CPU time, user and system.
//
//	go run ./tools/bench -events 1000000 -seed 1 -bin bin/rootkeep [-write]
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options say what to measure.
type options struct {
	events int
	seed   uint64
	bin    string
	dir    string // of the generated corpora, kept between runs
	rules  string // SigmaHQ's CloudTrail rules
	rounds int
	write  string // markdown file to update
}

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && strings.HasPrefix(args[0], "child-") {
		return child(args[0], args[1:], os.Stdin, stdout, stderr)
	}
	var o options
	write := false
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.events, "events", 1_000_000, "events in the main corpus")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the generators")
	f.StringVar(&o.bin, "bin", "bin/rootkeep", "the program to measure")
	f.StringVar(&o.dir, "dir", "bench-data", "folder of the generated corpora, kept between runs")
	f.StringVar(&o.rules, "rules", "../shared/corpora/sigma/rules", "folder with SigmaHQ's CloudTrail rules")
	f.IntVar(&o.rounds, "rounds", 3, "the best of this many rounds counts")
	f.BoolVar(&write, "write", false, "write the tables into docs/benchmarks.md")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if write {
		o.write = "docs/benchmarks.md"
	}
	if err := bench(o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func bench(o options, stdout, stderr io.Writer) error {
	if o.events < 1 || o.rounds < 1 {
		return fmt.Errorf("-events and -rounds: want 1 or more")
	}
	if _, err := os.Stat(o.bin); err != nil {
		return fmt.Errorf("-bin: %w; hint: make build", err)
	}
	fmt.Fprintln(stderr, "bench: making the corpora")
	in, err := prepare(o, stderr)
	if err != nil {
		return err
	}
	in.runner = findRunner()
	jobs := jobs(in)
	if err := in.runner.measure(jobs, o.rounds, stderr); err != nil {
		return err
	}
	if err := agree(jobs); err != nil {
		return err
	}
	text := tables(o, in, jobs)
	if _, err := io.WriteString(stdout, text); err != nil {
		return err
	}
	if o.write == "" {
		return nil
	}
	return benchdoc.Put(o.write, "tools/bench", text)
}

// agree holds both decoders to the size that the corpus had when it was made: a
// fast wrong answer is no answer.
func agree(jobs []*job) error {
	for _, j := range jobs {
		if len(j.stdin) == 0 || !j.answers {
			continue
		}
		if want := strconv.FormatInt(j.corpus.Raw, 10); j.output != want {
			return fmt.Errorf("%s inflated %s bytes, want %s", j.name, j.output, want)
		}
	}
	return nil
}
