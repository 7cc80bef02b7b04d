// Package sight holds what an actor may see: the queries of every part of the store take
// it, and the parts say of which accounts it is.
package sight

import (
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

// Sight is what an actor may see: everything, or some accounts. Every query takes one,
// so that nobody learns of an account beyond it, not even how many there are. The zero
// Sight sees nothing.
type Sight struct {
	all      bool
	accounts []rootkeep.AccountID // by number, each once
}

// All sees everything.
func All() Sight { return Sight{all: true} }

// Of sees these accounts.
func Of(accounts []rootkeep.AccountID) Sight {
	sorted := slices.Clone(accounts)
	slices.Sort(sorted)
	return Sight{accounts: slices.Compact(sorted)}
}

// Everything says whether nothing is hidden.
func (s Sight) Everything() bool { return s.all }

// Accounts are those in sight, by number; none if Everything: they are not listed then.
func (s Sight) Accounts() []rootkeep.AccountID { return s.accounts }

// Sees says whether the account is in sight.
func (s Sight) Sees(id rootkeep.AccountID) bool {
	if s.all {
		return true
	}
	_, found := slices.BinarySearch(s.accounts, id)
	return found
}

// Keep holds a query to the accounts in sight.
func (s Sight) Keep(w *clause.Where, column string) {
	if !s.all {
		clause.In(w, column, s.accounts)
	}
}
