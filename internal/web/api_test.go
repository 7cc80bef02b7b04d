package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

type thing struct {
	Name string `json:"name" maxLength:"20"`
	Size int    `json:"size,omitempty" minimum:"0"`
}

// things is an area with operations that count how often they ran.
func things(made *int) web.Area {
	type named struct {
		Name    string `path:"name"`
		IfMatch string `header:"If-Match"`
	}
	type made1 struct {
		Location string `header:"Location"`
		Body     thing
	}
	return web.Area{Name: "things", API: func(a *web.API) {
		create := func(secret bool) func(context.Context, *struct{ Body thing }) (*made1, error) {
			return func(_ context.Context, in *struct{ Body thing }) (*made1, error) {
				*made++
				if in.Body.Name == "broken" {
					return nil, errors.New("the password is hunter2")
				}
				if in.Body.Name == "panic" {
					panic("the password is hunter2")
				}
				if in.Body.Name == "busy" {
					return nil, &web.Refusal{Status: 503, Kind: "busy", Detail: "busy", Retry: 7}
				}
				return &made1{Location: "/api/v1/things/" + in.Body.Name, Body: thing{Name: fmt.Sprint(in.Body.Name, *made)}}, nil
			}
		}
		web.Register(a, web.Operation{ID: "make-thing", Method: "POST", Path: "/things", Tag: "things", Need: people.Operate, Status: 201}, create(false))
		web.Register(a, web.Operation{ID: "make-secret", Method: "POST", Path: "/secrets", Tag: "things", Need: people.Operate, Status: 201, Secret: true}, create(true))
		web.Register(a, web.Operation{ID: "edit-thing", Method: "PUT", Path: "/things/{name}", Tag: "things", Need: people.Operate, Fresh: true},
			func(_ context.Context, in *named) (*struct{}, error) { return nil, web.IfMatch(in.IfMatch, 7) })
		web.Register(a, web.Operation{ID: "list-things", Method: "GET", Path: "/things", Tag: "things", Need: people.Read},
			func(_ context.Context, in *web.Paging) (*struct{ Body client.Page[thing] }, error) {
				after, err := web.ReadCursor(in.Cursor, 1)
				if err != nil {
					return nil, err
				}
				out := &struct{ Body client.Page[thing] }{}
				var all []thing
				for i := range 7 {
					if name := fmt.Sprint(i); after == nil || name > after[0] {
						all = append(all, thing{Name: name})
					}
				}
				out.Body = web.PageOf(all[:min(len(all), in.Limit+1)], in.Limit, func(t thing) string { return web.Cursor(t.Name) })
				return out, nil
			})
		web.Register(a, web.Operation{ID: "get-thing", Method: "GET", Path: "/things/{name}", Tag: "things", Need: people.Read},
			func(_ context.Context, in *named) (*struct{ Body thing }, error) {
				if in.Name == "lost" {
					return nil, fmt.Errorf("read the store: %w", net.ErrClosed)
				}
				return nil, fmt.Errorf("thing %s: %w", in.Name, store.ErrNotFound)
			})
	}}
}

func TestErrorsOfTheAPIAreProblems(t *testing.T) {
	made := 0
	s := webtest.Serve(t, webtest.Store(t), nil, things(&made))
	for _, test := range []struct {
		name, actor, method, path, body string
		headers                         []string
		status                          int
		kind                            string
	}{
		{"nobody is signed in", "", "GET", "/things", "", nil, 401, "not-signed-in"},
		{"a permission is missing", "viewer", "POST", "/things", `{"name":"a"}`, nil, 403, "forbidden"},
		{"a token does what needs a key", "operator", "PUT", "/things/a", "", nil, 403, "needs-key"},
		{"a field is unknown", "admin", "POST", "/things", `{"name":"a","nme":"b"}`, nil, 422, "invalid"},
		{"a field has another case", "admin", "POST", "/things", `{"Name":"a"}`, nil, 422, "invalid"},
		{"a field is there twice", "admin", "POST", "/things", `{"name":"a","name":"b"}`, nil, 400, "invalid"},
		{"a field has the wrong type", "admin", "POST", "/things", `{"name":7}`, nil, 422, "invalid"},
		{"a field is too long", "admin", "POST", "/things", `{"name":"aaaaaaaaaaaaaaaaaaaaaaaaaaa"}`, nil, 422, "invalid"},
		{"the body is no JSON", "admin", "POST", "/things", `{"name`, nil, 400, "invalid"},
		{"the body is no UTF-8", "admin", "POST", "/things", "{\"name\":\"\xff\"}", nil, 400, "invalid"},
		{"the body is missing", "admin", "POST", "/things", ``, nil, 400, "invalid"},
		{"the body is of another type", "admin", "POST", "/things", `name=a`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "media-type"},
		{"the body is too large", "admin", "POST", "/things", `{"name":"` + strings.Repeat("a", 1<<20) + `"}`, nil, 413, "too-large"},
		{"a parameter is unknown", "viewer", "GET", "/things?colour=red", "", nil, 422, "invalid"},
		{"a parameter is out of its range", "viewer", "GET", "/things?limit=1000", "", nil, 422, "invalid"},
		{"a cursor is no cursor", "viewer", "GET", "/things?cursor=abc", "", nil, 422, "invalid"},
		{"a cursor is of another list", "viewer", "GET", "/things?cursor=" + web.Cursor("a", "b"), "", nil, 422, "invalid"},
		{"a thing does not exist", "viewer", "GET", "/things/a", "", nil, 404, "not-found"},
		{"the store does not answer", "viewer", "GET", "/things/lost", "", nil, 503, "unavailable"},
		{"an address does not exist", "viewer", "GET", "/nothing", "", nil, 404, "not-found"},
		{"a method is not taken", "viewer", "DELETE", "/things", "", nil, 405, "method"},
		{"a version is not named", "admin", "PUT", "/things/a", "", nil, 428, "version-needed"},
		{"a version is old", "admin", "PUT", "/things/a", "", []string{"If-Match", `"6"`}, 412, "version-changed"},
		{"a handler fails", "admin", "POST", "/things", `{"name":"broken"}`, nil, 500, "internal"},
		{"a handler panics", "admin", "POST", "/things", `{"name":"panic"}`, nil, 500, "internal"},
		{"the server is busy", "admin", "POST", "/things", `{"name":"busy"}`, nil, 503, "busy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := s.JSON(test.actor, test.method, "/api/v1"+test.path, test.body, test.headers...)
			var p client.Problem
			if err := json.Unmarshal([]byte(got.Body), &p); err != nil {
				t.Fatalf("got %d %s, want a problem: %v", got.Status, got.Body, err)
			}
			if got.Status != test.status || p.Status != test.status || p.Type != "/problems/"+test.kind || p.Title == "" {
				t.Errorf("got %d %+v, want %d %s", got.Status, p, test.status, test.kind)
			}
			if ct := got.Header.Get("Content-Type"); ct != client.ProblemType {
				t.Errorf("got type %q, want %s", ct, client.ProblemType)
			}
			if p.Instance != "/requests/"+got.Header.Get("X-Request-Id") {
				t.Errorf("got instance %q of request %q", p.Instance, got.Header.Get("X-Request-Id"))
			}
			if strings.Contains(got.Body, "hunter2") || strings.Contains(got.Body, "goroutine") {
				t.Errorf("got the reason of a failure in %s", got.Body)
			}
			if (test.status == 503) != (got.Header.Get("Retry-After") != "") {
				t.Errorf("got Retry-After %q", got.Header.Get("Retry-After"))
			}
			if page := s.Get("", p.Type); page.Status != 200 {
				t.Errorf("got %d for the page of the problem, want one that explains it", page.Status)
			}
		})
	}
}

func TestIdempotencyKeys(t *testing.T) {
	made := 0
	s := webtest.Serve(t, webtest.Store(t), nil, things(&made))
	const body = `{"name":"a"}`
	for _, test := range []struct {
		name, actor, path, key, body string
		status, made                 int
		answer                       string // part of it
		replayed                     bool
	}{
		{"the first request is done", "admin", "/things", "k1", body, 201, 1, `"a1"`, false},
		{"the same again is answered again", "admin", "/things", "k1", body, 201, 1, `"a1"`, true},
		{"another body is refused", "admin", "/things", "k1", `{"name":"b"}`, 422, 1, "key-reused", false},
		{"another actor has keys of their own", "responder", "/things", "k1", body, 201, 2, `"a2"`, false},
		{"another route too", "admin", "/secrets", "k1", body, 201, 3, `"a3"`, false},
		{"a secret is not given twice", "admin", "/secrets", "k1", body, 409, 3, "answer-not-kept", false},
		{"a request that does not fit is answered again", "admin", "/things", "k2", `{"name":7}`, 422, 3, "invalid", false},
		{"and is not done then", "admin", "/things", "k2", `{"name":7}`, 422, 3, "invalid", true},
		{"who was refused as busy", "admin", "/things", "k3", `{"name":"busy"}`, 503, 4, "busy", false},
		{"may ask again", "admin", "/things", "k3", `{"name":"busy"}`, 503, 5, "busy", false},
		{"a panic", "admin", "/things", "k4", `{"name":"panic"}`, 500, 6, "internal", false},
		{"leaves the outcome unknown", "admin", "/things", "k4", `{"name":"panic"}`, 409, 6, "outcome-unknown", false},
		{"a key that is too long", "admin", "/things", strings.Repeat("k", 129), body, 400, 6, "bad-key", false},
		{"a key with a space", "admin", "/things", "k 5", body, 400, 6, "bad-key", false},
		{"who may not do it leaves no trace", "viewer", "/things", "k6", body, 403, 6, "forbidden", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := s.JSON(test.actor, "POST", "/api/v1"+test.path, test.body, "Idempotency-Key", test.key)
			if got.Status != test.status || made != test.made || !strings.Contains(got.Body, test.answer) || (got.Header.Get("Idempotency-Replayed") == "true") != test.replayed {
				t.Errorf("got %d %s %v, made %d, want %d %s, replayed %v, made %d", got.Status, got.Body, got.Header, made, test.status, test.answer, test.replayed, test.made)
			}
			if got.Status == 201 && got.Header.Get("Location") != "/api/v1/things/a" {
				t.Errorf("got Location %q", got.Header.Get("Location"))
			}
		})
	}
}

// TestAnIdempotencyKeyIsOfOneRequest holds an answer to the request that it was given to:
// what a query or If-Match says is part of that.
func TestAnIdempotencyKeyIsOfOneRequest(t *testing.T) {
	type turn struct {
		Turn    string `query:"turn"`
		IfMatch string `header:"If-Match"`
	}
	s := webtest.Serve(t, webtest.Store(t), nil, web.Area{Name: "turns", API: func(a *web.API) {
		web.Register(a, web.Operation{ID: "turn", Method: "POST", Path: "/turns", Tag: "turns", Need: people.Operate, Status: 201},
			func(_ context.Context, in *turn) (*struct{ Body thing }, error) {
				return &struct{ Body thing }{thing{Name: in.Turn + in.IfMatch}}, nil
			})
	}})
	for _, test := range []struct {
		name, query, ifMatch string
		status               int
	}{
		{"the first is done", "?turn=left", `"7"`, 201}, {"the same is answered again", "?turn=left", `"7"`, 201},
		{"another query is another request", "?turn=right", `"7"`, 422}, {"another version too", "?turn=left", `"8"`, 422},
		{"what moves from one to the other is not the same", `?turn=left%22`, `7"`, 422},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := s.JSON("admin", "POST", "/api/v1/turns"+test.query, "", "Idempotency-Key", "k", "If-Match", test.ifMatch)
			if got.Status != test.status || got.Status == 422 && !strings.Contains(got.Body, "key-reused") {
				t.Errorf("got %d %s, want %d", got.Status, got.Body, test.status)
			}
		})
	}
}

func TestListsHavePages(t *testing.T) {
	made := 0
	s := webtest.Serve(t, webtest.Store(t), nil, things(&made))
	var names []string
	for cursor, pages := "", 0; ; pages++ {
		got := s.Get("viewer", "/api/v1/things?limit=3&cursor="+cursor)
		var p client.Page[thing]
		if err := json.Unmarshal([]byte(got.Body), &p); err != nil || got.Status != http.StatusOK {
			t.Fatalf("got %d %s: %v", got.Status, got.Body, err)
		}
		for _, item := range p.Items {
			names = append(names, item.Name)
		}
		if cursor = p.Next; cursor == "" || pages > 5 {
			break
		}
	}
	if got := strings.Join(names, ""); got != "0123456" {
		t.Errorf("got %s, want each item once, in order", got)
	}
}
