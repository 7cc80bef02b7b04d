package cloud

import (
	"errors"
	"net/url"
	"strings"
)

// route is the path of a REST operation: segments that are words or {labels}, a last
// {label+} that takes the rest, and query parameters that must be there.
type route struct {
	method   string
	segments []string
	query    [][2]string // name and value, the value "" for any
}

func parseRoute(s string) (route, error) {
	method, rest, ok := strings.Cut(s, " ")
	if !ok || !strings.HasPrefix(rest, "/") {
		return route{}, errors.New("wants a route such as GET /path/{label}")
	}
	path, query, _ := strings.Cut(rest, "?")
	r := route{method: method, segments: strings.Split(strings.TrimPrefix(path, "/"), "/")}
	for pair := range strings.SplitSeq(query, "&") {
		if k, v, _ := strings.Cut(pair, "="); k != "" {
			r.query = append(r.query, [2]string{k, v})
		}
	}
	return r, nil
}

// match says whether a request has the route, and gives its labels.
func (r route) match(method, path string, query url.Values) (map[string]string, bool) {
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

// find picks the operation of a REST request: of those that match, the one that asks
// for most.
func (s *Service) find(method, path string, query url.Values) (*Operation, map[string]string) {
	var best *Operation
	var labels map[string]string
	for _, o := range s.Operations {
		if l, ok := o.route.match(method, path, query); ok {
			if best == nil || o.route.weight() > best.route.weight() {
				best, labels = o, l
			}
		}
	}
	return best, labels
}

// weight orders routes by how much they ask for.
func (r route) weight() int {
	n := 100 * len(r.query)
	for _, s := range r.segments {
		if n += 2; strings.HasPrefix(s, "{") {
			n--
		}
	}
	return n
}

// marked is the query without the parameters that only pick the operation.
func (r route) marked(query url.Values) url.Values {
	out := url.Values{}
	for k, v := range query {
		out[k] = v
	}
	for _, q := range r.query {
		out.Del(q[0])
	}
	return out
}
