// Package crossing puts into words that a window of a correlation crossed its threshold.
package crossing

import (
	"fmt"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/correlate"
	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// Kind is the kind of the alert of a correlation of a type.
func Kind(t sigma.CorrelationType) string {
	switch t {
	case sigma.Temporal, sigma.TemporalOrdered:
		return "sequence"
	case sigma.NewValue:
		return "first-seen"
	case sigma.Absence:
		return "silence"
	}
	return "threshold"
}

// Failures is how many of the events of a firing are calls that failed, and whether every one
// did, as far as that is known. Where it is not the events of a sample say how many
// calls failed at least, and a note says so.
func Failures(f *correlate.Firing, of *party.Tally, sample []*rootkeep.Event) (failed int, every bool, note string) {
	if of.Unknown == 0 {
		return of.Failed, of.Failed > 0 && of.Failed == f.Count, ""
	}
	for _, e := range sample {
		if e.ErrorCode != "" {
			failed++
		}
	}
	every = failed > 0 && failed == len(sample) && of.Failed+of.Unknown >= f.Count
	return max(of.Failed, min(failed, f.Count)), every, "whether some of the calls failed is not known: at least so many did"
}

// Threshold says of a firing how much it was, and in which time.
func Threshold(c *sigma.Correlation, f *correlate.Firing) string {
	window := rule.Duration(c.Timespan)
	switch c.Type {
	case sigma.NewValue:
		return fmt.Sprintf("first seen after %v of learning", window)
	case sigma.Absence:
		return fmt.Sprintf("silent for %v or longer", window)
	case sigma.EventCount:
		return fmt.Sprintf("%d events, at most %v at once in %v", f.Count, f.Value, window)
	}
	return fmt.Sprintf("%v in %v", f.Value, window)
}
