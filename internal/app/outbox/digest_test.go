package outbox_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

const night = "quiet: [{below: high, hours: {from: '20:00', to: '07:00', zone: Europe/Berlin}}]\n"

// of puts a notice of an alert: what happened to it, and which step it is.
func (s *site) of(thread, topic, action string, severity rootkeep.Severity, step int) {
	s.t.Helper()
	s.pass(time.Second)
	put(s.t, s.store, s.box, notify.Notice{
		ID: fmt.Sprintf("NO-%s-%d", thread, step), Topic: topic, Severity: severity, Title: thread + " step " + fmt.Sprint(step), Thread: thread, Subject: thread, Action: action, At: s.now(),
		Account: "111122223333", Link: "https://rootkeep.example.com/alerts/" + thread,
	})
}

// lies has the room answer with a text and do nothing.
func (s *site) lies(answer string) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.lie = answer
}

// morning is when the quiet hours are over.
func (s *site) morning() { s.pass(10*time.Hour + time.Second) }

func TestQuietHoursEndInOneDigest(t *testing.T) {
	eachSite(t, night, func(t *testing.T, s *site) {
		s.of("AL-1", "alert", "open", rootkeep.Medium, 1)
		s.of("AL-2", "alert", "open", rootkeep.Low, 1)
		s.of("AL-3", "alert", "open", rootkeep.Low, 1)
		s.of("AL-2", "alert-handled", "close", rootkeep.Low, 2)
		s.of("AL-3", "alert-escalated", "update", rootkeep.Medium, 2)
		s.want("at night", s.work(), []string{})
		s.morning()
		if got := s.work(); len(got) != 2 {
			t.Errorf("in the morning: got %v, want what makes the digest, and the digest", got)
		}
		s.want("calls", s.got, []string{"chat.postMessage 1.0 3 alerts of the quiet hours: 2 medium, 1 low"})
		for _, words := range []string{"*medium* AL-1 step 1 111122223333", "*low* closed: AL-2 step 2", "*medium* AL-3 step 2", "https://rootkeep.example.com/alerts/AL-1|", "https://rootkeep.example.com/alerts|"} {
			if !strings.Contains(s.last, words) {
				t.Errorf("got no %q in\n%s", words, s.last)
			}
		}
		if first, second := strings.Index(s.last, "AL-1 step"), strings.Index(s.last, "AL-2 step"); first > second {
			t.Errorf("got the later one first in\n%s", s.last)
		}
		sent := told(t, s.store)
		if len(sent) != 1 || !strings.HasPrefix(sent[0], "notice.sent") {
			t.Errorf("got %v, want one delivery", sent)
		}
		// Each alert is told: what comes later changes it, in a message that is there from then on.
		s.of("AL-1", "alert-escalated", "update", rootkeep.High, 2)
		s.work()
		s.of("AL-1", "alert-handled", "close", rootkeep.High, 3)
		s.work()
		s.want("later", s.got[1:], []string{"chat.postMessage 2.0 Changed: AL-1 step 2", "chat.update 2.0 Closed: AL-1 step 3"})
	})
}

func TestOneAlertNeedsNoDigest(t *testing.T) {
	eachSite(t, night, func(t *testing.T, s *site) {
		s.of("AL-1", "alert", "open", rootkeep.Medium, 1)
		s.morning()
		s.work()
		s.want("calls", s.got, []string{"chat.postMessage 1.0 AL-1 step 1"})
	})
}

// What quiet hours hold back of other things than alerts goes by itself.
func TestADigestIsOfAlertsAlone(t *testing.T) {
	eachSite(t, night, func(t *testing.T, s *site) {
		for _, id := range []string{"NO-1", "NO-2"} {
			put(s.t, s.store, s.box, notify.Notice{ID: id, Topic: "approval-wanted", Severity: rootkeep.Low, Title: id, At: s.now()})
		}
		s.morning()
		got := s.work()
		slices.Sort(got)
		s.want("in the morning", got, []string{"room/NO-1 done", "room/NO-2 done"})
	})
}

func TestWhatWasToldBeforeTheNightIsChangedInItsMessage(t *testing.T) {
	eachSite(t, night, func(t *testing.T, s *site) {
		s.pass(-2 * time.Hour)
		s.of("AL-1", "alert", "open", rootkeep.Medium, 1)
		s.work()
		s.pass(2 * time.Hour)
		s.of("AL-1", "alert-handled", "close", rootkeep.Medium, 2)
		s.of("AL-2", "alert", "open", rootkeep.Low, 1)
		s.of("AL-3", "alert", "open", rootkeep.Low, 1)
		s.morning()
		s.work()
		s.want("calls", s.got, []string{"chat.postMessage 1.0 AL-1 step 1", "chat.update 1.0 Closed: AL-1 step 2", "chat.postMessage 2.0 2 alerts of the quiet hours: 2 low"})
	})
}

// A digest that nobody takes told nobody: its alerts open messages of their own until it is
// taken, and it is tried like any notice.
func TestADigestThatIsNotTakenToldNobody(t *testing.T) {
	eachSite(t, night, func(t *testing.T, s *site) {
		s.of("AL-1", "alert", "open", rootkeep.Medium, 1)
		s.of("AL-2", "alert", "open", rootkeep.Low, 1)
		s.morning()
		s.is(http.StatusServiceUnavailable)
		s.work()
		s.is(0)
		s.of("AL-1", "alert-handled", "update", rootkeep.Medium, 2)
		s.work()
		s.pass(2 * time.Minute)
		s.work()
		s.of("AL-2", "alert-handled", "update", rootkeep.Low, 2)
		s.work()
		s.want("calls", s.got, []string{"chat.postMessage 1.0 AL-1 step 2", "chat.postMessage 2.0 2 alerts of the quiet hours: 1 medium, 1 low", "chat.postMessage 3.0 Taken: AL-2 step 2"})
	})
}

// An alert that was put while the hours ended, after the digest was made, goes by itself.
func TestNoAlertIsLostBetweenTheDigests(t *testing.T) {
	eachSite(t, night, func(t *testing.T, s *site) {
		s.of("AL-1", "alert", "open", rootkeep.Low, 1)
		s.morning()
		s.work()
		s.pass(-time.Minute)
		s.of("AL-2", "alert", "open", rootkeep.Low, 1)
		s.pass(2 * time.Minute)
		s.want("at once", s.work(), []string{})
		s.pass(5 * time.Minute)
		s.want("a little later", s.work(), []string{"room/NO-AL-2-1 done"})
	})
}

func TestADigestNamesTheFirstAndCountsAll(t *testing.T) {
	eachSite(t, night, func(t *testing.T, s *site) {
		for i := range notify.MostItems + 5 {
			s.of(fmt.Sprintf("AL-%02d", i), "alert", "open", rootkeep.Low, 1)
		}
		s.morning()
		s.work()
		s.want("calls", s.got, []string{"chat.postMessage 1.0 25 alerts of the quiet hours: 25 low"})
		if !strings.Contains(s.last, "and 5 more") || !strings.Contains(s.last, "AL-19 step") || strings.Contains(s.last, "AL-20 step") {
			t.Errorf("got\n%s", s.last)
		}
		// Those that it does not name are told as well.
		s.of("AL-24", "alert-handled", "close", rootkeep.Low, 2)
		s.work()
		s.want("later", s.got[1:], []string{"chat.postMessage 2.0 Closed: AL-24 step 2"})
	})
}

// An alert whose letters are more than one digest takes is named by the last of them alone,
// as it stands by then.
func TestNoTwoDigestsNameAnAlert(t *testing.T) {
	eachSite(t, night, func(t *testing.T, s *site) {
		s.of("AL-1", "alert", "open", rootkeep.Low, 1)
		s.pass(time.Second)
		for from := 0; from < 1999; from += 100 { // one change with all may take longer than changes may
			err := s.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				for i := from; i < min(from+100, 1999); i++ {
					n := notify.Notice{ID: fmt.Sprintf("NO-other-%d", i), Topic: "alert", Severity: rootkeep.Low, Title: "other", Thread: fmt.Sprintf("AL-other-%d", i), At: s.now()}
					if err := s.box.Put(ctx, tx, n); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		s.of("AL-1", "alert-escalated", "update", rootkeep.Medium, 2)
		s.of("AL-2", "alert", "open", rootkeep.Low, 1)
		s.morning()
		s.work()
		var digests []string
		for _, call := range s.got {
			digests = append(digests, strings.Join(strings.Fields(call)[2:], " ")) // whichever of them goes first
		}
		slices.Sort(digests)
		s.want("digests", digests, []string{"1,999 alerts of the quiet hours: 1999 low", "2 alerts of the quiet hours: 1 medium, 1 low"})
		s.of("AL-1", "alert-handled", "close", rootkeep.Medium, 3)
		s.work()
		s.want("later", s.got[2:], []string{"chat.postMessage 3.0 Closed: AL-1 step 3"})
	})
}

// A receiver that says 200 and means no has taken nothing: that is seen, nothing counts as
// told, and what comes later opens its own message.
func TestAReceiverThatLiesIsSeen(t *testing.T) {
	eachSite(t, night, func(t *testing.T, s *site) {
		s.of("AL-1", "alert", "open", rootkeep.Medium, 1)
		s.of("AL-2", "alert", "open", rootkeep.Low, 1)
		s.morning()
		s.lies(`{"ok":false,"error":"channel_not_found"}`)
		if got := s.work(); len(got) != 2 || !strings.HasSuffix(got[1], " dead") {
			t.Errorf("got %v, want the digest dead", got)
		}
		var dead, sent []client.NoticeLetter
		var ways []client.NoticeWay
		err := s.store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
			if dead, err = s.box.Letters(ctx, r, outbox.DeadLetters); err != nil {
				return err
			}
			if sent, err = s.box.Letters(ctx, r, outbox.SentLetters); err != nil {
				return err
			}
			ways, err = s.box.Standing(ctx, r)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		const why = "channel_not_found"
		if len(dead) != 1 || dead[0].Topic != notify.DigestTopic || !strings.Contains(dead[0].Error, why) {
			t.Errorf("got dead letters %+v, want the digest, with what was answered", dead)
		}
		for _, l := range sent {
			if !l.Taken.IsZero() || l.Answer != "left to the digest "+dead[0].Notice {
				t.Errorf("got %s taken at %v, %q, want that it was left to the digest", l.Notice, l.Taken, l.Answer)
			}
		}
		if len(ways) != 1 || ways[0].Dead != 1 || ways[0].Failures != 1 || ways[0].Succeeded != 0 || !strings.Contains(ways[0].Said, why) {
			t.Errorf("got %+v, want a way that failed, and why", ways)
		}
		if got := told(t, s.store); len(got) != 1 || !strings.HasPrefix(got[0], "notice.failed") {
			t.Errorf("got %v in the ledger, want a failure", got)
		}
		s.lies("")
		s.of("AL-1", "alert-handled", "update", rootkeep.Medium, 2)
		s.work()
		err = s.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return s.box.Again(ctx, tx, "PE-1", dead[0].ID) })
		if err != nil {
			t.Fatal(err)
		}
		s.work()
		s.want("calls", s.got, []string{"chat.postMessage 1.0 AL-1 step 2", "chat.postMessage 2.0 2 alerts of the quiet hours: 1 medium, 1 low"})
	})
}

// A way that counts alerts gets each, and a digest is of alerts alone.
func TestWhoGetsNoDigest(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	folder := t.TempDir()
	key, file := filepath.Join(folder, "key"), filepath.Join(folder, "ways.yaml")
	for path, text := range map[string]string{
		key: strings.Repeat("0", 32),
		file: "ways:\n  - {name: pager, notifier: pagerduty, settings: {url: 'http://localhost:1'}, secret_files: {routing_key: " + key + "}}\n" +
			"  - {name: mail, mail: {host: localhost, port: 1, encryption: none, from: a@example.com, to: [b@example.com]}}\n" +
			"quiet: [{below: critical, hours: {zone: UTC, from: '00:00', to: '23:59'}}]\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	noon := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	box, err := outbox.Open(outbox.Settings{Ways: file}, func() time.Time { return noon }, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]string{"alert": "pager:false mail:true ", "approval-wanted": "pager:false mail:false ", "root-overrun": "pager:false mail:false "} {
		var got string
		for _, w := range box.Explain(notify.Notice{Topic: topic, Severity: rootkeep.Low}, noon).Ways {
			got += fmt.Sprintf("%s:%v ", w.Name, w.Digest)
		}
		if got != want {
			t.Errorf("%s: got digests %s, want %s", topic, got, want)
		}
	}
}
