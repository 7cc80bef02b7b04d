package posture

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
)

// AccountFilter chooses accounts. What is empty chooses all.
type AccountFilter struct {
	ID     rootkeep.AccountID
	Unit   string // ID of a root or an organizational unit
	Text   string // that number, name or alias hold
	Unread bool   // only those that the newest scan could not read
}

func (f *AccountFilter) where(s Sight) *where {
	w := &where{}
	w.sight(s, "a.id")
	if f.ID != "" {
		w.and("a.id = %s", one(text(string(f.ID))))
	}
	if f.Unit != "" {
		w.and(`a.path LIKE %s ESCAPE '!'`, one(`%"`+literal(f.Unit)+`"%`))
	}
	if f.Text != "" {
		like := one("%" + literal(strings.ToLower(f.Text)) + "%")
		w.and(`(a.id LIKE %s ESCAPE '!' OR lower(a.name) LIKE %s ESCAPE '!' OR lower(a.alias) LIKE %s ESCAPE '!')`, like, like, like)
	}
	if f.Unread {
		w.and("a.problem <> ''")
	}
	return w
}

// Accounts lists accounts, those with most risk first. next is the cursor of what
// follows, "" at the end.
func Accounts(ctx context.Context, r *store.Reader, s Sight, f AccountFilter, p Page) (out []*Row, next string, err error) {
	p.Sort = "risk"
	columns := []string{"a.risk", "a.id"}
	w := f.where(s)
	if err := w.after(p, columns, true); err != nil {
		return nil, "", err
	}
	limit := min(max(p.Limit, 1), mostAtOnce)
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		if len(out) == limit {
			last := out[len(out)-1]
			next = cursor(p.Sort, []string{fmt.Sprint(last.Summary.Risk), string(last.ID)})
			return nil
		}
		a, err := scanAccount(rows)
		out = append(out, a)
		return err
	}, `SELECT `+accountColumns+` FROM account a`+w.text+fmt.Sprintf(` ORDER BY a.risk DESC, a.id DESC LIMIT %d`, limit+1), w.args...)
	if err != nil {
		return nil, "", fmt.Errorf("list accounts: %w", err)
	}
	return out, next, nil
}

// AccountOf reads one account; store.ErrNotFound if it is not there or not in sight.
func AccountOf(ctx context.Context, r *store.Reader, s Sight, id rootkeep.AccountID) (*Row, error) {
	missing := fmt.Errorf("account %q: %w", text(string(id)), store.ErrNotFound)
	if !s.Sees(id) {
		return nil, missing
	}
	a, err := scanAccount(r.Row(ctx, `SELECT `+accountColumns+` FROM account WHERE id = $1`, text(string(id))))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, missing
	}
	return a, err
}

// Total is what all accounts in sight came to.
type Total struct {
	Accounts int
	Unread   int // accounts that the newest scan could not read
	Never    int // of these, those of which nothing was ever read
	Summary  Summary
	MFA      struct{ Known, Users, With, RootYes, RootNo, RootNone, RootUnknown int } // Known: accounts whose users are
}

// Sum sums the accounts that a filter chooses up.
func Sum(ctx context.Context, r *store.Reader, s Sight, f AccountFilter) (*Total, error) {
	t := &Total{}
	w := f.where(s)
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		a, err := scanAccount(rows)
		if err != nil {
			return err
		}
		t.add(a)
		return nil
	}, `SELECT `+accountColumns+` FROM account a`+w.text, w.args...)
	if err != nil {
		return nil, fmt.Errorf("sum accounts up: %w", err)
	}
	return t, nil
}

func (t *Total) add(a *Row) {
	t.Accounts++
	if a.Problem != "" {
		t.Unread++
	}
	if a.Scan == "" {
		t.Never++
		t.MFA.RootUnknown++
		return
	}
	t.Summary.Counts.Plus(&a.Summary.Counts)
	t.Summary.Risk += a.Summary.Risk
	t.Summary.Stale += a.Summary.Stale
	if m := a.Summary.MFA; m.Known {
		t.MFA.Known++
		t.MFA.Users += m.Users
		t.MFA.With += m.With
	}
	switch a.Summary.MFA.Root {
	case "yes":
		t.MFA.RootYes++
	case "no":
		t.MFA.RootNo++
	case "none":
		t.MFA.RootNone++
	default:
		t.MFA.RootUnknown++
	}
}

// Units lists the roots and units that accounts in sight lie in. Of an account that is
// seen alone, only those are named that the actor could ask for anyway: all of its path.
func Units(ctx context.Context, r *store.Reader, s Sight) ([]string, error) {
	seen := map[string]bool{}
	var out []string
	w := &where{}
	w.sight(s, "a.id")
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		a, err := scanAccount(rows)
		if err != nil {
			return err
		}
		for _, unit := range a.Path {
			if !seen[unit] {
				seen[unit] = true
				out = append(out, unit)
			}
		}
		return nil
	}, `SELECT `+accountColumns+` FROM account a`+w.text+` ORDER BY a.id`, w.args...)
	return out, err
}

// Named is an account or, without a name, a root or unit, to choose from.
type Named struct{ ID, Name string }

// Choices lists the roots and units in sight, then the accounts, each by ID: at most so
// many of either.
func Choices(ctx context.Context, r *store.Reader, s Sight, most int) (units, accounts []Named, err error) {
	seen := map[string]bool{}
	w := &where{}
	w.sight(s, "a.id")
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		var a Named
		var text string
		if err := rows.Scan(&a.ID, &a.Name, &text); err != nil {
			return err
		}
		accounts = append(accounts, a)
		var path []string
		if err := json.Unmarshal([]byte(text), &path); err != nil {
			return fmt.Errorf("path of account %s: %w", a.ID, err)
		}
		for _, id := range path {
			if !seen[id] && len(units) < most {
				seen[id] = true
				units = append(units, Named{ID: id})
			}
		}
		return nil
	}, `SELECT a.id, a.name, a.path FROM account a`+w.text+fmt.Sprintf(` ORDER BY a.id LIMIT %d`, most), w.args...)
	if err != nil {
		return nil, nil, fmt.Errorf("list what to choose from: %w", err)
	}
	slices.SortFunc(units, func(a, b Named) int { return strings.Compare(a.ID, b.ID) })
	return units, accounts, nil
}

// LeftOut lists the accounts in sight that the newest scan to list them was not to read, such
// as suspended ones, with its reason as Problem.
func LeftOut(ctx context.Context, r *store.Reader, s Sight) (out []*Row, err error) {
	w := &where{}
	w.sight(s, "a.account")
	w.and(`a.state = 'left' AND a.scan = (SELECT MAX(b.scan) FROM scan_account b WHERE b.account = a.account)`)
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		a := &Row{}
		err := rows.Scan(&a.ID, &a.Name, &a.Problem)
		out = append(out, a)
		return err
	}, `SELECT a.account, a.name, a.problem FROM scan_account a`+w.text+` ORDER BY a.account`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("list accounts that were not to be read: %w", err)
	}
	return out, nil
}
