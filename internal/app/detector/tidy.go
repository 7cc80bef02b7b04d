package detector

import (
	"context"
	"fmt"
	"math"

	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/livestate"
)

// abandoned is how far, in seconds, a part may be behind another before it is taken for one
// of a division that nobody has any more.
const abandoned = 7 * 24 * 3600

// portion is how many rows go in one change: events go on coming.
const portion = 5000

// Tidy removes what detections remembered and no part asks for any more, and says how many
// rows. While sources are behind, time stands still, and nothing goes.
func Tidy(ctx context.Context, s *store.Store) (all int64, err error) {
	for {
		var n int64
		err := s.Touch(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = tidy(ctx, tx)
			return err
		})
		if all += n; err != nil || n < portion {
			return all, err
		}
	}
}

func tidy(ctx context.Context, tx *store.Tx) (int64, error) {
	rows, err := livestate.Under(ctx, &tx.Reader, live.OwnRows)
	if err != nil {
		return 0, err
	}
	var all []int64
	newest := int64(math.MinInt64)
	for key, data := range rows {
		at, err := live.Reached(data)
		if err != nil {
			return 0, fmt.Errorf("how far part %q of the detections is: %w", key, err)
		}
		all, newest = append(all, at), max(newest, at)
	}
	before := newest
	for _, at := range all {
		if at > newest-abandoned {
			before = min(before, at)
		}
	}
	if len(all) == 0 {
		return 0, nil
	}
	return livestate.Prune(ctx, tx, before, portion)
}
