package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/job/run"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// room is a receiver that speaks as Slack does, as long as it is up.
type room struct {
	*httptest.Server
	mu    sync.Mutex // guards what follows
	down  int        // status that it answers with, 0 if it is up
	lie   string     // what it answers with 200 in place of what it did
	posts int
	got   []string // what was done to which message
	last  string   // body of the last request
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		var body struct{ TS, Text string }
		text, err := io.ReadAll(q.Body)
		if err == nil {
			err = json.Unmarshal(text, &body)
		}
		if err != nil {
			t.Error(err)
		}
		r.last = string(text)
		if r.lie != "" {
			_, _ = io.WriteString(w, r.lie)
			return
		}
		if r.down != 0 {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(r.down)
			return
		}
		if strings.HasSuffix(q.URL.Path, "postMessage") {
			r.posts++
			body.TS = fmt.Sprintf("%d.0", r.posts)
		}
		r.got = append(r.got, filepath.Base(q.URL.Path)+" "+body.TS+" "+body.Text)
		_, _ = fmt.Fprintf(w, `{"ok":true,"channel":"C1","ts":%q}`, body.TS)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *room) is(down int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

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

// site is a store with an outbox whose way is a room.
type site struct {
	t *testing.T
	*room
	*clock
	store *store.Store
	box   *outbox.Outbox
}

// eachSite runs a test on both stores, on an evening in Berlin; more is of the file of
// ways.
func eachSite(t *testing.T, more string, test func(*testing.T, *site)) {
	t.Helper()
	storetest.EachAddress(t, func(t *testing.T, address string) {
		c := &clock{at: time.Date(2026, 11, 3, 20, 0, 0, 0, time.UTC)}
		o := storetest.Options(t)
		o.Now = c.now
		s := &site{t, newRoom(t), c, storetest.Open(t, address, o), nil}
		folder := t.TempDir()
		secret, file := filepath.Join(folder, "token"), filepath.Join(folder, "ways.yaml")
		for path, text := range map[string]string{
			secret: "xoxb-0123456789-abcdefghij",
			file:   fmt.Sprintf("ways:\n  - {name: room, notifier: slack, settings: {url: '%s', channel: C1}, secret_files: {token: %s}}\n%s", s.URL, secret, more),
		} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if s.box, err = outbox.Open(outbox.Settings{Ways: file}, c.now, s.store, nil); err != nil {
			t.Fatal(err)
		}
		test(t, s)
	})
}

func (s *site) put(id, action string, severity rootkeep.Severity) {
	s.t.Helper()
	put(s.t, s.store, s.box, notify.Notice{ID: id, Topic: "alert", Severity: severity, Title: id, Thread: "AL-1", Action: action, At: s.now()})
}

// work runs one attempt of every job that is due, and says what became of each.
func (s *site) work() []string {
	s.t.Helper()
	keeper := jobs.Keeper{Store: s.store}
	var kinds []string
	handlers := map[string]job.Handler{}
	for _, k := range s.box.Kinds() {
		kinds = append(kinds, k.Name)
		handlers[k.Name] = k.Handler
	}
	out := []string{}
	for {
		j, err := keeper.Claim(s.t.Context(), "one", kinds, time.Minute)
		if err != nil {
			s.t.Fatal(err)
		}
		if j == nil {
			return out
		}
		err = handlers[j.Kind].Handle(s.t.Context(), j, func(string) {})
		pause, attempted := job.Pause(err)
		o := job.Outcome{State: job.Done}
		if err != nil {
			o = job.Outcome{State: job.Waiting, RunAt: s.now().Add(max(pause, time.Second)), Error: err.Error(), Kept: !attempted}
		}
		if job.IsPermanent(err) {
			o = job.Outcome{State: job.Dead, Error: err.Error()}
		}
		if err := keeper.Finish(s.t.Context(), j, o); err != nil {
			s.t.Fatal(err)
		}
		what := string(o.State)
		if o.Kept {
			what = "postponed"
		}
		out = append(out, j.Key+" "+what)
	}
}

func (s *site) want(what string, got, want []string) {
	s.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// What is about more accounts than are named says so when it is sent.
func TestANoticeSaysThatThereAreMoreAccounts(t *testing.T) {
	eachSite(t, "routes: [{ways: [room], accounts: ['999988887777']}]\n", func(t *testing.T, s *site) {
		n := notify.Notice{ID: "NO-1", Topic: "alert-storm", Severity: rootkeep.High, Title: "many", Thread: "AL-1", At: s.now()}
		for i := range notify.MostAccounts + 1 {
			n.Accounts = append(n.Accounts, fmt.Sprintf("1111222233%02d", i))
		}
		put(t, s.store, s.box, n)
		s.want("taken", s.work(), []string{"room/NO-1 done"})
		if !strings.Contains(s.last, "111122223309 and others") {
			t.Errorf("got %s, want that there are others", s.last)
		}
	})
}

func TestAThreadIsOneMessage(t *testing.T) {
	eachSite(t, "", func(t *testing.T, s *site) {
		for i, action := range []string{"", "update", "close", ""} {
			s.put(fmt.Sprintf("NO-%d", i), action, rootkeep.High)
			s.work()
		}
		s.want("calls", s.got, []string{"chat.postMessage 1.0 NO-0", "chat.update 1.0 Changed: NO-1", "chat.update 1.0 Closed: NO-2", "chat.postMessage 2.0 NO-3"})
		if got := told(t, s.store); len(got) != 4 {
			t.Errorf("got %v, want four deliveries in the ledger", got)
		}
	})
}

// What was opened somewhere is closed there, though no route takes it there any more.
func TestAMessageIsClosedWhereItWasOpened(t *testing.T) {
	const day = "routes: [{ways: [room], severity: high, hours: {from: '08:00', to: '22:00', zone: Europe/Berlin}}]\n"
	eachSite(t, day, func(t *testing.T, s *site) {
		s.put("NO-1", "", rootkeep.High)
		s.work()
		s.pass(2 * time.Hour)
		s.put("NO-2", "close", rootkeep.Low)
		s.work()
		put(t, s.store, s.box, notify.Notice{ID: "NO-3", Topic: "alert", Severity: rootkeep.High, Title: "another", Thread: "AL-2", Action: "close", At: s.now()})
		s.want("what was never told there", s.work(), []string{})
		s.want("calls", s.got, []string{"chat.postMessage 1.0 NO-1", "chat.update 1.0 Closed: NO-2"})
	})
}

func TestAnUpdateOfWhatNobodyHasOpensIt(t *testing.T) {
	eachSite(t, "", func(t *testing.T, s *site) {
		s.is(http.StatusForbidden)
		s.put("NO-1", "", rootkeep.High)
		s.want("refused", s.work(), []string{"room/NO-1 dead"})
		s.is(0)
		s.put("NO-2", "update", rootkeep.High)
		s.want("taken", s.work(), []string{"room/NO-2 done"})
		s.put("NO-3", "close", rootkeep.High)
		s.work()
		s.want("calls", s.got, []string{"chat.postMessage 1.0 NO-2", "chat.update 1.0 Closed: NO-3"})
		// The dead one is sent again, and the receiver has newer ones.
		again(s)
		s.want("again", s.work(), []string{"room/NO-1 done"})
		s.want("calls", s.got[2:], []string{})
	})
}

// again has the only dead letter sent again.
func again(s *site) {
	s.t.Helper()
	err := s.store.Update(s.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, err := s.box.Letters(ctx, &tx.Reader, outbox.DeadLetters)
		if err != nil || len(list) != 1 || list[0].Way != "room" || list[0].Error == "" {
			return fmt.Errorf("got %+v, %v, want one dead letter, and why", list, err)
		}
		return s.box.Again(ctx, tx, "PE-1", list[0].ID)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestADeadLetterIsSentAgain(t *testing.T) {
	eachSite(t, "", func(t *testing.T, s *site) {
		s.is(http.StatusForbidden)
		s.put("NO-1", "", rootkeep.High)
		s.work()
		s.is(0)
		again(s)
		s.want("again", s.work(), []string{"room/NO-1 done"})
		s.want("calls", s.got, []string{"chat.postMessage 1.0 NO-1"})
		err := s.store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			j, _, err := jobs.Add(ctx, tx, job.Job{Kind: "noticeable"})
			if err != nil {
				return err
			}
			return s.box.Again(ctx, tx, "PE-1", j.ID)
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another job: got %v, want it not found", err)
		}
	})
}

func TestAnUpdateNeverOvertakesItsOpen(t *testing.T) {
	eachSite(t, "", func(t *testing.T, s *site) {
		s.put("NO-1", "", rootkeep.High)
		s.put("NO-2", "update", rootkeep.High)
		// The younger one comes first to a server.
		var list []*job.Job
		err := s.store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
			list, err = jobs.List(ctx, r, jobs.Filter{Kind: outbox.Kind, Limit: 10})
			return err
		})
		if err != nil || len(list) != 2 {
			t.Fatalf("got %d jobs, %v", len(list), err)
		}
		for _, j := range list {
			if strings.HasSuffix(j.Key, "NO-2") {
				j.Attempt = 1
				if _, attempted := job.Pause(s.box.Jobs().Handler.Handle(t.Context(), j, func(string) {})); attempted || len(s.got) != 0 {
					t.Errorf("got calls %v, an attempt %v, want it to wait", s.got, attempted)
				}
			}
		}
		s.work()
		s.pass(time.Minute)
		s.work()
		s.want("calls", s.got, []string{"chat.postMessage 1.0 NO-1", "chat.update 1.0 Changed: NO-2"})
	})
}

func TestWhatFailedStepsBackBehindWhatIsNewer(t *testing.T) {
	eachSite(t, "", func(t *testing.T, s *site) {
		s.is(http.StatusServiceUnavailable)
		s.put("NO-1", "", rootkeep.High)
		s.want("it is down", s.work(), []string{"room/NO-1 waiting"})
		s.pass(time.Second)
		s.put("NO-2", "update", rootkeep.High)
		s.is(0)
		s.want("the newer one opens the message", s.work(), []string{"room/NO-2 done"})
		s.pass(2 * time.Minute) // beyond what the receiver asked for
		s.want("the older one is overtaken", s.work(), []string{"room/NO-1 done"})
		s.want("calls", s.got, []string{"chat.postMessage 1.0 NO-2"})
		got := told(t, s.store)
		if len(got) != 2 || !strings.HasPrefix(got[0]+got[1], "notice.overtaken") && !strings.Contains(got[1], "notice.overtaken") {
			t.Errorf("got %v, want what was overtaken in the ledger", got)
		}
	})
}

func TestAReceiverThatAsksToBeLeftAlone(t *testing.T) {
	eachSite(t, "", func(t *testing.T, s *site) {
		s.is(http.StatusTooManyRequests)
		s.put("NO-1", "", rootkeep.High)
		s.work()
		s.is(0)
		s.pass(80 * time.Second)
		s.want("too early", s.work(), []string{})
		s.pass(11 * time.Second)
		s.want("in time", s.work(), []string{"room/NO-1 done"})
	})
}

func TestQuietHoursHoldBack(t *testing.T) {
	const night = "quiet: [{below: high, hours: {from: '20:00', to: '07:00', zone: Europe/Berlin}}]\n"
	eachSite(t, night, func(t *testing.T, s *site) {
		s.put("NO-1", "", rootkeep.Medium)
		s.want("held", s.work(), []string{})
		held := func() (list []client.NoticeLetter, ways []client.NoticeWay) {
			t.Helper()
			err := s.store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
				if list, err = s.box.Letters(ctx, r, outbox.HeldLetters); err != nil {
					return err
				}
				ways, err = s.box.Standing(ctx, r)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return list, ways
		}
		list, ways := held()
		if len(list) != 1 || list[0].Notice != "NO-1" || list[0].Due.UTC().Format(time.RFC3339) != "2026-11-04T06:00:00Z" || len(ways) != 1 || ways[0].Held != 1 || ways[0].Waiting != 0 {
			t.Errorf("got %+v and %+v, want one held until the morning", list, ways)
		}
		s.put("NO-2", "update", rootkeep.Critical)
		s.want("what is critical passes", s.work(), []string{"room/NO-2 done"})
		s.put("NO-3", "update", rootkeep.Low)
		s.pass(10*time.Hour + time.Second)
		if got := s.work(); len(got) != 3 {
			t.Errorf("in the morning: got %v, want both that were held, and what looks whether they are a digest", got)
		}
		s.want("calls", s.got, []string{"chat.postMessage 1.0 NO-2", "chat.update 1.0 Changed: NO-3"})
		if list, ways := held(); len(list) != 0 || ways[0].Held != 0 || ways[0].Succeeded != 2 || ways[0].Taken.IsZero() {
			t.Errorf("got %+v and %+v, want none held", list, ways)
		}
	})
}

func TestATestStandsInTheLedger(t *testing.T) {
	eachSite(t, "", func(t *testing.T, s *site) {
		desk := outbox.Desk{Outbox: s.box}
		if answer, err := desk.Test(t.Context(), "PE-1", "room"); err != nil || !strings.Contains(answer, "HTTP 200") {
			t.Errorf("got %q, %v", answer, err)
		}
		s.is(http.StatusForbidden)
		if answer, err := desk.Test(t.Context(), "PE-1", "room"); err == nil {
			t.Errorf("got %q, want a failure", answer)
		}
		if _, err := desk.Test(t.Context(), "PE-1", "pager"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v, want no such way", err)
		}
		got := told(t, s.store)
		if len(got) != 2 || !strings.HasPrefix(got[0], "notice.tested") || !strings.HasPrefix(got[1], "notice.tested") {
			t.Errorf("got %v, want two tests in the ledger", got)
		}
	})
}

// A way whose receiver hangs stops no other.
func TestAWayThatHangsStopsNoOther(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	hanging := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hanging }))
	defer slow.Close()
	defer close(hanging)
	quick := receive(t)
	folder := t.TempDir()
	secret, file := filepath.Join(folder, "secret"), filepath.Join(folder, "ways.yaml")
	way := "  - {name: %s, notifier: webhook, settings: {url: '%s'}, secret_files: {secret: %s}}\n"
	for path, text := range map[string]string{secret: strings.Repeat("s", 32), file: "ways:\n" + fmt.Sprintf(way, "slow", slow.URL, secret) + fmt.Sprintf(way, "quick", quick.URL, secret)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := open(t, outbox.Settings{Ways: file}, s)
	const many = 12
	for i := range many {
		n := notice
		n.ID = fmt.Sprintf("NO-%d", i)
		put(t, s, o, n)
	}
	runner, err := run.New(run.Config{Keeper: jobs.Keeper{Store: s}, Kinds: o.Kinds(), Owner: "one", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); runner.Run(ctx) }()
	for i := range many {
		select {
		case <-quick.arrive:
		case <-time.After(15 * time.Second): // less than the slow one takes to be given up
			t.Fatalf("got %d of %d notices by the way that is up", i, many)
		}
	}
	stop()
	<-ended
}

func TestLettersOfAWayThatIsGoneDie(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	put(t, s, open(t, ways(t, "http://localhost:1", ""), s), notice)
	o := open(t, outbox.Settings{}, s)
	if err := o.Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	j, err := jobs.Keeper{Store: s}.Claim(t.Context(), "one", []string{outbox.Kind}, time.Minute)
	if err != nil || j == nil {
		t.Fatalf("got %v, %v, want the letter among those that are given up", j, err)
	}
}
