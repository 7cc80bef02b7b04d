package web

import (
	"net/http"
	"sync"
)

// places bounds what is held at the same time: streams, or requests that need much memory.
type places struct {
	most int // of all actors together
	each int // of one actor, so that nobody takes all of them

	mu  sync.Mutex // guards the fields below
	all int
	of  map[string]int
}

// newPlaces makes places of which one actor gets half, and one at least.
func newPlaces(most int) *places { return &places{most: most, each: max(1, most/2)} }

// join takes a place and gives the way to leave it, or nil if all are taken.
func (p *places) join(actor string) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= p.most || p.of[actor] >= p.each {
		return nil
	}
	if p.of == nil {
		p.of = map[string]int{}
	}
	p.all++
	p.of[actor]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all--
		if p.of[actor]--; p.of[actor] == 0 {
			delete(p.of, actor)
		}
	}
}

func (p *places) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all
}

// errFull is a request for which there is no place.
var errFull = &Refusal{Status: http.StatusServiceUnavailable, Kind: "busy", Detail: "as many of these requests as the server takes at a time are under way", Retry: 5}
