package watch

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/ledger"
)

const (
	// endAfter is how long nobody may have said how a source stands before settings that do
	// not name it end it: another process may still have the settings of before.
	endAfter  = 2 * time.Minute
	takenOut  = "taken out of the settings"
	keepEnded = 30 * 24 * time.Hour // that a source ended
)

// EndTakenOut ends the sources that settings do not name any more and that nobody reads, and
// the alerts about them.
func EndTakenOut(ctx context.Context, s *store.Store, a Alerts, names []string, now time.Time) error {
	var none bool
	err := s.View(ctx, func(ctx context.Context, r *store.Reader) error {
		out, err := goneOf(ctx, r, names, now)
		none = len(out.list)+len(out.told) == 0 && !out.old
		return err
	})
	if err != nil || none {
		return err
	}
	return s.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		out, err := goneOf(ctx, &tx.Reader, names, now)
		if err != nil {
			return err
		}
		for i := range out.list {
			if err := end(ctx, tx, &out.list[i]); err != nil {
				return err
			}
		}
		if err := rootlog.ForgetEnded(ctx, tx, now.Add(-keepEnded)); err != nil || len(out.told) == 0 {
			return err
		}
		return a.EndSources(ctx, tx, now, out.told, takenOut)
	})
}

// gone is what has to be done about sources that settings do not name.
type gone struct {
	list []rootlog.Health // sources to end
	told []string         // sources about which alerts are open: a process with the settings of before may have told of one that had ended
	old  bool             // a source ended so long ago that it is forgotten
}

func goneOf(ctx context.Context, r *store.Reader, names []string, now time.Time) (out gone, err error) {
	known, err := rootlog.HealthOf(ctx, r)
	if err != nil {
		return out, err
	}
	out.list = endings(known, names, now)
	out.old = slices.ContainsFunc(known, func(h rootlog.Health) bool { return !h.Ended.IsZero() && now.Sub(h.Noted) >= keepEnded })
	told, err := alerts.OpenSources(ctx, r)
	out.told = slices.DeleteFunc(told, func(name string) bool {
		h := byName(known, name)
		return slices.Contains(names, name) || h != nil && h.Ended.IsZero() && now.Sub(h.Noted) < endAfter
	})
	return out, err
}

// endings are the sources to end.
func endings(known []rootlog.Health, names []string, now time.Time) []rootlog.Health {
	return slices.DeleteFunc(slices.Clone(known), func(h rootlog.Health) bool {
		return !h.Ended.IsZero() || slices.Contains(names, h.Source) || now.Sub(h.Noted) < endAfter
	})
}

// end ends a source, and has the ledger tell that nothing is watched by it any more.
func end(ctx context.Context, tx *store.Tx, h *rootlog.Health) error {
	if err := rootlog.EndSource(ctx, tx, h, takenOut); err != nil {
		return err
	}
	payload, err := json.Marshal(struct {
		Schema string `json:"schema"`
		Source string `json:"source"`
		Reason string `json:"reason"`
	}{"rootkeep/source-ended/1", h.Source, takenOut})
	if err != nil {
		return err
	}
	return tx.Record("source.ended", h.Source, people.SystemActor.ID, ledger.NewPayload("source.json", payload))
}
