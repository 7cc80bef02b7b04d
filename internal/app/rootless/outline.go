package rootless

import (
	"errors"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
)

// OldAfter is how long what a scan read is relied on, unless somebody says otherwise.
const OldAfter = 7 * 24 * time.Hour

// Chosen says of an organization what is to be planned.
type Chosen struct {
	Accounts []rootkeep.AccountID // only these; none: all
	First    []rootkeep.AccountID
	OldAfter time.Duration // zero: OldAfter
}

// Wanted is what of the organization is to be ordered. An account that is not one of it is
// an error.
func (o *Organization) Wanted(c Chosen, now time.Time) (Wanted, error) {
	if c.OldAfter == 0 {
		c.OldAfter = OldAfter
	}
	w := Wanted{Members: o.Members, Holdings: o.Holdings, First: c.First, Before: now.Add(-c.OldAfter), Unread: true}
	for _, id := range slices.Concat(c.Accounts, c.First) {
		if !slices.ContainsFunc(o.Members, func(m Member) bool { return m.Account == id }) {
			return w, errors.New("account " + string(id) + " is none that a scan has seen in the organization; hint: rootkeep scan --aws --organization")
		}
	}
	if len(c.Accounts) > 0 {
		w.Members = slices.DeleteFunc(slices.Clone(o.Members), func(m Member) bool { return !slices.Contains(c.Accounts, m.Account) })
	}
	return w, nil
}

// Outline orders an organization as people and programs read it. Nothing to be taken is an
// order without steps.
func (o *Organization) Outline(c Chosen, now time.Time) (*client.RootlessPlan, error) {
	w, err := o.Wanted(c, now)
	if err != nil {
		return nil, err
	}
	w.Shown = true
	steps, left, err := Order(w)
	if err != nil && !errors.Is(err, ErrNothing) {
		return nil, err
	}
	p := &client.RootlessPlan{
		Organization: o.ID, Management: string(o.Management), At: now.UTC().Truncate(time.Second), OldAfter: int(now.Sub(w.Before) / time.Second),
		Steps: []client.RootlessStep{}, Left: []client.RootlessLeft{},
	}
	for i := range steps {
		s := &steps[i]
		x := client.RootlessStep{
			Account: string(s.Member.Account), Name: s.Name, Canary: s.Canary, Rank: s.Rank.String(), Why: s.Why(slices.Contains(w.First, s.Member.Account)), Has: s.Holding.String(),
			KeyUsed: s.KeyUsed, Lost: append([]string{}, s.Losses()...), Read: s.At, Old: !s.At.IsZero() && s.At.Before(w.Before), Unknown: s.Unknown != "",
		}
		if x.Old {
			p.Old++
		}
		if x.Unknown {
			p.Unknown++
		}
		p.Steps = append(p.Steps, x)
	}
	for _, l := range left {
		if l.Unknown {
			p.Unknown++
		}
		p.Left = append(p.Left, client.RootlessLeft{Account: string(l.Account), Name: l.Name, Why: l.Why, Unknown: l.Unknown})
	}
	return p, nil
}
