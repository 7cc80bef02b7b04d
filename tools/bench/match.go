package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/sigma"
)

// childMatch reads the listed files, matches every record and counts the matches:
// what a rule engine does, without duplicates, groups, windows and a report.
//
//	bench child-match [-rules DIR,...] [-workers N] [-hash] <LIST
func childMatch(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("child-match", flag.ContinueOnError)
	f.SetOutput(stderr)
	rules := f.String("rules", "", "folders of rules in place of the shipped ones, separated by commas")
	workers := f.Int("workers", 1, "readers at once, each with a file of its own")
	hash := f.Bool("hash", false, "take the SHA-256 of what is read as well, as digests hold it")
	if err := f.Parse(args); err != nil {
		return err
	}
	var c app.RuleConfig
	if *rules != "" {
		c.Dirs, c.OnlyDirs = strings.Split(*rules, ","), true
	}
	pack, err := app.LoadRules(c)
	if err != nil {
		return err
	}
	set, problems := sigma.Compile(pack.Documents, sigma.Options{Derived: pack.Set.Derived()})
	for _, p := range problems {
		if p.Severity == sigma.SeverityError {
			return errors.New(p.String())
		}
	}
	list, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}
	bytes, matches, err := matching{set, *hash}.together(paths(list), *workers)
	fmt.Fprintln(stderr, matches, "matches")
	fmt.Fprintln(stdout, bytes)
	return err
}

// matching is what each worker does.
type matching struct {
	set  *sigma.Set
	hash bool
}

// together lets workers take the next file in turn.
func (m matching) together(files []string, workers int) (bytes, matches int64, err error) {
	next := make(chan string)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range workers {
		wg.Go(func() {
			b, n, failed := m.all(func(yield func(string) bool) {
				for file := range next {
					if !yield(file) {
						break
					}
				}
			})
			mu.Lock()
			defer mu.Unlock()
			bytes, matches, err = bytes+b, matches+n, errors.Join(err, failed)
			for range next { // a worker that failed must not hold the others up
			}
		})
	}
	for _, file := range files {
		next <- file
	}
	close(next)
	wg.Wait()
	return bytes, matches, err
}

func (m matching) all(files iter.Seq[string]) (bytes, matches int64, err error) {
	fields, err := cloudtrail.CompileFields(m.set.Fields())
	if err != nil {
		return 0, 0, err
	}
	reader := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: len(m.set.Derived())})
	matcher := m.set.NewMatcher()
	var found []int32
	for file := range files {
		in := cloudtrail.Input{Name: file, Hash: m.hash, Open: func() (io.ReadCloser, error) { return os.Open(file) }}
		stats := reader.Read(context.Background(), in, func(rec *cloudtrail.Record) error {
			found = matcher.Match(rec.View, found[:0])
			matches += int64(len(found))
			return nil
		})
		if len(stats.Problems) > 0 {
			return bytes, matches, fmt.Errorf("%s: %s", file, stats.Problems[0].Detail)
		}
		bytes += stats.InflatedBytes
	}
	return bytes, matches, nil
}
