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
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// Sight is what an actor may see.
type Sight = sight.Sight

// SightOf is what the actor may read of the accounts that hunts told of.
func SightOf(ctx context.Context, r *store.Reader, actor people.Actor) (Sight, error) {
	if actor.May(people.Read, people.Place{}) {
		return sight.All(), nil
	}
	if !actor.MayAnywhere(people.Read) {
		return Sight{}, nil
	}
	known, err := accounts(ctx, r)
	if err != nil {
		return Sight{}, err
	}
	var seen []rootkeep.AccountID
	inUnits := slices.ContainsFunc(actor.Grants, func(g people.Grant) bool { return strings.HasPrefix(string(g.Scope), "ou:") })
	for _, id := range known {
		at := people.Place{Account: id}
		if inUnits {
			if at, err = posture.PlaceOf(ctx, r, id); err != nil {
				return Sight{}, fmt.Errorf("where account %s lies: %w", id, err)
			}
		}
		if actor.May(people.Read, at) {
			seen = append(seen, id)
		}
	}
	return sight.Of(seen), nil
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

// inSight are the accounts in sight that hunts told of, by number.
func inSight(ctx context.Context, r *store.Reader, s Sight) ([]rootkeep.AccountID, error) {
	if s.Everything() {
		return accounts(ctx, r)
	}
	return s.Accounts(), nil
}
