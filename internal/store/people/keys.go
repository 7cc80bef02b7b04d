package people

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Key is a security key or passkey of a person. Name was typed by people: escape it.
type Key struct {
	ID                string // KE-...
	Person            string
	Credential        []byte // ID of the credential
	PublicKey         []byte // COSE_Key
	AAGUID            []byte // model of the authenticator, 16 bytes; zeros if it does not say
	AttestationType   string // such as none, basic_full
	AttestationFormat string // such as none, packed
	Attestation       []byte // attestation object, as it came
	ClientData        []byte // what the attestation signs, with it
	Transports        []string
	SignCount         uint32
	BackupEligible    bool
	BackedUp          bool
	Name              string
	Created           time.Time
	Used              time.Time // zero until then
	Revoked           time.Time // zero while good
}

// MaxKeys bounds the good keys of a person.
const MaxKeys = 20

// AddKey keeps a new key. It records key.enrolled, with the attestation as a payload.
func AddKey(ctx context.Context, tx *store.Tx, by string, k Key) (Key, error) {
	var err error
	if k.Name, err = label("name", k.Name, MaxName); err != nil {
		return Key{}, err
	}
	if k.Name == "" {
		k.Name = "Security key"
	}
	good, err := GoodKeys(ctx, &tx.Reader, k.Person)
	if err != nil {
		return Key{}, err
	}
	if len(good) >= MaxKeys {
		return Key{}, ErrManyKeys
	}
	k.ID, k.Created, k.Used = tx.NewID("KE"), tx.Now(), tx.Now()
	n, err := tx.Exec(ctx, `INSERT INTO passkey (id, person, credential, public_key, aaguid, attestation_type, attestation_format, attestation, client_data,
		transports, sign_count, backup_eligible, backed_up, name, created, used, revoked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, 0) ON CONFLICT (credential) DO NOTHING`,
		k.ID, k.Person, k.Credential, k.PublicKey, k.AAGUID, k.AttestationType, k.AttestationFormat, k.Attestation, k.ClientData,
		strings.Join(k.Transports, ","), int64(k.SignCount), flag(k.BackupEligible), flag(k.BackedUp), k.Name, store.Micros(k.Created))
	switch {
	case err != nil:
		return Key{}, fmt.Errorf("keep a key of %s: %w", k.Person, err)
	case n == 0:
		return Key{}, fmt.Errorf("keep a key of %s: the credential is known: %w", k.Person, store.ErrConflict)
	}
	return k, record(tx, "key.enrolled", k.ID, by, payload("key", struct {
		Person      string `json:"person"`
		Name        string `json:"name"`
		AAGUID      []byte `json:"aaguid"`
		Credential  []byte `json:"credential"`
		PublicKey   []byte `json:"publicKey"`
		Attestation string `json:"attestationType"`
		Format      string `json:"attestationFormat"`
	}{k.Person, k.Name, k.AAGUID, k.Credential, k.PublicKey, k.AttestationType, k.AttestationFormat}),
		ledger.NewPayload("attestation", k.Attestation), ledger.NewPayload("client-data", k.ClientData))
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// RevokeKey ends a key, and at once the sessions in which it was proven. The last
// administrator keeps a key. It records key.revoked.
func RevokeKey(ctx context.Context, tx *store.Tx, by, id string) error {
	return keepingAnAdmin(ctx, tx, func() error {
		if err := tx.ExecOne(ctx, `UPDATE passkey SET revoked = $2 WHERE id = $1 AND revoked = 0`, id, store.Micros(tx.Now())); err != nil {
			return fmt.Errorf("revoke key %s: %w", id, err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM web_session WHERE passkey = $1`, id); err != nil {
			return fmt.Errorf("end the sessions of key %s: %w", id, err)
		}
		// A pass was made under some key of the person: which one is not kept.
		if _, err := tx.Exec(ctx, `UPDATE machine_token SET revoked = $2 WHERE revoked = 0 AND person = (SELECT person FROM passkey WHERE id = $1)`,
			id, store.Micros(tx.Now())); err != nil {
			return fmt.Errorf("end the passes of key %s: %w", id, err)
		}
		return record(tx, "key.revoked", id, by)
	})
}

// KeyUsed keeps the count of signatures that came with an assertion, and when. A count
// that did not go up, on a key that counts, is ErrCount: there may be a copy of the key
// (Web Authentication Level 3, section 6.1.1). One that was revoked since it was found good
// is ErrConflict: nothing is to be said against its count. It is for Store.Touch.
func KeyUsed(ctx context.Context, tx *store.Tx, id string, count uint32, backedUp bool) error {
	n, err := tx.Exec(ctx, `UPDATE passkey SET sign_count = $2, backed_up = $3, used = $4
		WHERE id = $1 AND revoked = 0 AND (sign_count < $2 OR sign_count = 0 AND $2 = 0)`, id, int64(count), flag(backedUp), store.Micros(tx.Now()))
	switch {
	case err != nil:
		return fmt.Errorf("note the use of key %s: %w", id, err)
	case n > 0:
		return nil
	}
	k, err := GetKey(ctx, &tx.Reader, id)
	if err == nil && !k.Revoked.IsZero() {
		err = fmt.Errorf("key %s was revoked: %w", id, store.ErrConflict)
	}
	return cmp.Or(err, ErrCount)
}

// ErrCount is a count of signatures that did not go up.
var ErrCount = errors.New("the key's count of signatures went back: there may be a copy of it; hint: an administrator revokes the key if this was not an accident")

// DoubtKey records key.doubted: an assertion with a good signature whose count, got, did
// not go up.
func DoubtKey(ctx context.Context, tx *store.Tx, id string, got uint32) error {
	k, err := GetKey(ctx, &tx.Reader, id)
	if err != nil {
		return err
	}
	return record(tx, "key.doubted", id, k.Person, payload("count", struct {
		Kept uint32 `json:"kept"`
		Got  uint32 `json:"got"`
	}{k.SignCount, got}))
}

const keyColumns = `id, person, credential, public_key, aaguid, attestation_type, attestation_format, attestation, client_data,
	transports, sign_count, backup_eligible, backed_up, name, created, used, revoked`

func scanKey(scan func(...any) error) (Key, error) {
	var k Key
	var transports string
	var count, eligible, backed, created, used, revoked int64
	err := scan(&k.ID, &k.Person, &k.Credential, &k.PublicKey, &k.AAGUID, &k.AttestationType, &k.AttestationFormat, &k.Attestation, &k.ClientData,
		&transports, &count, &eligible, &backed, &k.Name, &created, &used, &revoked)
	if transports != "" {
		k.Transports = strings.Split(transports, ",")
	}
	k.SignCount, k.BackupEligible, k.BackedUp = uint32(count), eligible != 0, backed != 0
	k.Created, k.Used, k.Revoked = store.Time(created), store.Time(used), store.Time(revoked)
	return k, err
}

// GetKey reads a key; ErrNotFound if there is none.
func GetKey(ctx context.Context, r *store.Reader, id string) (Key, error) {
	k, err := scanKey(r.Row(ctx, `SELECT `+keyColumns+` FROM passkey WHERE id = $1`, id).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Key{}, fmt.Errorf("key %s: %w", id, store.ErrNotFound)
	case err != nil:
		return Key{}, fmt.Errorf("read key %s: %w", id, err)
	}
	return k, nil
}

// Keys reads all keys of a person, revoked ones with them, oldest first.
func Keys(ctx context.Context, r *store.Reader, person string) ([]Key, error) {
	return keys(ctx, r, `SELECT `+keyColumns+` FROM passkey WHERE person = $1 ORDER BY created, id`, person)
}

// GoodKeys reads the keys of a person that were not revoked, oldest first.
func GoodKeys(ctx context.Context, r *store.Reader, person string) ([]Key, error) {
	return keys(ctx, r, `SELECT `+keyColumns+` FROM passkey WHERE person = $1 AND revoked = 0 ORDER BY created, id`, person)
}

func keys(ctx context.Context, r *store.Reader, query, person string) ([]Key, error) {
	var out []Key
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		k, err := scanKey(rows.Scan)
		out = append(out, k)
		return err
	}, query, person)
	if err != nil {
		return nil, fmt.Errorf("read the keys of %s: %w", person, err)
	}
	return out, nil
}
