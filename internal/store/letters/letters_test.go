package letters_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	cases "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/letters"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func change(t *testing.T, s *store.Store, do func(context.Context, *store.Tx) error) {
	t.Helper()
	if err := s.Touch(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

func claim(number int64, by string) letters.Claim {
	return letters.Claim{Way: "desk", Thread: "AL-1", Number: number, Job: by, Lease: time.Minute}
}

func TestTurns(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		o := storetest.Options(t)
		o.Now = func() time.Time { return now }
		s := storetest.Open(t, address, o)
		number := func(held time.Time) (n int64) {
			t.Helper()
			change(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
				n, err = letters.Number(ctx, tx, "desk", "AL-1", "NO-1", held)
				return err
			})
			return n
		}
		take := func(what string, c letters.Claim, want letters.Turn) *letters.Thread {
			t.Helper()
			var th *letters.Thread
			change(t, s, func(ctx context.Context, tx *store.Tx) error {
				got, of, err := letters.Take(ctx, tx, c)
				if th = of; err == nil && got != want {
					t.Errorf("%s: got turn %d, want %d", what, got, want)
				}
				return err
			})
			return th
		}
		for want := range int64(3) {
			if got := number(time.Time{}); got != want+1 {
				t.Errorf("got number %d, want %d", got, want+1)
			}
		}
		take("the second before the first", claim(2, "b"), letters.Wait)
		impatient := claim(2, "b")
		take("the first", claim(1, "a"), letters.Send)
		take("again, by the same job", claim(1, "a"), letters.Send)
		impatient.Impatient = true
		take("another while it is sent", impatient, letters.Wait)
		now = now.Add(2 * time.Minute)
		take("another when the lease ended", claim(2, "b"), letters.Send)
		old := claim(1, "a")
		old.Again = true
		take("the older one that failed", old, letters.Overtaken)
		change(t, s, func(ctx context.Context, tx *store.Tx) error {
			return letters.Sent(ctx, tx, claim(2, "b"), map[string]string{"ts": "1.0"})
		})
		take("the older one at last", claim(1, "a"), letters.Overtaken)
		take("what is sent already", claim(2, "b"), letters.Overtaken)
		if th := take("the third", claim(3, "c"), letters.Send); th.Sent != 2 || th.Remembered["ts"] != "1.0" {
			t.Errorf("got %+v, want what was remembered", th)
		}
		change(t, s, func(ctx context.Context, tx *store.Tx) error {
			return letters.Release(ctx, tx, claim(3, "x"), map[string]string{"ts": "9.0"}) // it is not its turn
		})
		change(t, s, func(ctx context.Context, tx *store.Tx) error { return letters.Release(ctx, tx, claim(3, "c"), nil) })
		if th := take("the third again", claim(3, "c"), letters.Send); th.Remembered["ts"] != "1.0" {
			t.Errorf("got %+v, want what was remembered", th)
		}
		change(t, s, func(ctx context.Context, tx *store.Tx) error {
			return letters.Release(ctx, tx, claim(3, "c"), map[string]string{"ts": "2.0"})
		})
		if th := take("the third after a part of it", claim(3, "c"), letters.Send); th.Sent != 2 || th.Remembered["ts"] != "2.0" {
			t.Errorf("got %+v, want what was taken of it remembered, and it not sent", th)
		}
		change(t, s, func(ctx context.Context, tx *store.Tx) error { return letters.Release(ctx, tx, claim(3, "c"), nil) })
		if got := number(now.Add(time.Hour)); got != 4 {
			t.Errorf("got number %d, want 4", got)
		}
		number(time.Time{})
		take("one behind what is held", claim(5, "e"), letters.Send)
		now = now.Add(24 * time.Hour)
		change(t, s, func(ctx context.Context, tx *store.Tx) error {
			n, err := letters.Forget(ctx, tx, now.Add(-time.Hour))
			if n != 1 {
				t.Errorf("forgot %d threads, want 1", n)
			}
			return err
		})
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			_, err := letters.Read(ctx, r, "desk", "AL-1")
			return err
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v, want it forgotten", err)
		}
		take("one of a thread that is forgotten", claim(6, "f"), letters.Wait)
		late := claim(6, "f")
		late.Impatient = true
		take("when it has waited", late, letters.Send)
	})
}

func TestHowWaysDo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		change(t, s, func(ctx context.Context, tx *store.Tx) error {
			for _, do := range []func() error{
				func() error { return letters.Took(ctx, tx, "desk") }, func() error { return letters.Took(ctx, tx, "desk") },
				func() error { return letters.Failed(ctx, tx, "desk", "HTTP 500") }, func() error { return letters.Failed(ctx, tx, "mail", "refused") },
			} {
				if err := do(); err != nil {
					return err
				}
			}
			for kind, later := range map[string]time.Duration{"notice/desk": 0, "notice/mail": time.Hour, "notice/old": 0, "notice": 0, "noticeable": 0} {
				if _, _, err := jobs.Add(ctx, tx, job.Job{Kind: kind, Key: kind, RunAt: tx.Now().Add(later)}); err != nil {
					return err
				}
			}
			n, err := letters.Adopt(ctx, tx, "notice", []string{"desk", "mail"})
			if n != 1 {
				t.Errorf("adopted %d letters, want that of the way that is gone", n)
			}
			return err
		})
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			ways, err := letters.Ways(ctx, r)
			if err != nil {
				return err
			}
			if d, m := ways["desk"], ways["mail"]; d.Succeeded != 2 || d.Failures != 1 || d.Said != "HTTP 500" || d.Taken.IsZero() || m.Said != "refused" || !m.Taken.IsZero() {
				t.Errorf("got %+v", ways)
			}
			counts, err := letters.Counts(ctx, r, "notice", s.Now())
			want := map[string]letters.Count{"notice/desk": {Waiting: 1}, "notice/mail": {Held: 1}, "notice": {Waiting: 2}}
			if diff := cmp.Diff(want, counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			for id, want := range map[string]bool{"desk": true, "old": true, "none": false} {
				if got, err := letters.Known(ctx, r, "notice", "AL-1", id, "notice", "notice/desk"); err != nil || got != want {
					t.Errorf("%s: got %v, %v, want %v", id, got, err, want)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// Of a case that is open it is known what was told, and what was told with others: its jobs are
// forgotten before.
func TestWhatWasToldOfAnOpenCaseIsKnown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var id string
		known := func(ctx context.Context, tx *store.Tx, way, thread, notice string, want bool) {
			t.Helper()
			got, err := letters.Known(ctx, &tx.Reader, way, thread, notice, "notice", "notice/"+way)
			if err != nil || got != want {
				t.Errorf("notice %s by %s: got known %v, %v, want %v", notice, way, got, err, want)
			}
		}
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			c, _, err := incident.Take(ctx, tx, cases.Finding{Cause: "root", Account: "111122223333", Severity: rootkeep.High, Title: "Root", About: "an event"}, []string{"RU-1"})
			if err != nil {
				return err
			}
			id = c.ID
			if err := letters.Stood(ctx, tx, "mail", id, "NO-1"); err != nil {
				return err
			}
			if _, err := letters.Read(ctx, &tx.Reader, "mail", id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("got %v, want no letter of what was told with others", err)
			}
			for n, notice := range []string{"NO-1", "NO-2"} {
				got, err := letters.Number(ctx, tx, "desk", id, notice, time.Time{})
				if err != nil || got != int64(n+1) {
					t.Errorf("got number %d, %v, want %d", got, err, n+1)
				}
			}
			known(ctx, tx, "mail", id, "NO-1", true)
			known(ctx, tx, "desk", id, "NO-2", true)
			known(ctx, tx, "desk", id, "NO-1", false)
			known(ctx, tx, "desk", "AL-1", "NO-2", false)
			if got, err := letters.Number(ctx, tx, "mail", id, "NO-3", time.Time{}); err != nil || got != 1 {
				t.Errorf("got number %d, %v, want the first letter", got, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		forget := func(want int64) {
			t.Helper()
			change(t, s, func(ctx context.Context, tx *store.Tx) error {
				n, err := letters.Forget(ctx, tx, tx.Now().Add(time.Hour))
				if n != want {
					t.Errorf("forgot %d threads, want %d", n, want)
				}
				return err
			})
		}
		forget(0)
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := incident.Explain(ctx, tx, id, "RR-1 covers it")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		forget(2)
	})
}

func TestNothingThatWasTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		change(t, s, func(ctx context.Context, tx *store.Tx) error {
			ctx, stop := context.WithCancel(ctx)
			stop() // whatever asks the database fails
			return letters.Told(ctx, tx, "desk", nil)
		})
	})
}
