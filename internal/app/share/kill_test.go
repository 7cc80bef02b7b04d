package share_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/app/share"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/broker"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
	"github.com/rootkeep/rootkeep/ledger"
)

// Variables that make the test program a process that may be killed.
const (
	workerStore = "ROOTKEEP_TEST_WORKER_STORE"
	workerKeys  = "ROOTKEEP_TEST_WORKER_KEYS" // private and public, a space between
	workerNATS  = "ROOTKEEP_TEST_WORKER_NATS"
)

const killParts = 12

func TestMain(m *testing.M) {
	if os.Getenv(workerStore) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := work(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		return
	}
	os.Exit(m.Run())
}

// work handles what comes for the parts of this process, each batch in a change that holds
// the part.
func work(ctx context.Context) error {
	o, err := optionsOf(os.Getenv(workerKeys))
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, os.Getenv(workerStore), o)
	if err != nil {
		return err
	}
	defer s.Close()
	conn, err := broker.Connect(broker.Config{URL: os.Getenv(workerNATS)}, "worker")
	if err != nil {
		return err
	}
	defer conn.Close()
	f, err := flow.Open(ctx, conn, flow.Config{Partitions: killParts})
	if err != nil {
		return err
	}
	owner := fmt.Sprint(os.Getpid(), "/", time.Now().UnixNano())
	fmt.Println("works")
	return share.Run(ctx, share.Config{Store: s, Work: "flow", Parts: killParts, Owner: owner, Lasts: 2 * time.Second, Do: func(ctx context.Context, p *share.Part) error {
		return f.Consume(ctx, p.Number, func(ctx context.Context, batch []flow.Message) error {
			return s.Touch(ctx, func(ctx context.Context, tx *store.Tx) error { return keep(ctx, tx, p, batch) })
		})
	}})
}

// keep writes down what was handled, under which fence and in which order.
func keep(ctx context.Context, tx *store.Tx, p *share.Part, batch []flow.Message) error {
	if err := p.Hold(ctx, tx); err != nil {
		return err
	}
	var n, fence int64
	err := tx.Row(ctx, `SELECT fence, (SELECT COALESCE(MAX(n), 0) FROM handled WHERE part = $1) FROM lease WHERE work = 'flow' AND lease.part = $2`,
		p.Number, strconv.Itoa(p.Number)).Scan(&fence, &n)
	for i, m := range batch {
		if err == nil {
			_, err = tx.Exec(ctx, `INSERT INTO handled (part, n, id, fence) VALUES ($1, $2, $3, $4)`, p.Number, n+1+int64(i), m.ID, fence)
		}
	}
	return err
}

func optionsOf(keys string) (store.Options, error) {
	private, public, _ := strings.Cut(keys, " ")
	signer, err := ledger.Signer(private)
	if err != nil {
		return store.Options{}, err
	}
	known, err := ledger.Known(public)
	return store.Options{Origin: storetest.Origin, Signers: []note.Signer{signer}, Known: known, Migrate: true, Now: time.Now}, err
}

// process is a worker in a process of its own.
type process struct {
	cmd *exec.Cmd
}

func startWorker(t *testing.T, address, keys, nats string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), workerStore+"="+address, workerKeys+"="+keys, workerNATS+"="+nats)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the worker says %q, %v", line, err)
	}
	return p
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// TestKilledProcessesLoseNothing kills two of three processes while messages flow, starts
// others, and stops one that is asked to. Everything is handled, and in no part does an
// earlier owner keep something after a later one: 4,000 messages, 40,000 and more deaths
// with ROOTKEEP_LONG=1.
func TestKilledProcessesLoseNothing(t *testing.T) {
	rounds, each := 4, 1000
	if os.Getenv("ROOTKEEP_LONG") != "" {
		rounds, each = 20, 2000
	}
	address, nats := storetest.PostgreSQL(t), brokertest.Server(t)
	private, public, err := ledger.NewKey(storetest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	keys := private + " " + public
	o, err := optionsOf(keys)
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.Open(t, address, o)
	change(t, s, `CREATE TABLE handled (part BIGINT, n BIGINT, id TEXT, fence BIGINT, PRIMARY KEY (part, n))`)
	conn, err := broker.Connect(broker.Config{URL: nats}, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f, err := flow.Open(t.Context(), conn, flow.Config{Partitions: killParts})
	if err != nil {
		t.Fatal(err)
	}
	workers := []*process{startWorker(t, address, keys, nats), startWorker(t, address, keys, nats), startWorker(t, address, keys, nats)}
	until := func(n int) {
		t.Helper()
		for end := time.Now().Add(5 * time.Minute); distinct(t, s) < n; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d messages are handled after five minutes, want %d", distinct(t, s), n)
			}
		}
	}
	for round := range rounds {
		for half := range 2 {
			var messages []flow.Message
			for i := range each / 2 {
				messages = append(messages, flow.Message{Partition: i % killParts, ID: fmt.Sprintf("%d-%d-%d", round, half, i)})
			}
			if err := f.Publish(t.Context(), messages); err != nil {
				t.Fatal(err)
			}
			if half == 0 { // who dies has handled some, and may have more in hand
				until(round*each*3/4 + each/4)
				workers[round%len(workers)].kill()
			}
		}
		workers[round%len(workers)] = startWorker(t, address, keys, nats)
	}
	if err := workers[0].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(rounds * each)
	oneAfterTheOther(t, s)
}

func change(t *testing.T, s *store.Store, statement string) {
	t.Helper()
	if err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, statement)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func distinct(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	if err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		return r.Row(ctx, `SELECT COUNT(DISTINCT id) FROM handled`).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// oneAfterTheOther fails if an owner kept something of a part after the next one had begun.
func oneAfterTheOther(t *testing.T, s *store.Store) {
	t.Helper()
	fences := map[int]int64{} // of each part, the last
	seen := map[string]bool{}
	moved, again := 0, 0
	if err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		return store.Each(ctx, r, func(rows *sql.Rows) error {
			var part int
			var id string
			var fence int64
			if err := rows.Scan(&part, &id, &fence); err != nil {
				return err
			}
			if key := strconv.Itoa(part) + " " + id; seen[key] {
				again++
			} else {
				seen[key] = true
			}
			switch last := fences[part]; {
			case fence < last:
				t.Errorf("part %d: %s is kept under fence %d after something under %d", part, id, fence, last)
			case fence > last && last > 0:
				moved++
			}
			fences[part] = fence
			return nil
		}, `SELECT part, id, fence FROM handled ORDER BY part, n`)
	}); err != nil {
		t.Fatal(err)
	}
	if moved == 0 {
		t.Error("no part got another owner, although processes were killed")
	}
	t.Logf("parts got another owner %d times, %d messages were handled again", moved, again)
}
