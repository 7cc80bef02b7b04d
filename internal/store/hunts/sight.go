package hunts

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/posture"
)

// Sight is what an actor may see: everything, or some accounts. Every query takes one,
// so that nobody learns of an account beyond it, not even how many there are. The zero
// Sight sees nothing.
type Sight struct {
	all      bool
	accounts []rootkeep.AccountID // by number
}

// SightOf is what the actor may read of the accounts that hunts told of.
func SightOf(ctx context.Context, r *store.Reader, actor people.Actor) (Sight, error) {
	if actor.May(people.Read, people.Place{}) {
		return Sight{all: true}, nil
	}
	s := Sight{}
	if !actor.MayAnywhere(people.Read) {
		return s, nil
	}
	known, err := accounts(ctx, r)
	if err != nil {
		return s, err
	}
	inUnits := slices.ContainsFunc(actor.Grants, func(g people.Grant) bool { return strings.HasPrefix(string(g.Scope), "ou:") })
	for _, id := range known {
		at := people.Place{Account: id}
		if inUnits {
			if at, err = posture.PlaceOf(ctx, r, id); err != nil {
				return Sight{}, fmt.Errorf("where account %s lies: %w", id, err)
			}
		}
		if actor.May(people.Read, at) {
			s.accounts = append(s.accounts, id)
		}
	}
	return s, nil
}

// accounts are those that hunts told of, by number.
func accounts(ctx context.Context, r *store.Reader) ([]rootkeep.AccountID, error) {
	var out []rootkeep.AccountID
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var id rootkeep.AccountID
		err := rows.Scan(&id)
		out = append(out, id)
		return err
	}, `SELECT id FROM hunted_account ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list the accounts of hunts: %w", err)
	}
	return out, nil
}

// Accounts are the accounts in sight that hunts told of, by number.
func (s Sight) Accounts(ctx context.Context, r *store.Reader) ([]rootkeep.AccountID, error) {
	if s.all {
		return accounts(ctx, r)
	}
	return s.accounts, nil
}

// Everything says whether nothing is hidden.
func (s Sight) Everything() bool { return s.all }

// keep holds a query to the accounts in sight.
func (s Sight) keep(w *clause.Where, column string) {
	if !s.all {
		clause.In(w, column, s.accounts)
	}
}
