// Command iambench measures the permission engine and prints its figures beside
// those of another evaluator, taken in the same run. Each figure is user and system
// CPU time, so that other work on the machine counts little; the best of five rounds.
//
//	go run ./tools/iambench [-oracle .venv/oracle] [-write]
//
// Source of the targets: the specification of the permission engine.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options say where things are and how long to measure.
type options struct {
	divide int           // accounts are so many times smaller than the table says; for tests
	oracle string        // folder in which tools/setup.sh installs npm packages
	each   time.Duration // CPU time of one round of one measure
	write  string        // markdown file to update
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	write := false
	f := flag.NewFlagSet("iambench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.oracle, "oracle", ".venv/oracle", "folder with the npm packages of tools/oracle/package.json")
	f.DurationVar(&o.each, "each", 200*time.Millisecond, "CPU time of each of five rounds")
	f.BoolVar(&write, "write", false, "write the table into docs/benchmarks.md")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if write {
		o.write = "docs/benchmarks.md"
	}
	if err := bench(o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "iambench: %v\n", err)
		return 1
	}
	return 0
}

func bench(o options, stdout, stderr io.Writer) error {
	// One processor: what the garbage collector does beside counts as well.
	runtime.GOMAXPROCS(1)
	var err error
	if o.oracle, err = filepath.Abs(o.oracle); err != nil {
		return err
	}
	text, err := table(o, stderr)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(stdout, text); err != nil || o.write == "" {
		return err
	}
	return benchdoc.Put(o.write, "tools/iambench", text)
}

// table measures everything and writes it as Markdown.
func table(o options, stderr io.Writer) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d processors, %s/%s, %s, %s; metadata of %s.\n", benchdoc.Processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		time.Now().Format(time.DateOnly), metadata.Date().Format(time.DateOnly))
	b.WriteString("Command: `go run ./tools/iambench -write`. CPU time, user and system, one processor, best of five rounds.\n\n")
	b.WriteString("| measure | figure | target | |\n|---|---:|---:|---|\n")
	s := &subject{options: o}
	for _, m := range measures() {
		fmt.Fprintln(stderr, "iambench:", m.name)
		got, err := m.take(s)
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.name, got.text(m.unit), m.goal(), m.verdict(got))
	}
	return b.String(), nil
}
