package app

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// RootProof is what logs that were read prove about root users: the events are all that
// there were in the hours, once they are kept.
type RootProof struct {
	Events []reconcile.Event
	Hours  []rootlog.Covered // by account, Region and day; Region "" for hours that are proven in all
	Lacks  string            // why nothing is proven, "" if something is
	Bad    int               // files that are not what CloudTrail delivered, or that were planted
}

// before is how much longer than its period a proof reads logs: a digest of its first hours
// names some that were delivered before.
const before = 24 * time.Hour

// ProveRoot reads folders of logs for events of root users, and says which hours of which
// accounts the digests in them prove. Days of CloudTrail's layout that lie before its
// period are not read.
func ProveRoot(ctx context.Context, c ReconcileConfig) (*RootProof, error) {
	if c.Now == nil {
		return nil, errors.New("app: a clock is required")
	}
	from := c.Since
	if !from.IsZero() {
		from = from.Add(-before)
	}
	r, err := c.read(ctx, from)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err // what was read is not all
	}
	r.doubt(r.events, anyLog)
	out := &RootProof{Events: r.events, Lacks: r.lacks, Bad: r.bad}
	switch {
	case r.covered == nil:
	case r.unread > 0:
		out.Lacks = "some input was not read, and it cannot be told of which hours"
	default:
		out.Hours = hoursOf(r.covered, r.events)
	}
	return out, nil
}

// hoursOf are the whole hours that are proven.
func hoursOf(covered digest.Coverage, events []reconcile.Event) []rootlog.Covered {
	var seen []report.Seen
	met := map[[2]string]bool{}
	for i := range events {
		e := &events[i]
		if key := [2]string{string(e.Account), string(e.Region)}; !met[key] {
			met[key] = true
			seen = append(seen, report.Seen{Account: e.Account, Region: e.Region})
		}
	}
	days := map[rootlog.Covered]int64{} // by all but the mask
	add := func(account rootkeep.AccountID, region rootkeep.Region, from, to time.Time) {
		for h := from.Add(time.Hour - 1).Truncate(time.Hour); !h.Add(time.Hour).After(to); h = h.Add(time.Hour) {
			day := h.Truncate(24 * time.Hour)
			days[rootlog.Covered{Account: account, Region: region, Day: day.UTC()}] |= 1 << int(h.Sub(day)/time.Hour)
		}
	}
	for _, r := range covered {
		for _, s := range provenIn(r) {
			add(r.Account, r.Region, s.From, s.To)
		}
	}
	for _, s := range provenHours(covered, seen) {
		add(s.Account, "", s.From, s.To)
	}
	out := slices.Collect(maps.Keys(days))
	for i := range out {
		out[i].Mask = days[out[i]]
	}
	slices.SortFunc(out, func(a, b rootlog.Covered) int {
		if c := a.Day.Compare(b.Day); c != 0 {
			return c
		}
		return slices.Compare([]string{string(a.Account), string(a.Region)}, []string{string(b.Account), string(b.Region)})
	})
	return out
}
