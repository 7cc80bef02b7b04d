package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/broker"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
)

const (
	rateTarget = 20_000 // events a second, of one process
	lastOne    = "999999999999"
	atMost     = 20 * time.Minute // of one trail
)

// kept is how a server kept up with a trail.
type kept struct {
	took    time.Duration
	seconds float64 // of CPU
	memory  int64   // bytes, the most of one process
}

const keptHead = "| store | processes | events | wall time | events/s | CPU time of rootkeep | memory of a process, at most | target |\n|---|---:|---:|---:|---:|---:|---:|---|\n"

func (k kept) row(o options, store string, processes int, target string) string {
	return fmt.Sprintf("| %s | %d | %d | %.1f s | %.0f | %.1f s | %.0f MB | %s |\n", store, processes, o.events, k.took.Seconds(), float64(o.events)/k.took.Seconds(), k.seconds, float64(k.memory)/1e6, target)
}

// alone has one process with SQLite keep up with a trail that is there at once.
func alone(ctx context.Context, o options, stderr io.Writer) (string, error) {
	k, err := keepUp(ctx, o, stderr, "alone", "", "", 1, nil)
	if err != nil {
		return "", err
	}
	return keptHead + k.row(o, "SQLite", 1, fmt.Sprintf("%d events/s", rateTarget)), nil
}

// several has one process and four keep up with it, over PostgreSQL, and NATS between them.
func several(ctx context.Context, o options, stderr io.Writer) (text string, err error) {
	text, o.events = keptHead, o.shared
	for _, processes := range []int{1, 4} {
		k, err := shared(ctx, o, stderr, processes)
		if err != nil {
			return "", fmt.Errorf("%d processes: %w", processes, err)
		}
		text += k.row(o, "PostgreSQL, NATS", processes, "more with 4 than with 1")
	}
	return text, nil
}

// shared has so many processes keep up with a trail, with a database and a broker of their own.
func shared(ctx context.Context, o options, stderr io.Writer, processes int) (k *kept, err error) {
	dir, err := os.MkdirTemp("", "watchbench")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	database, err := storetest.StartDurable(os.TempDir())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, database.Stop()) }()
	nats, stop, err := brokertest.Serve(dir)
	if err != nil {
		return nil, err
	}
	defer stop()
	conn, err := broker.Connect(broker.Config{URL: nats}, "watchbench")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	travels, err := flow.Open(ctx, conn, flow.Config{})
	if err != nil {
		return nil, err
	}
	empty := func() (bool, error) {
		w, err := travels.Waiting(ctx)
		if err != nil {
			return false, err
		}
		for _, n := range w.Partitions {
			if n > 0 {
				return false, nil
			}
		}
		return true, nil
	}
	return keepUp(ctx, o, stderr, fmt.Sprint("shared-", processes), database.Address("postgres"), "nats: {url: "+nats+"}\n", processes, empty)
}

// keepUp moves a trail into the folder that a server watches, and waits until its last event
// is told and nothing travels any more.
func keepUp(ctx context.Context, o options, stderr io.Writer, name, store, more string, processes int, empty func() (bool, error)) (k *kept, err error) {
	trail, err := o.trail(stderr)
	if err != nil {
		return nil, err
	}
	logs, err := emptied(o, "logs-"+name)
	if err != nil {
		return nil, err
	}
	s, err := newServer(o, name, store, fmt.Sprintf("sources: [{name: trail, folder: %q, days: 3650}]\n", logs), more)
	if err != nil {
		return nil, err
	}
	for range processes {
		if err := s.start(allRoles); err != nil {
			return nil, errors.Join(err, s.stop())
		}
	}
	// A folder is read in the order of its files' times, which moving it does not change: the
	// last file is the last that is read.
	if err := put(trail, "zz-last.json", probe(lastOne, time.Now())); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	pause(ctx, 2*time.Second) // so long a file has to be left alone
	begun, inside := time.Now(), filepath.Join(logs, "trail")
	if err := os.Rename(trail, inside); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	at, err := s.receiver.of(ctx, lastOne, atMost)
	for err == nil && empty != nil {
		var done bool
		if done, err = empty(); done {
			at = time.Now()
			break
		}
		pause(ctx, 100*time.Millisecond)
	}
	err = errors.Join(err, s.stop(), os.Rename(inside, trail))
	if err != nil {
		return nil, err
	}
	k = &kept{at.Sub(begun), s.seconds, s.memory}
	fmt.Fprintf(stderr, "%s: %d events in %s\n", name, o.events, k.took.Round(time.Millisecond))
	return k, nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// trail is the generated trail.
func (o options) trail(stderr io.Writer) (string, error) {
	dir, err := filepath.Abs(filepath.Join(o.dir, "trail-"+strconv.Itoa(o.events)))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	unfinished := dir + ".part" // under another name until it is whole
	if err := os.RemoveAll(unfinished); err != nil {
		return "", err
	}
	c := exec.Command("go", "run", "./tools/trailgen", "-events", strconv.Itoa(o.events), "-out", unfinished)
	c.Stdout, c.Stderr = stderr, stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("trailgen: %w", err)
	}
	return dir, os.Rename(unfinished, dir)
}
