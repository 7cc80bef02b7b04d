package people

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Lives of tokens.
const (
	MaxTokenLife = 366 * 24 * time.Hour
	PassLife     = 15 * time.Minute
)

// Token lets a machine in, or for some minutes a person's terminal: then Person is who
// it stands for, and Verified when that person's key was proven. Name was typed by
// people: escape it.
type Token struct {
	ID       string // TK-...
	Prefix   string // how the secret begins, to tell it from others
	Name     string
	Person   string
	Verified time.Time
	Grants   []people.Grant // of a machine's token
	Creator  string
	Created  time.Time
	Expires  time.Time
	Used     time.Time // zero until then; to the minute
	Revoked  time.Time // zero while good
}

// Good says whether the token lets anybody in at now. One made after now does not: the
// clock was set back, and nobody knows for how long. Servers may differ by a minute.
func (t Token) Good(now time.Time) bool {
	return t.Revoked.IsZero() && now.Before(t.Expires) && !now.Before(t.Created.Add(-time.Minute))
}

// IssueToken makes a machine's token. The secret is handed over once. A machine is never
// an approver: what approvers do needs a key. It records token.issued.
func IssueToken(ctx context.Context, tx *store.Tx, by, name string, grants []people.Grant, life time.Duration) (Token, Secret, error) {
	if len(grants) == 0 || len(grants) > 50 {
		return Token{}, Secret{}, &Fault{"role", "want between 1 and 50 roles"}
	}
	for _, g := range grants {
		if err := checked(g); err != nil {
			return Token{}, Secret{}, err
		}
		if g.Role == people.Approver {
			return Token{}, Secret{}, &Fault{"role", "a machine has no key, so it cannot approve; hint: give the role to a person"}
		}
	}
	if life < time.Minute || life > MaxTokenLife {
		return Token{}, Secret{}, &Fault{"days", "want a life between a minute and 366 days"}
	}
	return issue(ctx, tx, Token{Name: name, Grants: grants, Creator: by, Expires: tx.Clock().Add(life)}, "token.issued")
}

// IssuePass makes a token that stands for a person for some minutes, in a terminal: it
// holds the person's roles, and the proof of the key, which ages as in a browser. It
// records pass.issued.
func IssuePass(ctx context.Context, tx *store.Tx, person string, verified time.Time) (Token, Secret, error) {
	return issue(ctx, tx, Token{Name: "terminal of " + person, Person: person, Verified: verified, Creator: person, Expires: tx.Clock().Add(PassLife)}, "pass.issued")
}

func issue(ctx context.Context, tx *store.Tx, t Token, kind string) (Token, Secret, error) {
	var err error
	if t.Name, err = label("name", t.Name, MaxName); err != nil {
		return Token{}, Secret{}, err
	}
	if t.Name == "" {
		return Token{}, Secret{}, &Fault{"name", "want one that tells what uses the token"}
	}
	grants, err := json.Marshal(t.Grants)
	if err != nil {
		return Token{}, Secret{}, err
	}
	s := newSecret(tokenPrefix)
	t.ID, t.Prefix, t.Created = tx.NewID("TK"), s.shown(), tx.Clock()
	if _, err := tx.Exec(ctx, `INSERT INTO machine_token (id, hash, prefix, name, person, verified, grants, creator, created, expires, used, revoked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0)`, t.ID, s.hash(), t.Prefix, t.Name, t.Person, store.Micros(t.Verified), string(grants),
		t.Creator, store.Micros(t.Created), store.Micros(t.Expires)); err != nil {
		return Token{}, Secret{}, fmt.Errorf("issue a token: %w", err)
	}
	return t, s, record(tx, kind, t.ID, t.Creator, payload("token", struct {
		Name    string         `json:"name"`
		Grants  []people.Grant `json:"grants,omitempty"`
		Expires time.Time      `json:"expires"`
	}{t.Name, t.Grants, t.Expires}))
}

// RevokeToken ends a token. It records token.revoked.
func RevokeToken(ctx context.Context, tx *store.Tx, by, id string) error {
	if err := tx.ExecOne(ctx, `UPDATE machine_token SET revoked = $2 WHERE id = $1 AND revoked = 0`, id, store.Micros(tx.Now())); err != nil {
		return fmt.Errorf("revoke token %s: %w", id, err)
	}
	return record(tx, "token.revoked", id, by)
}

// endPasses ends the passes of a person, and gives how many.
func endPasses(ctx context.Context, tx *store.Tx, person string) (int64, error) {
	n, err := tx.Exec(ctx, `UPDATE machine_token SET revoked = $2 WHERE person = $1 AND revoked = 0`, person, store.Micros(tx.Now()))
	if err != nil {
		return 0, fmt.Errorf("end the passes of %s: %w", person, err)
	}
	return n, nil
}

// TokenUsed notes when a token was used, to the minute. It is for Store.Touch.
func TokenUsed(ctx context.Context, tx *store.Tx, id string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE machine_token SET used = $2 WHERE id = $1 AND used < $3`, id, store.Micros(now), store.Micros(now.Add(-time.Minute)))
	return err
}

const tokenColumns = `id, prefix, name, person, verified, grants, creator, created, expires, used, revoked`

func scanToken(scan func(...any) error) (Token, error) {
	var t Token
	var grants string
	var verified, created, expires, used, revoked int64
	if err := scan(&t.ID, &t.Prefix, &t.Name, &t.Person, &verified, &grants, &t.Creator, &created, &expires, &used, &revoked); err != nil {
		return Token{}, err
	}
	t.Verified, t.Created, t.Expires = store.Time(verified), store.Time(created), store.Time(expires)
	t.Used, t.Revoked = store.Time(used), store.Time(revoked)
	return t, json.Unmarshal([]byte(grants), &t.Grants)
}

// FindToken finds the token that a client presents; ErrNotFound if there is none.
// Whether it is good the caller says.
func FindToken(ctx context.Context, r *store.Reader, text string) (Token, error) {
	s, ok := parseSecret(tokenPrefix, text)
	if !ok {
		return Token{}, fmt.Errorf("token: %w", store.ErrNotFound)
	}
	t, err := scanToken(r.Row(ctx, `SELECT `+tokenColumns+` FROM machine_token WHERE hash = $1`, s.hash()).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Token{}, fmt.Errorf("token: %w", store.ErrNotFound)
	case err != nil:
		return Token{}, fmt.Errorf("read the token: %w", err)
	}
	return t, nil
}

// TokenName is the name of the token of an ID, good or not; ErrNotFound if there is none.
func TokenName(ctx context.Context, r *store.Reader, id string) (name string, err error) {
	err = r.Row(ctx, `SELECT name FROM machine_token WHERE id = $1`, id).Scan(&name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = fmt.Errorf("token %s: %w", id, store.ErrNotFound)
	case err != nil:
		err = fmt.Errorf("read token %s: %w", id, err)
	}
	return name, err
}

// Tokens reads at most limit machines' tokens whose ID comes before the given one, newest
// first; before "" they begin at the newest.
func Tokens(ctx context.Context, r *store.Reader, before string, limit int) ([]Token, error) {
	var out []Token
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		t, err := scanToken(rows.Scan)
		out = append(out, t)
		return err
	}, `SELECT `+tokenColumns+` FROM machine_token WHERE person = '' AND ($1 = '' OR id < $1) ORDER BY id DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return out, nil
}
