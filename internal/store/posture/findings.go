package posture

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Filter chooses findings. What is empty chooses all.
type Filter struct {
	Accounts   []rootkeep.AccountID
	Unit       string // ID of a root or an organizational unit
	Controls   []string
	Severities []rootkeep.Severity
	Statuses   []rootkeep.Status
	Among      []string // controls of a framework; nil: all, empty: none
	RootOnly   bool
	Stale      bool   // only what the newest scan of the account did not judge
	Text       string // that control, title, resource or detail hold, in any case
	ID         string // the one finding
}

// Sort is an order of findings.
type Sort string

// The orders. Each ends with the ID, so that it is total.
const (
	ByUrgency  Sort = "urgency" // failures of root first, then what fails, the severe first
	ByAccount  Sort = "account"
	ByControl  Sort = "control"
	ByChange   Sort = "changed" // the newest change first
	ByAge      Sort = "age"     // the oldest first
	ByResource Sort = "resource"
)

// orders are the columns of each order and whether they fall.
var orders = map[Sort]struct {
	columns []string
	falls   bool
}{
	ByUrgency:  {[]string{"f.place", "f.control", "f.id"}, false},
	ByAccount:  {[]string{"f.account", "f.place", "f.id"}, false},
	ByControl:  {[]string{"f.control", "f.place", "f.id"}, false},
	ByChange:   {[]string{"f.changed_at", "f.id"}, true},
	ByAge:      {[]string{"f.first_seen", "f.id"}, false},
	ByResource: {[]string{"substr(f.resource, 1, 200)", "f.id"}, false},
}

// Sorts lists the orders by name.
func Sorts() []Sort { return []Sort{ByUrgency, ByAccount, ByControl, ByChange, ByAge, ByResource} }

// Page is a part of a list: after is the cursor that the part before gave, "" at the
// beginning.
type Page struct {
	Sort  Sort
	After string
	Limit int
}

// mostAtOnce bounds a page.
const mostAtOnce = 1000

// ErrCursor is a cursor that no page gave, or one of another order.
var ErrCursor = errors.New("the cursor is not one of this list; hint: begin again without it")

// Findings lists findings. next is the cursor of what follows, "" at the end.
func Findings(ctx context.Context, r *store.Reader, s Sight, f Filter, p Page) (out []*Finding, next string, err error) {
	order, ok := orders[p.Sort]
	if !ok {
		return nil, "", fmt.Errorf("sort %q: want one of %s", p.Sort, Sorts())
	}
	w := f.where(s)
	if err := w.after(p, order.columns, order.falls); err != nil {
		return nil, "", err
	}
	limit := min(max(p.Limit, 1), mostAtOnce)
	way := ""
	if order.falls {
		way = " DESC"
	}
	keys := make([]string, len(order.columns))
	query := `SELECT ` + strings.Join(order.columns, ", ") + `, ` + findingColumns + ` FROM finding f` + w.text +
		` ORDER BY ` + f.inOrder(strings.Join(order.columns, way+", ")) + way + fmt.Sprintf(" LIMIT %d", limit+1)
	err = store.Each(ctx, r, func(rows *sql.Rows) error {
		if len(out) == limit {
			next = cursor(p.Sort, keys) // of the row before
			return nil
		}
		into := make([]any, len(keys))
		for i := range keys {
			into[i] = &keys[i]
		}
		one, err := scanFinding(scanBehind{rows, into})
		out = append(out, one)
		return err
	}, query, w.args...)
	if err != nil {
		return nil, "", fmt.Errorf("list findings: %w", err)
	}
	return out, next, nil
}

// inOrder keeps a text from being looked for in the order of an index, row by row from
// all over the table: where few hold it, reading the table once is several times as fast.
func (f *Filter) inOrder(columns string) string {
	first, _, _ := strings.Cut(columns, ",")
	switch {
	case f.Text == "":
		return columns
	case numeric[strings.TrimSuffix(first, " DESC")]:
		return "+" + columns
	}
	return strings.Replace(columns, first, first+" || ''", 1)
}

// scanBehind scans a row whose first columns are another one's.
type scanBehind struct {
	rows  *sql.Rows
	first []any
}

func (s scanBehind) Scan(into ...any) error { return s.rows.Scan(slices.Concat(s.first, into)...) }

// cursor is the place of a row in an order: opaque to whoever gets it, and no secret.
func cursor(s Sort, keys []string) string {
	b, _ := json.Marshal(append([]string{string(s)}, keys...)) // texts always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

// MostCursor bounds a cursor, bytes: the beginning of a resource has 200 characters, of
// six bytes each if all are escaped.
const MostCursor = 4096

// after goes on behind the row of a cursor.
func (w *where) after(p Page, columns []string, falls bool) error {
	if p.After == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.After)
	var keys []string
	if err != nil || len(p.After) > MostCursor || json.Unmarshal(b, &keys) != nil || len(keys) != len(columns)+1 || keys[0] != string(p.Sort) {
		return ErrCursor
	}
	args := make([]any, len(columns))
	for i, c := range columns {
		args[i] = keys[i+1]
		if numeric[c] {
			var n int64
			if _, err := fmt.Sscanf(keys[i+1], "%d", &n); err != nil {
				return ErrCursor
			}
			args[i] = n
		} else if text(keys[i+1]) != keys[i+1] {
			return ErrCursor
		}
	}
	sign := ">"
	if falls {
		sign = "<"
	}
	w.and("("+strings.Join(columns, ", ")+") "+sign+" (%s)", args)
	return nil
}

// numeric are the columns of orders that hold numbers.
var numeric = map[string]bool{"f.place": true, "f.changed_at": true, "f.first_seen": true, "a.risk": true, "s.began": true}

// where is the filter as SQL, within sight.
func (f *Filter) where(s Sight) *where {
	w := &where{}
	w.sight(s, "f.account")
	if len(f.Accounts) > 0 {
		of(w, "f.account", f.Accounts)
	}
	if f.Unit != "" {
		// The path is a JSON list of IDs, which hold no quotes and no wildcards.
		w.and(`f.account IN (SELECT id FROM account WHERE path LIKE %s ESCAPE '!')`, one(`%"`+literal(f.Unit)+`"%`))
	}
	if len(f.Controls) > 0 {
		of(w, "f.control", f.Controls)
	}
	if f.Among != nil {
		of(w, "f.control", f.Among)
	}
	if len(f.Severities)+len(f.Statuses) > 0 {
		w.places(f.Statuses, f.Severities)
	}
	if f.RootOnly {
		w.and("substr(f.control, 1, 3) = %s", one(rootkeep.RootControls)) // LIKE of SQLite takes rt- for RT-
	}
	if f.Stale {
		w.and("f.last_seen <> 0")
	}
	if f.ID != "" {
		w.and("f.id = %s", one(text(f.ID)))
	}
	if f.Text != "" {
		like := one("%" + literal(strings.ToLower(f.Text)) + "%")
		w.and(`f.search LIKE %s ESCAPE '!'`, like)
	}
	return w
}

// literal is a text inside a pattern of LIKE, whose escape is !.
func literal(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text(s))
}

// searched is what a filter's text is looked for in.
func searched(f *rootkeep.Finding) string {
	return strings.ToLower(strings.Join([]string{f.Control, f.Title, f.Resource, f.Detail}, "\n"))
}

// places keeps to findings of statuses and severities, of none: all, by their place in
// the order of reports, which tells both: every list of accounts, controls or all has an
// index that begins with it or goes on with it.
func (w *where) places(statuses []rootkeep.Status, severities []rootkeep.Severity) {
	var in []any
	for p, f := range allPlaces() {
		if (len(statuses) == 0 || slices.Contains(statuses, f.Status)) && (len(severities) == 0 || slices.Contains(severities, f.Severity)) {
			in = append(in, p)
		}
	}
	if len(in) == 0 {
		w.and("1 = 0")
		return
	}
	slices.SortFunc(in, func(a, b any) int { return cmp.Compare(a.(int64), b.(int64)) })
	w.and("f.place >= %s", one(in[0]))
	w.and("f.place <= %s", one(in[len(in)-1]))
	w.and("+f.place IN (%s)", in) // with the sign it is no reason to leave the order of the index
}

// One reads a finding by its ID; store.ErrNotFound if it is not there or not in sight.
func One(ctx context.Context, r *store.Reader, s Sight, id string) (*Finding, error) {
	found, _, err := Findings(ctx, r, s, Filter{ID: id}, Page{Sort: ByUrgency, Limit: 1})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("finding %q: %w", text(id), store.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// whole says whether the filter chooses all findings of accounts, whose numbers are known.
func (f *Filter) whole() bool {
	return len(f.Accounts)+len(f.Controls)+len(f.Severities)+len(f.Statuses) == 0 && f.Among == nil && !f.RootOnly && !f.Stale && f.Text == "" && f.ID == ""
}

// Count counts the findings that a filter chooses, by status and severity.
func Count(ctx context.Context, r *store.Reader, s Sight, f Filter) (Counts, error) {
	if f.whole() {
		total, err := Sum(ctx, r, s, AccountFilter{Unit: f.Unit})
		if err != nil {
			return Counts{}, err
		}
		return total.Summary.Counts, nil
	}
	var out Counts
	places := allPlaces()
	w := f.where(s)
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var p int64
		var n int
		if err := rows.Scan(&p, &n); err != nil {
			return err
		}
		if at, known := places[p]; known {
			out[at.Status][at.Severity] += n
		}
		return nil
	}, `SELECT f.place, COUNT(*) FROM finding f`+w.text+` GROUP BY `+f.inOrder("f.place"), w.args...)
	if err != nil {
		return out, fmt.Errorf("count findings: %w", err)
	}
	return out, nil
}

// ControlCount is what one control came to in all accounts in sight.
type ControlCount struct {
	Control  string
	Title    string            // of one of its findings
	Severity rootkeep.Severity // the highest of its findings
	By       map[rootkeep.Status]int
	Failing  int // accounts in which it fails
}

// ByControls sums the findings that a filter chooses up by control, in the order of IDs.
func ByControls(ctx context.Context, r *store.Reader, s Sight, f Filter) ([]ControlCount, error) {
	var out []ControlCount
	w := f.where(s)
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var id string
		var status rootkeep.Status
		var severity rootkeep.Severity
		var n, accounts int
		if err := rows.Scan(&id, &status, &severity, &n, &accounts); err != nil {
			return err
		}
		if len(out) == 0 || out[len(out)-1].Control != id {
			out = append(out, ControlCount{Control: id, By: map[rootkeep.Status]int{}})
		}
		c := &out[len(out)-1]
		c.By[status] += n
		c.Severity = max(c.Severity, severity)
		if status == rootkeep.Fail {
			c.Failing = accounts
		}
		return nil
	}, `SELECT f.control, f.status, MAX(f.severity), COUNT(*), COUNT(DISTINCT f.account) FROM finding f`+w.text+` GROUP BY f.control, f.status ORDER BY f.control, f.status`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("count findings by control: %w", err)
	}
	for i := range out {
		if err := r.Row(ctx, `SELECT title FROM finding WHERE control = $1 LIMIT 1`, out[i].Control).Scan(&out[i].Title); err != nil {
			return nil, fmt.Errorf("title of control %s: %w", out[i].Control, err)
		}
	}
	return out, nil
}
