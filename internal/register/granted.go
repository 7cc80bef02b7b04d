package register

import (
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// Granted is an exception that was asked for and approved, not written into a file. It
// covers one control in one account, root controls too: who approved it read its ID.
type Granted struct {
	ID       string // of the request
	Control  string
	Account  rootkeep.AccountID
	Region   rootkeep.Region // "" for all
	Resource string          // "" for all
	Owner    string
	Reason   string
	Until    time.Time // the first moment at which it no longer applies
}

// With gives the register with granted exceptions behind its own: where both cover a
// failure, the file's is shown.
func (r *Register) With(granted []Granted) *Register {
	out := *r
	out.exceptions = slices.Clone(r.exceptions)
	for _, g := range granted {
		out.exceptions = append(out.exceptions, exception{
			Control: oneOrMore{g.Control}, Owner: g.Owner, Reason: g.Reason, Expires: g.Until, id: g.ID,
			control: exactly(g.Control), account: exactly(string(g.Account)), region: exactlyOrAll(string(g.Region)), resource: exactlyOrAll(g.Resource),
		})
	}
	return &out
}

// exactly is a pattern in which no character stands for another.
func exactly(s string) []pattern.Pattern {
	return []pattern.Pattern{pattern.Parse(s, pattern.Syntax{})}
}

func exactlyOrAll(s string) []pattern.Pattern {
	if s == "" {
		return nil
	}
	return exactly(s)
}
