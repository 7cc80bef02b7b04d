package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// Watch calls step before and after everything that the connection which makes changes
// is asked to do. It is called before the first change.
func Watch(s *Store, step func()) error {
	c, err := s.write.Conn(context.Background())
	if err != nil {
		return err
	}
	inner := make(chan driver.Conn)
	go c.Raw(func(conn any) error { // never returns: the connection is the watched one's now
		inner <- conn.(driver.Conn)
		select {}
	})
	s.write = sql.OpenDB(watched{<-inner, step})
	s.write.SetMaxOpenConns(1)
	return nil
}

// Limit runs a statement on the connection that makes changes, such as a PRAGMA.
func Limit(s *Store, statement string) error {
	_, err := s.write.Exec(statement)
	return err
}

// MigrateTo brings a database to an older schema, and runs statements there.
func MigrateTo(ctx context.Context, address string, o Options, version int64, statements ...string) (err error) {
	s, err := prepare(ctx, address, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.disconnect()) }()
	p, err := s.migrations()
	if err != nil {
		return err
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return err
	}
	for _, one := range statements {
		if _, err := s.write.ExecContext(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// InPlace is inPlace.
func InPlace(path string, fill func(part string) error) error {
	_, err := inPlace(path, func(part string) (*Verified, error) { return nil, fill(part) })
	return err
}

// watched is a connection of which every use is told, as its own connector.
type watched struct {
	driver.Conn
	step func()
}

func (w watched) Connect(context.Context) (driver.Conn, error) { return w, nil }
func (w watched) Driver() driver.Driver                        { return nil }

func (w watched) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	w.step()
	defer w.step()
	return w.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (w watched) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	w.step()
	defer w.step()
	return w.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (w watched) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	w.step()
	defer w.step()
	tx, err := w.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	return watchedTx{tx, w.step}, err
}

func (w watched) CheckNamedValue(v *driver.NamedValue) error {
	if c, ok := w.Conn.(driver.NamedValueChecker); ok {
		return c.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type watchedTx struct {
	driver.Tx
	step func()
}

func (t watchedTx) Commit() error {
	t.step()
	defer t.step()
	return t.Tx.Commit()
}

// Readers are the connections that read.
func Readers(s *Store) int { return s.read.Stats().OpenConnections }
