// Package fault is what goes wrong in the simulation: rules go in, and those that a call, or the
// events of an account, meet come out.
package fault

import "time"

// Kind is what goes wrong.
type Kind string

// Kinds of fault.
const (
	Deny       Kind = "deny"        // the call is refused as by a policy
	Throttle   Kind = "throttle"    // the rate is exceeded
	Slow       Kind = "slow"        // the answer waits for Delay
	Broken     Kind = "broken"      // HTTP 500
	Cut        Kind = "cut"         // the connection ends in the middle of the answer
	WrongToken Kind = "wrong-token" // the token of the next page will be refused
)

// Kinds that are about the events of calls, and let the calls be.
const (
	Late    Kind = "late"    // events are delivered, and found, Delay later than they would be
	Twice   Kind = "twice"   // events are delivered, and found, a second time
	Unnamed Kind = "unnamed" // events of sessions of sts:AssumeRoot have no source identity
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{Deny, Throttle, Slow, Broken, Cut, WrongToken, Late, Twice, Unnamed}
}

// Fault is a rule: calls that fit go wrong. Empty fields fit everything.
type Fault struct {
	Kind                                Kind
	Service, Operation, Account, Region string
	Writes                              bool          // only calls that change something
	Skip                                int           // so many calls that fit go well first
	Times                               int           // then so many go wrong; 0: all
	Delay                               time.Duration // of Slow and Late
	met                                 int
}

// Call is what rules tell calls apart by.
type Call struct {
	Service, Operation, Account, Region string
	Reads                               bool
}

// Rules are the faults in force, in the order in which they were added. The zero value has
// none. They are not safe for use by several goroutines.
type Rules struct{ all []*Fault }

// Add adds a rule.
func (r *Rules) Add(f Fault) { r.all = append(r.all, &f) }

// Clear removes all rules.
func (r *Rules) Clear() { r.all = nil }

// Due are the faults that a call meets, at most one of each kind. It counts them.
func (r *Rules) Due(c Call) map[Kind]*Fault {
	out := map[Kind]*Fault{}
	for _, f := range r.all {
		if f.aboutEvents() || !f.takes(c) {
			continue
		}
		if f.met++; f.met <= f.Skip || f.Times > 0 && f.met > f.Skip+f.Times {
			continue
		}
		if out[f.Kind] == nil {
			out[f.Kind] = f
		}
	}
	return out
}

// OfEvents is the fault of a kind that is about the events of an account in a Region, nil if
// there is none. It is told of no service or operation.
func (r *Rules) OfEvents(kind Kind, account, region string) *Fault {
	for _, f := range r.all {
		if f.Kind == kind && fits(f.Account, account) && fits(f.Region, region) {
			return f
		}
	}
	return nil
}

func (f *Fault) aboutEvents() bool { return f.Kind == Late || f.Kind == Twice || f.Kind == Unnamed }

func (f *Fault) takes(c Call) bool {
	return fits(f.Service, c.Service) && fits(f.Operation, c.Operation) && fits(f.Account, c.Account) && fits(f.Region, c.Region) && !(f.Writes && c.Reads)
}

func fits(want, got string) bool { return want == "" || want == got }
