package cloud

import (
	"cmp"
	"slices"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// Kinds of fault.
const (
	Deny       FaultKind = "deny"        // the call is refused as by a policy
	Throttle   FaultKind = "throttle"    // the rate is exceeded
	Slow       FaultKind = "slow"        // the answer waits for Delay
	Broken     FaultKind = "broken"      // HTTP 500
	Cut        FaultKind = "cut"         // the connection ends in the middle of the answer
	WrongToken FaultKind = "wrong-token" // the token of the next page will be refused
)

// Kinds that are about the events of calls, and let the calls be.
const (
	Late    FaultKind = "late"    // events are delivered, and found, Delay later than they would be
	Twice   FaultKind = "twice"   // events are delivered, and found, a second time
	Unnamed FaultKind = "unnamed" // events of sessions of sts:AssumeRoot have no source identity
)

// FaultKinds are all kinds.
func FaultKinds() []FaultKind {
	return []FaultKind{Deny, Throttle, Slow, Broken, Cut, WrongToken, Late, Twice, Unnamed}
}

// Fault is a rule: calls that fit go wrong. Empty fields fit everything.
type Fault struct {
	Kind                                FaultKind
	Service, Operation, Account, Region string
	Writes                              bool          // only calls that change something
	Skip                                int           // so many calls that fit go well first
	Times                               int           // then so many go wrong; 0: all
	Delay                               time.Duration // of Slow and Late
	met                                 int
}

// AddFault adds a rule.
func (c *Cloud) AddFault(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &f)
}

// ClearFaults removes all rules.
func (c *Cloud) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// due are the faults of a call, at most one of each kind.
func (c *Cloud) due(call *Call) map[FaultKind]*Fault {
	out := map[FaultKind]*Fault{}
	for _, f := range c.faults {
		if f.aboutEvents() {
			continue
		}
		account := ""
		if call.Account != nil {
			account = string(call.Account.ID)
		}
		if !fits(f.Service, call.Service.Name) || !fits(f.Operation, call.Operation.Name) || !fits(f.Account, account) || !fits(f.Region, call.Region) || f.Writes && call.Operation.Read {
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

func (f *Fault) aboutEvents() bool { return f.Kind == Late || f.Kind == Twice || f.Kind == Unnamed }

// EventFault is the fault of a kind that is about the events of an account in a Region,
// nil if there is none. It is told of no service or operation.
func (a *Account) EventFault(kind FaultKind, region string) *Fault {
	for _, f := range a.cloud.faults {
		if f.Kind == kind && fits(f.Account, string(a.ID)) && fits(f.Region, region) {
			return f
		}
	}
	return nil
}

// Held is how much later than it would be an event of the account is delivered.
func (a *Account) Held(region string) time.Duration {
	if f := a.EventFault(Late, region); f != nil {
		return f.Delay
	}
	return 0
}

func fits(want, got string) bool { return want == "" || want == got }

// refused is the error that faults make before an operation runs.
func (c *Call) refused(due map[FaultKind]*Fault) error {
	switch {
	case due[Broken] != nil:
		return Fail("InternalFailure", 500, "The request processing has failed because of an unknown error, exception or failure.")
	case due[Throttle] != nil:
		status := 400
		switch {
		case c.protocol == RESTXML || c.protocol == EC2Query:
			status = 503
		case c.protocol == RESTJSON:
			status = 429
		}
		return Fail(c.code().Throttled, status, "Rate exceeded")
	case due[Deny] != nil:
		return Fail(c.code().Denied, 403, "User: %s is not authorized to perform: %s because no identity-based policy allows the %s action", c.Caller.ARN, c.action(), c.action())
	}
	return nil
}

// Count is the calls of one operation by one account in one Region.
type Count struct{ Service, Operation, Account, Region string }

// Counted is a Count with its number.
type Counted struct {
	Count
	Calls int
}

// Requests are the calls so far, refused ones included, sorted.
func (c *Cloud) Requests() []Counted {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Counted, 0, len(c.counts))
	for k, n := range c.counts {
		out = append(out, Counted{k, n})
	}
	slices.SortFunc(out, func(a, b Counted) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return out
}

// ResetRequests starts the count again.
func (c *Cloud) ResetRequests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.counts)
}
