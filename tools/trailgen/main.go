// Command trailgen writes an invented company's CloudTrail bucket: objects under
// the S3 key layout, of the sizes, callers, calls and repetitions of a fleet in
// use. The same arguments give the same bytes on every machine with the same Go
// release (which brings the compressor).
//
//	go run ./tools/trailgen -events 1000000 -seed 1 -out bench-data/trail
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options say what to generate.
type options struct {
	events  int
	seed    uint64
	out     string
	bursts  int // percent of events that repeat the caller and call before them
	tiny    bool
	story   bool
	digests bool
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("trailgen", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.events, "events", 100_000, "number of events")
	f.Uint64Var(&o.seed, "seed", 1, "seed of everything that is drawn")
	f.StringVar(&o.out, "out", "", "folder to write to; it must be empty or missing")
	f.IntVar(&o.bursts, "bursts", 72, "percent of events that repeat the caller and call before them")
	f.BoolVar(&o.tiny, "tiny", false, "objects of 1 to 6 events")
	f.BoolVar(&o.story, "story", false, "plant the takeover of a root user in a quiet fleet")
	f.BoolVar(&o.digests, "digests", false, "add signed digests and public-keys.json (keys are new in each run)")
	if err := f.Parse(args); err != nil {
		return 2
	}
	total, err := generate(o)
	if err != nil {
		fmt.Fprintf(stderr, "trailgen: %v\n", err)
		return 1
	}
	fmt.Fprintf(stdout, "%d events in %d objects, %.1f MB raw, %.1f MB stored (%.2f:1), in %s\n",
		total.events, total.objects, float64(total.raw)/1e6, float64(total.stored)/1e6, float64(total.raw)/float64(max(total.stored, 1)), o.out)
	return 0
}

func (o options) check() error {
	switch {
	case o.events < 1:
		return fmt.Errorf("-events %d: want 1 or more", o.events)
	case o.bursts < 0 || o.bursts > 99:
		return fmt.Errorf("-bursts %d: want 0 to 99", o.bursts)
	case o.out == "":
		return fmt.Errorf("-out is required")
	}
	entries, err := os.ReadDir(o.out)
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("-out %s is not empty: objects of two trails would mix", o.out)
	}
	return nil
}

// generate writes the whole trail.
func generate(o options) (totals, error) {
	if err := o.check(); err != nil {
		return totals{}, err
	}
	book, err := loadBook(!o.story)
	if err != nil {
		return totals{}, err
	}
	objects := plan(o)
	if o.story {
		more, err := tell(book, o, len(objects)+1)
		if err != nil {
			return totals{}, err
		}
		objects = append(objects, more...)
	}
	w := writer{options: o, book: book}
	total, err := w.writeAll(objects)
	if err != nil {
		return total, err
	}
	if o.digests {
		return total, writeDigests(o.out, w.written)
	}
	return total, nil
}
