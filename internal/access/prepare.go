package access

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// UsualWindow is how long a window is unless the requester says otherwise.
const UsualWindow = 4 * time.Hour

// late is by how much a window may begin in the past: clocks differ, and people type.
const late = 5 * time.Minute

// Ask is what a requester says. What is zero has a usual value, where there is one.
type Ask struct {
	Holder        Holder               // what the accounts are to their organization
	Accounts      []rootkeep.AccountID // in any order
	Changes       []Change
	Custodian     string
	From          time.Time // zero: now
	Until         time.Time // zero: UsualWindow after From
	Justification string
	Kind          Kind // "": Use, if the task takes it
	Networks      []netip.Prefix
	Session       time.Duration // zero: Task.Session
	Ticket        string
}

// Prepare makes the request that asks for a task, with checklist, events and the task's
// hash as they are now. It refuses what the task does not allow; the error of a task that
// needs no root says what to do instead.
func (t *Task) Prepare(a Ask, now time.Time) (*Request, error) {
	way, err := t.way(a.Holder)
	if err != nil {
		return nil, err
	}
	a = t.usual(a, now)
	if !t.Takes(a.Kind) {
		return nil, fmt.Errorf("%s is asked for as %s, not as %s; hint: rootkeep root tasks show %s", t.ID, kinds(t.Requests), a.Kind, t.ID)
	}
	if err := cmp.Or(t.checkWhen(&a, now), t.checkWhat(&a, &way)); err != nil {
		return nil, err
	}
	r := &Request{
		Accounts: a.Accounts, Changes: a.Changes, Checklist: slices.Clone(way.Items), Custodian: a.Custodian, Events: slices.Clone(way.Events),
		From: a.From, Until: a.Until, Justification: a.Justification, Kind: a.Kind, Networks: a.Networks, Path: way.Path, Schema: RequestSchema,
		Session: int(a.Session / time.Second), Task: t.ID, TaskHash: t.Hash, Ticket: a.Ticket, Title: t.Title,
	}
	return r, r.Check()
}

// way is how the task is done for a holder.
func (t *Task) way(h Holder) (Way, error) {
	if !slices.Contains(Holders(), h) {
		return Way{}, fmt.Errorf("holder %q, want one of %v", h, Holders())
	}
	w, ok := t.Ways[h]
	switch {
	case t.Need == Never:
		return w, fmt.Errorf("root is not used for %s; hint: %s", t.ID, t.Without(h))
	case !ok:
		return w, fmt.Errorf("%s needs no root user of a %s account; hint: %s", t.ID, h, t.Without(h))
	}
	return w, nil
}

// usual fills in what was not said, and puts the rest into the form of a request.
func (t *Task) usual(a Ask, now time.Time) Ask {
	if a.Kind == "" {
		a.Kind = t.Requests[0]
	}
	if a.From.IsZero() {
		a.From = now
	}
	a.From = a.From.UTC().Truncate(time.Second)
	if a.Until.IsZero() {
		a.Until = a.From.Add(UsualWindow)
	}
	a.Until = a.Until.UTC().Truncate(time.Second)
	a.Session = cmp.Or(a.Session, min(t.Session(a.Holder), a.Until.Sub(a.From)))
	a.Accounts = slices.Sorted(slices.Values(a.Accounts))
	a.Changes = append([]Change{}, a.Changes...)
	a.Networks = append([]netip.Prefix{}, a.Networks...)
	return a
}

func (t *Task) checkWhen(a *Ask, now time.Time) error {
	at := func(m time.Time) string { return m.Format(time.RFC3339) }
	switch {
	case !a.Until.After(now):
		return fmt.Errorf("the window ends at %s, which is over; hint: choose one that is still to come", at(a.Until))
	case a.From.Before(now.Add(-late).Truncate(time.Second)):
		return fmt.Errorf("the window begins at %s, in the past; hint: begin now: what was done before an approval is not covered by it", at(a.From))
	case a.Until.After(now.Add(Ahead)):
		return fmt.Errorf("the window ends at %s, more than %d days ahead; hint: ask again when it is nearer", at(a.Until), int(Ahead.Hours()/24))
	case a.Session > t.Session(a.Holder):
		return fmt.Errorf("a session of %s, at most %s for %s; hint: ask for a further request when it is over", a.Session, t.Session(a.Holder), t.ID)
	}
	return nil
}

// checkWhat holds what is asked for to the way; Request.Check does the rest.
func (t *Task) checkWhat(a *Ask, w *Way) error {
	if w.Path != Assumed {
		switch {
		case len(a.Networks) == 0:
			return fmt.Errorf("%s is a sign-in, and it is not said from where; hint: name the network, such as 198.51.100.0/24", t.ID)
		case a.Custodian == "":
			return fmt.Errorf("%s is a sign-in, and nobody hands out the credential; hint: name the custodian, who is neither requester nor approver", t.ID)
		case len(a.Changes) > 0 && !w.Recovery:
			return fmt.Errorf("%s is a sign-in with a credential that is there, and is for no change", t.ID)
		}
		return nil
	}
	for _, account := range a.Accounts {
		switch n := len(slices.DeleteFunc(slices.Clone(a.Changes), func(c Change) bool { return c.Account != account })); {
		case n == 0:
			return fmt.Errorf("account %s has no change; hint: rootkeep root request --task %s --account %s plans it", account, t.ID, account)
		case n > 1:
			return fmt.Errorf("account %s has %d changes, want one; hint: ask for each on its own", account, n)
		}
	}
	return nil
}

// kinds names what a task is asked for as.
func kinds(list []Kind) string {
	var out []string
	for _, k := range list {
		out = append(out, string(k))
	}
	return strings.Join(out, " or ")
}
