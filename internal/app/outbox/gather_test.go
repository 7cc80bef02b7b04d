package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// night is a store and an outbox in quiet hours.
type night struct {
	t     *testing.T
	now   time.Time
	store *store.Store
	box   *Outbox
}

const (
	byMail   = "{name: way, mail: {host: localhost, port: 1, encryption: none, from: a@example.com, to: [b@example.com]}}"
	bySyslog = "{name: way, syslog: {host: localhost, port: 1, transport: tcp}}"
)

func newNight(t *testing.T) *night {
	t.Helper()
	n := &night{t: t, now: time.Date(2026, 11, 3, 23, 0, 0, 0, time.UTC)}
	options := storetest.Options(t)
	options.Now = func() time.Time { return n.now }
	n.store = storetest.Open(t, storetest.SQLite(t), options)
	return n
}

// open starts the server with a way.
func (n *night) open(way string) {
	n.t.Helper()
	file := filepath.Join(n.t.TempDir(), "ways.yaml")
	if err := os.WriteFile(file, []byte("ways: ["+way+"]\nquiet: [{below: critical, hours: {zone: UTC, from: '20:00', to: '07:00'}}]\n"), 0o600); err != nil {
		n.t.Fatal(err)
	}
	var err error
	if n.box, err = Open(Settings{Ways: file}, func() time.Time { return n.now }, n.store, nil); err != nil {
		n.t.Fatal(err)
	}
}

// alerts puts notices of alerts, the last of them to somebody if to is given.
func (n *night) alerts(count int, to ...string) {
	n.t.Helper()
	for i := range count {
		notice := notify.Notice{ID: fmt.Sprintf("NO-%d", i), Topic: alertTopic, Severity: rootkeep.Low, Title: "a", Thread: fmt.Sprintf("AL-%d", i), At: n.now}
		if i == count-1 {
			notice.To = to
		}
		if err := n.store.Update(n.t.Context(), func(ctx context.Context, tx *store.Tx) error { return n.box.Put(ctx, tx, notice) }); err != nil {
			n.t.Fatal(err)
		}
		n.now = n.now.Add(time.Second)
	}
}

// end makes the digests when the quiet hours end, and gives what became of each letter.
func (n *night) end() map[string]string {
	n.t.Helper()
	until := time.Date(2026, 11, 4, 7, 0, 0, 0, time.UTC)
	n.now = until.Add(time.Second)
	payload, err := json.Marshal(gathering{"way", until})
	if err != nil {
		n.t.Fatal(err)
	}
	for range 2 { // the second time there is nothing left
		if err := n.box.gather(n.t.Context(), &job.Job{Payload: payload}, func(string) {}); err != nil {
			n.t.Fatal(err)
		}
	}
	got := map[string]string{}
	err = n.store.View(n.t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := jobs.List(ctx, r, jobs.Filter{Kind: Kind, Limit: 100})
		for _, j := range list {
			var l letter
			if err := json.Unmarshal(j.Payload, &l); err != nil {
				return err
			}
			got[l.Notice.Topic+" "+l.Notice.Thread] = fmt.Sprintf("%s, due %v, tells of %d", j.State, !j.RunAt.After(n.now), len(l.Told))
		}
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return got
}

// By mail, what is addressed to somebody besides the way goes by itself: nobody is sent what
// concerns others, and they are not left out.
func TestMailToSomebodyIsNoPartOfADigest(t *testing.T) {
	n := newNight(t)
	n.open(byMail)
	n.alerts(3, "ann@example.com")
	want := map[string]string{
		"alert AL-0": "done, due false, tells of 0", "alert AL-1": "done, due false, tells of 0", "alert AL-2": "waiting, due true, tells of 0", "alert-digest ": "waiting, due true, tells of 2",
	}
	if diff := cmp.Diff(want, n.end()); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
}

// A way that is set to get each by itself while the hours last gets what they held so too.
func TestAWayThatGetsEachByItselfFromNowOnGetsNoDigest(t *testing.T) {
	n := newNight(t)
	n.open(byMail)
	n.alerts(2)
	n.open(bySyslog)
	want := map[string]string{"alert AL-0": "waiting, due true, tells of 0", "alert AL-1": "waiting, due true, tells of 0"}
	if diff := cmp.Diff(want, n.end()); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
}

// The newest entry of the ledger lies ahead: a change has its time until the clock catches up.
func TestLettersWaitForNoClockThatWasAhead(t *testing.T) {
	n := newNight(t)
	n.open(byMail)
	n.now = n.now.Add(14 * time.Hour) // no quiet hours
	put := func(notices ...notify.Notice) {
		t.Helper()
		err := n.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, x := range notices {
				if err := n.box.Put(ctx, tx, x); err != nil {
					return err
				}
			}
			return tx.Record("test.done", "it", "system")
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	n.now = n.now.Add(time.Hour)
	put()
	n.now = n.now.Add(-time.Hour)
	put(notify.Notice{ID: "NO-A", Topic: alertTopic, Severity: rootkeep.Low, Title: "a", At: n.now}, notify.Notice{ID: "NO-R", Topic: unexplainedTopic, Severity: rootkeep.High, Title: "Root signed in", At: n.now})
	err := n.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := jobs.List(ctx, r, jobs.Filter{Kind: Kind, Limit: 100})
		for _, j := range list {
			var l letter
			if err := json.Unmarshal(j.Payload, &l); err != nil {
				return err
			}
			want := n.now
			if urgent(&l.Notice) {
				want = want.Add(-precedence)
			}
			if !l.Due.Equal(n.now) || !j.RunAt.Equal(want) {
				t.Errorf("%s: got due %s, sent from %s, want %s, %s", l.Notice.Topic, l.Due, j.RunAt, n.now, want)
			}
		}
		if len(list) != 2 {
			t.Errorf("got %d letters, want 2", len(list))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
