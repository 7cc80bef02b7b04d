package score

import (
	"cmp"
	"math"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// Fix is one control that fails, with what its fix is worth.
type Fix struct {
	Control  string            `json:"control"`
	Title    string            `json:"title"`
	Severity rootkeep.Severity `json:"severity"`
	Failing  int               `json:"failing"` // resources, or accounts for a control about the account
	Accounts int               `json:"accounts"`
	Effort   string            `json:"effort"` // minutes, hours or days, for the first resource
	Worth    int               `json:"worth"`  // risk removed per hour
	Console  string            `json:"console,omitempty"`
	CLI      string            `json:"cli,omitempty"`
	Change   string            `json:"change,omitempty"` // ID of the kind of change that mends it
}

// weights are the risk of one failure. Each level outweighs ten of the one below, so
// that many small things do not crowd out one that matters.
var weights = map[rootkeep.Severity]float64{rootkeep.Informational: 0.1, rootkeep.Low: 1, rootkeep.Medium: 10, rootkeep.High: 100, rootkeep.Critical: 1000}

// Risk is the weight of one failure, in tenths: 1 of an informational one, 10,000 of a
// critical one.
func Risk(s rootkeep.Severity) int64 { return int64(10 * weights[min(s, rootkeep.Critical)]) }

// hours are what a fix takes the first time. A control that does not say takes hours.
var hours = map[string]float64{"minutes": 0.25, "hours": 3, "days": 16}

// further is the part of the first effort that every further resource takes.
const further = 0.1

// Plan orders the controls that fail by the risk that their fix removes per hour: weight
// x failures / hours. Because further failures of one control take a tenth of the first
// each, their number counts tenfold at most. What is excepted is no task.
func Plan(findings []rootkeep.Finding, controls map[string]*posture.Control) []Fix {
	fixes := map[string]*Fix{}
	accounts := map[string]map[rootkeep.AccountID]bool{}
	for i := range findings {
		f := &findings[i]
		if f.Status != rootkeep.Fail {
			continue
		}
		fix := fixes[f.Control]
		if fix == nil {
			fix = &Fix{Control: f.Control, Title: f.Title, Severity: f.Severity, Effort: "hours"}
			if c := controls[f.Control]; c != nil {
				fix.Effort, fix.Console, fix.CLI, fix.Change = cmp.Or(c.Fix.Effort, fix.Effort), c.Fix.Console, c.Fix.CLI, c.Fix.Change
			}
			fixes[f.Control], accounts[f.Control] = fix, map[rootkeep.AccountID]bool{}
		}
		fix.Failing++
		fix.Severity = max(fix.Severity, f.Severity)
		accounts[f.Control][f.Account] = true
	}
	out := make([]Fix, 0, len(fixes))
	for id, fix := range fixes {
		fix.Accounts = len(accounts[id])
		fix.Worth = worth(fix)
		out = append(out, *fix)
	}
	slices.SortFunc(out, func(a, b Fix) int {
		return cmp.Or(-cmp.Compare(a.Worth, b.Worth), -cmp.Compare(a.Severity, b.Severity), -cmp.Compare(a.Failing, b.Failing), cmp.Compare(a.Control, b.Control))
	})
	return out
}

func worth(f *Fix) int {
	first := hours[f.Effort]
	if first == 0 {
		first = hours["hours"]
	}
	n := float64(f.Failing)
	return int(math.Round(weights[min(f.Severity, rootkeep.Critical)] * n / (first * (1 + further*(n-1)))))
}
