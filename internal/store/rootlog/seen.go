package rootlog

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// Seen is what is known of root users in a time: what live sources brought, and of which of
// its hours it is proven that there was nothing else.
type Seen struct {
	Watched  bool           // there are live sources
	Sessions int64          // of root itself, that began in it
	Coverage hunts.Coverage // of its whole hours
}

// longestSession is how long before a time a session that goes on in it may have begun.
const longestSession = 48 * time.Hour

// SeenSince is what is known of a time of whole hours, in the accounts in sight. An hour that
// is not over is not one of them, though what was seen in it counts.
func SeenSince(ctx context.Context, r *store.Reader, s sight.Sight, since, until time.Time) (*Seen, error) {
	out := &Seen{}
	sources, err := HealthOf(ctx, r)
	if err != nil {
		return nil, err
	}
	out.Watched = slices.ContainsFunc(sources, func(h Health) bool { return h.Ended.IsZero() })
	w := clause.Where{}
	s.Keep(&w, "account")
	w.And("at >= ?", store.Micros(since.Add(-longestSession)))
	w.And("kind IN (?, ?, ?, ?)", string(rootkeep.RootSignIn), string(rootkeep.RootCall), string(rootkeep.RootKeyCall), string(rootkeep.AssumedRootCall))
	began := w.Next(store.Micros(since))
	err = r.Row(ctx, `SELECT COUNT(*) FROM (SELECT MIN(at) AS began FROM root_event`+w.String()+` GROUP BY account, session) AS sessions WHERE began >= `+began, w.Args...).Scan(&out.Sessions)
	if err != nil {
		return nil, fmt.Errorf("count uses of root: %w", err)
	}
	out.Coverage, err = hoursOf(ctx, r, s, since.UTC().Truncate(time.Hour), until.UTC().Truncate(time.Hour))
	return out, err
}

// hoursOf counts the proven ones of the hours from one to another.
func hoursOf(ctx context.Context, r *store.Reader, s sight.Sight, from, to time.Time) (hunts.Coverage, error) {
	accounts, err := Accounts(ctx, r, s)
	if err != nil {
		return hunts.Coverage{}, err
	}
	c := hunts.Coverage{Accounts: len(accounts), Hours: int64(len(accounts)) * int64(to.Sub(from)/time.Hour)}
	err = Proven(ctx, r, s, "", from, to.Add(24*time.Hour), func(h Hours) {
		mask := uint32(h.Mask & allHours)
		for hour := range 24 {
			if at := h.Day.Add(time.Duration(hour) * time.Hour); at.Before(from) || !at.Before(to) {
				mask &^= 1 << hour
			}
		}
		c.Proven += int64(bits.OnesCount32(mask))
	})
	return c, err
}
