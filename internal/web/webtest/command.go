package webtest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/signin"
)

// ForCommands starts a server that tells people by their keys, passes and tokens, as those
// outside tests do, with the areas that areas gives for its address. Commands find it in the
// environment.
func ForCommands(t *testing.T, s *store.Store, now func() time.Time, areas func(*url.URL, *signin.SignIn) []web.Area) {
	t.Helper()
	address, serve := listen(t)
	in, err := signin.New(signin.Config{URL: address, Store: s, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := web.New(web.Config{URL: address, Store: s, Authenticator: in, Areas: areas(address, in), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	serve(handler)
	t.Setenv("ROOTKEEP_SERVER", address.String())
}

// listen listens on a port of the system's choosing, at a name that browsers and keys take
// for a safe place. What answers is given once it is made of the address.
func listen(t testing.TB) (address *url.URL, serve func(http.Handler)) {
	t.Helper()
	var handler http.Handler
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(listener.Close)
	address, err := url.Parse(strings.Replace(listener.URL, "127.0.0.1", "localhost", 1))
	if err != nil {
		t.Fatal(err)
	}
	return address, func(h http.Handler) { handler = h }
}
