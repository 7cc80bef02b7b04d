package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// store is a database: what a transaction of a caller would keep.
type store struct {
	rows   map[string]live.Row
	alerts map[string]live.Alert
	volume map[string]int // by rule and what is counted
	totals live.Changes
	writes int
	asked  int               // how often it was asked for due rows
	names  map[string]string // of keys, for tests
}

func newStore() *store {
	return &store{rows: map[string]live.Row{}, alerts: map[string]live.Alert{}, volume: map[string]int{}}
}

func (s *store) load(_ context.Context, keys []string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, key := range keys {
		if row, ok := s.rows[key]; ok {
			out[key] = bytes.Clone(row.Data)
		}
	}
	return out, nil
}

func (s *store) due(_ context.Context, now int64, after string, limit int) ([]string, error) {
	s.asked++
	var keys []string
	for key, row := range s.rows {
		if row.Due <= now && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys[:min(limit, len(keys))], nil
}

// commit is the transaction of a step.
func (s *store) commit(t failer, c live.Changes) {
	t.Helper()
	for _, prefix := range c.Stale {
		maps.DeleteFunc(s.rows, func(key string, _ live.Row) bool { return strings.HasPrefix(key, prefix) })
	}
	written := map[string]bool{}
	for _, row := range c.Rows {
		if written[row.Key] {
			t.Fatalf("row %s is changed twice in a step", row.Key)
		}
		written[row.Key] = true
		s.writes += len(row.Data)
		if row.Data == nil {
			delete(s.rows, row.Key)
		} else {
			s.rows[row.Key] = row
		}
	}
	for _, a := range c.Alerts {
		for _, key := range a.Absorbed {
			delete(s.alerts, key)
		}
		if s.alerts[a.Key] = a; a.Gone {
			delete(s.alerts, a.Key)
		}
	}
	for _, v := range c.Volume {
		s.volume[v.Rule+" matches"] += v.Matches
		s.volume[v.Rule+" alerts"] += v.Alerts
	}
	s.totals.Events += c.Events
	s.totals.Matches += c.Matches
	s.totals.Duplicates += c.Duplicates
	s.totals.Altered += c.Altered
	s.totals.Late += c.Late
	s.totals.Notices = append(s.totals.Notices, c.Notices...)
}

// expire drops what may be dropped without asking.
func (s *store) expire(now int64) {
	maps.DeleteFunc(s.rows, func(_ string, row live.Row) bool { return row.Until <= now })
}

// found are the alerts that stand, without keys.
func (s *store) found() []rootkeep.Alert {
	var out []rootkeep.Alert
	for _, a := range s.alerts {
		out = append(out, a.Alert)
	}
	return canonical(out)
}

// canonical leaves out what hunts and live detection do not share, and orders.
func canonical(alerts []rootkeep.Alert) []rootkeep.Alert {
	type keyed struct {
		text  string
		alert rootkeep.Alert
	}
	var all []keyed
	for _, a := range alerts {
		a.ID = ""
		if a.Kind == "silence" && a.Count == 1 {
			a.Last = a.First // it is told when it begins, not again as it goes on
		}
		text, err := json.Marshal(a)
		if err != nil {
			panic(err)
		}
		all = append(all, keyed{string(text), a})
	}
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(a.text, b.text) })
	out := []rootkeep.Alert{}
	for _, one := range all {
		out = append(out, one.alert)
	}
	return out
}

// record is one record with its object and when it comes.
type record struct {
	raw    []byte
	object string
	number int64 // in the object
	at     int64 // when it happened
	comes  int64 // when it is delivered
}

func newRecord(t failer, e map[string]any, at time.Time, object string) record {
	t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return record{raw: raw, object: object, at: at.Unix(), comes: at.Unix()}
}

type fielder interface {
	Fields() []string
	Derived() int
}

func readerOf(t failer, f fielder) *cloudtrail.Reader {
	t.Helper()
	fields, err := cloudtrail.CompileFields(f.Fields())
	if err != nil {
		t.Fatalf("%v", err)
	}
	return cloudtrail.NewReader(fields, cloudtrail.Options{Derived: f.Derived()})
}

// hunt is what a hunt finds in the records.
func hunt(t failer, pack *detect.Pack, o detect.Options, records []record) *detect.Result {
	t.Helper()
	o.DedupMemory = 1 << 20
	h, err := detect.NewHunt(pack, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	r, w := readerOf(t, h), h.NewWorker()
	for _, one := range records {
		rec, err := r.One(one.raw)
		if err != nil {
			t.Fatalf("%v", err)
		}
		w.Observe(rec, one.object)
	}
	res, err := h.Finish([]*detect.Worker{w})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return res
}

// watch is a process that detects.
type watch struct {
	t      failer
	engine *live.Engine
	reader *cloudtrail.Reader
	store  *store
}

func newWatch(t failer, pack *detect.Pack, s *store, o live.Options) *watch {
	t.Helper()
	o.Load, o.Due = s.load, s.due
	e, err := live.New(pack, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return &watch{t, e, readerOf(t, e), s}
}

func (w *watch) observe(one record) {
	w.t.Helper()
	rec, err := w.reader.One(one.raw)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	if err := w.engine.Observe(context.Background(), rec, one.object, one.number); err != nil {
		w.t.Fatalf("%v", err)
	}
}

func (w *watch) changes(now int64) live.Changes {
	w.t.Helper()
	c, err := w.engine.Step(context.Background(), live.Reach{Time: time.Unix(now, 0), Whole: time.Unix(now, 0)})
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	return c
}

func (w *watch) step(now int64) live.Changes {
	w.t.Helper()
	c := w.changes(now)
	w.store.commit(w.t, c)
	return c
}

func shipped(t testing.TB) (*detect.Pack, rule.Bases) {
	t.Helper()
	pack, err := detect.Load([]rule.Source{{FS: content.Files, Dir: "detections"}}, detect.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		t.Fatal(err)
	}
	return pack, bases
}

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// event is a base event at an offset from Monday morning, patched.
func event(t failer, bases rule.Bases, base, id string, at time.Duration, set map[string]any) record {
	t.Helper()
	e, err := rule.Patch{Base: base, Set: set}.Apply(bases)
	if err != nil {
		t.Fatalf("%v", err)
	}
	e["eventTime"] = monday.Add(at).Format(time.RFC3339)
	e["eventID"] = id
	return newRecord(t, e, monday.Add(at), "object-"+id)
}

func uuid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
