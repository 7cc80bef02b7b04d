package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rootkeep/rootkeep/ledger"
)

// Move copies a store into another database that has no ledger yet: SQLite into
// PostgreSQL, or back. It counts the rows of every table and verifies the ledger in the
// new database, and then marks the old one with where it went: no server works on that
// any more, not even one that still runs. Nobody can change the old store meanwhile. The
// schema of the new database is brought up to date, that of the old one must be.
func Move(ctx context.Context, from, to string, o Options, progress Progress) (*Verified, error) {
	if IsPostgreSQL(from) == IsPostgreSQL(to) {
		return nil, errors.New("move the store: from SQLite to PostgreSQL or back; hint: rootkeep backup and restore for another SQLite file, pg_dump for another PostgreSQL")
	}
	o.Migrate = false
	source, err := Open(ctx, from, o)
	if err != nil {
		return nil, fmt.Errorf("move the store: %w", err)
	}
	v, err := source.leave(ctx, placeOf(to), func() (*Verified, error) { return source.moveInto(ctx, to, progress) })
	if err := errors.Join(err, source.Close()); err != nil {
		return nil, explain(fmt.Errorf("move the store: %w", err))
	}
	return v, nil
}

func (s *Store) moveInto(ctx context.Context, address string, progress Progress) (*Verified, error) {
	if !IsPostgreSQL(address) {
		return s.Backup(ctx, strings.TrimPrefix(address, "sqlite:"), progress)
	}
	o := s.options
	o.Migrate = true
	target, err := Open(ctx, address, o)
	if err != nil {
		return nil, err
	}
	v, err := copyAll(ctx, s, target, progress)
	return v, errors.Join(err, target.Close())
}

// leave has a copy of the store made while it holds the lock of the head, so that no
// change is acknowledged that the copy lacks, and marks the store.
func (s *Store) leave(ctx context.Context, place string, move func() (*Verified, error)) (*Verified, error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // does nothing once committed
	t := &Tx{Reader: s.reader(tx), tx: tx}
	if s.dialect.apart != "" {
		_, err = t.Exec(ctx, s.dialect.apart) // before the head, for which those may wait that have this lock
	}
	if err == nil {
		_, err = s.lockHead(ctx, &t.Reader)
	}
	if err == nil && s.dialect.hold != "" {
		_, err = t.Exec(ctx, s.dialect.hold)
	}
	if err != nil {
		return nil, err
	}
	v, err := move()
	if err != nil {
		return nil, err
	}
	if _, err = t.Exec(ctx, `UPDATE log_head SET moved = $1`, place); err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return nil, fmt.Errorf("all of it is in %s now, but the old store could not be marked; hint: use the new one, and never start a server on the old one: %w", place, err)
	}
	return v, nil
}

// placeOf names the database of an address, without secrets.
func placeOf(address string) string {
	if !IsPostgreSQL(address) {
		return "the SQLite file " + strings.TrimPrefix(address, "sqlite:")
	}
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return "PostgreSQL" // the error may hold the password
	}
	return fmt.Sprintf("the PostgreSQL database %s at %s", c.Database, c.Host)
}

// copyAll copies all rows of all tables, of one state of the source, in one transaction.
func copyAll(ctx context.Context, from, to *Store, progress Progress) (*Verified, error) {
	var head Head
	counts := map[string]int64{}
	err := from.View(ctx, func(ctx context.Context, r *Reader) (err error) {
		if head, err = from.Head(ctx, r); err != nil {
			return err
		}
		return to.replaceAll(ctx, r, from, counts, progress)
	})
	if err != nil {
		return nil, err
	}
	v, err := to.VerifyLedger(ctx, progress.verifying)
	if err != nil {
		return nil, err
	}
	if v.Head != head.Checkpoint {
		return nil, &ledger.Fault{Entry: -1, Reason: "the copy has another head"}
	}
	return v, to.View(ctx, func(ctx context.Context, r *Reader) error {
		for table, want := range counts {
			if n, err := count(ctx, r, table); err != nil {
				return err
			} else if n != want {
				return fmt.Errorf("table %s has %d rows after the copy, want %d", table, n, want)
			}
		}
		return nil
	})
}

// replaceAll fills the tables of a store whose ledger is empty. What its migrations put
// there goes: the source has that too.
func (s *Store) replaceAll(ctx context.Context, r *Reader, from *Store, counts map[string]int64, progress Progress) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing once committed
	t := &Tx{Reader: s.reader(tx), tx: tx}
	head, err := s.lockHead(ctx, &t.Reader)
	if err != nil {
		return err
	}
	if head.Size > 0 {
		return fmt.Errorf("the new database has a ledger of %d entries; hint: an empty database", head.Size)
	}
	tables, err := tablesOf(ctx, r, from, &t.Reader, s)
	if err != nil {
		return err
	}
	for _, name := range slices.Backward(tables) {
		if _, err := t.Exec(ctx, `DELETE FROM `+name); err != nil {
			return fmt.Errorf("empty table %s: %w", name, err)
		}
	}
	for _, name := range tables {
		if counts[name], err = copyTable(ctx, r, t, name, progress); err != nil {
			return fmt.Errorf("copy table %s: %w", name, err)
		}
	}
	return tx.Commit()
}

// tablesOf lists the tables, each after those that it refers to. Both databases must have
// the same. The references are read from the one that is SQLite.
func tablesOf(ctx context.Context, r *Reader, from *Store, target *Reader, to *Store) ([]string, error) {
	have, err := tableNames(ctx, r, from.dialect)
	if err != nil {
		return nil, err
	}
	want, err := tableNames(ctx, target, to.dialect)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(have, want) {
		return nil, fmt.Errorf("the databases have other tables: %v and %v; hint: rootkeep migrate", have, want)
	}
	lite := r
	if from.dialect.name != sqliteDialect.name {
		lite = target
	}
	var out []string
	for len(out) < len(have) {
		before := len(out)
		for _, name := range have {
			if slices.Contains(out, name) {
				continue
			}
			refers, err := refersTo(ctx, lite, name)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(refers, func(other string) bool { return other != name && !slices.Contains(out, other) }) {
				out = append(out, name)
			}
		}
		if len(out) == before {
			return nil, errors.New("tables refer to each other in a circle")
		}
	}
	return out, nil
}

// tableNames lists the tables that migrations made, in the order of their names.
func tableNames(ctx context.Context, r *Reader, d dialect) ([]string, error) {
	query := `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`
	if d.name == sqliteDialect.name {
		query = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'`
	}
	names, err := Texts(ctx, r, query)
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "goose_") })
	slices.Sort(names)
	return names, err
}

func refersTo(ctx context.Context, r *Reader, table string) ([]string, error) {
	return Texts(ctx, r, `SELECT DISTINCT "table" FROM pragma_foreign_key_list($1)`, table)
}

// count counts the rows of a table. Names of tables are those of migrations, never
// anybody's input.
func count(ctx context.Context, r *Reader, table string) (n int64, err error) {
	err = r.Row(ctx, `SELECT COUNT(*) FROM `+table).Scan(&n)
	return n, err
}

const copyRows = 64 // that are written at once, or as many as have mostBytes

func copyTable(ctx context.Context, from *Reader, to *Tx, table string, progress Progress) (int64, error) {
	total, err := count(ctx, from, table)
	if err != nil {
		return 0, err
	}
	var n, held int64
	var out rows
	err = Each(ctx, from, func(in *sql.Rows) error {
		values, err := scanAll(in, table, &out)
		if err != nil {
			return err
		}
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				held += int64(len(b))
			}
		}
		out.add(values...)
		if n++; len(out.args) < copyRows*out.columns && held < mostBytes {
			return nil
		}
		progress.say("copy table "+table+", rows", n, total)
		err = out.write(ctx, to)
		out.args, held = out.args[:0], 0
		return err
	}, `SELECT * FROM `+table)
	if err == nil {
		err = out.write(ctx, to)
	}
	if err == nil && n != total {
		err = fmt.Errorf("read %d rows of %d", n, total)
	}
	progress.say("copy table "+table+", rows", n, total)
	return n, err
}

// scanAll reads a row as it is, and at the first one learns the names of the columns:
// the two databases may have them in another order.
func scanAll(in *sql.Rows, table string, out *rows) ([]any, error) {
	names, err := in.Columns()
	if err != nil {
		return nil, err
	}
	if out.into == "" {
		*out = rows{into: fmt.Sprintf(`INSERT INTO %s (%s) VALUES `, table, strings.Join(names, ", ")), columns: len(names)}
	}
	values := make([]any, len(names))
	places := make([]any, len(names))
	for i := range values {
		places[i] = &values[i]
	}
	if err := in.Scan(places...); err != nil {
		return nil, err
	}
	for i, v := range values {
		if b, ok := v.([]byte); ok {
			values[i] = notNil(b) // SQLite's driver gives no bytes and NULL as two kinds of nil
		}
	}
	return values, nil
}
