package rootlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/ledger"
)

// Session is a session that rootkeep was given by sts:AssumeRoot, or asked for and was
// refused.
type Session struct {
	AccessKey string             `json:"access_key_id"` // "" if it was refused
	Account   rootkeep.AccountID `json:"account"`       // whose root user
	End       time.Time          `json:"end"`
	Name      string             `json:"name"`   // source identity: RR-..., SC-... or CH-...
	Policy    string             `json:"policy"` // name of the task policy
	Start     time.Time          `json:"start"`
}

// RecordSession keeps a session before it is used, so that what root does in it is
// explained. One that is known already changes nothing, and another one with its access key
// is store.ErrConflict. One that was refused is kept for scans and requests: it explains
// that the session was asked for. It records root.session, and tells what Judge has to look at.
func RecordSession(ctx context.Context, tx *store.Tx, s Session) (Touched, error) {
	s.Start, s.End = s.Start.UTC(), s.End.UTC()
	for name, text := range map[string]string{"access key": s.key(), "name": s.Name, "task policy": s.Policy} {
		if err := approval.CheckText(name, text, shortText); err != nil {
			return nil, fmt.Errorf("session of root: %w", err)
		}
	}
	if _, err := rootkeep.ParseAccountID(string(s.Account)); err != nil {
		return nil, fmt.Errorf("session of root: %w", err)
	}
	refused := s.AccessKey == ""
	if refused && !strings.HasPrefix(s.Name, "SC-") && !strings.HasPrefix(s.Name, access.Prefix+"-") {
		return nil, fmt.Errorf("session of root %s: its access key is missing", s.Name)
	}
	if s.End.Before(s.Start) || !refused && s.Start.Equal(s.End) {
		return nil, fmt.Errorf("session of root %s: ends %s, before it starts", s.Name, s.End.Format(time.RFC3339))
	}
	n, err := tx.Exec(ctx, `INSERT INTO root_session (access_key, name, account, policy, starts, ends) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (access_key) DO NOTHING`,
		s.key(), s.Name, string(s.Account), s.Policy, store.Micros(s.Start), store.Micros(s.End))
	if err != nil {
		return nil, fmt.Errorf("keep session %s of root: %w", s.Name, err)
	}
	if n == 0 {
		return nil, known(ctx, tx, s)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	tx.Announce(access.RequestKind, s.Name)
	if err := tx.Record(access.RequestKind+".session", s.Name, people.SystemActor.ID, ledger.NewPayload("session", text)); err != nil {
		return nil, err
	}
	touched := Touched{}
	callers, err := callersOf(ctx, &tx.Reader, s.Account, Span{s.Start.Add(-reconcile.Skew), s.End.Add(reconcile.Skew)})
	for _, a := range append(callers, s.Account) {
		touched.Add(a, s.Start)
		touched.Add(a, s.End)
	}
	return touched, err
}

// callersOf are the accounts with events in a span that aim at the root user of another.
func callersOf(ctx context.Context, r *store.Reader, of rootkeep.AccountID, at Span) ([]rootkeep.AccountID, error) {
	found, err := store.Texts(ctx, r, `SELECT DISTINCT account FROM root_event WHERE target = $1 AND at >= $2 AND at <= $3 ORDER BY account`,
		string(of), store.Micros(at.First), store.Micros(at.Last))
	if err != nil {
		return nil, fmt.Errorf("find who called for the root user of account %s: %w", of, err)
	}
	var out []rootkeep.AccountID
	for _, a := range found {
		out = append(out, rootkeep.AccountID(a))
	}
	return out, nil
}

// noKey begins what stands in the row for the access key of a session that was refused: no
// ID of a key has a space.
const noKey = "refused "

func (s *Session) key() string {
	if s.AccessKey != "" {
		return s.AccessKey
	}
	return fmt.Sprintf("%s%s %s %d", noKey, s.Name, s.Account, store.Micros(s.Start))
}

func known(ctx context.Context, tx *store.Tx, s Session) error {
	before, err := sessions(ctx, &tx.Reader, ` WHERE access_key = $1`, s.key())
	if err != nil {
		return err
	}
	if len(before) != 1 || before[0].Name != s.Name || before[0].Account != s.Account {
		return fmt.Errorf("session %s of root: its access key is that of another session: %w", s.Name, store.ErrConflict)
	}
	return nil
}

func sessions(ctx context.Context, r *store.Reader, where string, args ...any) ([]Session, error) {
	var out []Session
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var s Session
		var starts, ends int64
		err := rows.Scan(&s.AccessKey, &s.Name, &s.Account, &s.Policy, &starts, &ends)
		s.Start, s.End = store.Time(starts), store.Time(ends)
		if strings.HasPrefix(s.AccessKey, noKey) {
			s.AccessKey = ""
		}
		out = append(out, s)
		return err
	}, `SELECT access_key, name, account, policy, starts, ends FROM root_session`+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read sessions of root: %w", err)
	}
	return out, nil
}

// Sessions lists what was recorded under a name, RR-..., SC-... or CH-..., by its start.
func Sessions(ctx context.Context, r *store.Reader, name string) ([]Session, error) {
	return sessions(ctx, r, ` WHERE name = $1 ORDER BY starts, access_key`, name)
}

// SessionsOf lists what was recorded under names, as Sessions does for one.
func SessionsOf(ctx context.Context, r *store.Reader, names []string) (map[string][]Session, error) {
	out := map[string][]Session{}
	for part := range slices.Chunk(names, 200) {
		w := clause.Where{}
		clause.In(&w, "name", part)
		found, err := sessions(ctx, r, w.String()+` ORDER BY starts, access_key`, w.Args...)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			out[s.Name] = append(out[s.Name], s)
		}
	}
	return out, nil
}

// mostSessions bounds the sessions of scans, and of changes, that are read at once.
const mostSessions = 50000

// Scans are the recorded sessions of scans, SC-..., as root of an account that share time
// with a span, by their start. cut says that there are more than are read at once.
func Scans(ctx context.Context, r *store.Reader, account rootkeep.AccountID, at Span) (out []reconcile.Scan, cut bool, err error) {
	found, err := sessions(ctx, r, ` WHERE account = $1 AND name LIKE 'SC-%' AND starts <= $2 AND ends >= $3 ORDER BY starts, access_key LIMIT $4`, string(account), store.Micros(at.Last), store.Micros(at.First), mostSessions+1)
	if err != nil {
		return nil, false, err
	}
	for _, s := range found[:min(len(found), mostSessions)] {
		out = append(out, reconcile.Scan{Name: s.Name, Account: s.Account, AccessKey: s.AccessKey, Start: s.Start, End: s.End})
	}
	return out, len(found) > mostSessions, nil
}
