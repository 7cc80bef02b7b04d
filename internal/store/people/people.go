// Package people keeps who may sign in: persons, their roles, security keys, links that
// enrol keys, sessions, machine tokens. Every change writes its ledger entry in the same
// transaction; names and e-mail addresses are in payloads only, and of secrets only the
// hash is kept.
package people

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Errors that callers tell apart.
var (
	ErrSelf        = errors.New("nobody changes their own roles; hint: another administrator does it")
	ErrLastAdmin   = errors.New("this is the last administrator with a key; hint: make another one first")
	ErrOwnRecovery = errors.New("whoever was made an administrator on the host does not acknowledge it; hint: another administrator does")
	ErrSuspended   = errors.New("the person is suspended; hint: restore the person first")
	ErrManyKeys    = errors.New("the person has as many keys as one may have; hint: revoke one")
	ErrSpent       = errors.New("the link was used, has expired or never was; hint: ask for a new one")
)

// Fault is a value that somebody typed and that is not kept. Field is the form's word.
type Fault struct{ Field, Want string }

// Error says what is wanted of which field.
func (f *Fault) Error() string { return f.Field + ": " + f.Want }

// State says whether a person may sign in.
type State string

// An active person may sign in, a suspended one may not.
const (
	Active    State = "active"
	Suspended State = "suspended"
)

// Limits on what people type, in characters.
const (
	MaxName  = 100
	MaxEmail = 254
)

// Person is somebody who may sign in. Name and Email were typed by people: escape them.
type Person struct {
	ID      string
	Handle  []byte // user handle of Web Authentication
	Name    string
	Email   string // lower case; "" if there is none
	State   State
	Created time.Time
}

// details is what of a person only payloads hold.
type details struct {
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

// payload is a value as canonical enough JSON beside the ledger: its digest covers the
// bytes as they are. It takes structs of texts and numbers, which always encode.
func payload(name string, v any) ledger.Payload {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // guarded by store.Update
	}
	return ledger.NewPayload(name, data)
}

// chance gives n bytes of it.
func chance(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails, see crypto/rand
	return b
}

// label checks a text that people typed: shown on pages and in terminals, so it is one
// line of visible characters.
func label(field, s string, most int) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", &Fault{field, "want one line of visible characters"}
	case utf8.RuneCountInString(s) > most:
		return "", &Fault{field, fmt.Sprintf("want at most %d characters", most)}
	}
	return s, nil
}

func (d details) checked() (details, error) {
	var err error
	if d.Name, err = label("name", d.Name, MaxName); err != nil {
		return d, err
	}
	if d.Name == "" {
		return d, &Fault{"name", "want one"}
	}
	if d.Email, err = label("email", strings.ToLower(d.Email), MaxEmail); err != nil {
		return d, err
	}
	if at := strings.Index(d.Email, "@"); d.Email != "" && (at < 1 || at == len(d.Email)-1 || strings.ContainsAny(d.Email, " ,;<>\"")) {
		return d, &Fault{"email", "want an address such as ada@example.com"}
	}
	return d, nil
}

// Add adds a person without roles and keys. It records person.invited.
func Add(ctx context.Context, tx *store.Tx, by, name, email string) (Person, error) {
	d, err := details{name, email}.checked()
	if err != nil {
		return Person{}, err
	}
	if err := freeEmail(ctx, &tx.Reader, d.Email, ""); err != nil {
		return Person{}, err
	}
	p := Person{ID: tx.NewID("PE"), Handle: chance(32), Name: d.Name, Email: d.Email, State: Active, Created: tx.Now()}
	if _, err := tx.Exec(ctx, `INSERT INTO person (id, handle, name, email, state, created) VALUES ($1, $2, $3, $4, $5, $6)`,
		p.ID, p.Handle, p.Name, p.Email, string(p.State), store.Micros(p.Created)); err != nil {
		return Person{}, fmt.Errorf("add a person: %w", err)
	}
	return p, record(tx, "person.invited", p.ID, by, payload("person", d))
}

// record writes the entry of a change and tells the listeners.
func record(tx *store.Tx, kind, subject, by string, payloads ...ledger.Payload) error {
	if err := tx.Record(kind, subject, by, payloads...); err != nil {
		return err
	}
	tx.Announce("people", subject)
	return nil
}

func freeEmail(ctx context.Context, r *store.Reader, email, but string) error {
	var other string
	err := r.Row(ctx, `SELECT id FROM person WHERE email = $1 AND email <> '' AND id <> $2`, email, but).Scan(&other)
	switch {
	case err == nil:
		return &Fault{"email", other + " has this address"}
	case !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("read persons: %w", err)
	}
	return nil
}

// Rename changes what a person is called. It records person.renamed, if that is a change.
func Rename(ctx context.Context, tx *store.Tx, by, id, name, email string) error {
	d, err := details{name, email}.checked()
	if err != nil {
		return err
	}
	p, err := Get(ctx, &tx.Reader, id)
	if err != nil || p.Name == d.Name && p.Email == d.Email {
		return err
	}
	if err := freeEmail(ctx, &tx.Reader, d.Email, id); err != nil {
		return err
	}
	if err := tx.ExecOne(ctx, `UPDATE person SET name = $2, email = $3 WHERE id = $1`, id, d.Name, d.Email); err != nil {
		return fmt.Errorf("rename %s: %w", id, err)
	}
	return record(tx, "person.renamed", id, by, payload("person", d))
}

// Suspend keeps a person out: sessions and passes of theirs end at once. The last
// administrator with a key is not suspended. It records person.suspended.
func Suspend(ctx context.Context, tx *store.Tx, by, id string) error {
	return keepingAnAdmin(ctx, tx, func() error {
		if err := tx.ExecOne(ctx, `UPDATE person SET state = 'suspended' WHERE id = $1 AND state = 'active'`, id); err != nil {
			return fmt.Errorf("suspend %s: %w", id, err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM web_session WHERE person = $1`, id); err != nil {
			return fmt.Errorf("end the sessions of %s: %w", id, err)
		}
		if _, err := endPasses(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE enrolment SET used = $2 WHERE person = $1 AND used = 0`, id, store.Micros(tx.Now())); err != nil {
			return fmt.Errorf("end the links of %s: %w", id, err)
		}
		return record(tx, "person.suspended", id, by)
	})
}

// Restore lets a suspended person in again. It records person.restored.
func Restore(ctx context.Context, tx *store.Tx, by, id string) error {
	if by == id {
		return ErrSelf
	}
	if err := tx.ExecOne(ctx, `UPDATE person SET state = 'active' WHERE id = $1 AND state = 'suspended'`, id); err != nil {
		return fmt.Errorf("restore %s: %w", id, err)
	}
	return record(tx, "person.restored", id, by)
}

const personColumns = `id, handle, name, email, state, created`

func scanPerson(scan func(...any) error) (Person, error) {
	var p Person
	var created int64
	err := scan(&p.ID, &p.Handle, &p.Name, &p.Email, (*string)(&p.State), &created)
	p.Created = store.Time(created)
	return p, err
}

// one reads one person, ErrNotFound if there is none.
func one(what string, row *sql.Row) (Person, error) {
	p, err := scanPerson(row.Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Person{}, fmt.Errorf("%s: %w", what, store.ErrNotFound)
	case err != nil:
		return Person{}, fmt.Errorf("read %s: %w", what, err)
	}
	return p, nil
}

// Get reads a person; ErrNotFound if there is none.
func Get(ctx context.Context, r *store.Reader, id string) (Person, error) {
	return one("person "+id, r.Row(ctx, `SELECT `+personColumns+` FROM person WHERE id = $1`, id))
}

// ByHandle finds a person by the user handle that a key keeps.
func ByHandle(ctx context.Context, r *store.Reader, handle []byte) (Person, error) {
	return one("the owner of the key", r.Row(ctx, `SELECT `+personColumns+` FROM person WHERE handle = $1`, handle))
}

// Filter narrows a list of persons; what is empty does not.
type Filter struct {
	Text  string // in the name or the e-mail address, whatever the case of a to z
	State State
	Role  people.Role // held anywhere
}

// Listed is a person with what a list tells of them.
type Listed struct {
	Person
	Grants []people.Grant
	Keys   int // that are good
}

// List reads at most limit persons whose ID comes after the given one, in the order of
// their IDs, which is that of their making.
func List(ctx context.Context, r *store.Reader, f Filter, after string, limit int) ([]Listed, error) {
	var out []Listed
	like := "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(f.Text)) + "%"
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		p, err := scanPerson(rows.Scan)
		out = append(out, Listed{Person: p})
		return err
	}, `SELECT `+personColumns+` FROM person WHERE id > $1 AND ($2 = '' OR state = $2) AND (LOWER(name) LIKE $3 ESCAPE '!' OR email LIKE $3 ESCAPE '!')
		AND ($4 = '' OR EXISTS (SELECT 1 FROM person_grant g WHERE g.person = person.id AND g.role = $4)) ORDER BY id LIMIT $5`,
		after, string(f.State), like, string(f.Role), limit)
	if err != nil {
		return nil, fmt.Errorf("read persons: %w", err)
	}
	return out, describe(ctx, r, out)
}

// describe reads roles and counts of keys for persons in the order of their IDs.
func describe(ctx context.Context, r *store.Reader, list []Listed) error {
	if len(list) == 0 {
		return nil
	}
	at := map[string]*Listed{}
	for i := range list {
		at[list[i].ID] = &list[i]
	}
	first, last := list[0].ID, list[len(list)-1].ID
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var id string
		var g people.Grant
		if err := rows.Scan(&id, (*string)(&g.Role), (*string)(&g.Scope)); err != nil {
			return err
		}
		if p := at[id]; p != nil {
			p.Grants = append(p.Grants, g)
		}
		return nil
	}, `SELECT person, role, scope FROM person_grant WHERE person >= $1 AND person <= $2 ORDER BY person, role, scope`, first, last)
	if err != nil {
		return fmt.Errorf("read roles: %w", err)
	}
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return err
		}
		if p := at[id]; p != nil {
			p.Keys = n
		}
		return nil
	}, `SELECT person, COUNT(*) FROM passkey WHERE person >= $1 AND person <= $2 AND revoked = 0 GROUP BY person`, first, last)
	if err != nil {
		return fmt.Errorf("count keys: %w", err)
	}
	return nil
}

// Actor is the person as who acts: with the roles granted now. Verified is left to the
// session.
func (p Person) Actor(grants []people.Grant) people.Actor {
	return people.Actor{ID: p.ID, Name: p.Name, Kind: people.Person, Grants: grants}
}
