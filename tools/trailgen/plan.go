package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// account is one of the company's accounts.
type account struct {
	id, name string
	weight   int // share of the objects, percent
}

// region is a Region in use.
type region struct {
	name   string
	weight int // share of the objects, per mille
	median int // events in an object
}

func accounts() []account {
	return []account{
		{"111122223333", "prod", 38}, {"222233334444", "staging", 20}, {"333344445555", "dev", 16},
		{"444455556666", "data", 14}, {"555566667777", "security", 7}, {"666677778888", "management", 5},
	}
}

func regions() []region {
	return []region{
		{"us-east-1", 450, 70}, {"eu-west-1", 170, 70}, {"us-west-2", 120, 70}, {"eu-central-1", 85, 70},
		{"ap-southeast-1", 55, 70}, {"us-east-2", 45, 8}, {"ap-northeast-1", 30, 8}, {"ca-central-1", 20, 8},
		{"sa-east-1", 15, 8}, {"ap-south-1", 10, 8},
	}
}

// place is one account in one Region.
type place struct {
	account account
	region  region
	number  uint64 // differs between places; the seed of names there
	steady  bool   // delivers often enough that services are heard all the time
}

// object is one log file to be written.
type object struct {
	place  *place
	number int
	events int
	start  time.Time // of the time its events lie in
	end    time.Time // when it is delivered
	heard  bool      // starts with a service at work: its turn in a steady place
	story  []deed    // told by the first records of the file
}

// key is the object key of the log file.
func (o *object) key() string {
	return fmt.Sprintf("AWSLogs/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_%s.json.gz", o.place.account.id, o.place.region.name,
		o.end.Format("2006/01/02"), o.place.account.id, o.place.region.name, o.end.Format("20060102T1504Z"),
		digits(hash(uint64(o.number), 77), base64Digits[:62], 16))
}

// birth is when the trail starts.
func birth() time.Time { return time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC) }

const (
	deliveryDelay = 5 * time.Minute // an object holds events up to its delivery
	shortestTrail = 5 * time.Hour
	longestTrail  = 24 * time.Hour
	// quietest is the longest time between two objects of a place where services
	// are heard all the time; where objects are rarer, people alone call.
	quietest = 2 * time.Hour
)

// plan decides which objects there are: where, when, and how many events each
// holds, until all events have a home.
func plan(o options) []*object {
	d := newDice(o.seed, 1)
	places := allPlaces()
	var objects []*object
	for left := o.events; left > 0; {
		p := choosePlace(d, places)
		n := min(left, o.objectSize(d, p))
		objects = append(objects, &object{place: p, number: len(objects) + 1, events: n})
		left -= n
	}
	schedule(d, objects, o.span())
	slices.SortFunc(objects, func(a, b *object) int {
		return cmp.Or(a.end.Compare(b.end), cmp.Compare(a.number, b.number))
	})
	return objects
}

// span is how long a trail of that many events lasts: a day for a million.
func (o options) span() time.Duration {
	if o.tiny {
		return longestTrail
	}
	return min(longestTrail, max(shortestTrail, time.Duration(o.events/40_000)*time.Hour))
}

func allPlaces() []*place {
	var places []*place
	for i, a := range accounts() {
		for j, r := range regions() {
			places = append(places, &place{account: a, region: r, number: uint64(i*100 + j)})
		}
	}
	return places
}

func choosePlace(d dice, places []*place) *place {
	all := regions()
	a := choose(d, 100, accounts(), func(a account) int { return a.weight })
	r := choose(d, 1000, all, func(r region) int { return r.weight })
	return places[a*len(all)+r]
}

// choose draws an index by weight; the weights add up to sum.
func choose[T any](d dice, sum int, list []T, weight func(T) int) int {
	n := d.IntN(sum)
	for i, item := range list {
		if n -= weight(item); n < 0 {
			return i
		}
	}
	return len(list) - 1
}

// objectSize draws the number of events of an object: log-normal, and one in two
// hundred is a batch of 6,000 to 30,000.
func (o options) objectSize(d dice, p *place) int {
	if o.tiny {
		return 1 + d.skewed(6)
	}
	if d.IntN(1000) < 5 {
		// In a small trail one batch must not be everything.
		return min(6_000+d.IntN(24_001), max(100, o.events/10))
	}
	const step = 1384 // sigma 1.3
	return d.spread(p.region.median, step)
}

// schedule delivers the objects of each place evenly over the span.
func schedule(d dice, objects []*object, span time.Duration) {
	count := map[*place]int{}
	for _, o := range objects {
		count[o.place]++
	}
	nth, heard := map[*place]int{}, map[*place]time.Time{}
	for _, o := range objects {
		p := o.place
		gap := span / time.Duration(count[p])
		p.steady = gap <= quietest
		jitter := time.Duration(d.Int64N(int64(gap)/2 + 1))
		o.end = birth().Add(time.Duration(nth[p])*gap + jitter + deliveryDelay).Truncate(time.Second)
		o.start = o.end.Add(-deliveryDelay)
		nth[p]++
		if p.steady && o.end.Sub(heard[p]) >= time.Hour {
			o.heard, heard[p] = true, o.end
		}
	}
}
