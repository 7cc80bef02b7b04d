package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rootkeep/rootkeep/client"
)

// answers is a server that gives its answers one after the other: a status, a body, or
// an error of the network.
type answers struct {
	list []answer
	got  []*http.Request
	body []string
}

type answer struct {
	status  int
	body    string
	headers http.Header
	err     error
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	n := len(a.got)
	a.got, a.body = append(a.got, r), append(a.body, string(body))
	if n >= len(a.list) {
		return nil, errors.New("no more answers")
	}
	next := a.list[n]
	if next.err != nil {
		return nil, next.err
	}
	h := next.headers
	if h == nil {
		h = http.Header{"Content-Type": {"application/json"}}
	}
	return &http.Response{StatusCode: next.status, Status: fmt.Sprint(next.status), Header: h, Body: io.NopCloser(strings.NewReader(next.body)), Request: r}, nil
}

func problem(status int, kind string, more ...string) answer {
	h := http.Header{"Content-Type": {"application/problem+json; charset=utf-8"}}
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return answer{status: status, headers: h, body: fmt.Sprintf(`{"type":"/problems/%s","title":"T","status":%d,"detail":"D","errors":[{"message":"too long","location":"body.name"}]}`, kind, status)}
}

func TestCalls(t *testing.T) {
	gone := errors.New("connection reset")
	for _, test := range []struct {
		name    string
		call    client.Call
		answers []answer
		tries   int
		after   time.Duration // at least, in all
		want    string        // part of the error; empty for none
	}{
		{"an answer", client.Call{Path: "/a"}, []answer{{status: 200, body: `{"n":7}`}}, 1, 0, ""},
		{"a busy server is asked again when it says", client.Call{Path: "/a"}, []answer{problem(503, "busy", "Retry-After", "7"), problem(429, "too-many"), {status: 200, body: `{"n":7}`}}, 3, 7 * time.Second, ""},
		{"but not for ever", client.Call{Path: "/a"}, []answer{problem(503, "busy"), problem(503, "busy"), problem(503, "busy"), problem(503, "busy"), problem(503, "busy")}, 4, 0, "D"},
		{"nor for an hour", client.Call{Path: "/a"}, []answer{problem(503, "busy", "Retry-After", "999999999"), {status: 200, body: `{"n":7}`}}, 2, 30 * time.Second, ""},
		{"a POST whose answer was lost is sent again", client.Call{Method: "POST", Path: "/a", Body: map[string]int{"a": 1}}, []answer{{err: gone}, {status: 201, body: `{"n":7}`}}, 2, 0, ""},
		{"a PUT is not", client.Call{Method: "PUT", Path: "/a"}, []answer{{err: gone}}, 1, 0, "connection reset"},
		{"a refusal is final", client.Call{Path: "/a"}, []answer{problem(403, "forbidden")}, 1, 0, "D; body.name: too long"},
		{"an error page of something else", client.Call{Path: "/a"}, []answer{{status: 502, body: "<html>"}}, 1, 0, "is this the address of a rootkeep server?"},
		{"a redirect is not followed", client.Call{Path: "/a"}, []answer{{status: 302, headers: http.Header{"Location": {"https://evil.example/"}}}}, 1, 0, "302"},
		{"an answer that is no JSON", client.Call{Path: "/a"}, []answer{{status: 200, body: "hello"}}, 1, 0, "not what was expected"},
		{"a path that leads elsewhere", client.Call{Path: "@evil.example/"}, nil, 0, 0, "404"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if test.tries == 0 {
					test.answers, test.tries = []answer{{status: 404}}, 1 // it stays a path of the server
				}
				server := &answers{list: test.answers}
				c, err := client.New("https://rootkeep.example.com", "rk_secret", server)
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				var out struct{ N int }
				_, err = c.Do(t.Context(), test.call, &out)
				if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want an error that has %q", err, test.want)
				}
				if err != nil && strings.Contains(err.Error(), "rk_secret") {
					t.Errorf("got the token in %v", err)
				}
				if err == nil && out.N != 7 {
					t.Errorf("got %+v, want the answer", out)
				}
				if len(server.got) != test.tries {
					t.Errorf("got %d tries, want %d", len(server.got), test.tries)
				}
				if took := time.Since(begun); took < test.after || took > 5*time.Minute {
					t.Errorf("took %s, want at least %s", took, test.after)
				}
				for i, r := range server.got {
					if r.URL.Host != "rootkeep.example.com" || r.Header.Get("Authorization") != "Bearer rk_secret" {
						t.Errorf("try %d: got %s with %q", i, r.URL, r.Header.Get("Authorization"))
					}
					if key := r.Header.Get("Idempotency-Key"); (r.Method == "POST") != (key != "") || key != server.got[0].Header.Get("Idempotency-Key") || server.body[i] != server.body[0] {
						t.Errorf("try %d: got key %q, body %q, want those of the first", i, key, server.body[i])
					}
				}
			})
		})
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := client.New("https://rootkeep.example.com", "", &answers{list: []answer{problem(503, "busy", "Retry-After", "20")}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err = c.Do(ctx, client.Call{Path: "/a"}, nil); !errors.Is(err, context.DeadlineExceeded) || !client.Is(err, "busy") {
			t.Errorf("got %v, want the end of the context and why it waited", err)
		}
	})
}

func TestAllReadsEveryPage(t *testing.T) {
	server := &answers{list: []answer{{status: 200, body: `{"items":[1,2],"next":"b"}`}, {status: 200, body: `{"items":[3],"next":"c"}`}, problem(403, "forbidden")}}
	c, err := client.New("http://localhost:8080", "", server)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	var last error
	for n, err := range client.All[int](t.Context(), c, "/numbers", url.Values{"limit": {"2"}}) {
		sum, last = sum+n, err
	}
	if sum != 6 || !client.Is(last, "forbidden") {
		t.Errorf("got %d and %v, want all items and then the error", sum, last)
	}
	if got := server.got[1].URL.RawQuery; got != "cursor=b&limit=2" {
		t.Errorf("got %s, want the cursor beside the query", got)
	}
}

func TestServersThatGetNoToken(t *testing.T) {
	for server, fits := range map[string]bool{
		"https://rootkeep.example.com": true, "https://rootkeep.example.com/": true, "http://localhost:8080": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true,
		"http://rootkeep.example.com": false, "http://localhost.evil.example": false, "ftp://localhost": false, "rootkeep.example.com": false, "https://a:b@rootkeep.example.com": false,
		"https://rootkeep.example.com/x": false, "": false,
	} {
		c, err := client.New(server, "rk_secret", nil)
		if (err == nil) != fits {
			t.Errorf("%s: got %v, want fits %v", server, err, fits)
		}
		if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "rk_secret") {
			t.Errorf("got the token in %s", text)
		}
	}
	if _, err := client.New("https://rootkeep.example.com", "rk\r\nX: y", nil); err == nil {
		t.Error("got a client with a token of two lines")
	}
}
