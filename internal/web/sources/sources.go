// Package sources shows how what is read while it happens stands: live sources, who reads
// them, how far they are in each account and Region, what nobody reads, and what waits
// between processes.
package sources

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/lease"
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
	// Named are the names of the sources that are configured.
	Named func() ([]string, error)
	// Flow asks what waits between processes; it gives nil if there is no broker.
	Flow func(context.Context) (*client.Flow, error)
	// Count asks the same, for numbers alone; nil is as without a broker.
	Count func(context.Context) (*client.Flow, error)
	Work  string // whose leases are those of the flow
	// Detections is the name under which it is kept what is true of all sources.
	Detections string
	Now        func() time.Time
}

// Area is the pages and the API of live sources.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Sight == nil || c.Named == nil || c.Flow == nil || c.Now == nil {
		return web.Area{}, errors.New("sources: a store, a sight, names, a flow and a clock are required")
	}
	a := &area{c}
	return web.Area{
		Name: "sources", API: a.api, Metrics: newMetrics(c),
		Nav:    []page.Link{{Text: "Sources", Path: "/sources", Need: people.Read}},
		Routes: []web.Route{{Method: "GET", Path: "/sources", Need: people.Read, Handle: a.page, AtOnce: atOnce}},
	}, nil
}

type area struct{ Config }

// atOnce is how many of these are answered at a time: each may ask the broker.
const atOnce = 8

func (a *area) api(api *web.API) {
	web.Register(api, web.Operation{
		ID: "list-live-sources", Method: "GET", Path: "/live-sources", Tag: "sources", Need: people.Read, AtOnce: atOnce, Summary: "How live sources stand",
		Description: "As the processes say that read them: every half minute. What faults and skipped objects are is told to who reads everywhere.",
	}, func(ctx context.Context, in *placesIn) (*struct{ Body client.LiveSources }, error) {
		v, err := a.read(ctx, web.ActorOf(ctx), filter(*in))
		if err != nil {
			return nil, err
		}
		return &struct{ Body client.LiveSources }{v.LiveSources}, nil
	})
}

type placesIn struct {
	Source  string `query:"source" maxLength:"64" doc:"Only places of this source"`
	Account string `query:"account" maxLength:"12" doc:"Only places in this account"`
	Region  string `query:"region" maxLength:"64" doc:"Only places in this Region"`
}

// filter narrows the places.
type filter struct{ Source, Account, Region string }

// States of a source.
const (
	Reading = "reading"
	Waiting = "waiting"
	Behind  = "behind"
	Silent  = "silent"
	Faulty  = "fault"
	Unread  = "unread"
	Gone    = "gone"
)

const (
	// unread is how long nobody may say how a source stands before nobody reads it: alerts
	// about sources begin then too.
	unread     = 10 * time.Minute
	mostPlaces = 1000
)

// standing is how all sources stand, as an actor may read it.
type standing struct {
	client.LiveSources
	whole bool // the actor reads everywhere
	all   int  // places before the filter
}

func (a *area) read(ctx context.Context, actor people.Actor, f filter) (*standing, error) {
	names, err := a.Named()
	if err != nil {
		return nil, err
	}
	v := &standing{whole: actor.May(people.Read, people.Place{})}
	v.Sources, v.Places, v.Unread, v.Readers = []client.LiveSource{}, []client.SourcePlace{}, []string{}, []client.FlowReader{}
	err = a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		known, err := rootlog.HealthOf(ctx, r)
		if err != nil {
			return err
		}
		holders, err := rootlog.Holders(ctx, r)
		if err != nil {
			return err
		}
		s, err := a.Sight(ctx, r, actor)
		if err != nil {
			return err
		}
		v.list(names, known, holders, a.Now())
		v.places(known, s, f)
		if v.Unread, err = unreadOf(ctx, r, s, known); err != nil {
			return err
		}
		if v.whole {
			v.Readers, err = a.readers(ctx, r)
		}
		return err
	})
	if err != nil || !v.whole {
		return v, err
	}
	v.Flow, err = a.Flow(ctx)
	return v, err
}

// list is one source for each that is configured, and for each that was.
func (v *standing) list(names []string, known []rootlog.Health, holders map[string]rootlog.Holder, now time.Time) {
	all := slices.Clone(names)
	for i := range known {
		all = append(all, known[i].Source)
	}
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		s := client.LiveSource{Name: name, State: Unread}
		if i := slices.IndexFunc(known, func(h rootlog.Health) bool { return h.Source == name }); i >= 0 {
			s = v.source(&known[i], now)
		}
		// A process that watches nothing itself may not know what others watch.
		if s.State == Unread && len(names) > 0 && !slices.Contains(names, name) {
			s.State, s.Reason = Gone, "the settings do not name it, and no process reads it"
		}
		if h, ok := holders[name]; ok && v.whole {
			s.Owner, s.Until, s.Taken, s.Objects, s.Records, s.Undecodable = h.Owner, h.Until, h.Taken, h.Objects, h.Records, h.Undecodable
		}
		v.Sources = append(v.Sources, s)
	}
	urgent := []string{Unread, Behind, Silent, Faulty, Waiting, Reading, Gone}
	slices.SortStableFunc(v.Sources, func(x, y client.LiveSource) int {
		return cmp.Compare(slices.Index(urgent, x.State), slices.Index(urgent, y.State))
	})
}

// source is how one stands. What its processes say of it, and their names, are for who reads
// everywhere.
func (v *standing) source(h *rootlog.Health, now time.Time) client.LiveSource {
	s := client.LiveSource{
		Name: h.Source, State: stateOf(h, now), Heard: h.Heard, Last: h.Last, Complete: h.Complete, Behind: h.Behind, Delay: h.Delay.Seconds(), Gap: h.Gap, Skipped: h.Skipped,
		Noted: h.Noted, Ended: h.Ended, Reason: h.Reason,
	}
	if v.whole {
		s.Fault, s.Latest, s.Busy = h.Fault, h.Latest, h.Busy
	}
	if v.whole && h.Shared {
		for _, p := range h.Processes {
			s.Readers = append(s.Readers, p.Name)
		}
	}
	return s
}

func stateOf(h *rootlog.Health, now time.Time) string {
	switch {
	case !h.Ended.IsZero():
		return Gone
	case now.Sub(h.Noted) >= unread:
		return Unread
	case h.LeftBehind(now):
		return Behind
	case !h.SilentSince(now).IsZero():
		return Silent
	case h.Fault != "":
		return Faulty
	case h.Heard.IsZero():
		return Waiting
	}
	return Reading
}

// places are how far the sources are where the actor may read, the largest lag first.
func (v *standing) places(known []rootlog.Health, s sight.Sight, f filter) {
	for i := range known {
		for _, p := range known[i].Places {
			if !s.Sees(p.Account) {
				continue
			}
			v.all++
			if f.Source != "" && f.Source != known[i].Source || f.Account != "" && f.Account != string(p.Account) || f.Region != "" && !strings.EqualFold(f.Region, p.Region) {
				continue
			}
			v.Places = append(v.Places, client.SourcePlace{
				Source: known[i].Source, Account: string(p.Account), Region: p.Region, Last: p.Last, Arrived: p.Arrived, Lag: p.Lag().Seconds(),
			})
		}
	}
	slices.SortFunc(v.Places, func(x, y client.SourcePlace) int {
		return cmp.Or(cmp.Compare(y.Lag, x.Lag), cmp.Compare(x.Account, y.Account), cmp.Compare(x.Region, y.Region), cmp.Compare(x.Source, y.Source))
	})
	if n := len(v.Places) - mostPlaces; n > 0 {
		v.Places, v.More = v.Places[:mostPlaces], n
	}
}

// unreadOf lists accounts that something is known of, and that no source brought anything of.
func unreadOf(ctx context.Context, r *store.Reader, s sight.Sight, known []rootlog.Health) ([]string, error) {
	read := map[rootkeep.AccountID]bool{}
	for i := range known {
		for _, p := range known[i].Places {
			read[p.Account] = true
		}
	}
	all, err := rootlog.Accounts(ctx, r, s)
	out := []string{}
	for _, id := range all {
		if !read[id] && len(out) < mostPlaces {
			out = append(out, string(id))
		}
	}
	return out, err
}

// readers are the processes with a share of the flow.
func (a *area) readers(ctx context.Context, r *store.Reader) ([]client.FlowReader, error) {
	list, err := lease.List(ctx, r, a.Work, a.Now())
	out := []client.FlowReader{}
	for _, l := range list {
		i := slices.IndexFunc(out, func(f client.FlowReader) bool { return f.Owner == l.Owner })
		if i < 0 {
			i, out = len(out), append(out, client.FlowReader{Owner: l.Owner})
		}
		out[i].Parts++
	}
	return out, err
}
