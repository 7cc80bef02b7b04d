package people

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Lives of links that enrol a key.
const (
	InviteLife   = 72 * time.Hour
	FirstLife    = 24 * time.Hour
	RecoveryLife = time.Hour
)

// NewLink makes what a link to enrol a key carries. Older links of the person end: one
// is good at a time. It records link.issued.
func NewLink(ctx context.Context, tx *store.Tx, by, person string, life time.Duration) (Secret, error) {
	p, err := Get(ctx, &tx.Reader, person)
	if err != nil {
		return Secret{}, err
	}
	if p.State != Active {
		return Secret{}, ErrSuspended
	}
	if _, err := tx.Exec(ctx, `UPDATE enrolment SET used = $2 WHERE person = $1 AND used = 0`, person, store.Micros(tx.Now())); err != nil {
		return Secret{}, fmt.Errorf("end the links of %s: %w", person, err)
	}
	s, expires := newSecret(linkPrefix), tx.Clock().Add(life)
	if _, err := tx.Exec(ctx, `INSERT INTO enrolment (hash, id, person, expires, used) VALUES ($1, $2, $3, $4, 0)`,
		s.hash(), tx.NewID("EN"), person, store.Micros(expires)); err != nil {
		return Secret{}, fmt.Errorf("make a link for %s: %w", person, err)
	}
	return s, record(tx, "link.issued", person, by, payload("link", struct {
		Expires time.Time `json:"expires"`
	}{expires}))
}

// LinkOwner finds whom a link enrols. A link that is not good at now is ErrSpent.
func LinkOwner(ctx context.Context, r *store.Reader, text string, now time.Time) (Person, error) {
	s, ok := parseSecret(linkPrefix, text)
	if !ok {
		return Person{}, ErrSpent
	}
	var id string
	err := r.Row(ctx, `SELECT e.person FROM enrolment e JOIN person p ON p.id = e.person
		WHERE e.hash = $1 AND e.used = 0 AND e.expires > $2 AND p.state = 'active'`, s.hash(), store.Micros(now)).Scan(&id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Person{}, ErrSpent
	case err != nil:
		return Person{}, fmt.Errorf("read the link: %w", err)
	}
	return Get(ctx, r, id)
}

// UseLink spends a link, in the transaction that keeps the key. It is ErrSpent for all
// but the first who come.
func UseLink(ctx context.Context, tx *store.Tx, text string) (Person, error) {
	p, err := LinkOwner(ctx, &tx.Reader, text, tx.Clock())
	if err != nil {
		return Person{}, err
	}
	err = tx.ExecOne(ctx, `UPDATE enrolment SET used = $2 WHERE hash = $1 AND used = 0`, digest(text), store.Micros(tx.Now()))
	if errors.Is(err, store.ErrConflict) {
		err = ErrSpent
	}
	return p, err
}

// FirstLink makes a link for the first administrator, until one enrolled a key, even if
// that was revoked since: by whom a server that starts is taken into use. false says that this is over. It records
// person.invited and role.granted once, and link.issued each time.
func FirstLink(ctx context.Context, tx *store.Tx) (Secret, bool, error) {
	var keys int
	if err := tx.Row(ctx, `SELECT COUNT(*) FROM passkey k JOIN person_grant g ON g.person = k.person WHERE g.role = $1 AND g.scope = $2`,
		string(people.Admin), string(people.Everywhere)).Scan(&keys); err != nil {
		return Secret{}, false, fmt.Errorf("count keys: %w", err)
	}
	if keys > 0 {
		return Secret{}, false, nil
	}
	var id string
	err := tx.Row(ctx, `SELECT p.id FROM person p JOIN person_grant g ON g.person = p.id
		WHERE p.state = 'active' AND g.role = $1 AND g.scope = $2 ORDER BY p.id LIMIT 1`, string(people.Admin), string(people.Everywhere)).Scan(&id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if id, err = addAdmin(ctx, tx, "First administrator"); err != nil {
			return Secret{}, false, err
		}
	case err != nil:
		return Secret{}, false, fmt.Errorf("find the first administrator: %w", err)
	}
	s, err := NewLink(ctx, tx, people.SystemActor.ID, id, FirstLife)
	return s, err == nil, err
}

func addAdmin(ctx context.Context, tx *store.Tx, name string) (string, error) {
	p, err := Add(ctx, tx, people.SystemActor.ID, name, "")
	if err != nil {
		return "", err
	}
	return p.ID, Grant(ctx, tx, people.SystemActor.ID, p.ID, people.Grant{Role: people.Admin, Scope: people.Everywhere})
}

// Recover makes an administrator, with a link, for whoever holds the data: all keys were
// lost. It records administrator.recovered, and everybody is told until somebody else
// has acknowledged it.
func Recover(ctx context.Context, tx *store.Tx, name string) (Person, Secret, error) {
	id, err := addAdmin(ctx, tx, name)
	if err != nil {
		return Person{}, Secret{}, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO recovery (person, at, acknowledged, witness) VALUES ($1, $2, 0, '')`, id, store.Micros(tx.Now())); err != nil {
		return Person{}, Secret{}, fmt.Errorf("note the recovery: %w", err)
	}
	if err := record(tx, "administrator.recovered", id, people.SystemActor.ID); err != nil {
		return Person{}, Secret{}, err
	}
	tx.Announce("recovery", id)
	s, err := NewLink(ctx, tx, people.SystemActor.ID, id, RecoveryLife)
	if err != nil {
		return Person{}, Secret{}, err
	}
	p, err := Get(ctx, &tx.Reader, id)
	return p, s, err
}

// Recovery is an administrator made on the host.
type Recovery struct {
	Person string
	At     time.Time
}

// Recoveries reads those that nobody else has acknowledged yet, oldest first.
func Recoveries(ctx context.Context, r *store.Reader) ([]Recovery, error) {
	var out []Recovery
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var v Recovery
		var at int64
		err := rows.Scan(&v.Person, &at)
		v.At = store.Time(at)
		out = append(out, v)
		return err
	}, `SELECT person, at FROM recovery WHERE acknowledged = 0 ORDER BY at, person`)
	if err != nil {
		return nil, fmt.Errorf("read recoveries: %w", err)
	}
	return out, nil
}

// Acknowledge says that somebody else has seen a recovery. It records
// recovery.acknowledged.
func Acknowledge(ctx context.Context, tx *store.Tx, by, person string) error {
	if by == person {
		return ErrOwnRecovery
	}
	if err := tx.ExecOne(ctx, `UPDATE recovery SET acknowledged = $2, witness = $3 WHERE person = $1 AND acknowledged = 0`, person, store.Micros(tx.Now()), by); err != nil {
		return fmt.Errorf("acknowledge the recovery of %s: %w", person, err)
	}
	tx.Announce("recovery", person)
	return record(tx, "recovery.acknowledged", person, by)
}
