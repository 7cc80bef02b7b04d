package people

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Session is a browser in which a person is signed in.
type Session struct {
	ID       string // SE-...
	Person   string
	Key      string         // ID of the key last proven in it, "" if none
	Issuer   string         // provider of OpenID Connect that vouched, "" if none
	Grants   []people.Grant // roles that the provider's groups stand for
	Begun    time.Time
	Seen     time.Time
	Verified time.Time // when the key was last proven, zero if never
	Deadline time.Time
	Address  string // of the client, hostile: escape it
	Agent    string // of the client, hostile: escape it
}

// MaxSessions bounds the sessions of a person; the ones not seen for longest end first.
const MaxSessions = 20

const maxAgent = 300 // bytes kept of a user agent

// NewSessionID makes the ID of a session.
func NewSessionID(now time.Time) string { return rootkeep.NewID("SE", now, chance(8)) }

// client is what of a session only payloads hold.
type client struct {
	Person  string `json:"person"`
	Key     string `json:"key,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	Address string `json:"address,omitempty"`
	Agent   string `json:"agent,omitempty"`
}

// BeginSession keeps a session under what its cookie holds. It records session.begun.
func BeginSession(ctx context.Context, tx *store.Tx, cookie string, s Session) error {
	return keepSession(ctx, tx, cookie, s, "session.begun")
}

// RenewSession keeps a session, in which a key was proven again, under a new cookie in
// place of the old one. It is ErrConflict if the session has ended. It records
// session.verified.
func RenewSession(ctx context.Context, tx *store.Tx, cookie string, s Session) error {
	if err := tx.ExecOne(ctx, `DELETE FROM web_session WHERE id = $1 AND person = $2`, s.ID, s.Person); err != nil {
		return fmt.Errorf("renew session %s: %w", s.ID, err)
	}
	return keepSession(ctx, tx, cookie, s, "session.verified")
}

func keepSession(ctx context.Context, tx *store.Tx, cookie string, s Session, kind string) error {
	p, err := Get(ctx, &tx.Reader, s.Person)
	if err != nil {
		return err
	}
	if p.State != Active {
		return ErrSuspended
	}
	if s.Key != "" { // it may have been revoked since it was proven
		k, err := GetKey(ctx, &tx.Reader, s.Key)
		if err != nil {
			return err
		}
		if k.Person != s.Person || !k.Revoked.IsZero() {
			return fmt.Errorf("key %s: %w", s.Key, store.ErrConflict)
		}
	}
	if len(s.Agent) > maxAgent {
		s.Agent = s.Agent[:maxAgent]
	}
	s.Agent = strings.ToValidUTF8(strings.ReplaceAll(s.Agent, "\x00", ""), "") // PostgreSQL takes no other text
	grants, err := json.Marshal(s.Grants)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO web_session (hash, id, person, passkey, issuer, grants, begun, seen, verified, deadline, address, agent)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, digest(cookie), s.ID, s.Person, s.Key, s.Issuer, string(grants),
		store.Micros(s.Begun), store.Micros(s.Seen), store.Micros(s.Verified), store.Micros(s.Deadline), s.Address, s.Agent); err != nil {
		return fmt.Errorf("begin a session of %s: %w", s.Person, err)
	}
	if err := endSurplus(ctx, tx, s.Person); err != nil {
		return err
	}
	return tx.Record(kind, s.ID, s.Person, payload("client", client{s.Person, s.Key, s.Issuer, s.Address, s.Agent}))
}

// endSurplus ends the sessions of a person that are over, and those over the bound.
func endSurplus(ctx context.Context, tx *store.Tx, person string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM web_session WHERE deadline <= $1`, store.Micros(tx.Clock())); err != nil {
		return fmt.Errorf("remove sessions that are over: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM web_session WHERE person = $1 AND id NOT IN
		(SELECT id FROM web_session WHERE person = $1 ORDER BY seen DESC, id DESC LIMIT $2)`, person, MaxSessions); err != nil {
		return fmt.Errorf("bound the sessions of %s: %w", person, err)
	}
	return nil
}

// SeeSession notes that a session was used. It is for Store.Touch, and does nothing if
// the session has ended.
func SeeSession(ctx context.Context, tx *store.Tx, id string, seen time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE web_session SET seen = $2 WHERE id = $1 AND seen < $2`, id, store.Micros(seen))
	return err
}

// EndSession ends a session of the person. It records session.ended.
func EndSession(ctx context.Context, tx *store.Tx, by, person, id string) error {
	if err := tx.ExecOne(ctx, `DELETE FROM web_session WHERE id = $1 AND person = $2`, id, person); err != nil {
		return fmt.Errorf("end session %s: %w", id, err)
	}
	return tx.Record("session.ended", id, by)
}

// EndSessions ends all sessions of a person but one, and all their passes, which stand for
// a session in a terminal; it gives how many of both. It records sessions.ended, if there
// were any.
func EndSessions(ctx context.Context, tx *store.Tx, by, person, but string) (int64, error) {
	sessions, err := tx.Exec(ctx, `DELETE FROM web_session WHERE person = $1 AND id <> $2`, person, but)
	if err != nil {
		return 0, fmt.Errorf("end the sessions of %s: %w", person, err)
	}
	passes, err := endPasses(ctx, tx, person)
	if err != nil || sessions+passes == 0 {
		return 0, err
	}
	return sessions + passes, tx.Record("sessions.ended", person, by)
}

const sessionColumns = `s.id, s.person, s.passkey, s.issuer, s.grants, s.begun, s.seen, s.verified, s.deadline, s.address, s.agent`

func scanSession(scan func(...any) error) (Session, error) {
	var s Session
	var grants string
	var begun, seen, verified, deadline int64
	if err := scan(&s.ID, &s.Person, &s.Key, &s.Issuer, &grants, &begun, &seen, &verified, &deadline, &s.Address, &s.Agent); err != nil {
		return Session{}, err
	}
	s.Begun, s.Seen, s.Verified, s.Deadline = store.Time(begun), store.Time(seen), store.Time(verified), store.Time(deadline)
	return s, json.Unmarshal([]byte(grants), &s.Grants)
}

// FindSession finds the session of a cookie, if its person is active: ErrNotFound else.
// Whether it is over by its times the caller says.
func FindSession(ctx context.Context, r *store.Reader, cookie string) (Session, error) {
	s, err := scanSession(r.Row(ctx, `SELECT `+sessionColumns+` FROM web_session s JOIN person p ON p.id = s.person
		WHERE s.hash = $1 AND p.state = 'active'`, digest(cookie)).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Session{}, fmt.Errorf("session: %w", store.ErrNotFound)
	case err != nil:
		return Session{}, fmt.Errorf("read the session: %w", err)
	}
	return s, nil
}

// Sessions reads the sessions of a person, the one seen last first.
func Sessions(ctx context.Context, r *store.Reader, person string) ([]Session, error) {
	var out []Session
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		s, err := scanSession(rows.Scan)
		out = append(out, s)
		return err
	}, `SELECT `+sessionColumns+` FROM web_session s WHERE s.person = $1 ORDER BY s.seen DESC, s.id`, person)
	if err != nil {
		return nil, fmt.Errorf("read the sessions of %s: %w", person, err)
	}
	return out, nil
}
