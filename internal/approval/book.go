package approval

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Policies of exceptions. A configuration may give others for them.
const (
	CriticalException = "exception-critical" // exception to a critical or root control
	OtherException    = "exception"          // exception to any other control
)

// Policies of uses of root.
const (
	RootUse      = "root-use"
	RootDrill    = "root-drill"    // an exercise
	RootOverride = "root-override" // going without approvals once more, before the last time was reviewed
)

// Known lists the IDs of the policies that this program asks for.
func Known() []string {
	out := []string{CriticalException, OtherException, RootUse, RootDrill, RootOverride}
	for _, c := range Classes() {
		out = append(out, c.Policy(Ordinary), c.Policy(Final))
	}
	return out
}

// Book is the policies in force.
type Book struct {
	policies map[string]Policy
	local    map[string]map[rootkeep.AccountID]Policy // those that name accounts
}

// At gives the policy with the ID that is in force at an account: one that names the
// account before one that names none.
func (b *Book) At(id string, account rootkeep.AccountID) (Policy, error) {
	if p, ok := b.local[id][account]; ok {
		return p, nil
	}
	p, ok := b.policies[id]
	if !ok {
		return Policy{}, fmt.Errorf("no policy of approval %q", id)
	}
	return p, nil
}

// Policy gives the policy with the ID that is in force where no other one names the
// account.
func (b *Book) Policy(id string) (Policy, error) { return b.At(id, "") }

// ReadBook reads a file with a Configuration. Errors name file and, of what does not
// decode, line and column.
func ReadBook(from rule.Source, name string) (*Book, error) {
	shown, body, err := rule.Document(from, name)
	if err != nil {
		return nil, err
	}
	var c Configuration
	if err := rule.Decode(shown, body, &c); err != nil {
		return nil, err
	}
	b, err := NewBook(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return b, nil
}

// NewBook resolves a configuration. What it does not say is the default: one approval
// for an exception; for one to a critical or root control two, of one member each if two
// groups are configured, of any two approvers if none or one is. With more groups it has
// to be said which approve. A use of root needs two, an exercise and a second override one. A change needs one approval of any approver; one of the
// organization or of root, and one that is final, two.
func NewBook(c Configuration) (*Book, error) {
	r := resolver{groups: map[string]*Group{}, done: map[string][]string{}}
	if err := r.add(c.Groups); err != nil {
		return nil, err
	}
	if len(c.Policies) > maxPolicies {
		return nil, fmt.Errorf("%d policies of approval, at most %d", len(c.Policies), maxPolicies)
	}
	b := &Book{map[string]Policy{}, map[string]map[rootkeep.AccountID]Policy{}}
	for _, given := range c.Policies {
		if !slices.Contains(Known(), given.ID) {
			return nil, fmt.Errorf("policy of approval %q: want one of %v", given.ID, Known())
		}
		p, err := r.policy(given)
		if err != nil {
			return nil, err
		}
		if err := b.add(p, given.Accounts); err != nil {
			return nil, err
		}
	}
	for _, id := range Known() {
		if _, given := b.policies[id]; given {
			continue
		}
		require, err := usualRequire(id, c.Groups)
		if err != nil {
			return nil, err
		}
		if b.policies[id], err = r.policy(Rule{ID: id, Version: 1, Require: require, Valid: rule.Duration(usual)}); err != nil {
			return nil, err
		}
	}
	return b, b.finalNeedsMost()
}

// Bounds of what names accounts.
const (
	maxPolicies = 1000
	maxAccounts = 5000 // of one policy
)

// add takes a policy in. Two for one account, or two for all others, contradict each
// other.
func (b *Book) add(p Policy, accounts []string) error {
	if len(accounts) > maxAccounts {
		return fmt.Errorf("policy %s: %d accounts, at most %d", p.ID, len(accounts), maxAccounts)
	}
	if len(accounts) == 0 {
		if _, twice := b.policies[p.ID]; twice {
			return fmt.Errorf("policy of approval %s twice; hint: accounts: [...] says which one is for which", p.ID)
		}
		b.policies[p.ID] = p
		return nil
	}
	at := b.local[p.ID]
	if at == nil {
		at = map[rootkeep.AccountID]Policy{}
		b.local[p.ID] = at
	}
	for _, text := range accounts {
		account, err := rootkeep.ParseAccountID(text)
		if err != nil {
			return fmt.Errorf("policy %s: %w", p.ID, err)
		}
		if _, twice := at[account]; twice {
			return fmt.Errorf("policy of approval %s twice for account %s", p.ID, account)
		}
		at[account] = p
	}
	return nil
}

// finalNeedsMost refuses a configuration by which a change that cannot be undone would
// need fewer approvals than one that can, anywhere.
func (b *Book) finalNeedsMost() error {
	for _, c := range Classes() {
		ordinary, final := c.Policy(Ordinary), c.Policy(Final)
		accounts := append(slices.Collect(maps.Keys(b.local[ordinary])), slices.Collect(maps.Keys(b.local[final]))...)
		for _, account := range append(accounts, "") {
			less, err := b.At(ordinary, account)
			if err != nil {
				return err
			}
			more, err := b.At(final, account)
			if err != nil {
				return err
			}
			if more.approvals() >= less.approvals() {
				continue
			}
			where := "everywhere"
			if account != "" {
				where = "at account " + string(account)
			}
			return fmt.Errorf("%s needs %d approvals, and %s, which is for what cannot be undone, only %d %s; hint: a policy %s",
				ordinary, less.approvals(), final, more.approvals(), where, final)
		}
	}
	return nil
}

// approvals is how many signatures a request under the policy needs.
func (p *Policy) approvals() int {
	n := 0
	for i := range p.Require {
		n += p.Require[i].Count
	}
	return n
}

func usualRequire(id string, groups []Group) ([]Want, error) {
	switch {
	case id == OtherException || id == RootDrill || id == RootOverride || oneApproves(id):
		return []Want{{Approvers, 1}}, nil
	case id != CriticalException || len(groups) < 2:
		return []Want{{Approvers, 2}}, nil
	case len(groups) == 2:
		return []Want{{groups[0].ID, 1}, {groups[1].ID, 1}}, nil
	}
	return nil, fmt.Errorf("%d groups, and no policy of approval says which of them approve an exception to a critical or root control; hint: policies: [{id: %s, version: 1, require: ...}]", len(groups), id)
}
