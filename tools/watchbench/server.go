package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

// receiver notes when the first notice of an account came.
type receiver struct {
	url  string
	stop func() error

	mu   sync.Mutex // guards what follows
	came map[string]time.Time
	wake chan struct{} // closed and replaced with each
}

func newReceiver() (*receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{url: "http://" + l.Addr().String(), came: map[string]time.Time{}, wake: make(chan struct{})}
	server := &http.Server{Handler: r}
	r.stop = server.Close
	go server.Serve(l) // until stop
	return r, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	at := time.Now()
	var n notify.Notice
	if err := json.NewDecoder(request.Body).Decode(&n); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.came[n.Account]; !known {
		r.came[n.Account] = at
	}
	close(r.wake)
	r.wake = make(chan struct{})
}

// of is when the first notice of an account came.
func (r *receiver) of(ctx context.Context, account string, within time.Duration) (time.Time, error) {
	limit := time.NewTimer(within)
	defer limit.Stop()
	for {
		r.mu.Lock()
		at, ok := r.came[account]
		wake := r.wake
		r.mu.Unlock()
		if ok {
			return at, nil
		}
		select {
		case <-wake:
		case <-limit.C:
			return at, fmt.Errorf("no notice of account %s within %s: what is measured is not right", account, within)
		case <-ctx.Done():
			return at, ctx.Err()
		}
	}
}

// server is what several processes have in common.
type server struct {
	dir, bin string
	receiver *receiver
	env      []string
	running  []*process
	seconds  float64 // of CPU, of those that have ended
	memory   int64   // the most of one of them, bytes
}

type process struct {
	*exec.Cmd
	log    *os.File
	memory func() benchdoc.Memory
}

// newServer prepares a server of these sources; more is further settings.
func newServer(o options, name, store, sources, more string) (*server, error) {
	dir, err := filepath.Abs(filepath.Join(o.dir, "run-"+name))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return nil, err
	}
	r, err := newReceiver()
	if err != nil {
		return nil, err
	}
	if store == "" {
		store = filepath.Join(dir, "rootkeep.db")
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for file, text := range map[string]string{
		"secret":       strings.Repeat("s", 32),
		"ways.yaml":    fmt.Sprintf("ways: [{name: desk, notifier: webhook, settings: {url: %q}, secret_files: {secret: %q}}]\n", r.url, at("secret")),
		"sources.yaml": sources,
		"rootkeep.yaml": fmt.Sprintf("listen: localhost:0\nstore: %q\nkey_file: %q\nlog: {level: warn}\nwatch: {sources: %q}\nnotify: {ways: %q}\n%s",
			store, at("ledger.key"), at("sources.yaml"), at("ways.yaml"), more),
	} {
		if err := os.WriteFile(at(file), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return &server{dir: dir, bin: o.bin, receiver: r}, nil
}

func (s *server) config() string { return filepath.Join(s.dir, "rootkeep.yaml") }

// start starts one more process and waits until it answers.
func (s *server) start(roles string) error {
	out, err := s.launch(exec.Command(s.bin, "serve", "--config", s.config(), "--role", roles))
	if err != nil {
		return err
	}
	go io.Copy(io.Discard, out) // until it ends
	return nil
}

// launch starts a process, waits until it says its address, and gives what it says then.
func (s *server) launch(c *exec.Cmd) (*bufio.Reader, error) {
	log, err := os.Create(filepath.Join(s.dir, fmt.Sprintf("log-%d", len(s.running))))
	if err != nil {
		return nil, err
	}
	c.Env, c.Stderr = append(os.Environ(), s.env...), log
	pipe, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	s.running = append(s.running, &process{c, log, benchdoc.Watch(c.Process.Pid)})
	out := bufio.NewReader(pipe)
	if _, err := out.ReadString('\n'); err != nil {
		return nil, fmt.Errorf("rootkeep serve: %w; its log is %s", err, log.Name())
	}
	return out, nil
}

// stop ends all processes and notes what they took.
func (s *server) stop() error {
	var failed []error
	for _, p := range s.running {
		s.memory = max(s.memory, p.memory().Own)
		failed = append(failed, p.Process.Signal(syscall.SIGTERM))
	}
	for _, p := range s.running {
		failed = append(failed, p.Wait(), p.log.Close())
		s.seconds += (p.ProcessState.UserTime() + p.ProcessState.SystemTime()).Seconds()
	}
	s.running = nil
	return errors.Join(append(failed, s.receiver.stop())...)
}
