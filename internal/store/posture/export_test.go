package posture

import (
	"time"

	"github.com/rootkeep/rootkeep"
)

// Merge is merge without a database.
func Merge(before map[string]*Finding, found []rootkeep.Finding, controls []string, since, taken time.Time) map[string]*Finding {
	return merge(before, found, controls, since, taken).all
}
