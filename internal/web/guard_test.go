package web_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// guarded is an area for tests of what stands before every route.
func guarded() web.Area {
	return web.Area{Name: "guarded", Routes: []web.Route{
		{Method: "GET", Path: "/open", Need: people.Public, Handle: text("open")},
		{Method: "POST", Path: "/open", Need: people.Public, Handle: func(w http.ResponseWriter, r *http.Request) error {
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(w, n)
			return err
		}},
		{Method: "POST", Path: "/large", Need: people.Public, Body: 3 << 20, Handle: drain},
		{Method: "POST", Path: "/short", Need: people.Public, Time: 300 * time.Millisecond, Handle: drain},
		{Method: "GET", Path: "/panic", Need: people.Public, Handle: func(http.ResponseWriter, *http.Request) error { panic("the password is hunter2") }},
		{Method: "GET", Path: "/fail", Need: people.Public, Handle: func(http.ResponseWriter, *http.Request) error { return errors.New("the password is hunter2") }},
		{Method: "GET", Path: "/half", Need: people.Public, Handle: func(w http.ResponseWriter, _ *http.Request) error {
			if _, err := io.WriteString(w, strings.Repeat("half", 10_000)); err != nil {
				return err
			}
			panic("half-way")
		}},
		{Method: "GET", Path: "/things/{name}", Need: people.Read, Handle: func(w http.ResponseWriter, r *http.Request) error {
			_, err := fmt.Fprintf(w, "%q", r.PathValue("name"))
			return err
		}},
	}}
}

func drain(_ http.ResponseWriter, r *http.Request) error {
	_, err := io.Copy(io.Discard, r.Body)
	return err
}

func TestGuard(t *testing.T) {
	s := webtest.Serve(t, webtest.Store(t), nil, guarded())
	for _, test := range []struct {
		name, actor, method, path, body string
		headers                         []string
		status                          int
	}{
		{"a form of our own page", "", "POST", "/open", "a=b", []string{"Origin", s.URL.String(), "Sec-Fetch-Site", "same-origin"}, 200},
		{"a program without a browser", "", "POST", "/open", "a=b", nil, 200},
		{"a form of another site", "", "POST", "/open", "a=b", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"a form of a neighbour below the same domain", "", "POST", "/open", "a=b", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a form of another site in an old browser", "", "POST", "/open", "a=b", []string{"Origin", "https://evil.example"}, 403},
		{"a form of a page without origin", "", "POST", "/open", "a=b", []string{"Origin", "null"}, 403},
		{"a link from another site", "", "GET", "/open", "", []string{"Sec-Fetch-Site", "cross-site"}, 200},
		{"a body of the usual size", "", "POST", "/open", strings.Repeat("a", 1<<20), nil, 200},
		{"a body that is larger", "", "POST", "/open", strings.Repeat("a", 1<<20+1), nil, 413},
		{"a larger body where the route takes it", "", "POST", "/large", strings.Repeat("a", 3<<20), nil, 200},
		{"a body that is too large even there", "", "POST", "/large", strings.Repeat("a", 3<<20+1), nil, 413},
		{"a method that the path does not take", "", "DELETE", "/open", "", nil, 405},
		{"a method that nothing takes", "", "BREW", "/open", "", nil, 405},
		{"a page that does not exist", "", "GET", "/nothing", "", nil, 404},
		{"an empty part of a path", "", "GET", "/things//a", "", nil, 400},
		{"a path that names another host", "", "GET", "//evil.example/open", "", nil, 400},
		{"a part of escaped dots", "viewer", "GET", "/things/%2e%2e", "", nil, 400},
		{"dots behind an escaped slash", "viewer", "GET", "/things/a%2f..%2fb", "", nil, 400},
		{"a backslash", "viewer", "GET", `/things/%5cevil`, "", nil, 400},
		{"a line end in the path", "viewer", "GET", "/things/a%0d%0aSet-Cookie:x", "", nil, 400},
		{"a name with an escaped slash", "viewer", "GET", "/things/arn:aws:iam::111122223333:role%2fadmin", "", nil, 200},
		{"a handler that panics", "", "GET", "/panic", "", nil, 500},
		{"a handler that fails", "", "GET", "/fail", "", nil, 500},
		{"metrics for nobody", "", "GET", "/metrics", "", nil, 303},
		{"metrics for a requester, who reads", "requester", "GET", "/metrics", "", nil, 200},
		{"metrics for who has no role", "nobody", "GET", "/metrics", "", nil, 403},
		{"metrics for a machine", "machine", "GET", "/metrics", "", nil, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := s.Do(test.actor, test.method, test.path, test.body, test.headers...)
			if got.Status != test.status {
				t.Errorf("got %d %.300s, want %d", got.Status, got.Body, test.status)
			}
			if test.status >= 400 && (strings.Contains(got.Body, "hunter2") || strings.Contains(got.Body, "goroutine") || strings.Contains(got.Body, ".go:")) {
				t.Errorf("got the reason of a failure in %s", got.Body)
			}
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store",
				"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			} {
				if got.Header.Get(name) != want {
					t.Errorf("got %s %q, want %q", name, got.Header.Get(name), want)
				}
			}
		})
	}
}

func TestHalfAnAnswerIsBrokenOff(t *testing.T) {
	s := webtest.Serve(t, webtest.Store(t), nil, guarded())
	response, err := http.Get(s.URL.String() + "/half")
	if err == nil {
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
	}
	if err == nil {
		t.Error("got an answer that looks whole, want one that is broken off")
	}
}

// handler is a server that logs to the writer, for an address that nobody listens on.
func handler(t *testing.T, address string, log io.Writer, areas ...web.Area) *web.Server {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := web.New(web.Config{
		URL: u, Store: webtest.Store(t), Authenticator: webtest.Everyone(time.Now()), Areas: areas, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOnlyTheServersOwnNameIsAnswered(t *testing.T) {
	s := handler(t, "https://rootkeep.example.com", io.Discard, guarded())
	for host, want := range map[string]int{
		"rootkeep.example.com": 200, "ROOTKEEP.example.com": 200, "rootkeep.example.com:443": 200,
		"rootkeep.example.com:8443": 421, "evil.example": 421, "127.0.0.1": 421, "": 421, "rootkeep.example.com.evil.example": 421,
	} {
		for path, want := range map[string]int{"/open": want, "/healthz": 200, "/readyz": 200} {
			r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("host %q, %s: got %d, want %d", host, path, w.Code, want)
			}
			if w.Header().Get("Strict-Transport-Security") == "" {
				t.Error("got no Strict-Transport-Security under https")
			}
		}
	}
}

func TestTheLogHoldsNoSecrets(t *testing.T) {
	var log bytes.Buffer
	s := handler(t, "http://localhost:8080", &log, guarded())
	r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost:8080/things/hunter1?token=hunter2", nil)
	r.Header.Set("Authorization", "Bearer hunter3")
	r.Header.Set("Cookie", "session=hunter4; actor=viewer")
	s.ServeHTTP(httptest.NewRecorder(), r)
	if got := log.String(); strings.Contains(got, "hunter") || !strings.Contains(got, "route=/things/{name}") || !strings.Contains(got, "actor=PE-viewer") {
		t.Errorf("got %s, want the route and the actor, no part of the path, query or headers", got)
	}
}

func TestTracesHoldNoPath(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	u := &url.URL{Scheme: "http", Host: "localhost:8080"}
	s, err := web.New(web.Config{
		URL: u, Store: webtest.Store(t), Authenticator: webtest.Everyone(time.Now()), Areas: []web.Area{guarded()}, Now: time.Now,
		Tracer: sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder)).Tracer("test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost:8080/things/hunter1?token=hunter2", nil)
	r.Header.Set("X-Test-Actor", "viewer")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	s.ServeHTTP(httptest.NewRecorder(), r)
	spans := recorder.Ended()
	if len(spans) != 1 {
		t.Fatalf("got %d spans, want one", len(spans))
	}
	got := spans[0]
	if text := fmt.Sprint(got.Name(), got.Attributes(), got.Events()); got.Name() != "GET /things/{name}" || strings.Contains(text, "hunter") || !strings.Contains(text, "200") {
		t.Errorf("got %s, want the route and the status, no part of the path or query", text)
	}
	if id := got.SpanContext().TraceID().String(); id != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("got trace %s, want the one that the request belongs to", id)
	}
}

func TestLocalPath(t *testing.T) {
	for path, want := range map[string]string{
		"/findings?severity=high": "/findings?severity=high", "/": "/", "/a#b": "/a",
		"//evil.example": "/", "///evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "https://evil.example": "/",
		"javascript:alert(1)": "/", "evil": "/", "": "/", "/\tevil": "/", "/a\r\nb": "/", "/%zz": "/", "/\x7f": "/",
	} {
		if got := web.LocalPath(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "//a", `/\a`, "/a?b=c#d", "http://a", "/%2f%2fa", "/.//a"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://rootkeep.example.com/sign-in")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := web.LocalPath(path)
		to, err := base.Parse(got)
		if err != nil || to.Scheme != "https" || to.Host != "rootkeep.example.com" || to.User != nil || strings.ContainsAny(got, "\\\r\n\t") || strings.HasPrefix(got, "//") {
			t.Errorf("%q: got %q, which leads to %v", path, got, to)
		}
	})
}

func TestASlowBodyIsNotWaitedFor(t *testing.T) {
	s := webtest.Serve(t, webtest.Store(t), nil, guarded())
	c, err := net.Dial("tcp", s.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /short HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\nslow", s.URL.Host)
	begun := time.Now()
	if err := c.SetReadDeadline(begun.Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("got %v after %s, want an answer once the route's time is over", err, time.Since(begun))
	}
	defer response.Body.Close()
	if response.StatusCode < 400 {
		t.Errorf("got %d, want a refusal", response.StatusCode)
	}
}

func TestRoutesThatNobodyGuardsAreRefused(t *testing.T) {
	store := webtest.Store(t)
	u := &url.URL{Scheme: "http", Host: "localhost"}
	for name, route := range map[string]web.Route{
		"no permission": {Method: "GET", Path: "/a", Handle: text("")},
		"no handler":    {Method: "GET", Path: "/a", Need: people.Read},
		"no method":     {Path: "/a", Need: people.Read, Handle: text("")},
		"taken twice":   {Method: "GET", Path: "/healthz", Need: people.Read, Handle: text("")},
		"too long":      {Method: "GET", Path: "/a", Need: people.Read, Handle: text(""), Time: 100 * time.Hour},
	} {
		if _, err := web.New(web.Config{URL: u, Store: store, Now: time.Now, Areas: []web.Area{{Routes: []web.Route{route}}}}); err == nil {
			t.Errorf("%s: got a server, want an error", name)
		}
	}
}

// TestCostlyRequestsAreBounded holds a route to its places: they are taken before the body
// is read, one actor does not get all of them, and who left makes room.
func TestCostlyRequestsAreBounded(t *testing.T) {
	inside, done := make(chan bool), make(chan bool)
	s := webtest.Serve(t, webtest.Store(t), nil, web.Area{Name: "costly", Routes: []web.Route{
		{Method: "POST", Path: "/costly", Need: people.Read, AtOnce: 4, Handle: func(http.ResponseWriter, *http.Request) error {
			inside <- true
			<-done
			return nil
		}},
	}})
	statuses := make(chan int)
	enter := func(actor string) {
		go func() { statuses <- s.Do(actor, "POST", "/costly", "a").Status }()
		<-inside
	}
	enter("viewer")
	enter("viewer")
	if got := s.Do("viewer", "POST", "/costly", strings.Repeat("a", 2<<20)); got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "5" {
		t.Errorf("the third of one actor: got %d %v, want 503 before the body is read", got.Status, got.Header)
	}
	enter("auditor")
	enter("admin")
	if got := s.Do("responder", "POST", "/costly", "a"); got.Status != http.StatusServiceUnavailable {
		t.Errorf("the fifth of all: got %d, want 503", got.Status)
	}
	if got := s.Do("", "POST", "/costly", "a"); got.Status != http.StatusSeeOther {
		t.Errorf("who is not signed in: got %d, want 303, whatever is under way", got.Status)
	}
	for range 4 {
		done <- true
		if got := <-statuses; got != http.StatusOK {
			t.Errorf("one that found a place: got %d, want 200", got)
		}
	}
	enter("responder")
	done <- true
	<-statuses
}
