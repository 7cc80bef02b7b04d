package people

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Grants reads the roles of a person, in the order of roles and scopes.
func Grants(ctx context.Context, r *store.Reader, person string) ([]people.Grant, error) {
	var out []people.Grant
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var g people.Grant
		err := rows.Scan((*string)(&g.Role), (*string)(&g.Scope))
		out = append(out, g)
		return err
	}, `SELECT role, scope FROM person_grant WHERE person = $1 ORDER BY role, scope`, person)
	if err != nil {
		return nil, fmt.Errorf("read the roles of %s: %w", person, err)
	}
	return out, nil
}

// checked reads a grant again, so that nothing is kept that no page could show.
func checked(g people.Grant) error {
	if _, err := people.ParseRole(string(g.Role)); err != nil {
		return &Fault{"role", err.Error()}
	}
	if _, err := people.ParseScope(string(g.Scope)); err != nil {
		return &Fault{"scope", err.Error()}
	}
	return nil
}

// Grant gives a person a role. Nobody gives one to themselves: an administrator does not
// thereby become an approver. It records role.granted, if that is a change.
func Grant(ctx context.Context, tx *store.Tx, by, person string, g people.Grant) error {
	if by == person {
		return ErrSelf
	}
	if err := checked(g); err != nil {
		return err
	}
	if _, err := Get(ctx, &tx.Reader, person); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `INSERT INTO person_grant (person, role, scope, granted, granter) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (person, role, scope) DO NOTHING`,
		person, string(g.Role), string(g.Scope), store.Micros(tx.Now()), by)
	if err != nil || n == 0 {
		return err
	}
	return record(tx, "role.granted", person, by, payload("grant", g))
}

// Revoke takes a role from a person. The last administrator with a key stays one. It
// records role.revoked.
func Revoke(ctx context.Context, tx *store.Tx, by, person string, g people.Grant) error {
	return keepingAnAdmin(ctx, tx, func() error {
		if err := tx.ExecOne(ctx, `DELETE FROM person_grant WHERE person = $1 AND role = $2 AND scope = $3`, person, string(g.Role), string(g.Scope)); err != nil {
			return fmt.Errorf("take %s at %s from %s: %w", g.Role, g.Scope, person, err)
		}
		return record(tx, "role.revoked", person, by, payload("grant", g))
	})
}

// administrators counts who can still let others in: active, administrator of the whole
// organization, with a key that is good.
func administrators(ctx context.Context, r *store.Reader) (int, error) {
	var n int
	err := r.Row(ctx, `SELECT COUNT(DISTINCT p.id) FROM person p
		JOIN person_grant g ON g.person = p.id AND g.role = $1 AND g.scope = $2
		JOIN passkey k ON k.person = p.id AND k.revoked = 0
		WHERE p.state = 'active'`, string(people.Admin), string(people.Everywhere)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count administrators: %w", err)
	}
	return n, nil
}

// keepingAnAdmin makes a change that takes something away, and refuses it if the last
// administrator goes with it. Changes are made one after the other, so two of them
// cannot take the last two.
func keepingAnAdmin(ctx context.Context, tx *store.Tx, change func() error) error {
	before, err := administrators(ctx, &tx.Reader)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := administrators(ctx, &tx.Reader)
	if err == nil && before > 0 && after == 0 {
		err = ErrLastAdmin
	}
	return err
}

// Identify says that a subject of a provider of OpenID Connect is the person. It records
// identity.linked.
func Identify(ctx context.Context, tx *store.Tx, by, person, issuer, subject string) error {
	if issuer == "" || subject == "" || len(issuer) > 500 || len(subject) > 255 {
		return &Fault{"subject", "want what the provider calls the person, at most 255 bytes (OpenID Connect Core, section 2)"}
	}
	if _, err := Get(ctx, &tx.Reader, person); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `INSERT INTO person_identity (issuer, subject, person, created) VALUES ($1, $2, $3, $4) ON CONFLICT (issuer, subject) DO NOTHING`,
		issuer, subject, person, store.Micros(tx.Now()))
	switch {
	case err != nil:
		return fmt.Errorf("identity of %s: %w", person, err)
	case n == 0:
		return &Fault{"subject", "somebody has it already"}
	}
	return record(tx, "identity.linked", person, by, payload("identity", Identity{issuer, subject}))
}

// Unidentify takes it back; sessions that the provider vouched for end. It records
// identity.unlinked.
func Unidentify(ctx context.Context, tx *store.Tx, by, person string, i Identity) error {
	if err := tx.ExecOne(ctx, `DELETE FROM person_identity WHERE person = $1 AND issuer = $2 AND subject = $3`, person, i.Issuer, i.Subject); err != nil {
		return fmt.Errorf("identity of %s: %w", person, err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM web_session WHERE person = $1 AND issuer = $2`, person, i.Issuer); err != nil {
		return fmt.Errorf("end the sessions of %s: %w", person, err)
	}
	return record(tx, "identity.unlinked", person, by, payload("identity", i))
}

// Identity is who somebody is to a provider of OpenID Connect.
type Identity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// Identities reads who a person is to providers.
func Identities(ctx context.Context, r *store.Reader, person string) ([]Identity, error) {
	var out []Identity
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var i Identity
		err := rows.Scan(&i.Issuer, &i.Subject)
		out = append(out, i)
		return err
	}, `SELECT issuer, subject FROM person_identity WHERE person = $1 ORDER BY issuer, subject`, person)
	if err != nil {
		return nil, fmt.Errorf("read the identities of %s: %w", person, err)
	}
	return out, nil
}

// ByIdentity finds a person by who they are to a provider.
func ByIdentity(ctx context.Context, r *store.Reader, i Identity) (Person, error) {
	return one("the person of this identity", r.Row(ctx, `SELECT p.id, p.handle, p.name, p.email, p.state, p.created
		FROM person p JOIN person_identity i ON i.person = p.id WHERE i.issuer = $1 AND i.subject = $2`, i.Issuer, i.Subject))
}

// ActorOf is an active person with the roles granted now, for what was asked for before.
// Roles that a provider of OpenID Connect gives are those of a session, and not among
// them.
func ActorOf(ctx context.Context, r *store.Reader, id string) (people.Actor, error) {
	p, err := Get(ctx, r, id)
	if err != nil {
		return people.Actor{}, err
	}
	if p.State != Active {
		return people.Actor{}, fmt.Errorf("%s: %w", id, ErrSuspended)
	}
	grants, err := Grants(ctx, r, id)
	return p.Actor(grants), err
}
