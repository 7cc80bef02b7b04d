package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

const origin = "bench.example/ledger"

// storeOptions are those of a store with a key of its own.
func storeOptions() (store.Options, error) {
	private, public, err := ledger.NewKey(origin)
	if err != nil {
		return store.Options{}, err
	}
	signer, err := ledger.Signer(private)
	if err != nil {
		return store.Options{}, err
	}
	known, err := ledger.Known(public)
	return store.Options{Origin: origin, Signers: []note.Signer{signer}, Known: known, Migrate: true, Now: time.Now}, err
}

// subject is a store that is measured with so many writers.
type subject struct {
	name    string
	writers int
	store   *store.Store
	best    float64   // changes a second
	ratios  []float64 // to the loop of the same round
}

type appends struct {
	subjects []*subject
	loop     float64 // waits for the disk a second, of the best round
	missing  string  // why PostgreSQL was not measured
}

func measureAppends(ctx context.Context, o options, folder string, stderr io.Writer) (a *appends, err error) {
	a = &appends{}
	options, err := storeOptions()
	if err != nil {
		return nil, err
	}
	lite, err := store.Open(ctx, filepath.Join(folder, "appends.db"), options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lite.Close()) }()
	a.subjects = []*subject{{name: "SQLite", writers: 32, store: lite}, {name: "SQLite", writers: 1, store: lite}}
	if server, e := storetest.StartDurable(folder); e != nil {
		a.missing = e.Error()
	} else {
		defer server.Stop()
		post, err := store.Open(ctx, server.Address("postgres"), options)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, post.Close()) }()
		a.subjects = append(a.subjects, &subject{name: "PostgreSQL", writers: 32, store: post}, &subject{name: "PostgreSQL", writers: 1, store: post})
	}
	for round := range o.rounds {
		for _, s := range a.subjects {
			loop, err := syncLoop(folder, o.seconds/3)
			if err != nil {
				return nil, err
			}
			n, err := s.changes(ctx, o.seconds)
			if err != nil {
				return nil, err
			}
			a.loop, s.best, s.ratios = max(a.loop, loop), max(s.best, n), append(s.ratios, n/loop)
			fmt.Fprintf(stderr, "round %d: %s, %d writers: %.0f changes/s; a loop of writes and waits: %.0f/s\n", round+1, s.name, s.writers, n, loop)
		}
	}
	return a, nil
}

// changes makes changes for a while, each with one entry and one payload of 200 bytes,
// and gives how many a second were acknowledged.
func (s *subject) changes(ctx context.Context, long time.Duration) (float64, error) {
	var made atomic.Int64
	var failed atomic.Pointer[error]
	body := make([]byte, 200)
	start := time.Now()
	var all sync.WaitGroup
	for range s.writers {
		all.Go(func() {
			for time.Since(start) < long {
				err := s.store.Update(ctx, func(_ context.Context, tx *store.Tx) error {
					return tx.Record("bench.made", "BE-1", "system", ledger.NewPayload("body", body))
				})
				if err != nil {
					failed.Store(&err)
					return
				}
				made.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(made.Load()) / time.Since(start).Seconds(), nil
}

// syncLoop appends a page to a file and waits for the disk, again and again, and gives
// how often it did in a second: what one writer could reach at most.
func syncLoop(folder string, long time.Duration) (float64, error) {
	f, err := os.CreateTemp(folder, "loop-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	n := 0
	start := time.Now()
	for time.Since(start) < long {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

func median(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[len(sorted)/2]
}

func (a *appends) table(w *strings.Builder) {
	fmt.Fprintf(w, "| durable changes, each covered by a signed checkpoint before it is acknowledged | a second | to the loop of the same round, median | target |\n|---|---:|---:|---:|\n")
	fmt.Fprintf(w, "| a loop that appends 4 KiB to a file and waits for the disk | %.0f | 1 | |\n", a.loop)
	targets := map[string]string{"SQLite 32": "1,000; goal 2,000"}
	for _, s := range a.subjects {
		writers := fmt.Sprintf("%d writers", s.writers)
		if s.writers == 1 {
			writers = "one writer"
		}
		fmt.Fprintf(w, "| %s, %s | %.0f | %.2f | %s |\n", s.name, writers, s.best, median(s.ratios), targets[fmt.Sprint(s.name, " ", s.writers)])
	}
	if a.missing != "" {
		fmt.Fprintf(w, "\nPostgreSQL was not measured: %s.\n", a.missing)
	}
}
