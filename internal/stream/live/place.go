package live

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
)

// MostPlaces bounds the accounts and Regions of one source.
const MostPlaces = 10_000

// Place is how far a source is in an account and Region: the lag there is Arrived less
// Last, and what has been silent for long has an old Last.
type Place struct {
	Account rootkeep.AccountID
	Region  string
	Last    time.Time // of the latest object or event, as its key or envelope says
	Arrived time.Time // when the source saw it
}

// Progress is how far a source is in every account and Region. The zero value is ready,
// and several may use it at once.
type Progress struct {
	mu     sync.Mutex // guards places
	places map[placeKey]Place
}

type placeKey struct {
	account rootkeep.AccountID
	region  string
}

// See notes what has the latest time of its account and Region. One without an account, a
// Region or a time, and what would be a place too many, is left out.
func (p *Progress) See(seen Place) {
	if seen.Account == "" || seen.Region == "" || seen.Last.IsZero() {
		return
	}
	key := placeKey{seen.Account, seen.Region}
	p.mu.Lock()
	defer p.mu.Unlock()
	old, known := p.places[key]
	if !known && len(p.places) >= MostPlaces || known && !seen.Last.After(old.Last) {
		return
	}
	if p.places == nil {
		p.places = map[placeKey]Place{}
	}
	p.places[key] = seen
}

// SeeKey notes an object of CloudTrail's key layout.
func (p *Progress) SeeKey(k layout.Key, now time.Time) {
	p.See(Place{k.Account, string(k.Region), k.Delivered, now})
}

// Places are all of them, sorted by account and Region.
func (p *Progress) Places() []Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Place
	for _, at := range p.places {
		out = append(out, at)
	}
	slices.SortFunc(out, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return out
}
