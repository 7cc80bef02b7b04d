package assessment

import (
	"cmp"
	"fmt"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Imported is what came of an import into Security Hub.
type Imported struct {
	Region   rootkeep.Region `json:"region"`
	Active   int             `json:"active"`   // imported as open findings
	Archived int             `json:"archived"` // imported as resolved
	Failed   []NotImported   `json:"failed"`
}

// NotImported is a finding that Security Hub did not take, or why it took none of
// several.
type NotImported struct {
	ID       string `json:"id,omitempty"` // empty: several
	Account  string `json:"account"`
	Code     string `json:"code"`
	Reason   string `json:"reason"`
	Findings int    `json:"findings"` // that are not imported for it
}

// Lacks notes what was not imported. Findings of one account that are refused for one
// reason are one entry: of another account's there may be thousands.
func (i *Imported) Lacks(n NotImported) {
	for at := range i.Failed {
		if f := &i.Failed[at]; f.Account == n.Account && f.Code == n.Code && f.Reason == n.Reason {
			f.ID = ""
			f.Findings += n.Findings
			return
		}
	}
	i.Failed = append(i.Failed, n)
}

// Lines tell an import to a person: what was imported, then what was not.
func (i *Imported) Lines() []string {
	out := []string{fmt.Sprintf("Security Hub in %s: imported %s, and %s as resolved", i.Region, text.Counted(i.Active, "open finding"), text.Grouped(i.Archived))}
	const most = 10
	for _, f := range i.Failed[:min(len(i.Failed), most)] {
		out = append(out, fmt.Sprintf("not imported: %s of account %s: %s", cmp.Or(f.ID, text.Counted(f.Findings, "finding")), f.Account, joined(f.Code, f.Reason)))
	}
	if n := len(i.Failed) - most; n > 0 {
		out = append(out, fmt.Sprintf("not imported: %s more; --output json has all", text.Grouped(n)))
	}
	return out
}

func joined(code, reason string) string {
	if code == "" {
		return reason
	}
	return code + ": " + reason
}
