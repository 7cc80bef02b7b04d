package posture

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// Sight is what an actor may see.
type Sight = sight.Sight

// SightOf is what the actor may read.
func SightOf(ctx context.Context, r *store.Reader, actor people.Actor) (Sight, error) {
	if actor.May(people.Read, people.Place{}) {
		return sight.All(), nil
	}
	if !actor.MayAnywhere(people.Read) {
		return Sight{}, nil
	}
	var seen []rootkeep.AccountID
	for _, g := range actor.Grants { // an account may be sent before it is known
		id, named := strings.CutPrefix(string(g.Scope), "account:")
		if at := (people.Place{Account: rootkeep.AccountID(id)}); named && actor.May(people.Read, at) {
			seen = append(seen, at.Account)
		}
	}
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var at people.Place
		var path string
		if err := rows.Scan(&at.Account, &path); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(path), &at.Path); err != nil {
			return err
		}
		if actor.May(people.Read, at) {
			seen = append(seen, at.Account)
		}
		return nil
	}, `SELECT id, path FROM account ORDER BY id`)
	if err != nil {
		return Sight{}, fmt.Errorf("read what %s may see: %w", actor.ID, err)
	}
	return sight.Of(seen), nil
}

// where is a WHERE clause in the making.
type where struct {
	text string
	args []any
}

// and adds a condition; each %s in it stands for one value or, of a list, for all.
func (w *where) and(condition string, lists ...[]any) {
	places := make([]any, len(lists))
	for i, l := range lists {
		places[i] = list(len(w.args)+1, len(l))
		w.args = append(w.args, l...)
	}
	word := " AND "
	if w.text == "" {
		word = " WHERE "
	}
	w.text += word + fmt.Sprintf(condition, places...)
}

// of wants the column to be one of the values; none of no values.
func of[T ~string](w *where, column string, values []T) {
	if len(values) == 0 {
		w.and("1 = 0")
		return
	}
	w.and(column+" IN (%s)", anys(values))
}

func anys[T ~string](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

func one(v any) []any { return []any{v} }

// sight keeps to the accounts in sight.
func (w *where) sight(s Sight, column string) {
	if !s.Everything() {
		of(w, column, s.Accounts())
	}
}
