// Package coverage is the calendar of what is proven: of which hours of a year the logs of
// an account are complete. What was only read is told apart, and what is not known is not
// shown as quiet.
package coverage

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what the area is made of.
type Config struct {
	Store *store.Store
	// Sight is what an actor may read of accounts.
	Sight func(context.Context, *store.Reader, people.Actor) (sight.Sight, error)
	Now   func() time.Time
}

// Area is the page and the API of what is proven.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Sight == nil || c.Now == nil {
		return web.Area{}, errors.New("coverage: a store, a sight and a clock are required")
	}
	a := &area{c}
	return web.Area{
		Name: "coverage", API: a.api,
		Nav:    []page.Link{{Text: "Coverage", Path: "/coverage", Need: people.Read}},
		Routes: []web.Route{{Method: "GET", Path: "/coverage", Need: people.Read, Handle: a.page, AtOnce: atOnce}},
	}, nil
}

type area struct{ Config }

// atOnce is how many of these are answered at a time: a year of many accounts is read.
const atOnce = 4

func (a *area) api(api *web.API) {
	web.Register(api, web.Operation{
		ID: "get-coverage", Method: "GET", Path: "/coverage", Tag: "sources", Need: people.Read, AtOnce: atOnce, Summary: "Of which hours of a year the logs are proven complete",
		Description: "By day and account, of accounts that you may read; with `account`, of that one, and by Region.",
	}, func(ctx context.Context, in *yearIn) (*struct{ Body client.Coverage }, error) {
		c, err := a.read(ctx, in.Year, rootkeep.AccountID(in.Account))
		if err != nil {
			return nil, err
		}
		return &struct{ Body client.Coverage }{c.wire()}, nil
	})
}

type yearIn struct {
	Year    int    `query:"year" minimum:"2000" maximum:"9999" doc:"This one, if it is left out"`
	Account string `query:"account" maxLength:"12"`
}

const (
	firstYear    = 2000
	mostAccounts = 1000 // named
	allHours     = 24
)

// calendar is a year of what is proven.
type calendar struct {
	year     int
	account  rootkeep.AccountID // the one that was asked for, "" for all
	begin    time.Time          // of the year
	days     []day
	accounts []rootkeep.AccountID
	of       map[rootkeep.AccountID]*sum
	regions  map[rootkeep.Region]int64 // hours
}

// day counts hours of all accounts together.
type day struct{ proven, partly, read int64 }

// sum counts hours of an account.
type sum struct{ proven, read int64 }

// masks are the hours of the days of an account: proven, and read by a hunt.
type masks struct{ proven, read []uint32 }

func (a *area) read(ctx context.Context, year int, account rootkeep.AccountID) (*calendar, error) {
	now := a.Now().UTC()
	year = cmp.Or(year, now.Year())
	if account != "" {
		if _, err := rootkeep.ParseAccountID(string(account)); err != nil {
			return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
		}
	}
	if year < firstYear || year > now.Year() {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", "year: want one from 2000 to "+strconv.Itoa(now.Year()))
	}
	c := &calendar{year: year, account: account, begin: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), of: map[rootkeep.AccountID]*sum{}, regions: map[rootkeep.Region]int64{}}
	until := c.begin.AddDate(1, 0, 0)
	if today := now.Truncate(24*time.Hour).AddDate(0, 0, 1); until.After(today) {
		until = today
	}
	c.days = make([]day, int(until.Sub(c.begin)/(24*time.Hour)))
	return c, a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		s, err := a.Sight(ctx, r, web.ActorOf(ctx))
		if err != nil {
			return err
		}
		if account != "" && !s.Sees(account) {
			return store.ErrNotFound
		}
		if c.accounts, err = rootlog.Accounts(ctx, r, s); err != nil {
			return err
		}
		if account != "" {
			c.accounts = []rootkeep.AccountID{account}
		}
		if err := c.count(ctx, r, s, until); err != nil || account == "" {
			return err
		}
		return c.byRegion(ctx, r, until)
	})
}

// count sums what is proven, and what was read and is not.
func (c *calendar) count(ctx context.Context, r *store.Reader, s sight.Sight, until time.Time) error {
	known := map[rootkeep.AccountID]*masks{}
	of := func(id rootkeep.AccountID) *masks {
		if known[id] == nil {
			known[id] = &masks{make([]uint32, len(c.days)), make([]uint32, len(c.days))}
		}
		return known[id]
	}
	if err := rootlog.Proven(ctx, r, s, c.account, c.begin, until, func(h rootlog.Hours) { of(h.Account).proven[c.index(h.Day)] |= uint32(h.Mask) }); err != nil {
		return err
	}
	err := hunts.ReadSpans(ctx, r, s, c.account, c.begin, until, func(x hunts.ReadSpan) { c.fill(of(x.Account).read, x.First, x.Last) })
	for _, id := range c.accounts {
		total := &sum{}
		c.of[id] = total
		m := known[id]
		if m == nil {
			continue
		}
		for i := range c.days {
			proven, read := count(m.proven[i]), count(m.read[i]&^m.proven[i])
			c.days[i].proven, c.days[i].read = c.days[i].proven+proven, c.days[i].read+read
			total.proven, total.read = total.proven+proven, total.read+read
		}
	}
	return err
}

func count(mask uint32) int64 { return int64(bits.OnesCount32(mask)) }

func (c *calendar) index(t time.Time) int { return int(t.Sub(c.begin) / (24 * time.Hour)) }

// fill sets the hours from one moment to another.
func (c *calendar) fill(masks []uint32, first, last time.Time) {
	if first.Before(c.begin) {
		first = c.begin
	}
	from, to := int(first.Sub(c.begin)/time.Hour), int(last.Sub(c.begin)/time.Hour)
	for h := from; h <= min(to, len(masks)*allHours-1); h++ {
		masks[h/allHours] |= 1 << (h % allHours)
	}
}

// byRegion counts what is proven in single Regions of the account.
func (c *calendar) byRegion(ctx context.Context, r *store.Reader, until time.Time) error {
	list, err := rootlog.CoverageOf(ctx, r, c.account, c.begin, until.Add(-time.Hour))
	if err != nil {
		return err
	}
	everywhere, somewhere := make([]uint32, len(c.days)), make([]uint32, len(c.days))
	single := map[rootkeep.Region][]uint32{}
	for _, x := range list {
		i := c.index(x.Day)
		if x.Region == "" {
			everywhere[i] |= uint32(x.Mask)
			continue
		}
		if single[x.Region] == nil {
			single[x.Region] = make([]uint32, len(c.days))
		}
		single[x.Region][i] |= uint32(x.Mask)
		somewhere[i] |= uint32(x.Mask)
	}
	for i := range c.days {
		c.days[i].partly = count(somewhere[i] &^ everywhere[i])
		for region, days := range single {
			c.regions[region] += count(days[i] | everywhere[i])
		}
	}
	return nil
}

// hours are those of a day in all accounts together.
func (c *calendar) hours() int64 { return int64(len(c.accounts)) * allHours }

func (c *calendar) wire() client.Coverage {
	out := client.Coverage{Year: c.year, Account: string(c.account), Accounts: []client.AccountCoverage{}, Days: []client.CoveredDay{}, Regions: []client.RegionCoverage{}}
	for i, d := range c.days {
		out.Days = append(out.Days, client.CoveredDay{Day: c.begin.AddDate(0, 0, i), Proven: d.proven, Partly: d.partly, Read: d.read, Missing: c.hours() - d.proven - d.read})
	}
	for _, id := range c.accounts[:min(len(c.accounts), mostAccounts)] {
		s := c.of[id]
		out.Accounts = append(out.Accounts, client.AccountCoverage{Account: string(id), Proven: s.proven, Read: s.read, Missing: int64(len(c.days))*allHours - s.proven - s.read})
	}
	out.More = len(c.accounts) - len(out.Accounts)
	for _, region := range slices.Sorted(maps.Keys(c.regions)) {
		out.Regions = append(out.Regions, client.RegionCoverage{Region: string(region), Proven: c.regions[region]})
	}
	return out
}
