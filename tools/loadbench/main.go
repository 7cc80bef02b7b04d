// Command loadbench has readers and writers use a server for a while, on a store that
// has something to show, and reports how long they waited.
//
//	rootkeep demo --folder DIR     # then stop it
//	go run ./tools/loadbench -store DIR/rootkeep.db -key-file DIR/ledger.key [-write]
//
// A reader opens a page, then the next a second later, as somebody who looks around; a
// writer asks for a job without a pause, each a change with its entry in the ledger.
// Server and clients share the machine. It changes the store: give it a copy.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/serve"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

type options struct {
	settings         serve.Settings
	readers, writers int
	time             time.Duration
	write            string // markdown file to update
}

func run(args []string, stdout, stderr io.Writer) int {
	o := options{settings: serve.Settings{Listen: "localhost:0", Roles: []string{"web"}, Log: serve.Log{Level: "error"}, Version: "loadbench"}}
	write := false
	f := flag.NewFlagSet("loadbench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.settings.Store, "store", "", "the store")
	f.StringVar(&o.settings.KeyFile, "key-file", "", "key of its ledger")
	f.IntVar(&o.readers, "readers", 200, "readers at once")
	f.IntVar(&o.writers, "writers", 20, "writers at once")
	f.DurationVar(&o.time, "time", time.Minute, "how long")
	f.BoolVar(&write, "write", false, "write the table into docs/benchmarks.md")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if o.settings.Store == "" || o.settings.KeyFile == "" || o.readers < 1 || o.writers < 1 {
		fmt.Fprintln(stderr, "loadbench: want -store, -key-file, a reader and a writer")
		return 2
	}
	if write {
		o.write = "docs/benchmarks.md"
	}
	if err := bench(context.Background(), o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "loadbench: %v\n", err)
		return 1
	}
	return 0
}

func bench(ctx context.Context, o options, stdout, stderr io.Writer) error {
	reader, writer, kind, err := tokens(ctx, o.settings)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	started, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- serve.Run(ctx, o.settings, stderr, func(address, _ string) { started <- address }) }()
	var address string
	select {
	case address = <-started:
	case err := <-ended:
		stop()
		return err
	}
	l := load{options: o, address: address, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: o.readers + o.writers}}}
	pages, writes := l.run(ctx, reader, writer)
	stop()
	if err := <-ended; err != nil {
		return err
	}
	text := table(o, kind, pages, writes)
	fmt.Fprint(stdout, text)
	if o.write != "" {
		if err := benchdoc.Put(o.write, "tools/loadbench", text); err != nil {
			return err
		}
	}
	if n := pages.failed + writes.failed; n > 0 {
		return fmt.Errorf("%d requests failed, such as: %s%s", n, pages.fault, writes.fault)
	}
	return nil
}

// tokens makes a token that reads and one that operates.
func tokens(ctx context.Context, c serve.Settings) (reader, writer, kind string, err error) {
	s, _, err := serve.OpenStore(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", "", "", err
	}
	defer s.Close()
	err = s.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		for role, into := range map[people.Role]*string{people.Viewer: &reader, people.Responder: &writer} {
			_, secret, err := persons.IssueToken(ctx, tx, people.SystemActor.ID, "load "+string(role), []people.Grant{{Role: role, Scope: people.Everywhere}}, time.Hour)
			if err != nil {
				return err
			}
			*into = secret.Reveal()
		}
		return nil
	})
	return reader, writer, s.Kind(), err
}

// paths are what readers open.
var paths = []string{"/", "/posture", "/findings", "/findings?status=fail&severity=critical", "/controls", "/frameworks", "/scans", "/alerts", "/root-uses", "/sign-ins", "/hunts", "/exceptions", "/ledger", "/api/v1/findings?limit=50"}

type load struct {
	options
	address string
	client  *http.Client
}

// waits are how long requests took.
type waits struct {
	mu     sync.Mutex // guards the others
	took   []time.Duration
	failed int
	fault  string
}

func (w *waits) add(took time.Duration, fault string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took = append(w.took, took)
	if fault != "" {
		w.failed, w.fault = w.failed+1, fault
	}
}

// part is the wait that so many of a thousand stay under.
func (w *waits) part(ofThousand int) time.Duration {
	slices.Sort(w.took)
	if len(w.took) == 0 {
		return 0
	}
	return w.took[min(len(w.took)*ofThousand/1000, len(w.took)-1)]
}

func (l *load) run(ctx context.Context, reader, writer string) (pages, writes *waits) {
	pages, writes = &waits{}, &waits{}
	until := time.Now().Add(l.time)
	var all sync.WaitGroup
	for range l.readers {
		all.Go(func() {
			time.Sleep(rand.N(time.Second)) // not all at once
			for time.Now().Before(until) {
				begun := time.Now()
				fault := l.ask(ctx, reader, "GET", paths[rand.IntN(len(paths))], "")
				took := time.Since(begun)
				pages.add(took, fault)
				time.Sleep(max(time.Second-took, 0))
			}
		})
	}
	for range l.writers {
		all.Go(func() {
			for time.Now().Before(until) {
				begun := time.Now()
				fault := l.ask(ctx, writer, "POST", "/api/v1/jobs", `{"kind":"tidy"}`)
				writes.add(time.Since(begun), fault)
			}
		})
	}
	all.Wait()
	return pages, writes
}

// ask makes a request and gives what was wrong with its answer, if anything.
func (l *load) ask(ctx context.Context, token, method, path, body string) string {
	r, err := http.NewRequestWithContext(ctx, method, l.address+path, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := l.client.Do(r)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err.Error()
	}
	if answer.StatusCode >= 300 {
		return fmt.Sprintf("%s %s: %s; ", method, path, answer.Status)
	}
	return ""
}

func table(o options, kind string, pages, writes *waits) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d processors, %s/%s, %s, %s. Store: %s. Server and clients in one process.\n", benchdoc.Processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().Format(time.DateOnly), kind)
	fmt.Fprintf(&b, "Command: `go run ./tools/loadbench -store DIR/rootkeep.db -key-file DIR/ledger.key -write`. %d readers, a page a second each, and %d writers without a pause, for %s.\n\n", o.readers, o.writers, o.time)
	fmt.Fprintln(&b, "| requests | a second | failed | half under | 99 % under | longest | target of 99 % |\n|---|---:|---:|---:|---:|---:|---|")
	for _, row := range []struct {
		name, target string
		w            *waits
	}{{"pages", "300 ms", pages}, {"changes, each with its entry in the ledger", "", writes}} {
		fmt.Fprintf(&b, "| %s | %.0f | %d | %d ms | %d ms | %d ms | %s |\n", row.name, float64(len(row.w.took))/o.time.Seconds(), row.w.failed,
			row.w.part(500).Milliseconds(), row.w.part(990).Milliseconds(), row.w.part(1000).Milliseconds(), row.target)
	}
	return b.String()
}
