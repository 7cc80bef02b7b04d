package watch

import (
	"context"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

// tickEvery is how often it is looked for what time alone has to do.
const tickEvery = 5 * time.Second

// complete is up to when all that happened was read, but for what comes late: the past is
// not settled while a source is behind, or cannot be read. It never goes back.
func (w *Watcher) complete() time.Time {
	var until time.Time
	for i, s := range w.sources {
		if at := s.Health().Complete; i == 0 || at.Before(until) {
			until = at
		}
	}
	return until
}

// tick has the detections look at what is due though nothing comes, such as a silence.
func (w *Watcher) tick(ctx context.Context) {
	for pause(ctx, tickEvery) == nil {
		var due bool
		err := w.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
			due, err = w.config.Detector.Due(ctx, r, w.complete())
			return err
		})
		if err == nil && due {
			err = w.commit(ctx, &share{})
		}
		if err != nil && ctx.Err() == nil {
			w.config.Log.Error("see to what is due of detections", "error", err)
		}
	}
}
