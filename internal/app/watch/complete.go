package watch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// tickEvery is how often it is looked for what time alone has to do.
const tickEvery = 5 * time.Second

// complete is how far all that happened was read, but for what comes late: the past is not
// settled while a source is behind, or cannot be read, unless that lasts too long.
func (w *Watcher) complete() live.Reach {
	var all []rootlog.Health
	for _, s := range w.sources {
		all = append(all, rootlog.Health{Complete: s.complete(), Behind: s.behindSince()})
	}
	return reachOf(all, w.config.Now())
}

// completed is the same of the sources of all processes, as they say it: none by a clock that
// runs ahead, because time never goes back for detections.
func (w *Watcher) completed(ctx context.Context, r *store.Reader) (live.Reach, error) {
	known, err := rootlog.HealthOf(ctx, r)
	if err != nil {
		return live.Reach{}, err
	}
	now := w.config.Now()
	all := []rootlog.Health{{Complete: now}}
	for _, s := range w.sources {
		i := indexOf(known, s.Name())
		if i < 0 {
			return live.Reach{}, nil // nobody has read it yet
		}
		all = append(all, known[i])
	}
	return reachOf(all, now), nil
}

// reachOf is how far sources were read. Time goes on without one that is behind for too long:
// it is no more than LongestHold behind the clock then.
func reachOf(all []rootlog.Health, now time.Time) live.Reach {
	if len(all) == 0 {
		return live.Reach{}
	}
	var reach, whole []time.Time
	for i := range all {
		whole = append(whole, all[i].Complete)
		if at := all[i].Complete; all[i].LeftBehind(now) {
			reach = append(reach, later(at, now.Add(-rootlog.LongestHold)))
		} else {
			reach = append(reach, at)
		}
	}
	return live.Reach{Time: slices.MinFunc(reach, time.Time.Compare), Whole: slices.MinFunc(whole, time.Time.Compare)}
}

// goOn has a source stand as it did, as far as a process that began anew knows nothing yet: a
// silence does not end by that.
func goOn(h, before *rootlog.Health, every time.Duration, now time.Time) {
	h.Behind = behindSince(before, h, every, now)
	if before == nil {
		return
	}
	h.Last = cmp.Or(h.Last, before.Last)
	if now.Sub(before.Noted) < unheard && !before.Began.IsZero() {
		h.Heard, h.Began = cmp.Or(h.Heard, before.Heard), before.Began
	}
}

// behindSince is since when a source is behind and comes no further, by what was known of it
// before; zero if it is not. That nobody read it meanwhile counts for nothing: what came then is
// a backlog, which is waited for. Nor does it count that a round over many places takes long.
func behindSince(before, h *rootlog.Health, every time.Duration, now time.Time) time.Time {
	switch {
	case now.Sub(h.Complete) <= unheard+every:
		return time.Time{}
	case before != nil && !before.Behind.IsZero() && !h.Complete.After(before.Complete) && now.Sub(before.Noted) < unheard:
		return before.Behind
	}
	return now
}

// detect has the detections look at what is due though nothing comes, such as a silence; with
// a flow, it takes this process's share of it as well.
func (w *Watcher) detect(ctx context.Context) {
	if w.part == nil {
		w.spread(ctx)
		return
	}
	for pause(ctx, tickEvery) == nil {
		var due bool
		err := w.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
			due, err = w.part.Due(ctx, r, w.complete().Whole)
			return err
		})
		if err == nil && due {
			err = w.commit(ctx, &parcel{})
		}
		if err != nil && !errors.Is(err, errElsewhere) && ctx.Err() == nil {
			w.config.Log.Error("see to what is due of detections", "error", err)
		}
	}
}
