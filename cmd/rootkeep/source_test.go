package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/sources"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

func TestSourceCommands(t *testing.T) {
	s := webtest.Store(t)
	now := time.Now().UTC().Truncate(time.Second)
	places := []rootlog.Place{{Account: "111122223333", Region: "us-east-1\nState reading", Last: now.Add(-3 * time.Minute), Arrived: now}}
	for i := range 60 {
		places = append(places, rootlog.Place{Account: "444455556666", Region: fmt.Sprintf("eu-west-%d", i), Last: now, Arrived: now})
	}
	if err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, process := range []string{"host-1/7/8", "host-2/7/9"} {
			h := rootlog.Health{Source: "trail-files", Shared: true, Heard: now, Fault: "AccessDenied\x1b[2J", Skipped: 1, Places: places, Added: rootlog.Totals{Objects: 2, Records: 700, Undecodable: 1}}
			if err := rootlog.KeepHealth(ctx, tx, process, []rootlog.Health{h}); err != nil {
				return err
			}
		}
		return rootlog.EndSource(ctx, tx, &rootlog.Health{Source: "old-files", Heard: now}, "taken out of the settings")
	}); err != nil {
		t.Fatal(err)
	}
	area, err := sources.Area(sources.Config{
		Store: s, Sight: func(context.Context, *store.Reader, people.Actor) (sight.Sight, error) { return sight.All(), nil },
		Named: func() ([]string, error) { return []string{"trail-files", "root-events"}, nil },
		Flow:  func(context.Context) (*client.Flow, error) { return &client.Flow{Aside: 4}, nil }, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(listener.Close)
	u, err := url.Parse(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	actors := tokens{"viewer": {ID: "TK-1", Kind: people.Machine, Grants: []people.Grant{{Role: people.Viewer, Scope: people.Everywhere}}}}
	if handler, err = web.New(web.Config{URL: u, Store: s, Now: time.Now, Areas: []web.Area{area}, Authenticator: actors}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ROOTKEEP_SERVER", listener.URL)
	t.Setenv("ROOTKEEP_TOKEN", "viewer")

	out, _ := runs(t, 0, "source", "list")
	if lines := strings.Split(out, "\n"); !strings.HasPrefix(lines[0], "unread   root-events  heard never") || !strings.HasPrefix(lines[1], "fault    trail-files  heard 20") {
		t.Errorf("got\n%s\nwant the one that nobody reads first", out)
	}
	contains(t, out, "2 objects skipped", "4 messages were put aside", "gone     old-files", "taken out of the settings\n")
	shown, _ := runs(t, 0, "source", "show", "old-files")
	contains(t, shown, "Ended        20", "Why          taken out of the settings")
	out, _ = runs(t, 0, "source", "list", "--output", "json")
	contains(t, out, `"schema": "rootkeep/source-list/1"`, `"name": "trail-files"`, `"lag_seconds": 180`)
	out, _ = runs(t, 0, "source", "show", "trail-files")
	contains(t, out, `host-1/7, host-2/7: AccessDenied\x1b[2J`, "Read by      host-1/7, host-2/7", "Read         4 objects, 1,400 records; 2 not decoded", "Skipped      2", `us-east-1\x0aState reading  3m`, "11 places more")
	out, _ = runs(t, 0, "source", "show", "trail-files", "--account", "111122223333", "--output", "json")
	contains(t, out, `"schema": "rootkeep/source/1"`)
	if strings.Contains(out, "444455556666") || strings.Contains(out, "root-events") {
		t.Errorf("got\n%s\nwant one account of one source", out)
	}
	_, errs := runs(t, 1, "source", "show", "nothing")
	contains(t, errs, "hint: rootkeep source list")
}
