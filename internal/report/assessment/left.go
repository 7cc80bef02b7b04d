package assessment

import (
	"fmt"
	"io"

	"github.com/rootkeep/rootkeep"
)

// Left is an account of the organization that was not to be scanned.
type Left struct {
	ID     rootkeep.AccountID `json:"id"`
	Name   string             `json:"name"`
	Reason string             `json:"reason"` // such as "state SUSPENDED"
}

// left names the accounts that were not to be scanned: nobody is to take their silence
// for a pass.
func (a *Assessment) left(out io.Writer) {
	for _, l := range a.Left {
		fmt.Fprintf(out, "  not scanned: account %s (%s): %s\n", visible(string(l.ID)), visible(l.Name), visible(l.Reason))
	}
}
