package signin

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/web"
)

// Limits on what may be begun in a minute of one server.
const (
	perClient  = 120
	perServer  = 1200   // of all who are not signed in
	mostCounts = 10_000 // clients counted at a time
)

// limiter counts ceremonies by client, minute by minute. Who is signed in is counted for
// themselves: strangers who use up what is theirs keep nobody from proving a key once more.
type limiter struct {
	now       func() time.Time
	mu        sync.Mutex // guards the rest
	minute    time.Time
	strangers int            // ceremonies of those who are not signed in
	counts    map[string]int // by network of a stranger, or by person
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, counts: map[string]int{}}
}

// allow counts a request, and refuses it if there were too many in this minute.
func (l *limiter) allow(r *http.Request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if minute := l.now().Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute, l.strangers = minute, 0
		clear(l.counts)
	}
	who := web.ActorOf(r.Context()).ID
	stranger := who == ""
	if stranger {
		who = network(address(r)).String()
	}
	full := stranger && (l.strangers >= perServer || len(l.counts) >= mostCounts && l.counts[who] == 0)
	if full || l.counts[who] >= perClient {
		return &web.Refusal{Status: http.StatusTooManyRequests, Kind: "too-many", Detail: "too many sign-ins in this minute; hint: wait a minute", Retry: 60}
	}
	if stranger {
		l.strangers++
	}
	l.counts[who]++
	return nil
}

// network is whom an address counts for: one of version 6 for its whole network, because
// a client has as many of them as it likes.
func network(address string) netip.Prefix {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{} // all that do not parse are one
	}
	bits := 32
	if a = a.Unmap().WithZone(""); a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
