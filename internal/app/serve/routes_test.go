package serve

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// open are the routes that ask nobody who they are: a route that joins them must be
// written here.
var open = []string{
	"GET /healthz", "GET /readyz", "GET /problems/{kind}", "GET /api/v1/openapi.json", "GET /api/v1/openapi.yaml",
	"GET /sign-in", "POST /sign-in/begin", "POST /sign-in/finish", "GET /sign-in/provider", "GET /sign-in/return",
	"GET /enrol", "POST /enrol/begin", "POST /enrol/finish",
}

// everything makes a server of all areas for the actors.
func everything(t *testing.T, actors webtest.Actors) *web.Server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	c := Settings{Store: filepath.Join(t.TempDir(), "rootkeep.db")}
	if err := c.resolve(); err != nil {
		t.Fatal(err)
	}
	s, keys, err := OpenStore(t.Context(), c, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h, err := newHouse(&deps{settings: c, store: s, keys: keys, now: time.Now, log: log}, &url.URL{Scheme: "https", Host: "rootkeep.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	list, err := h.areas()
	if err != nil {
		t.Fatal(err)
	}
	server, err := web.New(web.Config{URL: h.url, Store: s, Authenticator: actors, Areas: list, Now: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

func ask(t *testing.T, s *web.Server, actor string, r web.Route) *httptest.ResponseRecorder {
	t.Helper()
	path := wildcard.ReplaceAllString(strings.TrimSuffix(r.Path, "{$}"), "x")
	request := httptest.NewRequestWithContext(t.Context(), r.Method, "https://rootkeep.example.com"+path, strings.NewReader("{}"))
	request.Header.Set("Content-Type", "application/json")
	if !strings.HasPrefix(path, "/api/") {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if actor != "" {
		request.Header.Set("X-Test-Actor", actor)
	}
	// What waits for news would wait here too.
	request.Header.Set("Last-Event-ID", "none")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, request)
	return w
}

// TestEveryRouteForEveryRole asks every route of every area as everybody.
func TestEveryRouteForEveryRole(t *testing.T) {
	now := time.Now()
	actors := webtest.Everyone(now)
	for _, role := range people.Roles() {
		grant := people.Grant{Role: role, Scope: people.Everywhere}
		actors["stale-"+string(role)] = webtest.Person("stale-"+string(role), now.Add(-time.Hour), grant)
		actors["token-"+string(role)] = people.Actor{ID: "TK-" + string(role), Kind: people.Machine, Grants: []people.Grant{grant}}
	}
	s := everything(t, actors)
	for _, name := range open {
		if !slices.ContainsFunc(s.Routes(), func(r web.Route) bool { return r.Method+" "+r.Path == name && r.Need == people.Public }) {
			t.Errorf("%s is on the list of open routes, and is none", name)
		}
	}
	for _, r := range s.Routes() {
		name := r.Method + " " + r.Path
		api := strings.HasPrefix(r.Path, "/api/")
		for actor, a := range actors {
			got := ask(t, s, actor, r)
			problem := strings.TrimPrefix(kind(got), "/problems/")
			switch may := a.MayAnywhere(r.Need); {
			case !may:
				if got.Code != http.StatusForbidden {
					t.Errorf("%s as %s, who lacks %s: got %d, want 403", name, actor, r.Need, got.Code)
				}
			case r.Fresh && !a.Fresh(now, web.FreshFor):
				again := got.Code == http.StatusSeeOther && strings.HasPrefix(got.Header().Get("Location"), "/sign-in/again?to=")
				if api && problem != "needs-key" || !api && !again {
					t.Errorf("%s as %s, whose key is not fresh: got %d %s, want the way to the key", name, actor, got.Code, got.Header().Get("Location"))
				}
			case got.Code == http.StatusUnauthorized, problem == "needs-key", strings.HasPrefix(got.Header().Get("Location"), "/sign-in/again"), got.Code >= 500:
				t.Errorf("%s as %s, who may: got %d %s", name, actor, got.Code, problem)
			}
		}
		got := ask(t, s, "", r)
		switch {
		case r.Need == people.Public:
			if !slices.Contains(open, name) {
				t.Errorf("%s is open to everybody, and not on the list of those that are", name)
			}
		case api && got.Code != http.StatusUnauthorized:
			t.Errorf("%s as nobody: got %d, want 401", name, got.Code)
		case !api && (got.Code != http.StatusSeeOther || !strings.HasPrefix(got.Header().Get("Location"), "/sign-in?to=")):
			t.Errorf("%s as nobody: got %d %s, want the way to sign in", name, got.Code, got.Header().Get("Location"))
		}
	}
}

// kind is the type of a problem, empty for what is none.
func kind(w *httptest.ResponseRecorder) string {
	if w.Header().Get("Content-Type") != "application/problem+json" {
		return ""
	}
	_, rest, _ := strings.Cut(w.Body.String(), `"type":"`)
	kind, _, _ := strings.Cut(rest, `"`)
	return kind
}

// TestWhatIsPrivilegedAsksForTheKey holds changes of people and settings to a fresh key.
func TestWhatIsPrivilegedAsksForTheKey(t *testing.T) {
	for _, r := range everything(t, nil).Routes() {
		if r.Method != "GET" && !r.Fresh && (r.Need == people.ManagePeople || r.Need == people.ManageSettings) {
			t.Errorf("%s %s needs %s and no fresh key", r.Method, r.Path, r.Need)
		}
	}
}

// TestMenuLeadsSomewhere holds every entry of the menu to a page that exists.
func TestMenuLeadsSomewhere(t *testing.T) {
	s := everything(t, webtest.Everyone(time.Now()))
	for _, r := range s.Routes() {
		if r.Method == "GET" && r.Path == "/{$}" {
			body := ask(t, s, "admin", r).Body.String()
			_, menu, _ := strings.Cut(body, `<nav id="menu"`)
			menu, _, _ = strings.Cut(menu, "</nav>")
			for _, m := range regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(menu, -1) {
				if got := ask(t, s, "admin", web.Route{Method: "GET", Path: m[1]}); got.Code != http.StatusOK {
					t.Errorf("the menu leads to %s: got %d, want a page", m[1], got.Code)
				}
			}
			return
		}
	}
	t.Error("there is no page at /")
}

// TestWhatIsCostlyIsBounded holds every route that takes long, or takes a large body, to a
// number of requests at a time: each of them holds a reader of the store, memory or disk.
func TestWhatIsCostlyIsBounded(t *testing.T) {
	bounded := 0
	for _, r := range everything(t, nil).Routes() {
		costly := r.Time > time.Minute || r.Body > 1<<20
		if r.AtOnce > 0 {
			bounded++
		}
		if streams := r.Path == "/api/v1/events"; costly && r.AtOnce == 0 && !streams { // that counts its streams itself
			t.Errorf("%s %s takes %s and %d bytes, as often as anybody likes", r.Method, r.Path, r.Time, r.Body)
		}
	}
	if bounded < 4 {
		t.Errorf("got %d routes with a bound, want those of hunts, scans, downloads and evidence", bounded)
	}
}
