package jobs_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// clock is a time that tests set.
type clock struct {
	mu sync.Mutex // guards at
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// each runs a test on each kind of store, whose clock the test sets.
func each(t *testing.T, test func(t *testing.T, k jobs.Keeper, c *clock)) {
	t.Helper()
	storetest.EachAddress(t, func(t *testing.T, address string) {
		c := &clock{at: time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC)}
		o := storetest.Options(t)
		o.Now = c.now
		test(t, jobs.Keeper{Store: storetest.Open(t, address, o)}, c)
	})
}

func ask(t *testing.T, k jobs.Keeper, j job.Job) *job.Job {
	t.Helper()
	var out *job.Job
	err := k.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = jobs.Ask(ctx, tx, "PE-1", j)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func claim(t *testing.T, k jobs.Keeper, owner string) *job.Job {
	t.Helper()
	j, err := k.Claim(t.Context(), owner, []string{"scan", "hunt"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func list(t *testing.T, k jobs.Keeper, f jobs.Filter) []*job.Job {
	t.Helper()
	f.Limit = 100
	var out []*job.Job
	err := k.Store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		out, err = jobs.List(ctx, r, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestALeaseIsOneAttempts(t *testing.T) { each(t, aLeaseIsOneAttempts) }

func aLeaseIsOneAttempts(t *testing.T, k jobs.Keeper, c *clock) {
	asked := ask(t, k, job.Job{Kind: "scan", Key: "today", Payload: []byte(`{"a":1}`)})
	if again := ask(t, k, job.Job{Kind: "scan", Key: "today"}); again.ID != asked.ID {
		t.Errorf("asked twice with one key: got %s and %s", asked.ID, again.ID)
	}
	first := claim(t, k, "one")
	if first == nil || first.ID != asked.ID || first.Attempt != 1 || string(first.Payload) != `{"a":1}` {
		t.Fatalf("got %+v", first)
	}
	if other := claim(t, k, "two"); other != nil {
		t.Fatalf("got %+v while the lease holds", other)
	}
	c.pass(50 * time.Second)
	if err := k.Extend(t.Context(), first, time.Minute, "1 of 2"); err != nil {
		t.Fatal(err)
	}
	c.pass(50 * time.Second)
	if other := claim(t, k, "two"); other != nil {
		t.Fatalf("got %+v while the renewed lease holds", other)
	}
	c.pass(11 * time.Second)
	second := claim(t, k, "one") // the same server, after a restart
	if second == nil || second.Attempt != 2 || second.Progress != "1 of 2" {
		t.Fatalf("got %+v", second)
	}
	if err := k.Extend(t.Context(), first, time.Minute, ""); !errors.Is(err, job.ErrLost) {
		t.Errorf("renew an old attempt: got %v, want it lost", err)
	}
	if err := k.Finish(t.Context(), first, job.Outcome{State: job.Done}); !errors.Is(err, job.ErrLost) {
		t.Errorf("finish an old attempt: got %v, want it lost", err)
	}
	if err := k.Finish(t.Context(), second, job.Outcome{State: job.Dead, Error: "no"}); err != nil {
		t.Fatal(err)
	}
	if got := list(t, k, jobs.Filter{State: job.Dead}); len(got) != 1 || got[0].Error != "no" || got[0].Ended.IsZero() {
		t.Fatalf("got %+v", got)
	}
	if err := k.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return jobs.Retry(ctx, tx, "PE-1", asked.ID) }); err != nil {
		t.Fatal(err)
	}
	if third := claim(t, k, "one"); third == nil || third.Attempt != 1 {
		t.Errorf("got %+v, want the job with its attempts before it", third)
	}
	err := k.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return jobs.Retry(ctx, tx, "PE-1", asked.ID) })
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("retry what runs: got %v", err)
	}
}

func TestEachJobIsClaimedOnce(t *testing.T) { each(t, eachJobIsClaimedOnce) }

func eachJobIsClaimedOnce(t *testing.T, k jobs.Keeper, _ *clock) {
	for range 40 {
		ask(t, k, job.Job{Kind: "scan"})
	}
	ask(t, k, job.Job{Kind: "other"})
	ask(t, k, job.Job{Kind: "scan", RunAt: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)})
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for {
				j, err := k.Claim(t.Context(), "one", []string{"scan"}, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				if j == nil {
					return
				}
				mu.Lock()
				got[j.ID]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(got) != 40 {
		t.Errorf("got %d jobs, want the 40 that are due and of the kind", len(got))
	}
	for id, n := range got {
		if n != 1 {
			t.Errorf("%s: claimed %d times", id, n)
		}
	}
}

func TestMissedTimesOfAScheduleMakeOneJob(t *testing.T) { each(t, missedTimesOfAScheduleMakeOneJob) }

func missedTimesOfAScheduleMakeOneJob(t *testing.T, k jobs.Keeper, c *clock) {
	set := func(s job.Schedule) error {
		return k.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return jobs.SetSchedule(ctx, tx, "PE-1", s) })
	}
	daily := job.Schedule{ID: "daily", Kind: "scan", Payload: []byte("{}"), Cron: "0 6 * * *", Zone: "UTC", Enabled: true}
	if err := set(daily); err != nil {
		t.Fatal(err)
	}
	if err := set(daily); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a second one of the name: got %v", err)
	}
	tick := func() {
		t.Helper()
		var all sync.WaitGroup
		for range 4 { // as many servers
			all.Go(func() {
				if err := k.Tick(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	for _, step := range []struct {
		pass time.Duration
		want int
	}{{0, 0}, {time.Hour, 1}, {time.Minute, 1}, {24 * time.Hour, 2}, {10 * 24 * time.Hour, 3}, {-5 * 24 * time.Hour, 3}, {6 * 24 * time.Hour, 4}} {
		c.pass(step.pass)
		tick()
		if got := list(t, k, jobs.Filter{Kind: "scan"}); len(got) != step.want {
			t.Fatalf("at %s: got %d jobs, want %d", c.now(), len(got), step.want)
		}
	}
	daily.Version, daily.Enabled = 1, false
	if err := set(daily); err != nil {
		t.Fatal(err)
	}
	c.pass(48 * time.Hour)
	tick()
	if got := list(t, k, jobs.Filter{}); len(got) != 4 {
		t.Errorf("a schedule that is off: got %d jobs, want 4", len(got))
	}
}

func TestAClockThatWasAheadHoldsNothingUp(t *testing.T) { each(t, aClockThatWasAheadHoldsNothingUp) }

// aClockThatWasAheadHoldsNothingUp jumps a year ahead while a schedule fires, a job of a
// server that dies then is claimed, and another waits for its next attempt; and back.
func aClockThatWasAheadHoldsNothingUp(t *testing.T, k jobs.Keeper, c *clock) {
	daily := job.Schedule{ID: "daily", Kind: "other", Payload: []byte("{}"), Cron: "0 6 * * *", Zone: "UTC", Enabled: true}
	if err := k.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return jobs.SetSchedule(ctx, tx, "PE-1", daily) }); err != nil {
		t.Fatal(err)
	}
	const ahead = 365 * 24 * time.Hour
	c.pass(ahead)
	dies, waits := ask(t, k, job.Job{Kind: "scan"}), ask(t, k, job.Job{Kind: "hunt"})
	for range 2 {
		j := claim(t, k, "dies")
		if j == nil {
			t.Fatal("got no job")
		}
		if j.ID == waits.ID {
			if err := k.Finish(t.Context(), j, job.Outcome{State: job.Waiting, RunAt: c.now().Add(time.Minute), Error: "again"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := k.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := list(t, k, jobs.Filter{Kind: "other"}); len(got) != 1 {
		t.Fatalf("got %d jobs of the schedule, want one", len(got))
	}
	c.pass(-ahead)
	asked := ask(t, k, job.Job{Kind: "scan"}) // its change has the time of the newest entry
	got := map[string]bool{}
	for j := claim(t, k, "lives"); j != nil; j = claim(t, k, "lives") {
		if got[j.ID] {
			t.Fatalf("job %s was claimed twice: its lease is good now", j.ID)
		}
		got[j.ID] = true
	}
	for what, id := range map[string]string{"of a server that died": dies.ID, "that waits for its next attempt": waits.ID, "that was asked for afterwards": asked.ID} {
		if !got[id] {
			t.Errorf("the job %s is left to wait for a year", what)
		}
	}
	for range 26 { // today's was made, by the name of its time
		if err := k.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.pass(time.Hour)
	}
	if got := list(t, k, jobs.Filter{Kind: "other"}); len(got) != 2 {
		t.Errorf("got %d jobs of the schedule, want that of tomorrow too", len(got))
	}
}

func TestAClockThatWasAheadForAMomentPutsNothingOff(t *testing.T) {
	each(t, aClockThatWasAheadForAMomentPutsNothingOff)
}

// aClockThatWasAheadForAMomentPutsNothingOff has the newest entry of the ledger lie ahead.
func aClockThatWasAheadForAMomentPutsNothingOff(t *testing.T, k jobs.Keeper, c *clock) {
	for _, ahead := range []time.Duration{time.Hour, 24 * time.Hour} {
		dead := ask(t, k, job.Job{Kind: "scan"})
		if err := k.Finish(t.Context(), claim(t, k, "one"), job.Outcome{State: job.Dead, Error: "it failed"}); err != nil {
			t.Fatal(err)
		}
		c.pass(ahead)
		ask(t, k, job.Job{Kind: "other"})
		c.pass(-ahead)
		asked, later := ask(t, k, job.Job{Kind: "scan"}), ask(t, k, job.Job{Kind: "scan", RunAt: c.now().Add(10 * time.Hour)})
		if err := k.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return jobs.Retry(ctx, tx, "PE-1", dead.ID) }); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for j := claim(t, k, "one"); j != nil; j = claim(t, k, "one") {
			got[j.ID] = true
			if err := k.Finish(t.Context(), j, job.Outcome{State: job.Done}); err != nil {
				t.Fatal(err)
			}
		}
		if !got[asked.ID] || !got[dead.ID] || got[later.ID] {
			t.Errorf("%v ahead: got a job that was asked for done %t, one that is tried again %t, one of tonight %t, want the first two", ahead, got[asked.ID], got[dead.ID], got[later.ID])
		}
		hourly := job.Schedule{ID: "hourly-" + ahead.String(), Kind: "other", Payload: []byte("{}"), Cron: "30 * * * *", Zone: "UTC", Enabled: true}
		err := k.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return jobs.SetSchedule(ctx, tx, "PE-1", hourly) })
		if err != nil {
			t.Fatal(err)
		}
		err = k.Store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			s, err := jobs.Schedule(ctx, r, hourly.ID)
			if err == nil && s.Next.Sub(c.now()) > time.Hour {
				t.Errorf("%v ahead: got a schedule go on at %s, at %s, want within the hour", ahead, s.Next, c.now())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c.pass(48 * time.Hour)
		if j := claim(t, k, "one"); j == nil || j.ID != later.ID || k.Finish(t.Context(), j, job.Outcome{State: job.Done}) != nil {
			t.Fatalf("%v ahead: got %+v, want the job of tonight when its time has come", ahead, j)
		}
	}
}

func TestJobsAreFoundByWhatTheyAreAbout(t *testing.T) { each(t, jobsAreFoundByWhatTheyAreAbout) }

func jobsAreFoundByWhatTheyAreAbout(t *testing.T, k jobs.Keeper, c *clock) {
	for _, key := range []string{"RR-1", "RR-1/1", "RR-1/2", "RR-10/1", "RR-1x", "rr-1/3"} {
		ask(t, k, job.Job{Kind: "scan", Key: key})
		c.pass(time.Second)
	}
	ask(t, k, job.Job{Kind: "hunt", Key: "RR-1/4"})
	for about, want := range map[string][]string{"RR-1": {"RR-1/2", "RR-1/1", "RR-1"}, "RR-10": {"RR-10/1"}, "RR-2": nil, "RR-1/": nil, "%": nil} {
		var got []string
		err := k.Store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			list, err := jobs.List(ctx, r, jobs.Filter{Kind: "scan", About: about, Limit: 10})
			for _, j := range list {
				got = append(got, j.Key)
			}
			return err
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("about %s: got %v, %v, want %v", about, got, err, want)
		}
	}
}
