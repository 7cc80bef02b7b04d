package hunts

import (
	"context"
	"errors"
	"fmt"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

// takeAlerts keeps the alerts of a hunt, and that it found them.
func (h *Result) takeAlerts(ctx context.Context, tx *store.Tx) error {
	return inParts(h.Alerts, func(part []rootkeep.Alert) error {
		if err := alerts.Hunted(ctx, tx, part); errors.Is(err, alerts.ErrOther) {
			return fmt.Errorf("%w: %w", ErrUnfit, err)
		} else if err != nil {
			return err
		}
		var links clause.Rows
		met := map[string]bool{}
		for i := range part {
			if id := part[i].ID; !met[id] {
				met[id] = true
				links.Add(h.ID, id)
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO hunt_alert (hunt, alert) VALUES `+links.String()+` ON CONFLICT (hunt, alert) DO NOTHING`, links.Args...)
		return err
	})
}
