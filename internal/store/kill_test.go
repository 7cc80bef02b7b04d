package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// Variables that make the test program the process which is killed.
const (
	victimAddress = "ROOTKEEP_TEST_VICTIM"
	victimKey     = "ROOTKEEP_TEST_VICTIM_KEY"
	victimStep    = "ROOTKEEP_TEST_VICTIM_STEP" // at which it kills itself, 0: it is killed
	victimRun     = "ROOTKEEP_TEST_VICTIM_RUN"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(victimAddress); address != "" {
		if err := victim(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

const victimWriters = 4

// victim makes changes until it is killed, and says of each before and after.
func victim(address string) error {
	o, err := optionsOf(os.Getenv(victimKey))
	if err != nil {
		return err
	}
	s, err := store.Open(context.Background(), address, o)
	if err != nil {
		return err
	}
	at, err := strconv.ParseInt(os.Getenv(victimStep), 10, 64)
	if err != nil {
		return err
	}
	var warm atomic.Bool
	var steps atomic.Int64
	err = store.Watch(s, func() {
		if warm.Load() && steps.Add(1) == at {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			fmt.Fprintln(os.Stderr, "could not kill itself:", err)
			select {}
		}
	})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for w := range victimWriters {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("TE-%s-%d-%d", os.Getenv(victimRun), w, n)
				fmt.Println("try", id)
				err := s.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					if _, err := tx.Exec(ctx, `INSERT INTO thing (id, n) VALUES ($1, 1)`, id); err != nil {
						return err
					}
					return tx.Record("test.made", id, "system", ledger.NewPayload("body", []byte(id)))
				})
				if err != nil {
					failed <- err
					return
				}
				fmt.Println("ack", id)
				warm.Store(true)
			}
		}()
	}
	return <-failed
}

// optionsOf makes options of a private and a public key with a space between.
func optionsOf(keys string) (store.Options, error) {
	private, public, _ := strings.Cut(keys, " ")
	signer, err := ledger.Signer(private)
	if err != nil {
		return store.Options{}, err
	}
	known, err := ledger.Known(public)
	return store.Options{Origin: storetest.Origin, Signers: []note.Signer{signer}, Known: known, Migrate: true, Now: time.Now}, err
}

// TestAKilledServerLosesNothing kills a server at every step of an append, and at any
// moment. Nothing acknowledged is lost, nothing appears that was not being made, state
// and ledger agree, and the tree verifies: 40 kills, 1,000 with ROOTKEEP_LONG=1, and a
// fifth of that on PostgreSQL, which keeps what it has when its client dies.
func TestAKilledServerLosesNothing(t *testing.T) {
	sqlite, postgres := 40, 8
	if os.Getenv("ROOTKEEP_LONG") != "" {
		sqlite, postgres = 1000, 200
	}
	t.Run("SQLite", func(t *testing.T) { killOften(t, storetest.SQLite, sqlite) })
	t.Run("PostgreSQL", func(t *testing.T) { killOften(t, storetest.PostgreSQL, postgres) })
}

// killOften kills so many servers, twenty on one database.
func killOften(t *testing.T, database func(testing.TB) string, kills int) {
	private, public, err := ledger.NewKey(storetest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	keys := private + " " + public
	o, err := optionsOf(keys)
	if err != nil {
		t.Fatal(err)
	}
	var address string
	acknowledged, inFlight := 0, 0
	for run := range kills {
		if run%20 == 0 {
			address = database(t)
			s := storetest.Open(t, address, o)
			table(t, s)
			s.Close()
		}
		step := 0 // every fourth is killed from outside, at any moment
		if run%4 > 0 {
			step = run - run/4
			step = (step-1)%72 + 1 // two transactions have some seventy steps
		}
		tried, acked, err := kill(address, keys, run, step)
		if err != nil {
			t.Fatal(err)
		}
		n := survey(t, address, o, run, tried, acked)
		acknowledged, inFlight = acknowledged+len(acked), inFlight+n
	}
	t.Logf("%d kills: %d changes acknowledged, all there; %d in flight were made as well", kills, acknowledged, inFlight)
	if acknowledged < kills {
		t.Errorf("got %d changes acknowledged, want at least one for each of the %d kills", acknowledged, kills)
	}
}

// kill starts a server and has it killed. It returns what the server tried and what it
// acknowledged.
func kill(address, key string, run, step int) (tried, acked []string, err error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimAddress+"="+address, victimKey+"="+key, fmt.Sprintf("%s=%d", victimStep, step), fmt.Sprintf("%s=%d", victimRun, run))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	var once sync.Once
	for lines := bufio.NewScanner(out); lines.Scan(); {
		what, id, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "try":
			tried = append(tried, id)
		case "ack":
			acked = append(acked, id)
			if step == 0 {
				once.Do(func() {
					random := rand.New(rand.NewPCG(1, uint64(run)))
					time.AfterFunc(time.Duration(random.IntN(20_000))*time.Microsecond, func() { cmd.Process.Kill() })
				})
			}
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		return nil, nil, fmt.Errorf("kill %d at step %d: the server ended with %v: %s", run, step, err, errs.String())
	}
	return tried, acked, nil
}

// TestTwoProcessesOnOneDatabase kills servers while another writes to the same database.
func TestTwoProcessesOnOneDatabase(t *testing.T) {
	private, public, err := ledger.NewKey(storetest.Origin)
	if err != nil {
		t.Fatal(err)
	}
	keys := private + " " + public
	o, err := optionsOf(keys)
	if err != nil {
		t.Fatal(err)
	}
	storetest.EachAddress(t, func(t *testing.T, address string) {
		s := storetest.Open(t, address, o)
		table(t, s)
		for round := range 4 {
			var both sync.WaitGroup
			var tried, acked [2][]string
			var errs [2]error
			for i := range 2 {
				both.Go(func() { tried[i], acked[i], errs[i] = kill(address, keys, 2*round+i, 0) })
			}
			both.Wait()
			for i := range 2 {
				if errs[i] != nil {
					t.Fatal(errs[i])
				}
				survey(t, address, o, 2*round+i, tried[i], acked[i])
			}
		}
	})
}

// survey looks at what a killed server left, and gives how many changes were made that
// it had not acknowledged.
func survey(t *testing.T, address string, o store.Options, run int, tried, acked []string) int {
	t.Helper()
	s, err := store.Open(t.Context(), address, o)
	if err != nil {
		t.Fatalf("kill %d: %v", run, err)
	}
	defer s.Close()
	if _, err := s.VerifyLedger(t.Context(), nil); err != nil {
		t.Fatalf("kill %d: %v", run, err)
	}
	things := column(t, s, `SELECT id FROM thing WHERE id LIKE $1 ORDER BY id`, fmt.Sprintf("TE-%d-%%", run))
	subjects := column(t, s, `SELECT subject FROM log_entry WHERE subject LIKE $1 ORDER BY subject`, fmt.Sprintf("TE-%d-%%", run))
	if !slices.Equal(things, subjects) {
		t.Errorf("kill %d: state has %v, the ledger %v", run, things, subjects)
	}
	there := map[string]bool{}
	for _, id := range things {
		there[id] = true
		if !slices.Contains(tried, id) {
			t.Errorf("kill %d: %s is there and was never tried", run, id)
		}
	}
	for _, id := range acked {
		if !there[id] {
			t.Errorf("kill %d: %s was acknowledged and is lost", run, id)
		}
	}
	extra := len(things) - len(acked)
	if extra > victimWriters {
		t.Errorf("kill %d: %d changes are there that were not acknowledged, and at most %d were in flight", run, extra, victimWriters)
	}
	return extra
}

func column(t *testing.T, s *store.Store, query string, args ...any) (out []string) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		return store.Each(ctx, r, func(rows *sql.Rows) error {
			var text string
			err := rows.Scan(&text)
			out = append(out, text)
			return err
		}, query, args...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
