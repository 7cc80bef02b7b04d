package route_test

import (
	"maps"
	"net/url"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awssim/route"
)

func TestRoutesMatchPaths(t *testing.T) {
	for _, c := range []struct {
		route, method, path, query string
		want                       map[string]string // nil: no match
	}{
		{"GET /detector/{id}/findings", "GET", "/detector/1/findings", "", map[string]string{"id": "1"}},
		{"GET /detector/{id}", "GET", "/detector/1/", "", map[string]string{"id": "1"}},
		{"GET /detector/{id}", "POST", "/detector/1", "", nil},
		{"GET /detector/{id}", "GET", "/detector/", "", nil},
		{"GET /detector/{id}", "GET", "/detector/1/2", "", nil},
		{"GET /{Bucket}/{Key+}", "GET", "/b/a%20b/c", "", map[string]string{"Bucket": "b", "Key": "a b/c"}},
		{"GET /{Bucket}/{Key+}", "GET", "/b/", "", nil},
		{"GET /{Bucket}?list-type=2", "GET", "/b", "list-type=2&prefix=x", map[string]string{"Bucket": "b"}},
		{"GET /{Bucket}?list-type=2", "GET", "/b", "list-type=1", nil},
		{"GET /{Bucket}?policy", "GET", "/b", "policy", map[string]string{"Bucket": "b"}},
		{"GET /", "GET", "/", "", map[string]string{}},
		{"GET /", "GET", "/b", "", nil},
	} {
		r, err := route.Parse(c.route)
		if err != nil {
			t.Fatal(err)
		}
		query, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := r.Match(c.method, c.path, query)
		if ok != (c.want != nil) || ok && !maps.Equal(got, c.want) {
			t.Errorf("%s against %s %s?%s: got %v, %v, want %v", c.route, c.method, c.path, c.query, got, ok, c.want)
		}
	}
	for _, bad := range []string{"", "GET", "GET detector"} {
		if _, err := route.Parse(bad); err == nil {
			t.Errorf("%q is taken for a route", bad)
		}
	}
}
