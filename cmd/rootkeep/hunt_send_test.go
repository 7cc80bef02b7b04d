package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/web"
	alertarea "github.com/rootkeep/rootkeep/internal/web/alerts"
	"github.com/rootkeep/rootkeep/internal/web/hunts"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// tokens signs machines in, by their tokens.
type tokens map[string]people.Actor

func (t tokens) Authenticate(_ http.ResponseWriter, r *http.Request) (*http.Request, people.Actor, error) {
	return r, t[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")], nil
}

// huntServer is a server that takes hunts, and its address.
func huntServer(t *testing.T) (address string) {
	t.Helper()
	var handler http.Handler
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(listener.Close)
	u, err := url.Parse(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := webtest.Store(t)
	machine := func(role people.Role) people.Actor {
		return people.Actor{ID: "TK-" + string(role), Kind: people.Machine, Grants: []people.Grant{{Role: role, Scope: people.Everywhere}}}
	}
	area, err := alertarea.Area(alertarea.Config{Store: s, Desk: &alerts.Desk{}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	handler, err = web.New(web.Config{
		URL: u, Store: s, Now: time.Now, Areas: []web.Area{area, hunts.Area(hunts.Config{Store: s, Now: time.Now})},
		Authenticator: tokens{"responder": machine(people.Responder), "viewer": machine(people.Viewer)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return listener.URL
}

func TestAHuntIsSentToAServer(t *testing.T) {
	address := huntServer(t)
	logs := t.TempDir()
	for _, name := range []string{"root-signin", "root-create-access-key", "root-signin-failure", "stop-logging"} {
		text, err := content.Files.ReadFile("events/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(logs, name+".json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hunt := func(token string, args ...string) (code int, stderr string) {
		t.Helper()
		t.Setenv("ROOTKEEP_TOKEN", token)
		t.Setenv("ROOTKEEP_SERVER", address)
		var out, errs bytes.Buffer
		code = run(t.Context(), append([]string{"hunt", "--send", "--output", "json"}, append(args, logs)...), strings.NewReader(""), &out, &errs)
		return code, errs.String()
	}
	if code, said := hunt("viewer"); code != 1 || !strings.Contains(said, "send the hunt to "+address+": this needs the permission operate") {
		t.Errorf("with a viewer's token: got %d %q, want 1 and what is missing", code, said)
	}
	if code, said := hunt("responder"); code != 0 || !strings.Contains(said, "sent to "+address+" as HU-") {
		t.Fatalf("got %d %q, want 0 and the ID", code, said)
	}
	ask := func(path string, into any) {
		t.Helper()
		c, err := client.New(address, "viewer", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Do(t.Context(), client.Call{Path: path, Query: url.Values{}}, into); err != nil {
			t.Fatal(err)
		}
	}
	var list client.Page[client.Hunt]
	var found client.Page[client.Alert]
	var uses client.Page[client.KeptRootUse]
	ask("/hunts", &list)
	ask("/alerts", &found)
	ask("/root-uses", &uses)
	if len(list.Items) != 1 || list.Items[0].Events != 4 || list.Items[0].Actor != "TK-responder" || len(found.Items) == 0 || len(uses.Items) != 3 {
		t.Errorf("got %d hunts, %d alerts, %d root events, want 1 of 4 events, some, 3", len(list.Items), len(found.Items), len(uses.Items))
	}
	var one client.KeptRootUse
	ask("/root-uses/"+uses.Items[0].ID, &one)
	if !json.Valid(one.Event.Raw) || !bytes.Contains(one.Event.Raw, []byte(one.Event.ID)) {
		t.Errorf("got record %.80s, want that of event %s", one.Event.Raw, one.Event.ID)
	}
	var report map[string]any
	ask("/hunts/"+list.Items[0].ID+"/report", &report)
	if report["schema"] != "rootkeep/hunt/1" || report["totals"] == nil {
		t.Errorf("got report %v, want the one that was sent, without its alerts", report["schema"])
	}
	t.Setenv("ROOTKEEP_SERVER", "")
	if code := run(t.Context(), []string{"hunt", "--send", logs}, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}); code != 64 {
		t.Errorf("without a server: got %d, want 64", code)
	}
}
