package detector

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

const alone = `title: A sign-in fails
name: alone
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Failure}
  condition: s
level: low
`

// tidied is how many rows go.
func (b *bench) tidied() int64 {
	b.Helper()
	n, err := Tidy(b.Context(), b.store)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// signIn is a failed one.
func signIn(id, user string, at time.Time) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","eventID":%q,"eventTime":%q,"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1",
		"sourceIPAddress":"198.51.100.9","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/%s","accountId":"111122223333"},
		"responseElements":{"ConsoleLogin":"Failure"}}`+"\n", id, at.Format(time.RFC3339), user)
}

// TestWhatABacklogBroughtIsKnownWhenItComesAgain reads objects while time stands still, as at
// the first start. What was read is known a week on, though all that is over is tidied away.
func TestWhatABacklogBroughtIsKnownWhenItComesAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s)
		b.write("ours.yaml", alone)
		b.open()
		if n := b.tidied(); n != 0 {
			t.Errorf("before the first event %d rows went", n)
		}
		var now time.Time
		if err := s.Touch(t.Context(), func(_ context.Context, tx *store.Tx) error { now = tx.Now(); return nil }); err != nil {
			t.Fatal(err)
		}
		second := signIn("e-2", "ana", now.Add(-71*time.Hour))
		b.take(signIn("e-1", "ana", now.Add(-72*time.Hour))+second, time.Time{})
		if n := b.tidied(); n != 0 {
			t.Errorf("while time stood still %d rows went", n)
		}
		b.take(signIn("e-3", "ben", now), now)
		if n := b.tidied(); n == 0 {
			t.Error("nothing went, though a group is over")
		}
		b.open() // it remembers nothing
		b.take(second, now.Add(time.Hour))
		if diff := cmp.Diff([]string{"alone opened", "alone opened"}, b.told); diff != "" {
			t.Errorf("told after one of them came again (-want +got):\n%s", diff)
		}
		b.take(signIn("e-4", "ben", now.Add(9*24*time.Hour)), now.Add(9*24*time.Hour))
		if n := b.tidied(); n < 3 {
			t.Errorf("after nine days %d rows went, want those of three events at least", n)
		}
	})
}

// TestTheStateOfWeeksDoesNotGrow has events of new people come each hour, on a clock that runs
// ahead, and tidies each day: what is kept does not grow once copies of the first are
// forgotten. Three weeks, and half a year with ROOTKEEP_LONG=1.
func TestTheStateOfWeeksDoesNotGrow(t *testing.T) {
	days, known := 21, 9 // of copies: a week and a day, and the lateness
	if os.Getenv("ROOTKEEP_LONG") != "" {
		days = 180
	}
	now := noon
	o := storetest.Options(t)
	o.Now = func() time.Time { return now }
	b := newBench(t, storetest.Open(t, storetest.SQLite(t), o))
	b.write("more.yaml", alone)
	b.settle("rules: [" + b.folder + "]\nonly_own: true\n")
	b.open()
	var most int
	for day := range days {
		for hour := range 24 {
			now = noon.Add(time.Duration(24*day+hour) * time.Hour)
			user := fmt.Sprintf("user-%d-%d", day, hour)
			b.take(signIn("e-"+user, user, now)+signIn("f-"+user, user, now.Add(-time.Minute)), now)
		}
		b.tidied()
		rows := b.rows()
		if day <= known {
			most = max(most, rows)
		} else if rows > most {
			t.Fatalf("day %d: got %d rows, want no more than the %d of the first days", day, rows, most)
		}
	}
	if most < 24*known {
		t.Errorf("got %d rows at most: copies of %d days are not known", most, known)
	}
}

func (b *bench) rows() (n int) {
	b.Helper()
	err := b.store.View(b.Context(), func(ctx context.Context, r *store.Reader) error {
		return r.Row(ctx, `SELECT COUNT(*) FROM live_state`).Scan(&n)
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}
