package sources_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/lease"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web/sources"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const (
	one, two, three = "111122223333", "444455556666", "777788889999"

	hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='alert(3)` + "\x1b[2J\u202egnp\u200b\u009b31m\U000e0041"
)

// look is what an actor sees in tests: everything, or the account of their only grant.
func look(_ context.Context, _ *store.Reader, actor people.Actor) (sight.Sight, error) {
	if actor.May(people.Read, people.Place{}) {
		return sight.All(), nil
	}
	return sight.Of([]rootkeep.AccountID{one}), nil
}

type server struct {
	*webtest.Server
	now   time.Time
	count func(context.Context) (*client.Flow, error)
}

// serve is a server with four sources, with a word in what files say; so many places more
// are of the first.
func serve(t *testing.T, s *store.Store, word string, more int, flow *client.Flow) *server {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Second)
	places := []rootlog.Place{{Account: one, Region: "us-east-1" + word, Last: now.Add(-3 * time.Minute), Arrived: now}, {Account: two, Region: "eu-west-1", Last: now.Add(-2 * time.Hour), Arrived: now.Add(-time.Minute)}}
	for i := range more {
		places = append(places, rootlog.Place{Account: two, Region: fmt.Sprintf("r-%d", i), Last: now.Add(-time.Second), Arrived: now})
	}
	all := []rootlog.Health{
		{Source: "a-queue", Heard: now, Last: now, Complete: now, Delay: time.Minute, Places: places},
		{Source: "b-faulty", Heard: now, Fault: "AccessDenied for " + two + word, Gap: "what links lead to" + word, Skipped: 3, Latest: "logs/x.json.gz" + word, Busy: "logs/large.json.gz" + word},
		{Source: "c-new"},
		{Source: "d-old", Heard: now},
	}
	err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, _, err := rootlog.Hold(ctx, tx, "a-queue", "host-1/7/8"+word, time.Minute); err != nil {
			return err
		}
		for i, part := range []string{"00", "01", "02"} {
			if _, _, err := lease.Take(ctx, tx, "detections", part, []string{"host-1", "host-2", "host-1"}[i]+word, time.Minute); err != nil {
				return err
			}
		}
		if err := rootlog.KeepHealth(ctx, tx, "host-1/7/8", all); err != nil {
			return err
		}
		return rootlog.EndSource(ctx, tx, &all[3], "taken out of the settings")
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := rootlog.Cover(ctx, tx, "system", []rootlog.Covered{{Account: three, Day: now.Truncate(24*time.Hour).AddDate(0, 0, -1), Mask: 1}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	out := &server{now: now, count: func(context.Context) (*client.Flow, error) { return flow, nil }}
	area, err := sources.Area(sources.Config{
		Store: s, Sight: look, Named: func() ([]string, error) { return []string{"a-queue", "b-faulty", "c-new", "e-never"}, nil }, Work: "detections",
		Flow: func(context.Context) (*client.Flow, error) { return flow, nil }, Now: func() time.Time { return out.now },
		Count: func(ctx context.Context) (*client.Flow, error) { return out.count(ctx) }, Detections: "@detections",
	})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	actors["viewer of one"] = webtest.Person("one", time.Now(), people.Grant{Role: people.Viewer, Scope: "account:" + one})
	out.Server = webtest.Serve(t, s, actors, area)
	return out
}

func (s *server) list(t *testing.T, actor, query string) (got client.LiveSources) {
	t.Helper()
	answer := s.Get(actor, "/api/v1/live-sources"+query)
	if err := json.Unmarshal([]byte(answer.Body), &got); err != nil || answer.Status != 200 {
		t.Fatalf("got %d %.300s, %v", answer.Status, answer.Body, err)
	}
	return got
}

func states(list []client.LiveSource) string {
	var out []string
	for _, s := range list {
		out = append(out, s.Name+" "+s.State)
	}
	return strings.Join(out, ", ")
}

func TestHowSourcesStand(t *testing.T) {
	storetest.Each(t, func(t *testing.T, kept *store.Store) {
		flow := &client.Flow{Waiting: []client.FlowPart{{Partition: 7, Messages: 12}}, List: []client.FlowAside{}}
		s := serve(t, kept, "", 0, flow)
		got := s.list(t, "viewer", "")
		if want := "e-never unread, b-faulty fault, c-new waiting, a-queue reading, d-old gone"; states(got.Sources) != want {
			t.Errorf("got %s, want %s", states(got.Sources), want)
		}
		if q := got.Sources[3]; q.Owner != "host-1/7/8" || q.Delay != 60 || !q.Until.After(s.now) {
			t.Errorf("got %+v, want who reads it until when", q)
		}
		if len(got.Places) != 2 || got.Places[0].Account != two || got.Places[0].Lag != 7140 || got.Places[1].Lag != 180 {
			t.Errorf("got %+v, want the largest lag first", got.Places)
		}
		if len(got.Unread) != 1 || got.Unread[0] != three {
			t.Errorf("got %v, want the account that no source brings", got.Unread)
		}
		if len(got.Readers) != 2 || got.Readers[0] != (client.FlowReader{Owner: "host-1", Parts: 2}) || got.Flow == nil || got.Flow.Waiting[0].Messages != 12 {
			t.Errorf("got %+v and %+v, want two processes and what waits", got.Readers, got.Flow)
		}
		if d := got.Sources[4]; d.Reason != "taken out of the settings" || d.Ended.IsZero() {
			t.Errorf("got %+v, want when it ended, and why", d)
		}
		quiet := func(h rootlog.Health) {
			t.Helper()
			h.Source, h.Began, h.Every = "a-queue", s.now.Add(-time.Hour), time.Minute
			if err := kept.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return rootlog.KeepHealth(ctx, tx, "host-1/7/8", []rootlog.Health{h})
			}); err != nil {
				t.Fatal(err)
			}
		}
		for state, h := range map[string]rootlog.Health{
			sources.Reading: {Heard: s.now.Add(-9 * time.Minute), Last: s.now.Add(-20 * time.Minute), Quiet: 30 * time.Minute},
			sources.Silent:  {Heard: s.now, Last: s.now.Add(-30 * time.Minute), Quiet: 30 * time.Minute, Fault: "beside it"},
		} {
			quiet(h)
			got := s.list(t, "viewer", "").Sources
			if i := slices.IndexFunc(got, func(x client.LiveSource) bool { return x.Name == "a-queue" }); got[i].State != state {
				t.Errorf("got %s, want the queue %s", states(got), state)
			}
		}
		quiet(rootlog.Health{Heard: s.now.Add(-11 * time.Minute), Last: s.now})
		if got, metric := states(s.list(t, "viewer", "").Sources), s.numbers(t)[`rootkeep_source_silent{source="a-queue"}`]; !strings.Contains(got, "a-queue silent") || metric != "1" {
			t.Errorf("got %s and the number %q, want it silent: it does not answer", got, metric)
		}
		quiet(rootlog.Health{Heard: s.now, Last: s.now})
		s.now = s.now.Add(11 * time.Minute)
		if got := s.list(t, "viewer", ""); got.Sources[0].State != sources.Unread || got.Sources[0].Name != "a-queue" {
			t.Errorf("got %s, want that nobody reads them any more", states(got.Sources))
		}
	})
}

// Two processes read a queue, which is behind for more than a day.
func TestAQueueThatSeveralReadAndThatIsLeftBehind(t *testing.T) {
	kept := webtest.Store(t)
	s := serve(t, kept, "", 0, nil)
	for _, process := range []string{"host-1", "host-2"} {
		err := kept.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return rootlog.KeepHealth(ctx, tx, process, []rootlog.Health{{Source: "e-never", Shared: true, Heard: s.now, Fault: "denied", Behind: s.now.Add(-25 * time.Hour)}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := s.list(t, "viewer", "")
	if q := got.Sources[0]; q.Name != "e-never" || q.State != sources.Behind || q.Fault != "host-1, host-2: denied" || strings.Join(q.Readers, " ") != "host-1 host-2" {
		t.Errorf("got %+v, want it behind, and both processes", q)
	}
	if body := s.Get("viewer", "/sources").Body; !strings.Contains(body, "is left behind") || !strings.Contains(body, "wait for it no more") || !strings.Contains(body, "host-1, host-2") {
		t.Error("page: want that it is left behind, what that means, and both processes")
	}
	if q := s.list(t, "viewer of one", "").Sources[0]; q.Fault != "" || q.Busy != "" || len(q.Readers) > 0 {
		t.Errorf("got %+v for who reads one account", q)
	}
}

func TestPlacesAreFilteredAndBounded(t *testing.T) {
	s := serve(t, webtest.Store(t), "", 1200, nil)
	if got := s.list(t, "viewer", ""); len(got.Places) != 1000 || got.More != 202 || got.Flow != nil {
		t.Errorf("got %d places and %d more, flow %v, want 1000, 202 and none", len(got.Places), got.More, got.Flow)
	}
	for query, want := range map[string]int{"?account=" + one: 1, "?region=EU-WEST-1": 1, "?source=b-faulty": 0, "?source=a-queue&account=" + one + "&region=us-east-1": 1} {
		if got := s.list(t, "viewer", query); len(got.Places) != want {
			t.Errorf("%s: got %d, want %d", query, len(got.Places), want)
		}
	}
	if got := s.Get("viewer", "/sources"); strings.Count(got.Body, `data-label="Lag"`) != 200 || !strings.Contains(got.Body, "Not shown: 1,002 places") {
		t.Error("page: want 200 places, and how many are not shown")
	}
	for _, query := range []string{"?account=12", "?region=" + strings.Repeat("x", 100)} {
		if got := s.Get("viewer", "/sources"+query); got.Status != 422 {
			t.Errorf("%.20s: got %d, want 422", query, got.Status)
		}
	}
}

func TestAViewerOfOneAccountReadsOfItsPlacesAlone(t *testing.T) {
	s := serve(t, webtest.Store(t), "", 0, &client.Flow{})
	got := s.list(t, "viewer of one", "")
	if len(got.Places) != 1 || got.Places[0].Account != one || len(got.Unread) != 0 || len(got.Readers) != 0 || got.Flow != nil {
		t.Errorf("got %+v, want the places of one account", got)
	}
	if body := s.Get("viewer of one", "/sources").Body; strings.Contains(body, two) || strings.Contains(body, "AccessDenied") || strings.Contains(body, "host-1") || !strings.Contains(body, "something is wrong") {
		t.Error("page: got what is of other accounts, or no word on the fault")
	}
}

func TestThePageOfSources(t *testing.T) {
	s := serve(t, webtest.Store(t), "", 0, &client.Flow{Aside: 1, List: []client.FlowAside{{Number: 9, Reason: "no JSON"}}, Oldest: time.Now()})
	body := s.Get("viewer", "/sources").Body
	for _, want := range []string{"Nobody reads e-never", "AccessDenied", "logs/x.json.gz", "what links lead to", "logs/large.json.gz", "1h59m", three, "no JSON", "host-1: 2 partitions", "not configured any more", "taken out of the settings", "no answer yet"} {
		if !strings.Contains(body, want) {
			t.Errorf("got no %q", want)
		}
	}
	down := serve(t, webtest.Store(t), "", 0, &client.Flow{Fault: "no servers available"})
	if body := down.Get("viewer", "/sources").Body; !strings.Contains(body, "The broker cannot be asked") || strings.Contains(body, "Put aside") {
		t.Error("without the broker: want that it cannot be asked, and no numbers")
	}
}

func TestHostileSourcesStayText(t *testing.T) {
	s := serve(t, webtest.Store(t), hostile, 0, &client.Flow{Aside: 1, List: []client.FlowAside{{Number: 9, Reason: hostile}}})
	got := s.Get("viewer", "/sources")
	for _, bad := range []string{"<script>alert", "<img src=x", "' onmouseover", "\x1b", "\u202e", "\u200b", "\u009b", "\U000e0041"} {
		if i := strings.Index(got.Body, bad); i >= 0 || got.Status != 200 {
			t.Errorf("got %d with %q in ...%q", got.Status, bad, got.Body[max(0, i-60):min(len(got.Body), max(0, i)+60)])
		}
	}
}

func TestSourcesInABrowser(t *testing.T) {
	s := serve(t, webtest.Store(t), "", 5, &client.Flow{Aside: 1, Waiting: []client.FlowPart{{Partition: 7, Messages: 12}}, List: []client.FlowAside{{Number: 9, Reason: hostile}}, Oldest: time.Now()})
	b := s.Browser(t)
	b.Photograph("viewer", "sources", "/sources")
	serve(t, webtest.Store(t), hostile, 0, nil).Browser(t).Photograph("viewer", "sources-hostile", "/sources")
}

// numbers are the lines of /metrics about sources, detections and the flow.
func (s *server) numbers(t *testing.T) map[string]string {
	t.Helper()
	answer := s.Get("viewer", "/metrics")
	if answer.Status != 200 {
		t.Fatalf("got %d %.300s", answer.Status, answer.Body)
	}
	out := map[string]string{}
	for line := range strings.Lines(answer.Body) {
		for _, prefix := range []string{"rootkeep_source_", "rootkeep_detection_", "rootkeep_flow_", "rootkeep_watch_"} {
			if i := strings.LastIndexByte(line, ' '); i > 0 && strings.HasPrefix(line, prefix) {
				out[line[:i]] = strings.TrimSpace(line[i:])
			}
		}
	}
	return out
}

func TestNumbersOfSourcesAndOfTheFlow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, kept *store.Store) {
		asked := 0
		var flow *client.Flow
		s := serve(t, kept, "", 0, nil)
		s.count = func(context.Context) (*client.Flow, error) {
			asked++
			return flow, nil
		}
		err := kept.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, process := range []string{"host-1", "host-2"} {
				h := rootlog.Health{Source: "e-never", Shared: true, Heard: s.now, Parcels: 7, Added: rootlog.Totals{Objects: 3, Records: 40, Unreadable: 2, Undecodable: 1}}
				if err := rootlog.KeepHealth(ctx, tx, process, []rootlog.Health{h}); err != nil {
					return err
				}
			}
			return rootlog.AddTotals(ctx, tx, "@detections", rootlog.Totals{Late: 5})
		})
		if err != nil {
			t.Fatal(err)
		}
		got := s.numbers(t)
		for name, want := range map[string]string{
			`rootkeep_source_read{source="a-queue"}`: "1", `rootkeep_source_fault{source="a-queue"}`: "0", `rootkeep_source_fault{source="b-faulty"}`: "1",
			`rootkeep_source_lag_seconds{source="a-queue"}`: "7140", `rootkeep_source_places{source="a-queue"}`: "2", `rootkeep_source_left_behind{source="a-queue"}`: "0",
			`rootkeep_source_objects_total{source="e-never"}`: "6", `rootkeep_source_events_total{source="e-never"}`: "80", `rootkeep_source_unreadable_objects_total{source="e-never"}`: "4",
			`rootkeep_source_undecodable_events_total{source="e-never"}`: "2", `rootkeep_source_processes{source="e-never"}`: "2", `rootkeep_source_objects_total{source="c-new"}`: "0",
			`rootkeep_watch_parcels_total{process="host-2"}`: "7", `rootkeep_flow_partitions{process="host-1"}`: "2", "rootkeep_detection_late_events_total": "5",
		} {
			if got[name] != want {
				t.Errorf("%s: got %q, want %s", name, got[name], want)
			}
		}
		for name := range got {
			if strings.Contains(name, one) || strings.Contains(name, "us-east-1") || strings.Contains(name, "d-old") {
				t.Errorf("got %s, want no account, no Region and no source that is gone", name)
			}
		}
		for _, none := range []string{"rootkeep_flow_up", `rootkeep_source_complete_timestamp_seconds{source="c-new"}`, `rootkeep_source_lag_seconds{source="b-faulty"}`} {
			if v, ok := got[none]; ok {
				t.Errorf("%s: got %s, want none", none, v)
			}
		}
		flow = &client.Flow{Waiting: []client.FlowPart{{Partition: 1, Messages: 5}, {Partition: 7, Messages: 12}}, InFlight: 4, Redelivered: 3, Aside: 2, Oldest: time.UnixMilli(1_500)}
		if _, ok := s.numbers(t)["rootkeep_flow_up"]; ok || asked != 1 {
			t.Errorf("the broker was asked %d times at once, want one time", asked)
		}
		s.now = s.now.Add(time.Minute)
		got = s.numbers(t)
		for name, want := range map[string]string{
			"rootkeep_flow_up": "1", "rootkeep_flow_waiting_messages": "17", "rootkeep_flow_in_flight_messages": "4", "rootkeep_flow_redelivered_messages": "3", "rootkeep_flow_dead_letters": "2",
			"rootkeep_flow_oldest_timestamp_seconds": "1.5",
		} {
			if got[name] != want {
				t.Errorf("%s: got %q, want %s", name, got[name], want)
			}
		}
		flow = &client.Flow{Fault: "no servers available"}
		s.now = s.now.Add(15 * time.Minute)
		got = s.numbers(t)
		if _, ok := got["rootkeep_flow_waiting_messages"]; ok || got["rootkeep_flow_up"] != "0" || got[`rootkeep_source_read{source="a-queue"}`] != "0" || got[`rootkeep_watch_parcels_total{process="host-2"}`] != "" {
			t.Errorf("got %v, want that the broker does not answer and nobody reads", got)
		}
	})
}

// A process may have any name, and a source that somebody wrote into the database.
func TestHostileNamesAreLabelsAndNoMore(t *testing.T) {
	s := serve(t, webtest.Store(t), hostile, 0, nil)
	if n := len(s.numbers(t)); n < 20 {
		t.Errorf("got %d numbers", n)
	}
	if body := s.Get("viewer", "/metrics").Body; !strings.Contains(body, `rootkeep_flow_partitions{process="host-1\"><script>`) {
		t.Error("want the name of the process as a label, quoted")
	}
}

// Every number that docs/operate.md names is there, and every one that is there it names.
func TestTheDocumentedNumbers(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile("`(rootkeep_(?:source|detection|flow|watch)_[a-z_]+)").FindAllStringSubmatch(string(text), -1) {
		named[name[1]] = true
	}
	s := serve(t, webtest.Store(t), "", 0, nil)
	s.count = func(context.Context) (*client.Flow, error) { return &client.Flow{Oldest: time.Now()}, nil }
	got := map[string]bool{}
	for name := range s.numbers(t) {
		base, _, _ := strings.Cut(name, "{")
		got[base] = true
	}
	if diff := cmp.Diff(named, got); diff != "" {
		t.Errorf("numbers (-docs/operate.md +/metrics):\n%s", diff)
	}
}
