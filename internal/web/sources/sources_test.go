package sources_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

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
	now time.Time
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
		{Source: "b-faulty", Heard: now, Fault: "AccessDenied for " + two + word, Gap: "what links lead to" + word, Skipped: 3, Latest: "logs/x.json.gz" + word},
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
		return rootlog.KeepHealth(ctx, tx, all)
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
	out := &server{now: now}
	area, err := sources.Area(sources.Config{
		Store: s, Sight: look, Named: func() ([]string, error) { return []string{"a-queue", "b-faulty", "c-new", "e-never"}, nil }, Work: "detections",
		Flow: func(context.Context) (*client.Flow, error) { return flow, nil }, Now: func() time.Time { return out.now },
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
		s.now = s.now.Add(11 * time.Minute)
		if got := s.list(t, "viewer", ""); got.Sources[0].State != sources.Unread || got.Sources[0].Name != "a-queue" {
			t.Errorf("got %s, want that nobody reads them any more", states(got.Sources))
		}
	})
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
	for _, want := range []string{"Nobody reads e-never", "AccessDenied", "logs/x.json.gz", "what links lead to", "1h59m", three, "no JSON", "host-1: 2 partitions", "not configured any more", "no answer yet"} {
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
