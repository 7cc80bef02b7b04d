package watch

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// tickEvery is how often it is looked for what time alone has to do.
const tickEvery = 5 * time.Second

// complete is up to when all that happened was read, but for what comes late: the past is
// not settled while a source is behind, or cannot be read.
func (w *Watcher) complete() time.Time {
	var all []time.Time
	for _, s := range w.sources {
		all = append(all, s.Health().Complete)
	}
	return earliest(all)
}

// completed is the same of the sources of all processes, as they say it: none by a clock that
// runs ahead, because time never goes back for detections.
func (w *Watcher) completed(ctx context.Context, r *store.Reader) (time.Time, error) {
	known, err := rootlog.HealthOf(ctx, r)
	if err != nil {
		return time.Time{}, err
	}
	var all []time.Time
	for _, s := range w.sources {
		i := slices.IndexFunc(known, func(h rootlog.Health) bool { return h.Source == s.Name() })
		if i < 0 {
			return time.Time{}, nil // nobody has read it yet
		}
		all = append(all, known[i].Complete)
	}
	return earliest(append(all, w.config.Now())), nil
}

func earliest(all []time.Time) time.Time {
	if len(all) == 0 {
		return time.Time{}
	}
	return slices.MinFunc(all, time.Time.Compare)
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
			due, err = w.part.Due(ctx, r, w.complete())
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
