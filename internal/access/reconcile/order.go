package reconcile

import (
	"bytes"
	"cmp"
	"slices"
	"sort"

	"github.com/rootkeep/rootkeep"
)

// distinct gives events in an order that depends on nothing but the events, each once.
// An ID alone does not tell events apart: a forged one would hide another. Of copies it is
// the one that is least in doubt.
func distinct(events []Event) []Event {
	out := slices.Clone(events)
	for i := range out {
		out[i].Of = out[i].rootOf()
	}
	slices.SortFunc(out, func(a, b Event) int {
		return cmp.Or(a.compare(&b), truth(a.Doubtful, b.Doubtful), bytes.Compare(b.Raw, a.Raw), cmp.Compare(b.Country, a.Country))
	})
	return slices.CompactFunc(out, func(a, b Event) bool { return a.compare(&b) == 0 })
}

// rootOf is whose root user an event is about: that of its own account if it does not say.
// AssumeRoot has a target, or is about nobody that is known.
func (e *Event) rootOf() rootkeep.AccountID {
	if e.Kind == rootkeep.RootAssumed {
		return e.Of
	}
	return cmp.Or(e.Of, e.Account)
}

// Same says whether two events are copies of one: all that a verdict may rest on agrees.
func (e *Event) Same(o *Event) bool { return e.plain().compare(o.plain()) == 0 }

// plain is the event as Judge compares it.
func (e *Event) plain() *Event {
	p := *e
	p.Of = e.rootOf()
	return &p
}

// Of finds what an event that was judged came to, nil if it was not.
func (r *Result) Of(e *Event) *Judged {
	p := e.plain()
	i := sort.Search(len(r.Events), func(i int) bool { return r.Events[i].Event.compare(p) >= 0 })
	if i == len(r.Events) || r.Events[i].Event.compare(p) != 0 {
		return nil
	}
	return &r.Events[i]
}

// compare orders events by all that a verdict may rest on, the time first.
func (a *Event) compare(b *Event) int {
	if c := cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Account, b.Account), cmp.Compare(a.ID, b.ID)); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Region, b.Region),
		cmp.Compare(a.Address, b.Address), cmp.Compare(a.Error, b.Error), truth(a.Failed, b.Failed), cmp.Compare(a.Principal, b.Principal)); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(a.AccessKey, b.AccessKey), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Of, b.Of), cmp.Compare(a.SourceIdentity, b.SourceIdentity),
		a.Created.Compare(b.Created), cmp.Compare(a.Device, b.Device), cmp.Compare(a.TaskPolicy, b.TaskPolicy), cmp.Compare(a.IssuedKey, b.IssuedKey)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.MFA, b.MFA), cmp.Compare(a.Agent, b.Agent), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Service, b.Service),
		truth(a.ReadOnly, b.ReadOnly), truth(a.Ambiguous, b.Ambiguous))
}

func truth(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
