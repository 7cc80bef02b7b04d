package jobs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/job/run"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/ledger"
)

// lease is what a busy machine keeps up with: a third of it passes until progress is kept.
const lease = 6 * time.Second

// TestMain is also the server that TestAKilledServersJobs kills: a process that runs jobs
// of the store whose address it is given, says when one begins, and never ends it.
func TestMain(m *testing.M) {
	if address := os.Getenv("ROOTKEEP_TEST_STORE"); address != "" {
		if err := hang(address, os.Getenv("ROOTKEEP_TEST_KEY"), os.Getenv("ROOTKEEP_TEST_PUBLIC")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func hang(address, private, public string) error {
	signer, err := ledger.Signer(private)
	if err != nil {
		return err
	}
	known, err := ledger.Known(public)
	if err != nil {
		return err
	}
	s, err := store.Open(context.Background(), address, store.Options{Origin: storetest.Origin, Signers: []note.Signer{signer}, Known: known, Now: time.Now})
	if err != nil {
		return err
	}
	return serve(context.Background(), s, "killed", func(ctx context.Context, j *job.Job, report func(string)) error {
		report("half of it")
		if err := kept(ctx, s, j.ID, "half of it"); err != nil {
			return err
		}
		fmt.Println(j.ID)
		<-ctx.Done()
		return ctx.Err()
	})
}

// kept waits until the progress of a job is in the store.
func kept(ctx context.Context, s *store.Store, id, progress string) error {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		var j *job.Job
		err := s.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
			j, err = jobs.Get(ctx, r, id)
			return err
		})
		if err != nil || j.Progress == progress {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func serve(ctx context.Context, s *store.Store, owner string, handle job.HandlerFunc) error {
	r, err := run.New(run.Config{Keeper: jobs.Keeper{Store: s}, Kinds: []job.Kind{{Name: "scan", Handler: handle}}, Owner: owner, Lease: lease, Poll: 50 * time.Millisecond, Now: time.Now})
	if err != nil {
		return err
	}
	r.Run(ctx)
	return nil
}

func TestAKilledServersJobs(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		private, public, err := ledger.NewKey(storetest.Origin)
		if err != nil {
			t.Fatal(err)
		}
		o := storetest.Options(t)
		signer, err := ledger.Signer(private)
		if err != nil {
			t.Fatal(err)
		}
		if o.Known, err = ledger.Known(public); err != nil {
			t.Fatal(err)
		}
		o.Signers = []note.Signer{signer}
		var later atomic.Int64
		o.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		s := storetest.Open(t, address, o)
		asked := ask(t, jobs.Keeper{Store: s}, job.Job{Kind: "scan"})

		other := exec.CommandContext(t.Context(), os.Args[0])
		other.Env = append(os.Environ(), "ROOTKEEP_TEST_STORE="+address, "ROOTKEEP_TEST_KEY="+private, "ROOTKEEP_TEST_PUBLIC="+public)
		other.Stderr = os.Stderr
		out, err := other.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		line := bufio.NewScanner(out)
		if !line.Scan() || line.Text() != asked.ID {
			t.Fatalf("the other server: got %q, want it to begin %s", line.Text(), asked.ID)
		}
		if err := other.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := other.Wait(); !errors.As(err, &exit) {
			t.Fatalf("the killed server: got %v", err)
		}
		later.Store(int64(lease)) // which has ended by then

		ctx, stop := context.WithCancel(t.Context())
		var taken *job.Job
		err = serve(ctx, s, "second", func(_ context.Context, j *job.Job, _ func(string)) error {
			taken = j
			stop()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if taken == nil || taken.ID != asked.ID || taken.Attempt != 2 || taken.Progress != "half of it" {
			t.Fatalf("got %+v, want the second attempt at %s", taken, asked.ID)
		}
		if got := list(t, jobs.Keeper{Store: s}, jobs.Filter{State: job.Done}); len(got) != 1 {
			t.Errorf("got %d jobs done, want 1", len(got))
		}
	})
}
