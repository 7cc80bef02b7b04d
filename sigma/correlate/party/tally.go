package party

import (
	"cmp"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/wire"
)

// Tally is whom a run of events is of. The zero value has none.
type Tally struct {
	// Accounts are the first by number, at most MaxAccounts.
	Accounts []Count
	// Omitted is how many events are of further accounts.
	Omitted int
	// Failed is how many of the events failed.
	Failed int
	// Unknown is how many of the events nobody knows of whom they are and whether they failed.
	Unknown int
	// Several says that the events are not known to be of one principal.
	Several   bool
	Principal Digest // of all, zero if they are of several
}

// Count is how many events an account has.
type Count struct {
	Account rootkeep.AccountID
	Events  int
}

// Add counts n events of a party; none for one that was counted already.
func (t *Tally) Add(p Party, n int, failed bool) {
	switch {
	case failed:
		t.Failed += n
	case p == Party{}:
		t.Unknown += n
	}
	switch {
	case t.Several:
	case t.Principal == Digest{} && p.Principal != Digest{}:
		t.Principal = p.Principal
	case t.Principal != p.Principal || p.Principal == Digest{}:
		t.Several, t.Principal = true, Digest{}
	}
	switch p.Account {
	case "":
		return // it may be any of them
	case others:
		t.Omitted += n
		return
	}
	i, found := slices.BinarySearchFunc(t.Accounts, p.Account, func(c Count, a rootkeep.AccountID) int { return cmp.Compare(c.Account, a) })
	if !found {
		t.Accounts = slices.Insert(t.Accounts, i, Count{Account: p.Account})
	}
	t.Accounts[i].Events += n
	if len(t.Accounts) > MaxAccounts {
		t.Omitted += t.Accounts[MaxAccounts].Events
		t.Accounts = t.Accounts[:MaxAccounts]
	}
}

// AddEvent counts an event that is at hand n times: with 0 it tells only whom there are.
func (t *Tally) AddEvent(e *rootkeep.Event, n int) {
	t.Add(Of([]byte(e.Account), []byte(e.Actor.Principal)), n, e.ErrorCode != "")
}

// AddEvents counts n events, of which these are at hand.
func (t *Tally) AddEvents(events []*rootkeep.Event, n int) {
	for _, e := range events[:min(len(events), n)] {
		t.AddEvent(e, 1)
	}
	if more := n - len(events); more > 0 {
		t.Add(Party{}, more, false)
	}
}

// Tell says in an alert whom its events are of.
func (t *Tally) Tell(a *rootkeep.Alert) {
	a.Account, a.Accounts, a.AccountsOmitted, a.Several = "", nil, 0, t.Several
	switch one := t.One().Account; {
	case one != others:
		a.Account = one
		return
	case len(t.Accounts) == 0:
		return
	}
	for _, c := range t.Accounts {
		a.Accounts = append(a.Accounts, c.Account)
	}
	a.AccountsOmitted = t.Omitted
}

// One is the party that all events are of, as far as that is known: without a principal if
// they are of several, and of no account in particular likewise.
func (t *Tally) One() Party {
	p := Party{Principal: t.Principal}
	switch {
	case len(t.Accounts) == 1 && t.Omitted == 0:
		p.Account = t.Accounts[0].Account
	case len(t.Accounts) > 0 || t.Omitted > 0:
		p.Account = others
	}
	return p
}

// Clone is a copy.
func (t *Tally) Clone() Tally {
	c := *t
	c.Accounts = slices.Clone(t.Accounts)
	return c
}

// Write writes the tally.
func (t *Tally) Write(w *wire.Writer) {
	w.Len(len(t.Accounts))
	for _, c := range t.Accounts {
		w.Text(string(c.Account))
		w.Len(c.Events)
	}
	w.Len(t.Omitted)
	w.Len(t.Failed)
	w.Len(t.Unknown)
	w.Bool(t.Several)
	Party{Principal: t.Principal}.Write(w)
}

// Read reads what Write wrote.
func (t *Tally) Read(r *wire.Reader) {
	n := r.Len()
	if n > MaxAccounts {
		r.Fail()
		return
	}
	for i := range n {
		c := Count{Account: rootkeep.AccountID(r.Text()), Events: r.Small()}
		if c.Account == "" || i > 0 && c.Account <= t.Accounts[i-1].Account {
			r.Fail()
			return
		}
		t.Accounts = append(t.Accounts, c)
	}
	t.Omitted, t.Failed, t.Unknown, t.Several = r.Small(), r.Small(), r.Small(), r.Bool()
	t.Principal = Read(r).Principal
}
