package main

import (
	"context"
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
	for range 60 {
		places = append(places, rootlog.Place{Account: "444455556666", Region: "eu-west-1", Last: now, Arrived: now})
	}
	if err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return rootlog.KeepHealth(ctx, tx, []rootlog.Health{{Source: "trail-files", Heard: now, Fault: "AccessDenied\x1b[2J", Skipped: 2, Places: places}})
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
	contains(t, out, "4 messages were put aside")
	out, _ = runs(t, 0, "source", "list", "--output", "json")
	contains(t, out, `"schema": "rootkeep/source-list/1"`, `"name": "trail-files"`, `"lag_seconds": 180`)
	out, _ = runs(t, 0, "source", "show", "trail-files")
	contains(t, out, `AccessDenied\x1b[2J`, "Skipped      2", `us-east-1\x0aState reading  3m`, "11 places more")
	out, _ = runs(t, 0, "source", "show", "trail-files", "--account", "111122223333", "--output", "json")
	contains(t, out, `"schema": "rootkeep/source/1"`)
	if strings.Contains(out, "444455556666") || strings.Contains(out, "root-events") {
		t.Errorf("got\n%s\nwant one account of one source", out)
	}
	_, errs := runs(t, 1, "source", "show", "nothing")
	contains(t, errs, "hint: rootkeep source list")
}
