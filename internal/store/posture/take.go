package posture

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Account is one account as a scan judged it.
type Account struct {
	Name     string          // as its organization lists it, "" if nobody told
	Snapshot *facts.Snapshot // with what the register says
	Findings []rootkeep.Finding
	Controls []string         // IDs of those that were judged
	Card     *score.Scorecard // nil: no bands
	Problem  string           // that came up on the way, "" for none
	// Placed says that where the snapshot puts the account in its organization is
	// believed: whoever sends it may act for the whole organization.
	Placed bool
}

// Prepared is an account ready to be taken: what is slow is done.
type Prepared struct {
	Account
	snapshot, vouched blob
	findings          string // digest
}

// early is how far ahead of the server the clock of whoever took a snapshot may be.
const early = 10 * time.Minute

// Prepare packs the snapshot. The account needs a number.
func Prepare(a Account) (*Prepared, error) {
	if _, err := rootkeep.ParseAccountID(string(a.Snapshot.Account)); err != nil {
		return nil, fmt.Errorf("a snapshot without its account; hint: scan with a file that names it, such as the credential report")
	}
	p := &Prepared{Account: a}
	raw, said := split(a.Snapshot)
	var err error
	if p.snapshot, err = pack(raw); err != nil {
		return nil, err
	}
	if p.vouched, err = pack(said); err != nil {
		return nil, err
	}
	p.findings, err = FindingsDigest(a.Findings)
	return p, err
}

// Take keeps what a scan came to of an account: the snapshot, and the findings as
// changes of those that are known. Of an account that the scan has already, nothing is
// done. Facts that are older than those on record are kept and change nothing.
func Take(ctx context.Context, tx *store.Tx, scan string, p *Prepared) error {
	id := p.Snapshot.Account
	if err := under(ctx, tx, scan); err != nil {
		return err
	}
	if p.Snapshot.Taken.After(tx.Now().Add(early)) {
		return fmt.Errorf("account %s: facts of %s, which is still to come; hint: check the clock of whoever took them", id, p.Snapshot.Taken.Format(time.RFC3339))
	}
	row, known, err := readAccount(ctx, tx, id)
	if err != nil {
		return err
	}
	done, err := taken(ctx, tx, scan, id)
	if err != nil || done {
		return err
	}
	line := line{scan: scan, account: id, name: p.Name, state: Judged, problem: p.Problem, taken: p.Snapshot.Taken, snapshot: p.snapshot.digest, vouched: p.vouched.digest, findings: p.findings}
	for _, b := range []blob{p.snapshot, p.vouched} {
		if err := b.write(ctx, tx); err != nil {
			return err
		}
	}
	if err := KeepSessions(ctx, tx, id, p.Snapshot.Sessions); err != nil {
		return err
	}
	if known && !p.Snapshot.Taken.After(row.Taken) {
		line.state = Older
		return line.write(ctx, tx)
	}
	m, err := p.merge(ctx, tx, row.Taken)
	if err != nil {
		return err
	}
	if err := m.save(ctx, tx, scan); err != nil {
		return fmt.Errorf("findings of account %s: %w", id, err)
	}
	line.summary = summarize(m.all, p.Card, judgedIn(m.all, p.Controls), coverage(p.Snapshot))
	row.take(p, scan, tx.Now(), line.summary)
	if err := row.write(ctx, tx); err != nil {
		return err
	}
	tx.Announce("scan", scan)
	return line.write(ctx, tx)
}

func (p *Prepared) merge(ctx context.Context, tx *store.Tx, since time.Time) (*merged, error) {
	before, err := findingsOf(ctx, &tx.Reader, p.Snapshot.Account)
	if err != nil {
		return nil, fmt.Errorf("findings of account %s: %w", p.Snapshot.Account, err)
	}
	return merge(before, p.Findings, p.Controls, since, p.Snapshot.Taken.UTC().Truncate(time.Microsecond)), nil
}

// judgedIn are the controls of a scan and those of findings that it did not judge.
func judgedIn(all map[string]*Finding, controls []string) []string {
	out := slices.Clone(controls)
	for _, f := range all {
		out = append(out, f.Control)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Receive keeps a snapshot that waits to be judged with the others of its scan. claimed
// is what its sender came to. A second one of the same account takes the place of the
// first.
func Receive(ctx context.Context, tx *store.Tx, scan, name string, s *PackedSnapshot, claimed Counts) error {
	if err := under(ctx, tx, scan); err != nil {
		return err
	}
	if err := s.write(ctx, tx); err != nil {
		return err
	}
	l := line{scan: scan, account: s.Account, name: name, state: Received, taken: s.Taken, snapshot: s.digest, summary: Summary{Counts: claimed}}
	return l.write(ctx, tx)
}

// Miss notes an account of which the scan has nothing: state is Unread or Left, problem
// says why. What is known of it stays.
func Miss(ctx context.Context, tx *store.Tx, scan string, id rootkeep.AccountID, name, state, problem string) error {
	if err := under(ctx, tx, scan); err != nil {
		return err
	}
	if _, err := rootkeep.ParseAccountID(string(id)); err != nil {
		return err
	}
	l := line{scan: scan, account: id, name: name, state: state, problem: problem}
	if err := l.write(ctx, tx); err != nil || state == Left {
		return err
	}
	row, _, err := readAccount(ctx, tx, id)
	if err != nil {
		return err
	}
	row.ID, row.Tried, row.Problem = id, tx.Now(), problem
	if name != "" {
		row.Name = text(name)
	}
	return row.write(ctx, tx)
}

// taken says whether the scan has the account already.
func taken(ctx context.Context, tx *store.Tx, scan string, id rootkeep.AccountID) (bool, error) {
	var state string
	err := tx.Row(ctx, `SELECT state FROM scan_account WHERE scan = $1 AND account = $2`, scan, string(id)).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return state == Judged || state == Older, err
}

// line is an account of a scan.
type line struct {
	scan, name, state, problem, snapshot, vouched, findings string

	account rootkeep.AccountID
	taken   time.Time
	summary Summary
}

func (l *line) write(ctx context.Context, tx *store.Tx) error {
	summary, err := json.Marshal(l.summary)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO scan_account (scan, account, name, state, problem, taken, snapshot, vouched, findings, summary)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (scan, account) DO UPDATE SET name = excluded.name, state = excluded.state, problem = excluded.problem, taken = excluded.taken, snapshot = excluded.snapshot,
			vouched = excluded.vouched, findings = excluded.findings, summary = excluded.summary`,
		l.scan, string(l.account), text(l.name), l.state, text(l.problem), store.Micros(l.taken), l.snapshot, l.vouched, l.findings, string(summary))
	if err != nil {
		return fmt.Errorf("account %s of scan %s: %w", l.account, l.scan, err)
	}
	return nil
}

// take notes a scan that judged the account.
func (a *Row) take(p *Prepared, scan string, now time.Time, sum Summary) {
	a.ID, a.Scan, a.Taken, a.Tried, a.Problem, a.Summary = p.Snapshot.Account, scan, p.Snapshot.Taken, now, "", sum
	a.Alias = text(p.Snapshot.Facts.Account.Alias)
	if p.Name != "" {
		a.Name = text(p.Name)
	}
	if at := path(p.Snapshot); p.Placed && at != nil {
		a.Path = at
	}
}

func (a *Row) write(ctx context.Context, tx *store.Tx) error {
	summary, err := json.Marshal(a.Summary)
	if err != nil {
		return err
	}
	path, err := json.Marshal(a.Path)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO account (id, name, alias, path, scan, taken, tried, problem, risk, summary) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, alias = excluded.alias, path = excluded.path, scan = excluded.scan, taken = excluded.taken,
			tried = excluded.tried, problem = excluded.problem, risk = excluded.risk, summary = excluded.summary`,
		string(a.ID), a.Name, a.Alias, string(path), a.Scan, store.Micros(a.Taken), store.Micros(a.Tried), text(a.Problem), a.Summary.Risk, string(summary))
	if err != nil {
		return fmt.Errorf("account %s: %w", a.ID, err)
	}
	return nil
}
