package story

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
)

// Covered are hours of a day of which the ledger tells that the log of an account was
// proven complete.
type Covered struct {
	Account rootkeep.AccountID `json:"account"`
	Region  rootkeep.Region    `json:"region"` // "" for all of them
	Day     time.Time          `json:"day"`    // its first moment, UTC
	Mask    int64              `json:"mask"`   // bit 0 is the first hour
}

type day struct {
	account rootkeep.AccountID
	region  rootkeep.Region
	at      int64 // days since 1970
}

const (
	secondsOfDay = 24 * 60 * 60
	allHours     = 1<<24 - 1
)

func (r *Reader) addCoverage(e Entry) {
	text := r.payload(e, "coverage")
	if text == nil {
		return
	}
	var told []Covered
	if len(text) > 8<<20 || json.Unmarshal(text, &told) != nil {
		r.unread(e, "coverage")
		return
	}
	for _, c := range told {
		if _, err := rootkeep.ParseAccountID(string(c.Account)); err != nil || len(c.Region) > 64 || c.Day.Unix()%secondsOfDay != 0 || c.Day.Nanosecond() != 0 || c.Mask <= 0 || c.Mask > allHours {
			r.unread(e, "coverage")
			return
		}
		at := day{c.Account, c.Region, c.Day.Unix() / secondsOfDay}
		if _, known := r.coverage[at]; !known && !r.room(e, len(r.coverage), mostDays, "days of coverage") {
			return
		}
		r.coverage[at] |= c.Mask
	}
}

// covered lists the days of the period, and of what is delivered behind it.
func (r *Reader) covered() []Covered {
	var out []Covered
	first, last := r.from.Unix()/secondsOfDay, r.to.Add(reconcile.Delay).Unix()/secondsOfDay
	for d, mask := range r.coverage {
		if d.at >= first && d.at <= last {
			out = append(out, Covered{d.account, d.region, time.Unix(d.at*secondsOfDay, 0).UTC(), mask})
		}
	}
	slices.SortFunc(out, func(a, b Covered) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), a.Day.Compare(b.Day))
	})
	return out
}

// spans are the hours of the day.
func (c *Covered) spans() []digest.Span {
	var out []digest.Span
	for hour := range 24 {
		if c.Mask>>hour&1 == 1 {
			from := c.Day.Add(time.Duration(hour) * time.Hour)
			out = append(out, digest.Span{From: from, To: from.Add(time.Hour), State: digest.Proven})
		}
	}
	return out
}

// mostRegions is how many Regions an account can have. Of one with more nothing is known:
// somebody made them up.
const mostRegions = 100

// signInRegion is where root signs in, whatever else is used.
const signInRegion rootkeep.Region = "us-east-1"

// coverageOf is what is proven of one account, as absence is judged by it. A Region that
// events name, and of which nothing is proven, is there without spans.
func coverageOf(account rootkeep.AccountID, proven []Covered, seen map[rootkeep.Region]bool) digest.Coverage {
	spans := map[rootkeep.Region][]digest.Span{}
	for region := range seen {
		spans[region] = nil
	}
	for i := range proven {
		at := cmp.Or(proven[i].Region, signInRegion)
		if _, known := spans[at]; !known {
			spans[at] = nil
		}
	}
	if len(spans) > mostRegions {
		return nil
	}
	for i := range proven {
		for region := range spans {
			if proven[i].Region == "" || proven[i].Region == region {
				spans[region] = append(spans[region], proven[i].spans()...)
			}
		}
	}
	var out digest.Coverage
	for _, region := range slices.Sorted(maps.Keys(spans)) {
		out = append(out, digest.RegionCoverage{Account: account, Region: region, Spans: spans[region]})
	}
	return out
}

// Claim says of one account that no use of its root user in the period lacks an
// explanation, or why that cannot be said. It rests on what the ledger tells of coverage.
type Claim struct {
	Account   rootkeep.AccountID `json:"account"`
	Made      bool               `json:"made"`
	Covered   bool               `json:"covered"` // its log is proven for the whole period
	Explained int                `json:"explained"`
	Drills    int                `json:"drills"`
	Services  int                `json:"services"`
	Missing   []string           `json:"missing,omitempty"`
}

// ofAccounts is what the story tells of each account.
type ofAccounts struct {
	all     map[rootkeep.AccountID]bool
	events  map[rootkeep.AccountID][]reconcile.Judged
	regions map[rootkeep.AccountID]map[rootkeep.Region]bool
	proven  map[rootkeep.AccountID][]Covered
}

// add takes an account in, if it can be one: records may name anything.
func (o *ofAccounts) add(a rootkeep.AccountID) bool {
	_, err := rootkeep.ParseAccountID(string(a))
	if err == nil {
		o.all[a] = true
	}
	return err == nil
}

func (o *ofAccounts) addEvent(e *reconcile.Judged) {
	if o.add(e.Account) {
		o.events[e.Account] = append(o.events[e.Account], *e)
		if o.regions[e.Account] == nil {
			o.regions[e.Account] = map[rootkeep.Region]bool{}
		}
		o.regions[e.Account][e.Region] = true
	}
	if e.Of != e.Account && e.Of != "" && o.add(e.Of) {
		o.events[e.Of] = append(o.events[e.Of], *e)
	}
}

// claims makes one claim for each account that anything is told of.
func (s *Story) claims() []Claim {
	o := ofAccounts{map[rootkeep.AccountID]bool{}, map[rootkeep.AccountID][]reconcile.Judged{}, map[rootkeep.AccountID]map[rootkeep.Region]bool{}, map[rootkeep.AccountID][]Covered{}}
	for _, c := range s.Coverage {
		o.add(c.Account)
		o.proven[c.Account] = append(o.proven[c.Account], c)
	}
	for _, x := range s.Requests {
		for _, a := range x.Asked.Accounts {
			o.add(a)
		}
	}
	for _, v := range s.Verdicts {
		o.addEvent(&v.Event)
	}
	var out []Claim
	for _, a := range slices.Sorted(maps.Keys(o.all)) {
		c, known := Claim{Account: a}, coverageOf(a, o.proven[a], o.regions[a])
		period := reconcile.Period{Accounts: []rootkeep.AccountID{a}, From: s.From, To: s.To, Now: s.AsOf}
		whole, _ := reconcile.Absence(period, nil, known)
		c.Covered = whole != nil
		period.Unread = int64(len(s.Gaps))
		made, missing := reconcile.Absence(period, o.events[a], known)
		if c.Missing = missing; made != nil {
			c.Made, c.Explained, c.Drills, c.Services = true, made.Explained, made.Drills, made.Services
		}
		out = append(out, c)
	}
	return out
}
