// Package fault_test breaks what a watching server stands on - the process itself, the
// database, the broker, the queue, the receivers of notices - while events arrive, twice and
// out of order. Whatever breaks, the alerts are those that a hunt over the same files finds,
// and nobody is told the same twice. ROOTKEEP_LONG=1 breaks more, for longer.
package fault_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/serve"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

const (
	// serverSettings makes the test program a server with the settings of this file.
	serverSettings = "ROOTKEEP_TEST_SERVER"
	// brokerAt makes it a broker at this port, that keeps what it has in brokerFolder.
	brokerAt     = "ROOTKEEP_TEST_BROKER"
	brokerFolder = "ROOTKEEP_TEST_BROKER_FOLDER"
)

func TestMain(m *testing.M) {
	if port := os.Getenv(brokerAt); port != "" {
		beBroker(os.Getenv(brokerFolder), port)
	}
	file := os.Getenv(serverSettings)
	if file == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := serve.ReadSettings(file)
	if err == nil {
		err = serve.Run(ctx, c, os.Stderr, func(_, _ string) {})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func long() bool { return os.Getenv("ROOTKEEP_LONG") != "" }

// stand is a server of one or more processes over one store, and what is around it.
type stand struct {
	*testing.T
	dir      string
	file     string // of settings
	settings serve.Settings
	receiver *receiver
	store    *store.Store // once looked at
}

// newStand prepares a server of these sources; more is further settings.
func newStand(t *testing.T, address, sources, more string) *stand {
	t.Helper()
	s := &stand{T: t, dir: t.TempDir(), receiver: newReceiver(t)}
	if address == "" {
		address = filepath.Join(s.dir, "rootkeep.db")
	}
	s.write("secret", strings.Repeat("s", 32))
	s.write("ways.yaml", fmt.Sprintf("ways: [{name: desk, notifier: webhook, settings: {url: %q}, secret_files: {secret: %s}}]\n", s.receiver.URL, filepath.Join(s.dir, "secret")))
	s.write("sources.yaml", sources)
	s.file = s.write("rootkeep.yaml", fmt.Sprintf("store: %q\nkey_file: %s\nroles: [watch, jobs]\nlog: {level: warn}\nwatch: {sources: %s}\nnotify: {ways: %s}\n%s",
		address, filepath.Join(s.dir, "ledger.key"), filepath.Join(s.dir, "sources.yaml"), filepath.Join(s.dir, "ways.yaml"), more))
	var err error
	if s.settings, err = serve.ReadSettings(s.file); err != nil {
		t.Fatal(err)
	}
	first, _, err := serve.OpenStore(t.Context(), s.settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.store = first
	t.Cleanup(func() { first.Close() }) // with what a broken database leaves
	return s
}

func (s *stand) write(name, text string) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// folder is a new one, for a source.
func folder(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// server is one process.
type server struct{ cmd *exec.Cmd }

// start starts one more process; the test's end kills it.
func (s *stand) start() *server {
	s.Helper()
	p := &server{exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), serverSettings+"="+s.file)
	p.cmd.Stderr = s.Output()
	if err := p.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(p.kill)
	return p
}

// reads waits until a process has the sources: one whose database is gone before ends.
func (s *stand) reads() {
	s.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var n int
		err := s.store.View(s.Context(), func(ctx context.Context, r *store.Reader) error {
			return r.Row(ctx, `SELECT COUNT(*) FROM root_source WHERE held > 0`).Scan(&n)
		})
		if err == nil && n > 0 {
			return
		}
		if time.Now().After(end) {
			s.Fatalf("after three minutes nobody reads the sources: %v", err)
		}
	}
}

// kill ends the process as kill -9 does.
func (p *server) kill() {
	_ = p.cmd.Process.Kill() // it may be dead
	_ = p.cmd.Wait()
}

// buried ends what a killed process held, as a minute does, so that others go on at once.
func (s *stand) buried(p *server) {
	s.Helper()
	of := fmt.Sprintf("%%/%d/%%", p.cmd.Process.Pid)
	err := s.store.Touch(s.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, statement := range []string{
			`UPDATE root_source SET held = 0 WHERE owner LIKE $1`, `UPDATE job SET lease = 0 WHERE state = 'running' AND owner LIKE $1`, `UPDATE lease SET ends = 0 WHERE owner LIKE $1`,
		} {
			if _, err := tx.Exec(ctx, statement, of); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
}

// lingers has what a killed process held last for so long from now on.
func (s *stand) lingers(p *server, d time.Duration) {
	s.Helper()
	var held int64
	err := s.store.Touch(s.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		held, err = tx.Exec(ctx, `UPDATE root_source SET held = $2 WHERE owner LIKE $1`, fmt.Sprintf("%%/%d/%%", p.cmd.Process.Pid), store.Micros(tx.Clock().Add(d)))
		return err
	})
	if err != nil || held == 0 {
		s.Fatalf("the killed process held %d sources: %v", held, err)
	}
}

// receiver takes notices, and may be made to fail.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex // guards what follows
	broke func(w http.ResponseWriter) bool
	got   map[string]notify.Notice // by ID
	again int
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{got: map[string]notify.Notice{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broke != nil && r.broke(w) {
		return
	}
	var n notify.Notice
	if err = errors.Join(err, json.Unmarshal(body, &n)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, known := r.got[n.ID]; known {
		r.again++
	}
	r.got[n.ID] = n
}

// counts are the notices that it got, and how many came again.
func (r *receiver) counts() (notices, again int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got), r.again
}

// foundOf is what an alert is compared by.
func foundOf(a *rootkeep.Alert) string {
	var rules []string
	for _, hit := range a.Rules {
		rules = append(rules, fmt.Sprint(hit.Name, " ", hit.Count))
	}
	return fmt.Sprintf("%s %s %s %s %s: %d from %s to %s, %s", a.Kind, strings.Join(rules, "+"), a.Account, a.Actor.Principal, a.Tactic, a.Count,
		a.First.UTC().Format(time.RFC3339), a.Last.UTC().Format(time.RFC3339), a.State)
}

// ofHunt are the alerts of a hunt over objects, without silences, which time alone tells.
func (s *stand) ofHunt(objects []object) []string {
	s.Helper()
	settings, err := detector.Read("")
	if err != nil {
		s.Fatal(err)
	}
	rules, err := settings.Load()
	if err != nil {
		s.Fatal(err)
	}
	hunt, err := detect.NewHunt(rules.Pack, detect.Options{Inventory: rules.Options.Inventory, Scans: rules.Options.Scans, Atlas: rules.Options.Atlas, DedupMemory: 64 << 20})
	if err != nil {
		s.Fatal(err)
	}
	fields, err := cloudtrail.CompileFields(hunt.Fields())
	if err != nil {
		s.Fatal(err)
	}
	reader, worker := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: hunt.Derived()}), hunt.NewWorker()
	for _, o := range objects {
		in := cloudtrail.Input{Name: o.name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(o.data))), nil }}
		if stats := reader.Read(s.Context(), in, func(rec *cloudtrail.Record) error { worker.Observe(rec, o.name); return nil }); stats.Err != nil {
			s.Fatal(stats.Err)
		}
	}
	result, err := hunt.Finish([]*detect.Worker{worker})
	if err != nil {
		s.Fatal(err)
	}
	var out []string
	for i := range result.Alerts {
		if result.Alerts[i].Kind != "silence" {
			out = append(out, foundOf(&result.Alerts[i]))
		}
	}
	slices.Sort(out)
	return out
}

// ofStore are the alerts that the server has, of what detections found.
func (s *stand) ofStore() ([]*alerts.Alert, error) {
	var all []*alerts.Alert
	err := s.store.View(s.Context(), func(ctx context.Context, r *store.Reader) error {
		all = nil
		for cursor := ""; ; {
			list, next, err := alerts.List(ctx, r, sight.All(), alerts.Filter{}, cursor, 100)
			if err != nil {
				return err
			}
			for _, a := range list {
				if !slices.Contains([]string{alerts.StormKind, alerts.SourceKind, alerts.LossKind, "silence"}, a.Found.Kind) && a.State != alert.Closed {
					all = append(all, a)
				}
			}
			if cursor = next; cursor == "" {
				return nil
			}
		}
	})
	return all, err
}

// settles waits until the server's alerts are those of a hunt, and each that is told was told
// once, and once more at most where it came to be about a further account.
func (s *stand) settles(objects []object, within time.Duration) {
	s.Helper()
	want := s.ofHunt(objects)
	if len(want) == 0 {
		s.Fatal("a hunt finds nothing: nothing is compared")
	}
	var wrong string
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if wrong = s.wrong(want); wrong == "" {
			notices, again := s.receiver.counts()
			s.Logf("%d alerts, as a hunt finds them; %d notices, of which %d came again", len(want), notices, again)
			return
		}
	}
	s.Errorf("after %v: %s", within, wrong)
}

// wrong says how the server's alerts differ from those that are wanted.
func (s *stand) wrong(want []string) string {
	list, err := s.ofStore()
	if err != nil {
		return err.Error()
	}
	var got []string
	for _, a := range list {
		got = append(got, foundOf(&a.Found))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		missing := slices.DeleteFunc(slices.Clone(want), func(one string) bool { return slices.Contains(got, one) })
		more := slices.DeleteFunc(slices.Clone(got), func(one string) bool { return slices.Contains(want, one) })
		missing, more = missing[:min(len(missing), 5)], more[:min(len(more), 5)]
		return fmt.Sprintf("got %d alerts, want %d\nmissing:\n  %s\nmore:\n  %s", len(got), len(want), strings.Join(missing, "\n  "), strings.Join(more, "\n  "))
	}
	s.receiver.mu.Lock()
	defer s.receiver.mu.Unlock()
	opened, told := map[string][]notify.Notice{}, map[string]bool{}
	for _, n := range s.receiver.got {
		told[n.Subject] = true // where the first notice failed, a newer one goes in its place
		if n.Topic == "alert" && n.Action == string(notify.Open) {
			opened[n.Subject] = append(opened[n.Subject], n)
		}
	}
	for _, a := range list {
		if !told[a.ID] && a.Muted == "" {
			return fmt.Sprintf("nobody was told of %s, %s", a.ID, foundOf(&a.Found))
		}
		if why := twice(opened[a.ID]); why != "" {
			return fmt.Sprintf("%s was told twice: %s", foundOf(&a.Found), why)
		}
	}
	return ""
}

// twice says which of the notices that opened an alert brings no account that none before it had.
func twice(opened []notify.Notice) string {
	slices.SortFunc(opened, func(a, b notify.Notice) int {
		return cmp.Or(a.Count-b.Count, len(a.Accounts)-len(b.Accounts), a.At.Compare(b.At))
	})
	had, unnamed := map[string]bool{}, false
	for i, n := range opened {
		news := i == 0 || n.Unnamed && !unnamed
		unnamed = unnamed || n.Unnamed
		for _, account := range append(slices.Clone(n.Accounts), n.Account) {
			if account != "" && !had[account] {
				had[account], news = true, true
			}
		}
		if !news {
			return fmt.Sprintf("of %d accounts at %d events, and then at %d", len(had), opened[i-1].Count, n.Count)
		}
	}
	return ""
}
