package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// stub is a source whose health a test sets.
type stub struct{ health live.Health }

func (s *stub) Name() string        { return "trail" }
func (s *stub) Health() live.Health { return s.health }
func (s *stub) Run(context.Context, []byte, func(context.Context, live.Delivery) error) error {
	return errors.New("not run here")
}

// judge stands for access.Judge: it gives no verdict, and fails when it is told to.
type judge struct{ err, untold error }

func (j *judge) judge(context.Context, *store.Tx, rootlog.Touched) (*access.Changes, error) {
	return &access.Changes{}, j.err
}

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// watching is a watcher with one stub as its source.
func watching(t *testing.T, s *store.Store, j *judge) (*Watcher, *source) {
	t.Helper()
	o, err := outbox.Open(outbox.Settings{}, time.Now, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(Config{
		Store: s, Judge: j.judge, Detector: newDetector(t, j), Alerts: &alerts.Desk{Keeper: keeper(t), Tell: o.Alerts("")}, Outbox: o,
		Owner: "a", Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler), Sources: []sources.Config{{Name: "trail", Folder: t.TempDir()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.sources[0].Source = &stub{}
	return w, w.sources[0]
}

// threeSignIns fires at the third sign-in of a root user within five minutes.
const threeSignIns = `title: Root signs in
id: 5d1e9c0a-6f0b-4f52-9a53-0d8a4c7b1e01
name: root-signs-in
logsource: {product: aws, service: cloudtrail}
detection:
  s: {eventName: ConsoleLogin}
  condition: s
level: low
---
title: Root signs in again and again
id: 5d1e9c0a-6f0b-4f52-9a53-0d8a4c7b1e02
name: root-signs-in-again
correlation:
  type: event_count
  rules: [root-signs-in]
  group-by: [recipientAccountId]
  timespan: 5m
  condition: {gte: 3}
level: high
`

// newDetector detects by threeSignIns, and tells nobody.
func newDetector(t *testing.T, j *judge) *detector.Detector {
	t.Helper()
	pack, err := detect.Load([]rule.Source{{FS: fstest.MapFS{"rules/a.yaml": {Data: []byte(threeSignIns)}}, Dir: "rules"}}, detect.LoadOptions{})
	if err != nil || len(pack.Problems) > 0 {
		t.Fatal(err, pack.Problems)
	}
	nobody := func(context.Context, *store.Tx, *alerts.Changes) error { return j.untold }
	d, err := detector.New(detector.Config{Rules: detector.Rules{Pack: pack}, Alerts: keeper(t), Tell: nobody})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// signIns is a log with so many sign-ins of root.
func signIns(n int) string {
	var records []string
	for i := range n {
		records = append(records, fmt.Sprintf(`{"eventVersion":"1.11","eventID":"e-%d","eventTime":"2026-11-20T10:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin",
			"awsRegion":"us-east-1","sourceIPAddress":"198.51.100.9","recipientAccountId":"111122223333","userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"},
			"responseElements":{"ConsoleLogin":"Success"}}`, i))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func object(name, text, mark string) live.Delivery {
	return live.Delivery{Source: "trail", Arrived: noon, Mark: []byte(mark), Input: cloudtrail.Input{
		Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}}
}

// state is what the store has of the source: its mark, how many events, the entries.
func state(t *testing.T, s *store.Store) (mark string, events int, skipped []string) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		m, err := rootlog.Mark(ctx, r, "trail")
		if err != nil {
			return err
		}
		list, err := rootlog.Events(ctx, r, sight.All(), rootlog.EventFilter{Limit: 10_000})
		if err != nil {
			return err
		}
		told, err := entries.List(ctx, r, entries.Filter{Type: "source.skipped", Limit: 1000})
		for _, e := range told {
			skipped = append(skipped, e.Subject)
		}
		mark, events = string(m), len(list)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return mark, events, skipped
}

func TestEventsAndMarkAreKeptTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		j := &judge{err: errors.New("killed before the commit")}
		w, src := watching(t, s, j)
		if err := w.take(t.Context(), src, object("a", signIns(1), "1")); !errors.Is(err, j.err) {
			t.Errorf("got %v, want the judge's error", err)
		}
		if mark, events, _ := state(t, s); mark != "" || events != 0 {
			t.Errorf("got mark %q and %d events of a change that failed, want none", mark, events)
		}
		j.err = nil
		for range 2 { // delivered again
			if err := w.take(t.Context(), src, object("a", signIns(3), "1")); err != nil {
				t.Fatal(err)
			}
		}
		if mark, events, _ := state(t, s); mark != "1" || events != 3 {
			t.Errorf("got mark %q and %d events, want 1 and 3", mark, events)
		}
	})
}

func TestALargeObjectIsKeptInPiecesAndItsMarkLast(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	if err := w.take(t.Context(), src, object("a", signIns(1), "1")); err != nil {
		t.Fatal(err)
	}
	cut := strings.Replace(signIns(atOnce+10), `"e-505"`, `"e-505`, 1) // damaged behind the first piece
	if err := w.take(t.Context(), src, object("b", cut, "2")); err != nil {
		t.Fatal(err)
	}
	if mark, events, skipped := state(t, s); mark != "2" || events < atOnce || len(skipped) != 1 {
		t.Errorf("got mark %q, %d events, %v skipped, want what could be read, and the object named", mark, events, skipped)
	}
}

func TestManyDamagedObjectsFloodNoLedger(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	var log bytes.Buffer
	w.config.Log = slog.New(slog.NewTextHandler(&log, nil))
	for i := range mostPerHour + 20 {
		if err := w.take(t.Context(), src, object(fmt.Sprint("bad-", i), "no log", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(log.String(), "object=bad-"); got != mostPerHour+20 {
		t.Errorf("got %d objects in the log, want all", got)
	}
	_, _, skipped := state(t, s)
	if st := w.Status()[0]; len(skipped) != mostPerHour || st.Skipped != mostPerHour+20 || !strings.HasPrefix(st.Latest, "bad-119: not-a-log") {
		t.Errorf("got %d entries, %d skipped, last %q, want %d, all, and the last named", len(skipped), st.Skipped, st.Latest, mostPerHour)
	}
}

func TestAnObjectThatIsGivenUpIsSkippedAtOnce(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	if err := w.take(t.Context(), src, live.Delivery{Source: "trail", Mark: []byte("1"), Input: cloudtrail.Input{Name: "a"}, Lost: "permission denied"}); err != nil {
		t.Fatal(err)
	}
	mark, _, skipped := state(t, s)
	if st := w.Status()[0]; mark != "1" || len(skipped) != 1 || st.Skipped != 1 || !strings.Contains(st.Latest, "permission denied") {
		t.Errorf("got mark %q, %v skipped, last %q, want the object named", mark, skipped, st.Latest)
	}
}

// Of two servers over one store, one reads a source: the other keeps nothing of it, takes
// over once the first says nothing any more, and the first keeps nothing from then on.
func TestOneServerReadsASource(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		now := noon
		options := storetest.Options(t)
		options.Now = func() time.Time { return now }
		s := storetest.Open(t, address, options)
		first, a := watching(t, s, &judge{})
		second, b := watching(t, s, &judge{})
		second.config.Owner = "b"
		if err := first.take(t.Context(), a, object("1", signIns(1), "1")); err != nil {
			t.Fatal(err)
		}
		if err := second.take(t.Context(), b, object("0", signIns(1), "0")); !errors.Is(err, errElsewhere) {
			t.Errorf("got %v from the other server, want it to leave the source", err)
		}
		now = now.Add(lease + time.Second)
		if err := second.take(t.Context(), b, object("2", signIns(1), "2")); err != nil {
			t.Errorf("got %v after the lease, want the source taken over", err)
		}
		if err := first.take(t.Context(), a, object("1", signIns(1), "1")); !errors.Is(err, errElsewhere) {
			t.Errorf("got %v from the first, want it to leave the source", err)
		}
		if mark, events, _ := state(t, s); mark != "2" || events != 1 {
			t.Errorf("got mark %q, %d events, want that of the second alone", mark, events)
		}
		if err := errors.Join(second.release(t.Context(), b.Name()), second.release(t.Context(), Detections)); err != nil {
			t.Fatal(err)
		}
		if err := first.touch(t.Context(), a); err != nil {
			t.Errorf("got %v after the second let it go, want it at once", err)
		}
	})
}

// keeper takes alerts in.
func keeper(t testing.TB) *alerts.Keeper {
	t.Helper()
	k, err := alerts.New(alert.Default(), func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestASourceThatIsSilentIsAnAlertUntilItSpeaks(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	states := func() (out []string) {
		t.Helper()
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
			out, err = store.Texts(ctx, r, `SELECT rule || ' ' || state FROM alert ORDER BY rule, state`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, step := range []struct {
		name   string
		health live.Health
		want   []string
	}{
		{"it works", live.Health{Heard: noon, Last: noon}, nil},
		{"it does not answer", live.Health{Heard: noon.Add(-time.Hour), Last: noon}, []string{"source-silent new"}},
		{"it still does not", live.Health{Heard: noon.Add(-time.Hour), Last: noon}, []string{"source-silent new"}},
		{"it answers, and cannot read", live.Health{Heard: noon, Last: noon, Fault: "denied"}, []string{"source-fault new", "source-silent closed"}},
		{"all is well", live.Health{Heard: noon, Last: noon}, []string{"source-fault closed", "source-silent closed"}},
	} {
		src.Source, src.began = &stub{step.health}, noon.AddDate(0, 0, -1)
		if err := w.check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, states()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestWhoDoesNotReadASourceTellsNobodyOfIt(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	first, a := watching(t, s, &judge{})
	second, b := watching(t, s, &judge{})
	second.config.Owner = "b"
	if err := first.touch(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { second.follow(ctx, b); close(done) }()
	for !second.Status()[0].Elsewhere && ctx.Err() == nil {
		runtime.Gosched()
	}
	stop()
	<-done
	if got := b.worries(noon.AddDate(0, 0, 9)); len(got) != 0 {
		t.Errorf("got %+v of a source that another server reads, want nobody told", got)
	}
}

func TestSkippedObjectsAreToldOnce(t *testing.T) {
	s := &source{stumbles: map[string]int{}, Source: &stub{live.Health{Heard: noon.AddDate(0, 0, 9), Last: noon.AddDate(0, 0, 9)}}, began: noon}
	s.skip(noon, "a", []cloudtrail.Problem{{Kind: cloudtrail.Corrupt}})
	first, later := s.worries(noon), s.worries(noon.Add(13*time.Hour)) // past midnight
	if len(first) != 1 || len(later) != 1 || !first[0].Since.Equal(later[0].Since) {
		t.Errorf("got %+v, and hours later %+v, want the same worry", first, later)
	}
	if got := s.worries(noon.AddDate(0, 0, 9)); len(got) != 0 {
		t.Errorf("got %+v nine days later, want nobody told again", got)
	}
}

func TestASourceThatIsAskedSeldomIsNotSilent(t *testing.T) {
	s := &source{stumbles: map[string]int{}, Source: &stub{live.Health{Heard: noon.Add(-time.Hour), Last: noon}}, began: noon.Add(-24 * time.Hour), config: sources.Config{Every: rule.Duration(time.Hour)}}
	if got := s.worries(noon); len(got) != 0 {
		t.Errorf("got %+v of a source that is asked once an hour, want nobody told", got)
	}
	if got := s.worries(noon.Add(10 * time.Minute)); len(got) != 1 {
		t.Errorf("got %+v ten minutes after it was to be asked, want somebody told", got)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("input/output error") }
func (broken) Close() error             { return nil }

func TestADiskThatFailsIsTriedAgainAndThenLeft(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	d := live.Delivery{Source: "trail", Mark: []byte("1"), Input: cloudtrail.Input{Name: "a", Open: func() (io.ReadCloser, error) { return broken{}, nil }}}
	for n := range tries - 1 {
		if err := w.take(t.Context(), src, d); err == nil || !strings.Contains(err.Error(), `object "a"`) {
			t.Errorf("try %d: got %v, want it to come again", n+1, err)
		}
	}
	if err := w.take(t.Context(), src, d); err != nil {
		t.Errorf("got %v, want the object skipped", err)
	}
	if mark, _, skipped := state(t, s); mark != "1" || len(skipped) != 1 {
		t.Errorf("got mark %q, %v skipped, want it named", mark, skipped)
	}
}

func TestWhatSomebodyIsToldOfASource(t *testing.T) {
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	for _, test := range []struct {
		name   string
		health live.Health
		lookup bool
		broken error
		skip   bool
		want   []string // topic: part of the title
	}{
		{"a source that works", live.Health{Heard: ago(time.Second), Last: ago(time.Hour)}, false, nil, false, nil},
		{"one that never answered", live.Health{}, false, nil, false, []string{"source-silent: does not answer"}},
		{"one that does not answer", live.Health{Heard: ago(time.Hour), Last: ago(time.Hour)}, true, nil, false, []string{"source-silent: does not answer"}},
		{"a folder that brings nothing", live.Health{Heard: noon, Last: ago(7 * time.Hour)}, false, nil, false, []string{"source-silent: brings nothing"}},
		{"an event history that brings nothing is no silence", live.Health{Heard: noon, Last: ago(7 * time.Hour)}, true, nil, false, nil},
		{"one that cannot read something", live.Health{Heard: noon, Last: noon, Fault: "permission denied"}, false, nil, false, []string{"source-fault: cannot read"}},
		{"one that stopped", live.Health{Heard: noon, Last: noon}, false, errors.New("a mark that this version does not know"), false, []string{"source-fault: cannot read"}},
		{"one that stopped, and works again", live.Health{Heard: noon.Add(time.Second), Last: noon}, false, errors.New("the disk is full"), false, nil},
		{"one whose objects are damaged", live.Health{Heard: noon, Last: noon}, false, nil, true, []string{"source-fault: were skipped"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &source{stumbles: map[string]int{}, Source: &stub{test.health}, began: ago(24 * time.Hour), broken: test.broken, ended: noon}
			if test.lookup {
				s.config.Lookup = &sources.Lookup{}
			}
			if test.skip {
				s.skip(noon, "a", []cloudtrail.Problem{{Kind: cloudtrail.Corrupt}})
			}
			got := s.worries(noon)
			if len(got) != len(test.want) {
				t.Fatalf("got %+v, want %v", got, test.want)
			}
			for i, want := range test.want {
				topic, title, _ := strings.Cut(want, ": ")
				if got[i].Rule != topic || !strings.Contains(got[i].Title, title) {
					t.Errorf("got %s: %s, want %s", got[i].Rule, got[i].Title, want)
				}
			}
			again := s.worries(noon.Add(time.Minute))
			if len(got) > 0 && got[0].Rule == faultRule && !got[0].Since.Equal(noon) {
				t.Errorf("got a fault of %v, want it of when it was seen", got[0].Since)
			}
			if len(again) > 0 && again[0].Rule != faultRule && !again[0].Since.Equal(got[0].Since) {
				t.Errorf("got one that began %v a minute later, want %v again", again[0].Since, got[0].Since)
			}
		})
	}
}

func TestParcelsOfSeveralSourcesStopNoOther(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, first := watching(t, s, &judge{})
	second := &source{Source: &named{stub{}, "other"}}
	refused := errors.New("events that cannot be judged")
	var judged atomic.Int64
	w.config.Judge = func(_ context.Context, _ *store.Tx, about rootlog.Touched) (*access.Changes, error) {
		judged.Add(1)
		if _, bad := about["999999999999"]; bad {
			return nil, refused
		}
		return &access.Changes{}, nil
	}
	var all sync.WaitGroup
	var wrong atomic.Int64
	for i := range 200 {
		all.Go(func() {
			account, from, want := rootkeep.AccountID("111122223333"), first, error(nil)
			if i%10 == 0 {
				account, from, want = "999999999999", second, refused
			}
			e := reconcile.Event{RootUse: rootkeep.RootUse{ID: fmt.Sprint("e-", i), Account: account, Time: noon, Name: "ConsoleLogin", Source: "signin.amazonaws.com", Kind: rootkeep.RootSignIn}}
			if err := w.commit(t.Context(), &parcel{source: from, events: []reconcile.Event{e}}); !errors.Is(err, want) {
				wrong.Add(1)
				t.Log(err)
			}
		})
	}
	all.Wait()
	if _, events, _ := state(t, s); wrong.Load() != 0 || events != 180 {
		t.Errorf("got %d parcels with another outcome than their own, and %d events, want 0 and 180", wrong.Load(), events)
	}
	if w.counter.busy || len(w.counter.waiting) != 0 {
		t.Error("parcels are left, or somebody still leads")
	}
}

// named is a stub with another name.
type named struct {
	stub
	name string
}

func (n *named) Name() string { return n.name }

// Five sign-ins come in three objects, two of them several times; changes fail behind the
// detections, and the server dies after each.
func TestDetectionsCountEachEventOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		j := &judge{}
		w, src := watching(t, s, j)
		texts := []string{signIns(2), signIns(5), signIns(2)}
		for i, text := range texts {
			j.untold = errors.New("the disk is full")
			if err := w.take(t.Context(), src, object(fmt.Sprint(i), text, fmt.Sprint(i))); i == 1 && !errors.Is(err, j.untold) {
				t.Errorf("got %v from a change that could not be made, want its error", err)
			}
			j.untold = nil
			if err := w.take(t.Context(), src, object(fmt.Sprint(i), text, fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
			w, src = watching(t, s, j) // as after a restart
		}
		if diff := cmp.Diff(map[string]int{"root-signs-in-again": 5}, counted(t, s)); diff != "" {
			t.Errorf("events of the alerts (-want +got):\n%s", diff)
		}
	})
}
