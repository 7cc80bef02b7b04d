package alerts_test

import (
	"context"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// Whoever sends a hunt says what its alerts are called, and may close them: live events are
// told of all the same.
func TestAClosedAlertOfAHuntHidesNoLiveOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k, desk := keeper(t), &alerts.Desk{}
		actor := someone(t, s, "ann", everywhere)
		found := sighting("a", "root-used", rootkeep.Critical, 3)
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := alerts.Hunted(ctx, tx, []rootkeep.Alert{found.Alert}); err != nil {
				return err
			}
			_, err := desk.Close(ctx, tx, actor, found.ID, 1, "old news")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "live events", apply(t, s, k, at(time.Minute), found), "AL-A reopened")
		if a := read(t, s, "AL-A"); a.State != alert.New || a.Due.IsZero() {
			t.Errorf("got it %s, due %v, want it new, and due", a.State, a.Due)
		}
	})
}
