// Package front is what stands between a server and those who reach it: the certificate,
// and the proxy that is believed.
package front

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const mostHops = 32 // of X-Forwarded-For that are looked at

// Behind lets only the proxy in, and believes what it says of the client. The probes of
// health, which tell nothing, come from anywhere.
type Behind struct {
	Proxies []netip.Prefix
	Next    http.Handler
}

// ServeHTTP hands the request on as the client made it.
func (b Behind) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !b.trusts(peer.Addr()) {
		if r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
			http.Error(w, "only the proxy may connect to this address", http.StatusForbidden)
			return
		}
		b.Next.ServeHTTP(w, plain(r))
		return
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto != "" && proto != "https" {
		http.Error(w, "the proxy took this request without encryption", http.StatusForbidden)
		return
	}
	out := plain(r)
	if host := r.Header.Get("X-Forwarded-Host"); host != "" {
		out.Host = host
	}
	out.RemoteAddr = netip.AddrPortFrom(b.client(peer.Addr(), r.Header.Values("X-Forwarded-For")), 0).String()
	b.Next.ServeHTTP(w, out)
}

func (b Behind) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(b.Proxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// client is the last address that no proxy of ours is: what stands before it was written
// by the client itself.
func (b Behind) client(peer netip.Addr, headers []string) netip.Addr {
	hops := strings.Split(strings.Join(headers, ","), ",")
	if len(hops) > mostHops {
		hops = hops[len(hops)-mostHops:]
	}
	at := peer
	for _, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		if at = a.Unmap(); !b.trusts(at) {
			break
		}
	}
	return at
}

// plain is the request without what only a proxy may say.
func plain(r *http.Request) *http.Request {
	out := r.WithContext(r.Context())
	out.Header = r.Header.Clone()
	for name := range out.Header {
		if strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" || name == "X-Real-Ip" {
			delete(out.Header, name)
		}
	}
	return out
}
