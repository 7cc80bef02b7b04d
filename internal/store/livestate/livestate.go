// Package livestate keeps what the detection of live events has to remember from one batch
// to the next: rows of bytes by key, each with an end. What they mean is the engine's own.
package livestate

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

// Row is one thing to remember.
type Row struct {
	Key   string
	Data  []byte // nil: it is forgotten
	Until int64  // Unix seconds, after which nothing asks for it
	Due   int64  // Unix seconds, when it has to be looked at though nothing touches it
}

const (
	atOnce    = 100  // rows that one statement reads or deletes
	arrayRows = 1000 // and as many as arrays hold, of PostgreSQL
)

// Save writes rows: of two with the same key the later one stays.
func Save(ctx context.Context, tx *store.Tx, rows []Row) error {
	newest := make(map[string]int, len(rows))
	for i := range rows {
		newest[rows[i].Key] = i
	}
	var gone []string
	var keep []*Row
	for i := range rows {
		switch r := &rows[i]; {
		case newest[r.Key] != i:
		case r.Data == nil:
			gone = append(gone, r.Key)
		default:
			keep = append(keep, r)
		}
	}
	// In their order rows touch each page of an index once.
	slices.SortFunc(keep, func(a, b *Row) int { return strings.Compare(a.Key, b.Key) })
	slices.Sort(gone)
	for part := range slices.Chunk(gone, mostOf(&tx.Reader)) {
		w := ofKeys(&tx.Reader, part)
		if _, err := tx.Exec(ctx, `DELETE FROM live_state`+w.String(), w.Args...); err != nil {
			return fmt.Errorf("forget state of detections: %w", err)
		}
	}
	size, write := clause.Most, `VALUES `
	if tx.Arrays() {
		size, write = arrayRows, `SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[])`
	}
	for part := range slices.Chunk(keep, size) {
		rows, args := values(part, tx.Arrays())
		_, err := tx.Exec(ctx, `INSERT INTO live_state (key, data, until, due) `+write+rows+`
			ON CONFLICT (key) DO UPDATE SET data = excluded.data, until = excluded.until, due = excluded.due`, args...)
		if err != nil {
			return fmt.Errorf("keep state of detections: %w", err)
		}
	}
	return nil
}

// values are the parameters of rows: an array of each column, or each for itself, with the
// text that names them.
func values(rows []*Row, arrays bool) (text string, args []any) {
	if !arrays {
		var out clause.Rows
		for _, r := range rows {
			out.Add(r.Key, r.Data, r.Until, r.Due)
		}
		return out.String(), out.Args
	}
	keys, data, until, due := make([]string, len(rows)), make([][]byte, len(rows)), make([]int64, len(rows)), make([]int64, len(rows))
	for i, r := range rows {
		keys[i], data[i], until[i], due[i] = r.Key, r.Data, r.Until, r.Due
	}
	return "", []any{keys, data, until, due}
}

// Load reads the rows of some keys; keys without a row are not in what it
// gives.
func Load(ctx context.Context, r *store.Reader, keys []string) (map[string][]byte, error) {
	out := make(map[string][]byte, len(keys))
	for part := range slices.Chunk(keys, mostOf(r)) {
		w := ofKeys(r, part)
		err := store.Each(ctx, r, func(rows *sql.Rows) error {
			var key string
			var data []byte
			err := rows.Scan(&key, &data)
			out[key] = append([]byte{}, data...) // SQLite gives no bytes as nil
			return err
		}, `SELECT key, data FROM live_state`+w.String(), w.Args...)
		if err != nil {
			return nil, fmt.Errorf("read state of detections: %w", err)
		}
	}
	return out, nil
}

// Prune removes at most so many rows that nothing asks for after a moment, Unix seconds, the
// oldest first, and says how many: millions at once would keep all other changes waiting.
func Prune(ctx context.Context, tx *store.Tx, before int64, most int) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM live_state WHERE key IN (SELECT key FROM live_state WHERE until < $1 ORDER BY until LIMIT $2)`, before, most)
	if err != nil {
		return 0, fmt.Errorf("prune the state of live detection before %s: %w", time.Unix(before, 0).UTC().Format(time.RFC3339), err)
	}
	return n, nil
}

// Under reads the rows whose keys begin with a prefix.
func Under(ctx context.Context, r *store.Reader, prefix string) (map[string][]byte, error) {
	keys, err := store.Texts(ctx, r, `SELECT key FROM live_state WHERE substr(key, 1, $2) = $1`, prefix, utf8.RuneCountInString(prefix))
	if err != nil {
		return nil, fmt.Errorf("find state of detections: %w", err)
	}
	return Load(ctx, r, keys)
}

// dueQuery materializes what is due: to have the order for nothing, a planner would read the
// whole table by its key. The index has no rows that are never due, which most are.
const dueQuery = `WITH these AS MATERIALIZED (SELECT key FROM live_state WHERE due <= $1 AND due < 9223372036854775807)
	SELECT key FROM these WHERE key > $2 ORDER BY key LIMIT $3`

// Due lists at most limit keys behind after, in order, of the rows that have to be looked at
// by a moment, Unix seconds.
func Due(ctx context.Context, r *store.Reader, now int64, after string, limit int) ([]string, error) {
	out, err := store.Texts(ctx, r, dueQuery, now, after, limit)
	if err != nil {
		return nil, fmt.Errorf("find state of detections that is due: %w", err)
	}
	return out, nil
}

// Forget removes the rows whose keys begin with one of the prefixes.
func Forget(ctx context.Context, tx *store.Tx, prefixes []string) error {
	for _, p := range prefixes {
		if _, err := tx.Exec(ctx, `DELETE FROM live_state WHERE substr(key, 1, $2) = $1`, p, utf8.RuneCountInString(p)); err != nil {
			return fmt.Errorf("forget state of detections: %w", err)
		}
	}
	return nil
}

func mostOf(r *store.Reader) int {
	if r.Arrays() {
		return arrayRows
	}
	return atOnce
}

func ofKeys(r *store.Reader, keys []string) *clause.Where {
	w := &clause.Where{}
	if r.Arrays() {
		w.And("key = ANY (?)", keys)
	} else {
		clause.In(w, "key", keys)
	}
	return w
}
