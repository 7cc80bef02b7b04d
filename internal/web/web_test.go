package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

func text(body string) web.Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write([]byte(body))
		return err
	}
}

func TestEveryRouteAsksForItsPermission(t *testing.T) {
	area := web.Area{Name: "test", Routes: []web.Route{
		{Method: "GET", Path: "/open", Need: people.Public, Handle: text("open")},
		{Method: "GET", Path: "/read", Need: people.Read, Handle: text("read")},
		{Method: "POST", Path: "/people", Need: people.ManagePeople, Fresh: true, Handle: text("done")},
		{Method: "GET", Path: "/api/v1/test", Need: people.ReadEvidence, Handle: text("{}")},
	}}
	s := webtest.Serve(t, webtest.Store(t), nil, area)
	for _, test := range []struct {
		name, actor, method, path string
		status                    int
		to                        string
	}{
		{"a public page takes anybody", "", "GET", "/open", 200, ""},
		{"a page sends who is not signed in to sign in and back", "", "GET", "/read?a=b", 303, "/sign-in?to=%2Fread%3Fa%3Db"},
		{"a form sends who is not signed in to sign in and to the start", "", "POST", "/people", 303, "/sign-in?to=%2F"},
		{"the API refuses who is not signed in", "", "GET", "/api/v1/test", 401, ""},
		{"a viewer reads", "viewer", "GET", "/read", 200, ""},
		{"a viewer does not manage people", "viewer", "POST", "/people", 403, ""},
		{"an admin with a fresh key does", "admin", "POST", "/people", 200, ""},
		{"a viewer does not read evidence by the API", "viewer", "GET", "/api/v1/test", 403, ""},
		{"an auditor does", "auditor", "GET", "/api/v1/test", 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := s.Do(test.actor, test.method, test.path, "")
			if got.Status != test.status || got.Header.Get("Location") != test.to {
				t.Errorf("got %d to %q, want %d to %q", got.Status, got.Header.Get("Location"), test.status, test.to)
			}
			problem := got.Header.Get("Content-Type") == "application/problem+json"
			if want := strings.HasPrefix(test.path, "/api/") && test.status >= 400; problem != want {
				t.Errorf("got %s, want problem+json: %v", got.Header.Get("Content-Type"), want)
			}
		})
	}
}

// TestAFormComesBackToItsPage holds the way back of a form, which the Referer names, to
// pages of this server.
func TestAFormComesBackToItsPage(t *testing.T) {
	actors := webtest.Everyone(time.Now())
	actors["stale"] = webtest.Person("stale", time.Now().Add(-time.Hour), people.Grant{Role: people.Admin, Scope: people.Everywhere})
	s := webtest.Serve(t, webtest.Store(t), actors, web.Area{Name: "test", Routes: []web.Route{
		{Method: "POST", Path: "/people/{id}/grant", Need: people.ManagePeople, Fresh: true, Handle: text("done")},
	}})
	own := s.URL.String()
	for _, test := range []struct{ name, actor, referer, to string }{
		{"to the page that the form stands on", "stale", own + "/people/PE-1?tab=roles", "/sign-in/again?to=%2Fpeople%2FPE-1%3Ftab%3Droles"},
		{"the same for who is not signed in", "", own + "/people/PE-1", "/sign-in?to=%2Fpeople%2FPE-1"},
		{"to the start if the browser does not say", "stale", "", "/sign-in/again?to=%2F"},
		{"not to another site", "stale", "https://evil.example/people", "/sign-in/again?to=%2F"},
		{"not to a site whose name begins like ours", "stale", own + ".evil.example/people", "/sign-in/again?to=%2F"},
		{"not to a site behind a name of ours", "stale", own + "@evil.example/people", "/sign-in/again?to=%2F"},
		{"not to a host behind our own", "stale", own + "//evil.example/people", "/sign-in/again?to=%2F"},
		{"not to a host behind a backslash", "stale", own + `/\evil.example/people`, "/sign-in/again?to=%2F"},
		{"not to a script", "stale", "javascript:alert(1)", "/sign-in/again?to=%2F"},
		{"not to a path alone, which no browser sends", "stale", "/people/PE-1", "/sign-in/again?to=%2F"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := s.Do(test.actor, "POST", "/people/PE-1/grant", "role=viewer", "Content-Type", "application/x-www-form-urlencoded", "Referer", test.referer)
			if got.Status != http.StatusSeeOther || got.Header.Get("Location") != test.to {
				t.Errorf("got %d to %q, want 303 to %q", got.Status, got.Header.Get("Location"), test.to)
			}
		})
	}
}
