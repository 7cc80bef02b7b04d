// Package prepared runs statements of one transaction of a database whose driver does not
// remember them.
package prepared

import (
	"context"
	"database/sql"
)

// Statements are the statements of one transaction that were run before in it. SQLite's driver
// reads a statement anew each time that it is run, which takes as long as running it; that of
// PostgreSQL remembers by itself. Queries are not among them: rows of one may be read when it is
// asked again.
type Statements map[string]*sql.Stmt // nil: it was run once

// Begin is for a transaction that begins; nil if its driver does not read statements anew.
func Begin(rereads bool) Statements {
	if !rereads {
		return nil
	}
	return Statements{}
}

// mostPrepared bounds what a transaction remembers.
const mostPrepared = 200

// Exec runs a statement in a transaction; p may be nil.
func (p Statements) Exec(ctx context.Context, tx *sql.Tx, statement string, args []any) (sql.Result, error) {
	if p == nil {
		return tx.ExecContext(ctx, statement, args...)
	}
	known, again := p[statement]
	if !again {
		if len(p) < mostPrepared {
			p[statement] = nil
		}
		return tx.ExecContext(ctx, statement, args...)
	}
	if known == nil {
		var err error
		if known, err = tx.PrepareContext(ctx, statement); err != nil {
			return nil, err
		}
		p[statement] = known // the end of the transaction closes it
	}
	return known.ExecContext(ctx, args...)
}
