package tally

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Place is one account and Region with the events seen there.
type Place struct {
	Account rootkeep.AccountID `json:"account"`
	Region  rootkeep.Region    `json:"region"`
	Events  int64              `json:"events"`
	First   time.Time          `json:"first"`
	Last    time.Time          `json:"last"`
	// Silent are the hours between First and Last without any event: seen is not
	// proof, and neither is silence.
	Silent int `json:"silent_hours"`
}

// Hour counts the events of one hour over all accounts.
type Hour struct {
	Start  time.Time `json:"start"`
	Events int64     `json:"events"`
}

// placeKey is one account and Region.
type placeKey struct{ account, region string }

// Spot is what one worker saw of a place.
type Spot struct {
	events      int64
	first, last int64
	hours       map[int64]int64 // hour number since 1970 -> events
	hour        int64           // of the last event; its events are not in hours yet
	inHour      int64
}

// Places counts when and where events were seen; the zero value is empty.
type Places struct {
	of      map[placeKey]*Spot
	last    *Spot // of the event before: a file is of one place
	lastKey placeKey
}

// maxPlaces is how many accounts and Regions are told apart; AWS has some forty
// Regions, so more than this is made up. The rest counts as one place.
const maxPlaces = 100_000

// At finds the place of an event, which may be counted there later.
func (s *Places) At(account, region []byte) *Spot {
	if s.last != nil && string(account) == s.lastKey.account && string(region) == s.lastKey.region {
		return s.last
	}
	key := placeKey{string(Cut(account)), string(Cut(region))}
	if len(s.of) >= maxPlaces && s.of[key] == nil {
		key = placeKey{"(others)", "(others)"}
	}
	p, ok := s.of[key]
	if !ok {
		if s.of == nil {
			s.of = map[placeKey]*Spot{}
		}
		p = &Spot{first: math.MaxInt64, last: math.MinInt64, hours: map[int64]int64{}}
		s.of[key] = p
	}
	s.lastKey, s.last = key, p
	return p
}

// Count notes an event at t, Unix seconds.
func (p *Spot) Count(t int64) {
	p.events++
	p.first, p.last = min(p.first, t), max(p.last, t)
	if hour := t / 3600; hour != p.hour {
		p.close()
		p.hour = hour
	}
	p.inHour++
}

// close puts the events of the last hour to the others.
func (p *Spot) close() {
	if p.inHour > 0 {
		p.hours[p.hour] += p.inHour
		p.inHour = 0
	}
}

// Sum adds several workers' places up.
func Sum(shares []*Places) ([]Place, []Hour) {
	sums := map[placeKey]*Spot{}
	hours := map[int64]int64{}
	for _, share := range shares {
		for key, p := range share.of {
			if p.close(); p.events == 0 {
				continue // only duplicates
			}
			sum, ok := sums[key]
			if !ok {
				sum = &Spot{first: p.first, last: p.last, hours: map[int64]int64{}}
				sums[key] = sum
			}
			sum.events += p.events
			sum.first, sum.last = min(sum.first, p.first), max(sum.last, p.last)
			for h, n := range p.hours {
				sum.hours[h] += n
				hours[h] += n
			}
		}
	}
	var places []Place
	for key, p := range sums {
		places = append(places, Place{
			Account: rootkeep.AccountID(key.account), Region: rootkeep.Region(key.region), Events: p.events,
			First: unix(p.first), Last: unix(p.last),
			Silent: int(p.last/3600-p.first/3600) + 1 - len(p.hours),
		})
	}
	slices.SortFunc(places, func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	var over []Hour
	for h, n := range hours {
		over = append(over, Hour{unix(h * 3600), n})
	}
	slices.SortFunc(over, func(a, b Hour) int { return a.Start.Compare(b.Start) })
	return places, over
}

// Period is from the first event in any of the places to the last one.
func Period(places []Place) (first, last time.Time) {
	for i, p := range places {
		if i == 0 || p.First.Before(first) {
			first = p.First
		}
		if i == 0 || p.Last.After(last) {
			last = p.Last
		}
	}
	return first, last
}

// End is the end of the last hour that belongs to the rest of so many events, Unix
// seconds. A few events far after all others are a broken clock or a forgery, and
// must not make everything else look silent.
func End(hours []Hour, events int64) int64 {
	const (
		far   = 7 * 24 * 3600 // seconds without any event
		stray = 1000          // one in so many
	)
	last := int64(math.MinInt64)
	var before int64
	for _, hour := range hours {
		start := hour.Start.Unix()
		if before > 0 && start-last > far && (events-before)*stray < before {
			break
		}
		last = start + 3599
		before += hour.Events
	}
	return last
}

func unix(t int64) time.Time { return time.Unix(t, 0).UTC() }
