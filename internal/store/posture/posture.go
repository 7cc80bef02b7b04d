// Package posture keeps what scans came to: each scan with its accounts, the snapshots
// they rest on, the findings as they are known now with their age, and each change of
// them. Judged accounts go in, one transaction each; what an actor may see comes out.
//
// A finding that a scan did not judge stays, with the time it was last judged. One that
// passed, and of which a scan could not tell whether it still does, is unknown.
package posture

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Sources of a scan.
const (
	Sent     = "sent"     // by a program over the API
	Imported = "imported" // from a folder on the host
	Job      = "job"      // by the server itself
)

// States of a scan.
const (
	Receiving = "receiving" // accounts come in
	Judging   = "judging"
	Finished  = "finished"
	Failed    = "failed"
)

// States of an account in a scan.
const (
	Received = "received" // its snapshot is here and waits for the others
	Judged   = "judged"
	Older    = "older"  // than what is on record, which stayed
	Unread   = "unread" // nothing was read of it
	Left     = "left"   // was not to be read
)

// Begin is a new scan.
type Begin struct {
	ID      string // SC-...
	Source  string
	Actor   string // ID
	Version string // of the program that judges
	State   string // Receiving or Judging
}

// Start notes that a scan began. A scan that is there already is gone on with, if the
// same actor began it and it has not finished: one that failed is tried again.
func Start(ctx context.Context, tx *store.Tx, b Begin) error {
	if !strings.HasPrefix(b.ID, "SC-") {
		return fmt.Errorf("scan %q: want an ID such as SC-1KB2Z7Q0MX7F3A", b.ID)
	}
	_, err := tx.Exec(ctx, `INSERT INTO scan (id, source, actor, version, began, ended, state, error, controls, digest)
		VALUES ($1, $2, $3, $4, $5, 0, $6, '', '[]', '') ON CONFLICT (id) DO NOTHING`,
		b.ID, b.Source, b.Actor, b.Version, store.Micros(tx.Now()), b.State)
	if err != nil {
		return fmt.Errorf("begin scan %s: %w", b.ID, err)
	}
	var actor, state string
	if err := tx.Row(ctx, `SELECT actor, state FROM scan WHERE id = $1`, b.ID).Scan(&actor, &state); err != nil {
		return fmt.Errorf("begin scan %s: %w", b.ID, err)
	}
	if actor != b.Actor || state == Finished {
		return fmt.Errorf("scan %s is %s already: %w", b.ID, state, store.ErrConflict)
	}
	if _, err := tx.Exec(ctx, `UPDATE scan SET state = $1, error = '', ended = 0 WHERE id = $2 AND state = $3`, b.State, b.ID, Failed); err != nil {
		return fmt.Errorf("begin scan %s: %w", b.ID, err)
	}
	tx.Announce("scan", b.ID)
	return nil
}

func ended(state string) bool { return state == Finished || state == Failed }

// Advance moves a scan from one state to another; ErrConflict if it is in a third.
func Advance(ctx context.Context, tx *store.Tx, id, from, to string) error {
	if err := tx.ExecOne(ctx, `UPDATE scan SET state = $1 WHERE id = $2 AND state = $3`, to, id, from); err != nil {
		return fmt.Errorf("scan %s: %w", id, err)
	}
	tx.Announce("scan", id)
	return nil
}

// under says whether a scan is under way, and locks nothing: updates come one by one.
func under(ctx context.Context, tx *store.Tx, id string) error {
	var state string
	err := tx.Row(ctx, `SELECT state FROM scan WHERE id = $1`, id).Scan(&state)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("scan %s: %w", id, store.ErrNotFound)
	case err != nil:
		return fmt.Errorf("read scan %s: %w", id, err)
	case ended(state):
		return fmt.Errorf("scan %s is %s: %w", id, state, store.ErrConflict)
	}
	return nil
}

// End is how a scan ended. Error is why it failed, "" if it did not.
type End struct {
	ID, Actor, Error string
	Controls         []string // IDs of what was judged by
	Version          string
}

// Finish ends a scan and tells the ledger: entry scan.finished or scan.failed, whose
// payload "assessment" is what each account came to. The digest that it gives is the
// SHA-256 of the accounts in that payload, as they stand there.
func Finish(ctx context.Context, tx *store.Tx, e End) (string, error) {
	if err := under(ctx, tx, e.ID); err != nil {
		return "", err
	}
	state, kind := Finished, "scan.finished"
	if e.Error != "" {
		state, kind = Failed, "scan.failed"
	}
	accounts, err := assessed(ctx, tx, e.ID)
	if err != nil {
		return "", fmt.Errorf("finish scan %s: %w", e.ID, err)
	}
	lines, err := json.Marshal(accounts)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lines)
	digest := hex.EncodeToString(sum[:])
	payload, err := json.Marshal(Assessment{
		Schema: AssessmentSchema, Scan: e.ID, State: state, Error: e.Error, Version: e.Version, Controls: e.Controls, Accounts: lines, SHA256: digest,
	})
	if err != nil {
		return "", err
	}
	controls, err := json.Marshal(e.Controls)
	if err != nil {
		return "", err
	}
	if err := tx.ExecOne(ctx, `UPDATE scan SET state = $1, error = $2, ended = $3, controls = $4, digest = $5, version = $6 WHERE id = $7`,
		state, text(e.Error), store.Micros(tx.Now()), string(controls), digest, e.Version, e.ID); err != nil {
		return "", fmt.Errorf("finish scan %s: %w", e.ID, err)
	}
	tx.Announce("scan", e.ID)
	return digest, tx.Record(kind, e.ID, e.Actor, ledger.NewPayload("assessment", payload))
}

// AssessmentSchema names the JSON form of Assessment.
const AssessmentSchema = "rootkeep/assessment/1"

// Assessment is the payload of the entry that a scan ended.
type Assessment struct {
	Schema   string          `json:"schema"`
	Scan     string          `json:"scan"`
	State    string          `json:"state"`
	Error    string          `json:"error,omitempty"`
	Version  string          `json:"version"`
	Controls []string        `json:"controls"`
	Accounts json.RawMessage `json:"accounts"` // list of Assessed, by account number
	SHA256   string          `json:"sha256"`   // of the bytes of accounts, hexadecimal
}

// Assessed is one account in that payload.
type Assessed struct {
	Account  rootkeep.AccountID `json:"account"`
	State    string             `json:"state"`
	Problem  string             `json:"problem,omitempty"`
	Taken    time.Time          `json:"taken,omitzero"`
	Snapshot string             `json:"snapshot,omitempty"` // SHA-256 of the snapshot file, hexadecimal
	Vouched  string             `json:"vouched,omitempty"`  // SHA-256 of what the register added
	Findings string             `json:"findings,omitempty"` // SHA-256 of the findings, see FindingsDigest
}

func assessed(ctx context.Context, tx *store.Tx, scan string) ([]Assessed, error) {
	out := []Assessed{}
	err := store.Each(ctx, &tx.Reader, func(rows *sql.Rows) error {
		var a Assessed
		var taken int64
		if err := rows.Scan(&a.Account, &a.State, &a.Problem, &taken, &a.Snapshot, &a.Vouched, &a.Findings); err != nil {
			return err
		}
		a.Taken = store.Time(taken)
		out = append(out, a)
		return nil
	}, `SELECT account, state, problem, taken, snapshot, vouched, findings FROM scan_account WHERE scan = $1 ORDER BY account`, scan)
	return out, err
}

// Bounds of what is kept of one text, bytes, and of one list of texts.
const (
	longestText = 4096
	longestList = 50
)

// text is a text as the store keeps it: PostgreSQL takes no NUL, and nothing that AWS
// or a file says may be without end.
func text(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > longestText {
		s = strings.ToValidUTF8(s[:longestText], "") + " (cut)"
	}
	return s
}

func texts(list []string) []string {
	var out []string
	for i, s := range list {
		if i == longestList {
			return append(out, fmt.Sprintf("and %d more", len(list)-i))
		}
		out = append(out, text(s))
	}
	return out
}
