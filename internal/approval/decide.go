package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// counts says whether a person's approval can count at all: by who asked, not by group.
func (r *Request) counts(person string) bool {
	return person != r.Requester && !slices.Contains(r.Editors, person)
}

// Tally is how far one requirement is met.
type Tally struct {
	Group string   `json:"group"`
	Name  string   `json:"name"`
	Count int      `json:"count"`
	By    []string `json:"by"` // persons, in order
}

// Assign puts each person into one of the groups that they are in, so that as many
// places as can be are taken; met says whether all are. Persons beyond the bounds of the
// policy change nothing.
func (p *Policy) Assign(persons []string) (tally []Tally, met bool) {
	a := assignment{policy: p, taken: make([][]string, len(p.Require))}
	places := 0
	for i := range p.Require {
		places += p.Require[i].Count
	}
	for _, person := range slices.Compact(slices.Sorted(slices.Values(persons))) {
		if places > 0 && a.place(person, make([]bool, len(p.Require))) {
			places--
		}
	}
	met = len(p.Require) > 0
	for i := range p.Require {
		q := &p.Require[i]
		by := append([]string{}, a.taken[i]...)
		slices.Sort(by)
		tally = append(tally, Tally{q.Group, q.Name, q.Count, by})
		met = met && len(by) >= q.Count && q.Count >= 1
	}
	return tally, met
}

// assignment is a matching of persons and places: Kuhn's augmenting paths, with each
// group taking as many persons as its count.
type assignment struct {
	policy *Policy
	taken  [][]string // persons by requirement
}

// place finds a place for the person, moving others to another of their groups if need
// be. tried are the requirements already looked at on this path.
func (a *assignment) place(person string, tried []bool) bool {
	for i := range a.policy.Require {
		q := &a.policy.Require[i]
		if tried[i] || !q.has(person) {
			continue
		}
		tried[i] = true
		if len(a.taken[i]) < q.Count {
			a.taken[i] = append(a.taken[i], person)
			return true
		}
		for k, other := range a.taken[i] {
			if a.place(other, tried) {
				a.taken[i][k] = person
				return true
			}
		}
	}
	return false
}

// Shortage is a request that could never be approved: Lacking are the requirements that
// cannot be met even if everybody who can approves.
type Shortage struct{ Lacking []Tally }

// Error names the groups and what would help.
func (s *Shortage) Error() string {
	var parts []string
	for _, l := range s.Lacking {
		parts = append(parts, fmt.Sprintf("group %s has %d of the %d approvers it needs", l.Group, len(l.By), l.Count))
	}
	return fmt.Sprintf("nobody could approve this: %s, not counting who asked or edited; hint: grant the role approver at this account to another person who holds a key", strings.Join(parts, "; "))
}

// Lacking is a *Shortage if the approval of all these persons would not suffice.
func (p *Policy) Lacking(persons []string) error {
	tally, met := p.Assign(persons)
	if met {
		return nil
	}
	s := &Shortage{}
	for _, t := range tally {
		if len(t.By) < t.Count {
			s.Lacking = append(s.Lacking, t)
		}
	}
	return s
}

// enough is a *Shortage if those who can approve do not suffice.
func (r *Request) enough(p *Policy, can []string) error {
	return p.Lacking(slices.DeleteFunc(slices.Clone(can), func(person string) bool { return !r.counts(person) }))
}

// Tally counts what was signed. can says whether a person may approve at the account
// now: who lost that since they signed does not count any more. Only approvals of this
// version of the request count.
func (r *Request) Tally(signed []*Statement, p *Policy, can func(person string) bool) (tally []Tally, met bool) {
	var persons []string
	for _, s := range signed {
		if s.Decision == Approve && s.about(r) == nil && r.counts(s.Approver) && can(s.Approver) {
			persons = append(persons, s.Approver)
		}
	}
	return p.Assign(persons)
}

// MayDecide says why a person cannot decide the request, or nil. can is that of Tally.
func (r *Request) MayDecide(person string, p *Policy, can func(person string) bool) error {
	switch {
	case person == r.Requester:
		return fmt.Errorf("%s made request %s and %w", person, r.ID, ErrMayNot)
	case slices.Contains(r.Editors, person):
		return fmt.Errorf("%s edited request %s and %w", person, r.ID, ErrMayNot)
	case !slices.ContainsFunc(p.Require, func(q Requirement) bool { return q.has(person) }):
		return fmt.Errorf("%s is in no group that approves request %s and %w", person, r.ID, ErrMayNot)
	case !can(person):
		return fmt.Errorf("%s is no approver at account %s and %w", person, r.Account, ErrMayNot)
	}
	return nil
}

// Decide gives the state after one more statement, whose signature is already checked.
// signed are the statements before it. One denial by somebody who could have approved is
// final. can is that of Tally.
func (r *Request) Decide(state State, signed []*Statement, next *Statement, p *Policy, can func(person string) bool, now time.Time) (State, error) {
	if Sum(p.Bytes()) != r.Policy {
		return state, fmt.Errorf("request %s: this is not the policy that was frozen into it", r.ID)
	}
	if next.Decision == Override {
		return state, fmt.Errorf("an override of request %s is no approval: %s %w", r.ID, next.Approver, ErrMayNot)
	}
	if err := r.signable(state, next, now); err != nil {
		return state, err
	}
	if err := r.MayDecide(next.Approver, p, can); err != nil {
		return state, err
	}
	for _, s := range signed {
		if s.Approver == next.Approver && s.about(r) == nil {
			return state, fmt.Errorf("%s %w: %s", next.Approver, ErrTwice, r.ID)
		}
	}
	if next.Decision == Deny {
		return Denied, nil
	}
	if _, met := r.Tally(append(slices.Clone(signed), next), p, can); met {
		return Approved, nil
	}
	return state, nil
}

// signable refuses a statement that is not about this version of the request, or comes
// too late for it.
func (r *Request) signable(state State, next *Statement, now time.Time) error {
	if err := r.open(state, now); err != nil {
		return err
	}
	if err := next.about(r); err != nil {
		return err
	}
	if !now.Before(next.NotAfter) {
		return fmt.Errorf("statement about %s was to be signed before %s: %w", r.ID, next.NotAfter.Format(time.RFC3339), ErrLate)
	}
	return nil
}

// Override gives the state after the requester signed, for a reason, that nobody is waited
// for. Whether the kind of the request allows that at all, and what has to happen first
// and afterwards, is for the caller to see to.
func (r *Request) Override(state State, s *Statement, now time.Time) (State, error) {
	if err := r.signable(state, s, now); err != nil {
		return state, err
	}
	return Overridden, r.overrides(s)
}

func (r *Request) overrides(s *Statement) error {
	if s.Decision != Override || s.Approver != r.Requester {
		return fmt.Errorf("request %s: only who made it overrides it: %s %w", r.ID, s.Approver, ErrMayNot)
	}
	return nil
}
