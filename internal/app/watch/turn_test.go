package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/detect"
	detects "github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// inTurns is a delivery of a source that goes on with others meanwhile.
func inTurns(name, text, mark string) live.Delivery {
	d := object(name, text, mark)
	d.Turns = true
	return d
}

// others are so many calls of users, whose IDs begin with a word.
func others(word string, n int) string {
	var records []string
	for i := range n {
		records = append(records, fmt.Sprintf(`{"eventVersion":"1.11","eventID":"%s-%d","eventTime":"2026-11-20T10:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances",
			"awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.9","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a","accountId":"111122223333"}}`, word, i))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func TestASmallObjectIsKeptBeforeTheRestOfALargeOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w, src := watching(t, s, &judge{})
		err := w.take(t.Context(), src, inTurns("large", signIns(2*atOnce+10), "large and small"))
		rest, ok := errors.AsType[*live.Unfinished](err)
		if !ok {
			t.Fatalf("got %v, want that one turn is over", err)
		}
		if busy := src.busy(""); busy != "large is read in turns with others: 500 records so far" {
			t.Errorf("got %q while it is read", busy)
		}
		small := strings.ReplaceAll(signIns(1), "e-0", "small")
		if err := w.take(t.Context(), src, inTurns("small", small, "small")); err != nil {
			t.Fatal(err)
		}
		if mark, events, _ := state(t, s); mark != "small" || events != atOnce+1 {
			t.Errorf("got mark %q and %d events, want the small one's, and a turn of the large one", mark, events)
		}
		err = rest.Next(t.Context(), []byte("large and small"))
		if rest, ok = errors.AsType[*live.Unfinished](err); !ok {
			t.Fatalf("got %v, want that two turns are over", err)
		}
		if mark, events, _ := state(t, s); mark != "small" || events != 2*atOnce+1 {
			t.Errorf("got mark %q and %d events, want the mark to stay", mark, events)
		}
		if err := rest.Next(t.Context(), []byte("large and small")); err != nil {
			t.Fatal(err)
		}
		if mark, events, _ := state(t, s); mark != "large and small" || events != 2*atOnce+11 || src.busy("") != "" {
			t.Errorf("got mark %q and %d events at the end, busy with %q", mark, events, src.busy(""))
		}
		if got := totalsOf(t, s); got.Objects != 2 || got.Records != 2*atOnce+11 {
			t.Errorf("got %+v, want two objects with all records", got)
		}
	})
}

// A large object without a match has its turns too, and one that is left lets go of its file.
func TestALargeObjectThatIsLeftIsClosed(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	d, file := inTurns("large", "", "1"), &closing{Reader: strings.NewReader(others("x", recordsATurn+1))}
	d.Input.Open = func() (io.ReadCloser, error) { return file, nil }
	err := w.take(t.Context(), src, d)
	rest, ok := errors.AsType[*live.Unfinished](err)
	if !ok || file.closed {
		t.Fatalf("got %v, closed %v, want that a turn is over", err, file.closed)
	}
	rest.Close()
	if mark, _, _ := state(t, s); !file.closed || mark != "" || src.busy("") != "" {
		t.Errorf("closed %v, mark %q, busy with %q once it was left", file.closed, mark, src.busy(""))
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

// delivered is how often an event came.
func delivered(t *testing.T, s *store.Store, id string) (n int) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		return r.Row(ctx, `SELECT delivered FROM root_event WHERE event = $1`, id).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAUseOfRootIsKeptBeforeWhatWaits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w, src := watching(t, s, &judge{})
		if err := w.take(t.Context(), src, object("first", others("a", 3), "1")); err != nil {
			t.Fatal(err)
		}
		behind := []cloudtrail.Input{object("calls", others("b", 50), "").Input, object("root", signIns(1), "").Input, object("damaged", signIns(1)[:90], "").Input}
		d := object("second", others("c", 3), "2")
		d.Ahead = func(context.Context) (in cloudtrail.Input, ok bool) {
			if len(behind) == 0 {
				return in, false
			}
			in, behind = behind[0], behind[1:]
			return in, true
		}
		for range 3 {
			if !w.ahead(t.Context(), src, &d) {
				t.Fatal("nothing was looked into, want three objects")
			}
		}
		if w.ahead(t.Context(), src, &d) {
			t.Error("a fourth object was looked into")
		}
		if mark, events, skipped := state(t, s); mark != "1" || events != 1 || len(skipped) != 0 {
			t.Errorf("got mark %q, %d events, %v skipped, want the use of root alone, and the mark as it was", mark, events, skipped)
		}
		if err := w.take(t.Context(), src, object("root", signIns(1), "3")); err != nil {
			t.Fatal(err)
		}
		if mark, events, _ := state(t, s); mark != "3" || events != 1 || delivered(t, s, "e-0") != 1 {
			t.Errorf("got mark %q, %d events, delivered %d times, want it to count once", mark, events, delivered(t, s, "e-0"))
		}
		if err := w.take(t.Context(), src, object("copy", signIns(1), "4")); err != nil {
			t.Fatal(err)
		}
		if n := delivered(t, s, "e-0"); n != 2 {
			t.Errorf("delivered %d times with a copy in another object, want 2", n)
		}
	})
}

// While the line is full what waits is looked into; a change that fails there keeps nothing.
func TestAFullLineLooksAhead(t *testing.T) {
	l := (*line)(nil).next(noon, func() {})
	first := &parcel{size: bytesAtOnce}
	if err := l.add(t.Context(), first, noon, idle); err != nil {
		t.Fatal(err)
	}
	looked := 0
	err := l.add(t.Context(), &parcel{}, noon, func() bool {
		if looked++; looked == 3 {
			l.left(first)
		}
		return true
	})
	if err != nil || looked != 3 {
		t.Errorf("got %v after %d looks, want room after three", err, looked)
	}
	ahead := []*parcel{{}, {}, {}}
	for _, p := range ahead {
		if err := l.add(t.Context(), p, noon, idle); err != nil {
			t.Fatal(err)
		}
	}
	patient := &parcel{patient: true}
	for range 3 { // of four
		if l.room(patient) {
			t.Fatalf("room for more of a large object behind %d parcels", l.ahead)
		}
		l.left(&parcel{})
	}
	if !l.room(patient) {
		t.Error("no room for more of a large object behind one parcel")
	}
}

func TestAWatcherSaysWhatTakesLong(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	if err := w.take(t.Context(), src, object("a", signIns(7), "1")); err != nil {
		t.Fatal(err)
	}
	if got := src.busy(w.matches.most()); got != "" {
		t.Errorf("got %q of a source that nothing held up", got)
	}
	src.holdUp()
	if got := src.busy(w.matches.most()); got != "it waits until what detections found is kept; matched most: root-signs-in 7 records" {
		t.Errorf("got %q", got)
	}
	w.matches.add([]detects.Volume{{Rule: "a", Matches: 3}, {Rule: "b", Matches: 4}, {Rule: "b", Matches: 1}, {Rule: "own\x1b", Matches: 6}, {Rule: "d", Matches: 5}})
	if got, want := w.matches.most(), `root-signs-in 7 records, own\x1b 6 records, b 5 records`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	w.matches.renew()
	src.holdUp()
	if got := src.busy(w.matches.most()); got != "" {
		t.Errorf("got %q though no rule matched since", got)
	}
}

func TestAChangeThatTookLongIsFollowedBySmallerOnes(t *testing.T) {
	c := &counter{}
	for step, want := range []int{eventsAtOnce, eventsAtOnce / 2, atOnce, atOnce, atOnce, 2 * atOnce, eventsAtOnce, eventsAtOnce} {
		took := []time.Duration{shortChange - 1, longChange + 1, longChange + 1, time.Minute, longChange, 0, 0, 0}[step]
		c.took(took, want)
		if got := eventsAtOnce - c.less; got != want {
			t.Errorf("step %d, after %v: got at most %d events, want %d", step, took, got, want)
		}
	}
	c.took(longChange+1, eventsAtOnce)
	if c.took(0, 1); c.less != eventsAtOnce/2 {
		t.Errorf("got %d events less after a small change, want %d still", c.less, eventsAtOnce/2)
	}
}

const everything = `title: Everything
id: 5d1e9c0a-6f0b-4f52-9a53-0d8a4c7b1e03
name: everything
logsource: {product: aws, service: cloudtrail}
detection:
  all: {eventName|exists: true}
  condition: all
level: medium
`

// TestAStormIsFewWrites has a rule match everything: of an event there is what tells it from its
// copies, and all else is written once for a change.
func TestAStormIsFewWrites(t *testing.T) {
	pack, err := detect.Load([]rule.Source{{FS: fstest.MapFS{"rules/a.yaml": {Data: []byte(everything)}}, Dir: "rules"}}, detect.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	w, src := watching(t, s, &judge{})
	nobody := func(context.Context, *store.Tx, *alerts.Changes) error { return nil }
	if w.config.Detector, err = detector.New(detector.Config{Rules: detector.Rules{Pack: pack}, Alerts: keeper(t), Tell: nobody}); err != nil {
		t.Fatal(err)
	}
	w.part = w.config.Detector.Part(0, 1)
	const parts = 4
	if err := w.take(t.Context(), src, object("storm", others("s", parts*atOnce), "1")); err != nil {
		t.Fatal(err)
	}
	number := func(query string) (n int) {
		t.Helper()
		err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error { return r.Row(ctx, query).Scan(&n) })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for query, most := range map[string]int{
		`SELECT COUNT(*) FROM live_state`:                    parts*atOnce + 3, // a row for each event, its group's, the engine's own
		`SELECT COUNT(*) FROM alert`:                         1,
		`SELECT COUNT(*) FROM alert_history`:                 1,
		`SELECT COUNT(*) FROM alert_rule`:                    1,
		`SELECT COUNT(*) FROM log_entry`:                     1,
		`SELECT COUNT(*) FROM rule_volume`:                   1,
		`SELECT taken FROM root_source WHERE name = 'trail'`: parts + 1,
	} {
		if n := number(query); n == 0 || n > most {
			t.Errorf("%s: got %d, want at most %d", query, n, most)
		}
	}
	if n := number(`SELECT count FROM alert`); n != parts*atOnce {
		t.Errorf("got an alert of %d events, want all %d", n, parts*atOnce)
	}
	if n := number(`SELECT matches FROM rule_volume`); n != parts*atOnce {
		t.Errorf("got %d matches, want %d", n, parts*atOnce)
	}
	var data []byte
	err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		return r.Row(ctx, `SELECT data FROM alert`).Scan(&data)
	})
	if err != nil || bytes.Count(data, []byte("DescribeInstances")) > 20 {
		t.Errorf("got %v and %d bytes of evidence, want that of ten events", err, len(data))
	}
}
