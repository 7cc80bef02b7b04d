package rootkeep

import (
	"fmt"
	"slices"
)

// Verdict is what an event of a root user, or one about it, came to.
type Verdict string

// The verdicts. Every event of a root user ends in exactly one of them.
const (
	Explained   Verdict = "EXPLAINED"     // an approved request, or a recorded scan, covers it
	Drill       Verdict = "DRILL"         // the same, of a request that is an exercise
	OutOfScope  Verdict = "OUT_OF_SCOPE"  // in the session of a request, but not what its task needs
	OutOfWindow Verdict = "OUT_OF_WINDOW" // of a request, before or after the time that was approved
	Unexplained Verdict = "UNEXPLAINED"   // nothing covers it
	ByService   Verdict = "SERVICE"       // an AWS service did it on its own
)

// Verdicts lists them in the order in which pages show them.
func Verdicts() []Verdict {
	return []Verdict{Unexplained, OutOfWindow, OutOfScope, Drill, Explained, ByService}
}

// ParseVerdict reads a verdict.
func ParseVerdict(s string) (Verdict, error) {
	if v := Verdict(s); slices.Contains(Verdicts(), v) {
		return v, nil
	}
	return "", fmt.Errorf("verdict %q: want one of %v", s, Verdicts())
}

// Harmless says whether an event with the verdict opens no case.
func (v Verdict) Harmless() bool { return v == Explained || v == Drill || v == ByService }
