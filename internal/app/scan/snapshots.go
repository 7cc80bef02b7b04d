package scan

import (
	"context"
	"time"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

// Snapshots reads the snapshot of an account, or each of the folder of an organization's
// scan, without judging it. Accounts that have none are the problems; suspended ones are
// left out.
func Snapshots(ctx context.Context, path string, take func(*facts.Snapshot)) ([]assessment.Problem, error) {
	a := assessment.New("", time.Time{}, nil)
	err := Config{Snapshot: path}.accounts(ctx, a, func(s *facts.Snapshot, _ []assessment.Problem, _ peers) error {
		take(s)
		return nil
	})
	return a.Problems, err
}
