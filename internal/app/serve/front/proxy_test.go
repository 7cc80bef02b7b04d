package front

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestOnlyTheProxyIsBelieved(t *testing.T) {
	for _, test := range []struct {
		name, peer, path string
		headers          map[string][]string
		status           int
		host, client     string
	}{
		{"the proxy says who the client is", "10.0.0.5:1", "/", map[string][]string{"X-Forwarded-For": {"203.0.113.9"}}, 200, "rootkeep.example.com", "203.0.113.9:0"},
		{"the client wrote an address itself", "10.0.0.5:1", "/", map[string][]string{"X-Forwarded-For": {"127.0.0.1, 203.0.113.9"}}, 200, "rootkeep.example.com", "203.0.113.9:0"},
		{"in two headers", "10.0.0.5:1", "/", map[string][]string{"X-Forwarded-For": {"127.0.0.1", "203.0.113.9"}}, 200, "rootkeep.example.com", "203.0.113.9:0"},
		{"two proxies", "10.0.0.5:1", "/", map[string][]string{"X-Forwarded-For": {"198.51.100.1, 203.0.113.9, 10.0.0.6"}}, 200, "rootkeep.example.com", "203.0.113.9:0"},
		{"an address that is none", "10.0.0.5:1", "/", map[string][]string{"X-Forwarded-For": {"203.0.113.9, unknown"}}, 200, "rootkeep.example.com", "10.0.0.5:0"},
		{"the proxy says nothing", "10.0.0.5:1", "/", nil, 200, "rootkeep.example.com", "10.0.0.5:0"},
		{"the proxy as IPv6 writes it", "[::ffff:10.0.0.5]:1", "/", map[string][]string{"X-Forwarded-For": {"203.0.113.9"}}, 200, "rootkeep.example.com", "203.0.113.9:0"},
		{"the proxy names the host", "10.0.0.5:1", "/", map[string][]string{"X-Forwarded-Host": {"other.example"}}, 200, "other.example", "10.0.0.5:0"},
		{"the proxy took plain HTTP", "10.0.0.5:1", "/", map[string][]string{"X-Forwarded-Proto": {"http"}}, 403, "", ""},
		{"somebody else", "203.0.113.9:1", "/", map[string][]string{"X-Forwarded-For": {"10.0.0.5"}}, 403, "", ""},
		{"somebody else asks for health", "203.0.113.9:1", "/healthz", map[string][]string{"X-Forwarded-For": {"10.0.0.5"}, "X-Forwarded-Host": {"other.example"}}, 200, "rootkeep.example.com", "203.0.113.9:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var host, client string
			b := Behind{[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				host, client = r.Host, r.RemoteAddr
				if len(r.Header) > 0 {
					t.Errorf("got the headers %v further on, want none", r.Header)
				}
			})}
			r := httptest.NewRequestWithContext(t.Context(), "GET", "http://rootkeep.example.com"+test.path, nil)
			r.RemoteAddr, r.Header = test.peer, test.headers
			if r.Header == nil {
				r.Header = http.Header{}
			}
			w := httptest.NewRecorder()
			b.ServeHTTP(w, r)
			if w.Code != test.status || host != test.host || client != test.client {
				t.Errorf("got %d, host %q, client %q, want %d, %q, %q", w.Code, host, client, test.status, test.host, test.client)
			}
		})
	}
}
