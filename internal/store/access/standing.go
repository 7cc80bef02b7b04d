package access

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// Standing is what the accounts of a request were to their organization when it was made,
// and whether scans had told it.
type Standing struct {
	Holder     access.Holder        `json:"holder"`
	Accounts   int                  `json:"accounts"`
	Unverified []rootkeep.AccountID `json:"unverified"`     // of which nobody but the asker said it
	Read       time.Time            `json:"read,omitzero"`  // by the oldest of the scans
	Said       bool                 `json:"said,omitempty"` // the asker said it too
}

// holderWords are the holders in words.
var holderWords = map[access.Holder]string{access.Member: "a member of an organization", access.Management: "the management account of an organization", access.Standalone: "in no organization"}

// Words are the standing for a person.
func (s *Standing) Words() string {
	out := holderWords[s.Holder]
	switch n := len(s.Unverified); {
	case n == 0:
		return out + ", as a scan read it at " + s.Read.UTC().Format(time.RFC3339)
	case n == s.Accounts:
		return out + ", says who asked; not verified: no scan has read it"
	default:
		return fmt.Sprintf("%s; not verified of %d of %d accounts, which no scan has read", out, n, s.Accounts)
	}
}

// Keep keeps the standing with the request. It records root.holder.
func (s *Standing) Keep(tx *store.Tx, id, actor string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.Record("root.holder", id, actor, ledger.NewPayload("holder", text))
}

// StandingOf is the standing of a request, nil if none was kept.
func StandingOf(ctx context.Context, r *store.Reader, id string) (*Standing, error) {
	var out *Standing
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return err
		}
		out = &Standing{}
		return json.Unmarshal(text, out)
	}, `SELECT p.data FROM log_payload p JOIN log_entry e ON e.n = p.n WHERE e.subject = $1 AND e.type = 'root.holder' AND p.name = 'holder' AND p.data IS NOT NULL ORDER BY e.n`, id)
	if err != nil {
		return nil, fmt.Errorf("read what the accounts of %s are: %w", id, err)
	}
	return out, nil
}
