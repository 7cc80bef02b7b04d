package reconcile

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/rootkeep/rootkeep"
)

// distinct gives events in an order that depends on nothing but the events, each once.
// An ID alone does not tell events apart: a forged one would hide another. Of copies it is
// the one that is least in doubt.
func distinct(events []Event) []Event {
	out := slices.Clone(events)
	for i := range out {
		if e := &out[i]; e.Kind != rootkeep.RootAssumed { // that has a target, or is about nobody that is known
			e.Of = rootkeep.AccountID(cmp.Or(e.Of, e.Account))
		}
	}
	slices.SortFunc(out, func(a, b Event) int {
		return cmp.Or(compare(&a, &b), truth(a.Doubtful, b.Doubtful), bytes.Compare(b.Raw, a.Raw), cmp.Compare(b.Country, a.Country))
	})
	return slices.CompactFunc(out, func(a, b Event) bool { return compare(&a, &b) == 0 })
}

// compare orders events by all that a verdict may rest on, the time first.
func compare(a, b *Event) int {
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
