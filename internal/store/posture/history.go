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
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// Scan is a scan with those of its accounts that are in sight.
type Scan struct {
	ID       string
	Source   string
	Actor    string
	Version  string
	Began    time.Time
	Ended    time.Time // zero while it is under way
	State    string
	Error    string // hidden from whoever does not see everything: it may name accounts
	Controls []string
	Digest   string // of the assessment; of all accounts, so hidden likewise
	Accounts []ScanAccount
}

// ScanAccount is an account of a scan.
type ScanAccount struct {
	Scan     string
	Account  rootkeep.AccountID
	Name     string
	State    string
	Problem  string
	Taken    time.Time
	Snapshot string // SHA-256 of the snapshot file
	Summary  Summary
}

const scanColumns = `s.id, s.source, s.actor, s.version, s.began, s.ended, s.state, s.error, s.controls, s.digest`

func scanScan(s Sight, row interface{ Scan(...any) error }) (*Scan, error) {
	var out Scan
	var began, end int64
	var controls string
	if err := row.Scan(&out.ID, &out.Source, &out.Actor, &out.Version, &began, &end, &out.State, &out.Error, &controls, &out.Digest); err != nil {
		return nil, err
	}
	out.Began, out.Ended = store.Time(began), store.Time(end)
	if !s.Everything() {
		out.Error, out.Digest = "", ""
	}
	return &out, json.Unmarshal([]byte(controls), &out.Controls)
}

// Scans lists scans, the newest first, without their accounts: those that have an
// account in sight.
func Scans(ctx context.Context, r *store.Reader, s Sight, p Page) (out []*Scan, next string, err error) {
	p.Sort = "began"
	w := &where{}
	if !s.Everything() {
		in := &where{}
		in.args = w.args
		in.sight(s, "sa.account")
		w.text, w.args = ` WHERE EXISTS (SELECT 1 FROM scan_account sa`+in.text+` AND sa.scan = s.id)`, in.args
	}
	if err := w.after(p, []string{"s.began", "s.id"}, true); err != nil {
		return nil, "", err
	}
	limit := min(max(p.Limit, 1), mostAtOnce)
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		if len(out) == limit {
			last := out[len(out)-1]
			next = cursor(p.Sort, []string{fmt.Sprint(store.Micros(last.Began)), last.ID})
			return nil
		}
		one, err := scanScan(s, rows)
		out = append(out, one)
		return err
	}, `SELECT `+scanColumns+` FROM scan s`+w.text+fmt.Sprintf(` ORDER BY s.began DESC, s.id DESC LIMIT %d`, limit+1), w.args...)
	if err != nil {
		return nil, "", fmt.Errorf("list scans: %w", err)
	}
	return out, next, nil
}

// ScanOf reads a scan with its accounts in sight; store.ErrNotFound if it is not there,
// or has accounts and none of them is in sight.
func ScanOf(ctx context.Context, r *store.Reader, s Sight, id string) (*Scan, error) {
	missing := fmt.Errorf("scan %q: %w", text(id), store.ErrNotFound)
	scan, err := scanScan(s, r.Row(ctx, `SELECT `+scanColumns+` FROM scan s WHERE s.id = $1`, text(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, missing
	}
	if err != nil {
		return nil, fmt.Errorf("read scan %s: %w", id, err)
	}
	w := &where{}
	w.and("scan = %s", one(id))
	w.sight(s, "account")
	scan.Accounts, err = lines(ctx, r, w, ` ORDER BY account`)
	if err == nil && !s.Everything() && len(scan.Accounts) == 0 {
		return nil, missing
	}
	return scan, err
}

// ScanAt is the scan that judged an account by facts of a time; store.ErrNotFound if none
// did.
func ScanAt(ctx context.Context, r *store.Reader, id rootkeep.AccountID, taken time.Time) (scan string, err error) {
	err = r.Row(ctx, `SELECT scan FROM scan_account WHERE account = $1 AND taken = $2 AND state = 'judged'`, string(id), store.Micros(taken)).Scan(&scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("scan of account %s at %s: %w", id, taken, store.ErrNotFound)
	}
	return scan, err
}

// Before are the scans that judged an account by facts of before a time, the newest first.
func Before(ctx context.Context, r *store.Reader, s Sight, id rootkeep.AccountID, taken time.Time, most int) ([]ScanAccount, error) {
	w := &where{}
	w.sight(s, "account")
	w.and("account = %s", one(string(id)))
	w.and("state = 'judged' AND taken < %s", one(store.Micros(taken)))
	return lines(ctx, r, w, fmt.Sprintf(` ORDER BY taken DESC LIMIT %d`, most))
}

// Whole reads a scan with all its accounts, for the server's own work.
func Whole(ctx context.Context, r *store.Reader, id string) (*Scan, error) {
	return ScanOf(ctx, r, sight.All(), id)
}

// Began says who began a scan and whether it is under way, for whoever goes on with it.
func Began(ctx context.Context, r *store.Reader, id string) (actor, state string, err error) {
	err = r.Row(ctx, `SELECT actor, state FROM scan WHERE id = $1`, text(id)).Scan(&actor, &state)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("scan %q: %w", text(id), store.ErrNotFound)
	}
	return actor, state, err
}

func lines(ctx context.Context, r *store.Reader, w *where, order string) ([]ScanAccount, error) {
	var out []ScanAccount
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var a ScanAccount
		var taken int64
		var summary string
		if err := rows.Scan(&a.Scan, &a.Account, &a.Name, &a.State, &a.Problem, &taken, &a.Snapshot, &summary); err != nil {
			return err
		}
		a.Taken = store.Time(taken)
		if err := json.Unmarshal([]byte(summary), &a.Summary); err != nil {
			return fmt.Errorf("summary of account %s in scan %s: %w", a.Account, a.Scan, err)
		}
		out = append(out, a)
		return nil
	}, `SELECT scan, account, name, state, problem, taken, snapshot, summary FROM scan_account`+w.text+order, w.args...)
	return out, err
}

// Point is what the accounts in sight came to at the end of a day.
type Point struct {
	Day      time.Time
	Accounts int // that had been judged by then
	Summary  Summary
	With     int // users with a password and MFA, in the accounts where that is known
	Users    int
}

// Trend is the posture of an account, or of all in sight if none is named, at the end of
// each day from one to another. An account counts from its first judgement on, as it was
// last judged.
func Trend(ctx context.Context, r *store.Reader, s Sight, id rootkeep.AccountID, from, to time.Time) ([]Point, error) {
	const day = 24 * time.Hour
	from, to = from.UTC().Truncate(day), to.UTC().Truncate(day).Add(day)
	last, err := before(ctx, r, s, id, from)
	if err != nil {
		return nil, err
	}
	w := &where{}
	w.sight(s, "account")
	w.and("state = 'judged' AND taken >= %s", one(store.Micros(from)))
	w.and("taken < %s", one(store.Micros(to)))
	if id != "" {
		w.and("account = %s", one(text(string(id))))
	}
	all, err := lines(ctx, r, w, ` ORDER BY taken`)
	if err != nil {
		return nil, fmt.Errorf("trend: %w", err)
	}
	var out []Point
	for at := from; at.Before(to); at = at.Add(day) {
		for len(all) > 0 && all[0].Taken.Before(at.Add(day)) {
			last[all[0].Account] = all[0].Summary
			all = all[1:]
		}
		if len(last) > 0 {
			out = append(out, point(at, last))
		}
	}
	return out, nil
}

// before is what each account had come to before a time.
func before(ctx context.Context, r *store.Reader, s Sight, id rootkeep.AccountID, at time.Time) (map[rootkeep.AccountID]Summary, error) {
	w := &where{}
	w.sight(s, "account")
	w.and("state = 'judged' AND taken = (SELECT MAX(b.taken) FROM scan_account b WHERE b.account = scan_account.account AND b.state = 'judged' AND b.taken < %s)", one(store.Micros(at)))
	if id != "" {
		w.and("account = %s", one(text(string(id))))
	}
	found, err := lines(ctx, r, w, "")
	if err != nil {
		return nil, fmt.Errorf("trend: %w", err)
	}
	out := map[rootkeep.AccountID]Summary{}
	for _, l := range found {
		out[l.Account] = l.Summary
	}
	return out, nil
}

func point(at time.Time, of map[rootkeep.AccountID]Summary) Point {
	p := Point{Day: at, Accounts: len(of)}
	for _, s := range of {
		p.Summary.Counts.Plus(&s.Counts)
		p.Summary.Risk += s.Risk
		p.Summary.Stale += s.Stale
		if s.MFA.Known {
			p.With += s.MFA.With
			p.Users += s.MFA.Users
		}
	}
	return p
}

// mostChanges bounds a list of changes.
const mostChanges = 10_000

// Changes lists the changes of a finding, the newest first, or those of all findings in
// sight that a scan brought.
func Changes(ctx context.Context, r *store.Reader, s Sight, finding, scan string) ([]Change, error) {
	w := &where{}
	w.sight(s, "account")
	if finding != "" {
		w.and("finding = %s", one(text(finding)))
	}
	if scan != "" {
		w.and("scan = %s", one(text(scan)))
	}
	return changes(ctx, r, w, " DESC")
}

func changes(ctx context.Context, r *store.Reader, w *where, way string) ([]Change, error) {
	var out []Change
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var c Change
		var at int64
		f := &c.Finding
		if err := rows.Scan(&c.Scan, &c.ID, &at, &c.Kind, &c.Was, &c.Now, &f.Account, &f.Control, &f.Title, &f.Severity, &f.Region, &f.Resource); err != nil {
			return err
		}
		c.At = store.Time(at)
		if c.Now >= 0 {
			f.Status = rootkeep.Status(c.Now)
		}
		out = append(out, c)
		return nil
	}, `SELECT scan, finding, at, kind, was, now, account, control, title, severity, region, resource FROM finding_change`+w.text+
		` ORDER BY n`+way+fmt.Sprintf(` LIMIT %d`, mostChanges), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	return out, nil
}

// Difference is what is otherwise in a later scan than in an earlier one, of the
// accounts in sight that both judged.
type Difference struct {
	New, Fixed, Gone, Unknown, Other []Change // net: was before, now after
	Compared, NotCompared            []rootkeep.AccountID
	Cut                              bool // there were more changes than are looked at
}

// Same says whether nothing is otherwise.
func (d *Difference) Same() bool {
	return len(d.New)+len(d.Fixed)+len(d.Gone)+len(d.Unknown)+len(d.Other) == 0
}

// Compare gives the difference of two scans.
func Compare(ctx context.Context, r *store.Reader, earlier, later *Scan) (*Difference, error) {
	d := &Difference{}
	since := map[rootkeep.AccountID]time.Time{}
	for _, a := range earlier.Accounts {
		if a.State == Judged {
			since[a.Account] = a.Taken
		}
	}
	for _, a := range later.Accounts {
		from, both := since[a.Account]
		delete(since, a.Account)
		if !both || a.State != Judged || a.Taken.Before(from) {
			d.NotCompared = append(d.NotCompared, a.Account)
			continue
		}
		d.Compared = append(d.Compared, a.Account)
		w := &where{}
		w.and("account = %s", one(string(a.Account)))
		w.and("at > %s", one(store.Micros(from)))
		w.and("at <= %s", one(store.Micros(a.Taken)))
		list, err := changes(ctx, r, w, "")
		if err != nil {
			return nil, err
		}
		d.Cut = d.Cut || len(list) == mostChanges
		d.add(list)
	}
	for id := range since {
		d.NotCompared = append(d.NotCompared, id)
	}
	slices.Sort(d.NotCompared)
	return d, nil
}

// add sorts the net changes of one account.
func (d *Difference) add(list []Change) {
	first := map[string]int{} // status before, by finding
	last := map[string]Change{}
	var order []string
	for _, c := range list {
		if _, known := first[c.ID]; !known {
			first[c.ID] = c.Was
			order = append(order, c.ID)
		}
		last[c.ID] = c
	}
	failed := func(status int) bool {
		return status == int(rootkeep.Fail) || status == int(rootkeep.Excepted)
	}
	for _, id := range order {
		c := last[id]
		c.Was = first[id]
		switch {
		case c.Was == c.Now:
		case c.Now == int(rootkeep.Fail):
			d.New = append(d.New, c)
		case c.Now == none && failed(c.Was):
			d.Gone = append(d.Gone, c)
		case c.Now == int(rootkeep.Unknown):
			d.Unknown = append(d.Unknown, c)
		case failed(c.Was) && (c.Now == int(rootkeep.Pass) || c.Now == int(rootkeep.NotApplicable)):
			d.Fixed = append(d.Fixed, c)
		default:
			d.Other = append(d.Other, c)
		}
	}
}
