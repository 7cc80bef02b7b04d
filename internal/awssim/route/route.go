// Package route matches the paths of REST services with their operations.
package route

import (
	"errors"
	"net/url"
	"strings"
)

// Route is the path of a REST operation: segments that are words or {labels}, a last
// {label+} that takes the rest, and query parameters that must be there.
type Route struct {
	method   string
	segments []string
	query    [][2]string // name and value, the value "" for any
}

// Parse reads a route such as GET /path/{label}?marker.
func Parse(s string) (Route, error) {
	method, rest, ok := strings.Cut(s, " ")
	if !ok || !strings.HasPrefix(rest, "/") {
		return Route{}, errors.New("wants a route such as GET /path/{label}")
	}
	path, query, _ := strings.Cut(rest, "?")
	r := Route{method: method, segments: strings.Split(strings.TrimPrefix(path, "/"), "/")}
	for pair := range strings.SplitSeq(query, "&") {
		if k, v, _ := strings.Cut(pair, "="); k != "" {
			r.query = append(r.query, [2]string{k, v})
		}
	}
	return r, nil
}

// Match says whether a request has the route, and gives its labels.
func (r Route) Match(method, path string, query url.Values) (map[string]string, bool) {
	if method != r.method {
		return nil, false
	}
	for _, q := range r.query {
		if !query.Has(q[0]) || q[1] != "" && query.Get(q[0]) != q[1] {
			return nil, false
		}
	}
	labels := map[string]string{}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range r.segments {
		if i >= len(parts) {
			return nil, false
		}
		name, isLabel := strings.CutPrefix(segment, "{")
		name = strings.TrimSuffix(name, "}")
		if greedy, ok := strings.CutSuffix(name, "+"); ok && isLabel {
			labels[greedy] = unescape(strings.Join(parts[i:], "/"))
			return labels, labels[greedy] != ""
		}
		switch {
		case isLabel && parts[i] != "":
			labels[name] = unescape(parts[i])
		case isLabel || segment != parts[i]:
			return nil, false
		}
	}
	// A path may end in a slash.
	rest := parts[len(r.segments):]
	return labels, len(rest) == 0 || len(rest) == 1 && rest[0] == ""
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// Weight orders routes by how much they ask for.
func (r Route) Weight() int {
	n := 100 * len(r.query)
	for _, s := range r.segments {
		if n += 2; strings.HasPrefix(s, "{") {
			n--
		}
	}
	return n
}

// Marked is the query without the parameters that only pick the operation: those whose
// value is the route's own.
func (r Route) Marked(query url.Values) url.Values {
	out := url.Values{}
	for k, v := range query {
		out[k] = v
	}
	for _, q := range r.query {
		if out.Get(q[0]) == q[1] {
			out.Del(q[0])
		}
	}
	return out
}
