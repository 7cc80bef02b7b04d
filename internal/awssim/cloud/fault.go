package cloud

import (
	"cmp"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud/fault"
)

// The faults have a package of their own; services and scenarios know them by these names.
type (
	FaultKind = fault.Kind
	Fault     = fault.Fault
)

// Kinds of fault.
const (
	Deny       = fault.Deny
	Throttle   = fault.Throttle
	Slow       = fault.Slow
	Broken     = fault.Broken
	Cut        = fault.Cut
	WrongToken = fault.WrongToken
	Late       = fault.Late
	Twice      = fault.Twice
	Unnamed    = fault.Unnamed
)

// FaultKinds are all kinds.
func FaultKinds() []FaultKind { return fault.Kinds() }

// AddFault adds a rule.
func (c *Cloud) AddFault(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.Add(f)
}

// ClearFaults removes all rules.
func (c *Cloud) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.Clear()
}

// due are the faults of a call, at most one of each kind.
func (c *Cloud) due(call *Call) map[FaultKind]*Fault {
	of := fault.Call{Service: call.Service.Name, Operation: call.Operation.Name, Region: call.Region, Reads: call.Operation.Read}
	if call.Account != nil {
		of.Account = string(call.Account.ID)
	}
	return c.faults.Due(of)
}

// EventFault is the fault of a kind that is about the events of an account in a Region,
// nil if there is none. It is told of no service or operation.
func (a *Account) EventFault(kind FaultKind, region string) *Fault {
	return a.cloud.faults.OfEvents(kind, string(a.ID), region)
}

// Held is how much later than it would be an event of the account is delivered.
func (a *Account) Held(region string) time.Duration {
	if f := a.EventFault(Late, region); f != nil {
		return f.Delay
	}
	return 0
}

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
