package web_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// listening is a stream of events that a test reads.
type listening struct {
	t     *testing.T
	lines *bufio.Scanner
	stop  func()
}

// listen opens the stream; it fails the test if it does not open, and gives up after two minutes.
func listen(t *testing.T, s *webtest.Server, actor, last string) *listening {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, "GET", s.URL.String()+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Test-Actor", actor)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("got %d %s, want a stream", response.StatusCode, response.Header.Get("Content-Type"))
	}
	return &listening{t, bufio.NewScanner(response.Body), stop}
}

// next gives the next event as "kind id ref", "" at the end.
func (l *listening) next() string {
	l.t.Helper()
	var kind, id, ref string
	for l.lines.Scan() {
		line := l.lines.Text()
		switch name, value, _ := strings.Cut(line, ": "); {
		case line == "" && kind != "":
			return strings.TrimSpace(kind + " " + id + " " + ref)
		case name == "event":
			kind = value
		case name == "id":
			id = value
		case name == "data":
			_, ref, _ = strings.Cut(value, `"ref":"`)
			ref, _, _ = strings.Cut(ref, `"`)
		}
	}
	return ""
}

func announce(t *testing.T, s *store.Store, topic, ref string) {
	t.Helper()
	err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
		tx.Announce(topic, ref)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEvents(t *testing.T) {
	area := web.Area{Name: "scans", Topics: map[string]web.Sees{
		"scan": func(_ context.Context, _ *store.Reader, a people.Actor, ref string) (bool, error) {
			return ref != "SC-secret" || a.ID == "PE-admin", nil
		},
	}}
	st := webtest.Store(t)
	actors := webtest.Everyone(time.Now())
	actors["local"] = webtest.Person("local", time.Now(), people.Grant{Role: people.Viewer, Scope: "account:111122223333"})
	s := webtest.Serve(t, st, actors, area)
	s.PollEvery(10 * time.Millisecond)
	announce(t, st, "scan", "SC-0")

	viewer, local := listen(t, s, "viewer", ""), listen(t, s, "local", "")
	want := func(l *listening, events ...string) {
		t.Helper()
		for _, event := range events {
			if got := l.next(); got != event {
				t.Fatalf("got %q, want %q", got, event)
			}
		}
	}
	want(viewer, "ready 1")
	want(local, "ready 1")
	for _, n := range [][2]string{{"scan", "SC-1"}, {"scan", "SC-secret"}, {"person", "PE-1"}, {"scan", "SC-2"}} {
		announce(t, st, n[0], n[1])
	}
	want(viewer, "notice 2 SC-1", "notice 4 PE-1", "notice 5 SC-2")
	want(local, "notice 2 SC-1", "notice 5 SC-2") // of a topic that no area has, who reads one account learns nothing
	viewer.stop()
	want(listen(t, s, "viewer", "3"), "ready 3", "notice 4 PE-1", "notice 5 SC-2")
	want(listen(t, s, "admin", "1"), "ready 1", "notice 2 SC-1", "notice 3 SC-secret", "notice 4 PE-1", "notice 5 SC-2")
	want(listen(t, s, "viewer", "900"), "reset 5") // the store is another one, or an older one
	if got := s.Do("viewer", "GET", "/api/v1/events", "", "Last-Event-ID", "abc"); got.Status != 422 {
		t.Errorf("got %d for a number that is none, want 422", got.Status)
	}
	if got := s.Get("", "/api/v1/events"); got.Status != 401 {
		t.Errorf("got %d for nobody, want 401", got.Status)
	}
	s.Stop()
	if got := local.next(); got != "" {
		t.Errorf("got %q after the server stopped, want the end", got)
	}
}

// TestAStreamEndsWhenItsActorChanges has somebody suspended, or given other roles, while
// their stream is open: what they may see is not what it was.
func TestAStreamEndsWhenItsActorChanges(t *testing.T) {
	st := webtest.Store(t)
	s := webtest.Serve(t, st, nil)
	s.PollEvery(10 * time.Millisecond)
	viewer, auditor := listen(t, s, "viewer", ""), listen(t, s, "auditor", "")
	for _, l := range []*listening{viewer, auditor} {
		if got := l.next(); got != "ready 0" {
			t.Fatalf("got %q, want ready 0", got)
		}
	}
	announce(t, st, "people", "PE-viewer")
	if got := viewer.next(); got != "" {
		t.Errorf("got %q, want the end", got)
	}
	if got := auditor.next(); got != "notice 1 PE-viewer" {
		t.Errorf("another's stream: got %q, want that it goes on", got)
	}
	again := listen(t, s, "viewer", "0") // goes on before the change, which is not told twice
	for _, want := range []string{"ready 0", "notice 1 PE-viewer"} {
		if got := again.next(); got != want {
			t.Errorf("after coming again: got %q, want %q", got, want)
		}
	}
	announce(t, st, "scan", "SC-1")
	if got := again.next(); got != "notice 2 SC-1" {
		t.Errorf("got %q, want that the stream goes on", got)
	}
}

func TestMissedEventsAreSaid(t *testing.T) {
	st := webtest.Store(t)
	s := webtest.Serve(t, st, nil)
	err := st.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
		for i := range 10_050 { // more than are kept
			tx.Announce("scan", fmt.Sprint(i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := listen(t, s, "viewer", "10").next(); got != "reset 10050" {
		t.Errorf("got %q, want reset 10050", got)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	s := webtest.Serve(t, webtest.Store(t), nil)
	var open []*listening
	for range 8 {
		open = append(open, listen(t, s, "viewer", ""))
	}
	got := s.Get("viewer", "/api/v1/events")
	if got.Status != 503 || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %d, want 503 for the ninth stream of one actor", got.Status)
	}
	listen(t, s, "auditor", "")
	open[0].stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-look.C { // the server sees it a moment later
		if got = s.Do("viewer", "GET", "/api/v1/events", "", "Last-Event-ID", "abc"); got.Status == 422 {
			break
		}
	}
	if got.Status != 422 {
		t.Errorf("got %d, want a place again once a stream ended", got.Status)
	}
}
