// Package hunts keeps what hunts found: the hunts themselves, alerts and what became of
// them, each event of a root user, sign-ins to the console, and which hours of which
// account are proven to be complete. A hunt's result goes in, in one transaction with
// its entry in the ledger; what an actor may see comes out.
//
// The same event is kept once, however many hunts bring it, and no event hides another.
package hunts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/ledger"
)

// Result is a hunt as it is kept.
type Result struct {
	ID                string // HU-...
	Actor             string // ID
	Version           string // of the program that hunted, and so of its rules
	Started, Finished time.Time
	First, Last       time.Time // event; zero without one
	Events, Unread    int64
	Interrupted       bool
	Proven            bool   // the log of the whole period
	Detail            string // of that
	Rules             Rules
	Digest            [sha256.Size]byte // of what was sent
	Summary           []byte            // the report without its alerts, JSON

	Accounts []Account
	Alerts   []rootkeep.Alert
	Uses     []rootkeep.RootUse
	SignIns  []rootkeep.SignIn
	Hours    []Stretch // proven
}

// Rules counts what the events were compared with.
type Rules struct {
	Single       int `json:"single"`
	Correlations int `json:"correlations"`
	Failed       int `json:"failed"`
}

// Account is what a hunt read of an account; its ID is empty for events that name none.
type Account struct {
	ID          rootkeep.AccountID
	Events      int64
	First, Last time.Time
}

// Stretch is a run of whole hours of an account, from From up to but not including To.
type Stretch struct {
	Account  rootkeep.AccountID
	From, To time.Time
}

// Bounds of one hunt.
const (
	MostAlerts  = 5_000
	MostUses    = 20_000
	MostSignIns = 20_000
	MostSummary = 8 << 20 // bytes
	mostHours   = 10 * 366 * 24
	// MostProven bounds the hours that all stretches of one hunt have together: those of
	// a thousand accounts in a year, and some.
	MostProven = 10_000_000
)

// check refuses what no hunt can have found.
func (h *Result) check() error {
	switch {
	case len(h.Alerts) > MostAlerts:
		return fmt.Errorf("%d alerts, at most %d", len(h.Alerts), MostAlerts)
	case len(h.Uses) > MostUses:
		return fmt.Errorf("%d root events, at most %d", len(h.Uses), MostUses)
	case len(h.SignIns) > MostSignIns:
		return fmt.Errorf("%d sign-ins, at most %d", len(h.SignIns), MostSignIns)
	case len(h.Summary) > MostSummary:
		return fmt.Errorf("a report of %d bytes without its alerts, at most %d", len(h.Summary), MostSummary)
	}
	var proven int64 // hours
	for _, s := range h.Hours {
		if !s.From.Before(s.To) || s.To.Sub(s.From) > mostHours*time.Hour || s.From.Year() < 2000 || s.To.Year() > 2100 {
			return fmt.Errorf("proven hours of %s from %s to %s: want whole hours of at most ten years", s.Account, s.From, s.To)
		}
		if proven += int64(s.To.Sub(s.From) / time.Hour); proven > MostProven {
			return fmt.Errorf("more than %d proven hours", MostProven)
		}
	}
	for i := range h.Alerts {
		if !strings.HasPrefix(h.Alerts[i].ID, "AL-") || len(h.Alerts[i].ID) > 40 {
			return fmt.Errorf("alert %q: want an ID such as AL-7K3F0Q9D2M4XA", h.Alerts[i].ID)
		}
	}
	return nil
}

// ErrUnfit marks a result that cannot be kept; the error's text says why.
var ErrUnfit = errors.New("not a hunt that can be kept")

// Take keeps a hunt, with the entry hunt.finished. If what was sent is here already, the
// hunt that brought it is given, and known is true.
func Take(ctx context.Context, tx *store.Tx, h *Result) (id string, known bool, err error) {
	if err := h.check(); err != nil {
		return "", false, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	digest := fmt.Sprintf("%x", h.Digest)
	err = tx.Row(ctx, `SELECT id FROM hunt WHERE digest = $1`, digest).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err == nil, err
	}
	rules, err := json.Marshal(h.Rules)
	if err != nil {
		return "", false, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO hunt (id, actor, version, taken, started, finished, first, last, events, unread, interrupted, proven, detail, rules, digest, summary)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		h.ID, h.Actor, store.Kept(h.Version, short), store.Micros(tx.Now()), store.Micros(h.Started), store.Micros(h.Finished), store.Micros(h.First), store.Micros(h.Last),
		h.Events, h.Unread, flag(h.Interrupted), flag(h.Proven), store.Kept(h.Detail, long), string(rules), digest, h.Summary)
	if err != nil {
		return "", false, fmt.Errorf("keep hunt %s: %w", h.ID, err)
	}
	for _, step := range []func(context.Context, *store.Tx) error{h.takeAccounts, h.takeAlerts, h.takeUses, h.takeSignIns, h.takeHours} {
		if err := step(ctx, tx); err != nil {
			return "", false, fmt.Errorf("keep hunt %s: %w", h.ID, err)
		}
	}
	tx.Announce("hunt", h.ID)
	return h.ID, false, h.record(tx, digest)
}

// Finished is the payload of the entry hunt.finished.
type Finished struct {
	Schema      string    `json:"schema"`
	Hunt        string    `json:"hunt"`
	SHA256      string    `json:"sha256"` // of what was sent, hexadecimal
	Version     string    `json:"version"`
	First       time.Time `json:"first,omitzero"`
	Last        time.Time `json:"last,omitzero"`
	Events      int64     `json:"events"`
	Unread      int64     `json:"unread"`
	Interrupted bool      `json:"interrupted"`
	Proven      bool      `json:"proven"`
	Alerts      int       `json:"alerts"`
	RootUses    int       `json:"root_uses"`
}

// FinishedSchema names the JSON form of Finished.
const FinishedSchema = "rootkeep/hunt-finished/1"

func (h *Result) record(tx *store.Tx, digest string) error {
	payload, err := json.Marshal(Finished{
		Schema: FinishedSchema, Hunt: h.ID, SHA256: digest, Version: h.Version, First: h.First, Last: h.Last, Events: h.Events, Unread: h.Unread,
		Interrupted: h.Interrupted, Proven: h.Proven, Alerts: len(h.Alerts), RootUses: len(h.Uses),
	})
	if err != nil {
		return err
	}
	return tx.Record("hunt.finished", h.ID, h.Actor, ledger.NewPayload("hunt", payload))
}

func (h *Result) takeAccounts(ctx context.Context, tx *store.Tx) error {
	for _, id := range h.Touches() {
		if id == "" {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO hunted_account (id) VALUES ($1) ON CONFLICT (id) DO NOTHING`, store.Kept(string(id), short)); err != nil {
			return err
		}
	}
	return inParts(h.Accounts, func(part []Account) error {
		var rows clause.Rows
		for _, a := range part {
			rows.Add(h.ID, store.Kept(string(a.ID), short), a.Events, store.Micros(a.First), store.Micros(a.Last))
		}
		_, err := tx.Exec(ctx, `INSERT INTO hunt_account (hunt, account, events, first, last) VALUES `+rows.String(), rows.Args...)
		return err
	})
}

// inParts hands a list on in parts that fit into one statement.
func inParts[T any](list []T, take func([]T) error) error {
	for from := 0; from < len(list); from += clause.Most {
		if err := take(list[from:min(from+clause.Most, len(list))]); err != nil {
			return err
		}
	}
	return nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Bounds of one kept text, bytes.
const (
	short = 256  // a name, an address, an ID
	long  = 2048 // a user agent, an error, a reason
)
