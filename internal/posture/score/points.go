package score

import "github.com/rootkeep/rootkeep"

// worths are what a control of one account counts for in Points. They grow slower than the
// weights of a plan: with those one critical failure would hide what all others come to.
var worths = map[rootkeep.Severity]int{rootkeep.Informational: 0, rootkeep.Low: 1, rootkeep.Medium: 2, rootkeep.High: 4, rootkeep.Critical: 8}

// Points sums findings up as a number of 100: of what controls are worth that apply, each
// in each account by itself, the share of those that pass, rounded down. A control passes
// in an account if everything of it that applies does: what is not known is no pass, nor
// is a failure that somebody accepts. A control is worth 1, 2, 4 or 8 by the severity of
// its worst finding, low to critical; informational ones do not count. Without anything
// that applies there are 0 points.
func Points(findings []rootkeep.Finding) int {
	all, held := 0, 0
	for _, r := range results(findings) {
		all += r.worth
		if r.fails {
			held += r.worth
		}
	}
	if all == 0 {
		return 0
	}
	return 100 * (all - held) / all
}

// Held is what controls hold back of the 100 points of Points, in hundredths of a point and
// rounded down, by control: those that pass wherever they apply are not in it.
func Held(findings []rootkeep.Finding) map[string]int {
	all, held := 0, map[string]int{}
	for c, r := range results(findings) {
		all += r.worth
		if r.fails {
			held[c.control] += r.worth
		}
	}
	for id, worth := range held {
		held[id] = 100 * 100 * worth / max(all, 1)
	}
	return held
}

// check is one control in one account.
type check struct {
	control string
	account rootkeep.AccountID
}

type result struct {
	worth int
	fails bool
}

func results(findings []rootkeep.Finding) map[check]result {
	out := map[check]result{}
	for i := range findings {
		f := &findings[i]
		if f.Status == rootkeep.NotApplicable {
			continue
		}
		c := check{f.Control, f.Account}
		r := out[c]
		out[c] = result{max(r.worth, worths[min(f.Severity, rootkeep.Critical)]), r.fails || f.Status != rootkeep.Pass}
	}
	return out
}
