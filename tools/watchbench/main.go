// Command watchbench measures a server that watches: how long an event takes from the
// creation of its object to the notice, how many events a second one process and several
// keep up with, and how soon what a burst leaves is gone.
//
//	make build
//	go run ./tools/watchbench [-write]
//
// The processes of rootkeep are those that people run, over files and stores on the disk; the
// simulator of S3 and SQS is a process of its own. Notices are taken by a receiver in this
// process. What is measured has to be right: each planted sign-in of root is told.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options say what is measured.
type options struct {
	bin        string // rootkeep
	dir        string
	events     int // of the trail that one process keeps up with
	shared     int // of the one that several do
	principals int // whose calls are refused, once each
	probes     int // planted sign-ins whose way is timed, of each kind of source
	steady     time.Duration
	burst      time.Duration
	rate       int           // events a second before the burst, which has ten times as many
	hourly     int           // events of each hour of a day
	pace       time.Duration // in which five minutes of a day go by
	which      string
	aws        bool   // be the simulator
	serve      string // be the server of these settings
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("watchbench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.bin, "bin", "bin/rootkeep", "the program to measure")
	f.StringVar(&o.dir, "dir", "bench-data/watch", "folder for what is generated; what is there already is used again")
	f.IntVar(&o.events, "events", 1_000_000, "records of the trail that one process keeps up with")
	f.IntVar(&o.shared, "shared", 200_000, "records of the trail that several keep up with")
	f.IntVar(&o.principals, "principals", 100_000, "distinct principals; the requirement is for 1000000")
	f.IntVar(&o.probes, "probes", 40, "sign-ins that are timed, of each kind of source; more than 50 within an hour are told as one")
	f.DurationVar(&o.steady, "steady", 30*time.Second, "how long events come at an even rate; the requirement is for 1h")
	f.DurationVar(&o.burst, "burst", time.Minute, "how long ten times as many come")
	f.IntVar(&o.rate, "rate", 200, "events a second of 100 accounts, before the burst")
	f.IntVar(&o.hourly, "hourly", 20_000, "events of each hour of a day")
	f.StringVar(&o.which, "measure", "latency,rate,several,burst,principals", "what to measure, with commas between them")
	f.DurationVar(&o.pace, "pace", 1100*time.Millisecond, "time in which five minutes of a day go by; less than a second, and the folder is not looked at in each")
	f.BoolVar(&o.aws, "be-aws", false, "be the simulator")
	f.StringVar(&o.serve, "be-server", "", "be the server of these settings, by a clock that runs ahead as lines of standard input say")
	write := f.Bool("write", false, "write the table into docs/benchmarks.md")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if o.events < 1 || o.shared < 1 || o.principals < 1 || o.probes < 1 || o.rate < 1 || o.steady < 0 || o.burst < 0 {
		fmt.Fprintln(stderr, "watchbench: want an event, a probe and a rate at least")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := bench(ctx, o, *write, stdout, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "watchbench: %v\n", err)
		return 1
	}
	return 0
}

func bench(ctx context.Context, o options, write bool, stdout, stderr io.Writer) error {
	switch {
	case o.aws:
		return beAWS(ctx, stdout)
	case o.serve != "":
		return beServer(ctx, o.serve, os.Stdin, stdout, os.Stderr)
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s, %d processors, %s/%s, %s, %s.\n", benchdoc.Processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().Format(time.DateOnly))
	fmt.Fprintf(&text, "Command: `go run ./tools/watchbench -events %d -shared %d -principals %d -probes %d -steady %s -burst %s -rate %d -measure %s -write`.\n", o.events, o.shared, o.principals, o.probes, o.steady, o.burst, o.rate, o.which)
	measures := map[string]func(context.Context, options, io.Writer) (string, error){"latency": latency, "rate": alone, "several": several, "burst": burst, "principals": principals, "day": day}
	for name := range strings.SplitSeq(o.which, ",") {
		measure, ok := measures[name]
		if !ok {
			return fmt.Errorf("-measure %q: want latency, rate, several, burst, principals or day", name)
		}
		part, err := measure(ctx, o, stderr)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		text.WriteString("\n" + part)
	}
	if _, err := io.WriteString(stdout, text.String()); err != nil {
		return err
	}
	if !write {
		return nil
	}
	return benchdoc.Put("docs/benchmarks.md", "tools/watchbench", text.String())
}
