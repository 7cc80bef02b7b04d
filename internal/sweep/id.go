package sweep

import (
	"time"

	"github.com/rootkeep/rootkeep"
)

// ID makes the ID of a scan, such as SC-1KB2Z7Q0MX7F3A.
func ID(now time.Time, random []byte) string { return rootkeep.NewID("SC", now, random) }
