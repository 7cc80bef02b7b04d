package detect

import (
	"cmp"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
)

// placeKey is one account and Region.
type placeKey struct{ account, region string }

// placeCount is what one worker saw of a place.
type placeCount struct {
	events      int64
	first, last int64
	hours       map[int64]int64 // hour number since 1970 -> events
}

// count notes when and where events were seen.
func (w *Worker) count(v *rootkeep.View, t int64) {
	account, region := w.account(v), v.Text(fRegion)
	if w.lastPlace == nil || string(account) != w.lastKey.account || string(region) != w.lastKey.region {
		key := placeKey{string(account), string(region)}
		p, ok := w.places[key]
		if !ok {
			p = &placeCount{first: t, last: t, hours: map[int64]int64{}}
			w.places[key] = p
		}
		w.lastKey, w.lastPlace = key, p
	}
	p := w.lastPlace
	p.events++
	p.first, p.last = min(p.first, t), max(p.last, t)
	p.hours[t/3600]++
}

// placesOf sums up the workers' places.
func placesOf(workers []*Worker) ([]Place, []Hour) {
	sums := map[placeKey]*placeCount{}
	hours := map[int64]int64{}
	for _, w := range workers {
		for key, p := range w.places {
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
