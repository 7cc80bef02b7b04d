package tally

import (
	"cmp"
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

// placeCount is what one worker saw of a place.
type placeCount struct {
	events      int64
	first, last int64
	hours       map[int64]int64 // hour number since 1970 -> events
}

// Places counts when and where events were seen; the zero value is empty.
type Places struct {
	of      map[placeKey]*placeCount
	last    *placeCount // of the event before: a file is of one place
	lastKey placeKey
}

// maxPlaces is how many accounts and Regions are told apart; AWS has some forty
// Regions, so more than this is made up. The rest counts as one place.
const maxPlaces = 100_000

// Count notes when and where an event was seen.
func (s *Places) Count(account, region []byte, t int64) {
	if s.last == nil || string(account) != s.lastKey.account || string(region) != s.lastKey.region {
		key := placeKey{string(Cut(account)), string(Cut(region))}
		if len(s.of) >= maxPlaces && s.of[key] == nil {
			key = placeKey{"(others)", "(others)"}
		}
		p, ok := s.of[key]
		if !ok {
			if s.of == nil {
				s.of = map[placeKey]*placeCount{}
			}
			p = &placeCount{first: t, last: t, hours: map[int64]int64{}}
			s.of[key] = p
		}
		s.lastKey, s.last = key, p
	}
	p := s.last
	p.events++
	p.first, p.last = min(p.first, t), max(p.last, t)
	p.hours[t/3600]++
}

// Sum adds several workers' places up.
func Sum(shares []*Places) ([]Place, []Hour) {
	sums := map[placeKey]*placeCount{}
	hours := map[int64]int64{}
	for _, share := range shares {
		for key, p := range share.of {
			sum, ok := sums[key]
			if !ok {
				sum = &placeCount{first: p.first, last: p.last, hours: map[int64]int64{}}
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

func unix(t int64) time.Time { return time.Unix(t, 0).UTC() }
