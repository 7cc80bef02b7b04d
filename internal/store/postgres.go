package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

var postgresDialect = dialect{
	name: "PostgreSQL", goose: goose.DialectPostgres, viewIsolation: sql.LevelRepeatableRead,
	lockHead: readHead + ` FOR UPDATE`,
	hold:     `SET LOCAL idle_in_transaction_session_timeout = 0`,
	arrays:   true,
	beside:   `SELECT pg_advisory_xact_lock_shared(7816393114)`,
	apart:    `SELECT pg_advisory_xact_lock(7816393114)`, // any number that other programs do not lock
}

const (
	writers     = 4               // connections that change PostgreSQL: one for updates, the others for touches
	longestDial = 5 * time.Second // of one connection
)

func (s *Store) connectPostgres(ctx context.Context, address string) error {
	c, err := pgx.ParseConfig(address)
	if err != nil {
		return errors.New("open PostgreSQL: the address does not parse; hint: postgres://user@host/database") // the error may hold the password
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = longestDial
	}
	for name, value := range sessionSettings {
		c.RuntimeParams[name] = value
	}
	s.dialect = postgresDialect
	s.write = stdlib.OpenDB(*c, stdlib.OptionAfterConnect(waitForDisk))
	reading := c.Copy()
	reading.RuntimeParams["default_transaction_read_only"] = "on"
	s.read = stdlib.OpenDB(*reading)
	for db, most := range map[*sql.DB]int{s.write: writers, s.read: 2 * readers} {
		db.SetMaxOpenConns(most)
		db.SetMaxIdleConns(most)
		db.SetConnMaxIdleTime(idle)
	}
	if err := s.write.PingContext(ctx); err != nil {
		return errors.Join(explain(fmt.Errorf("open PostgreSQL: %w", err)), s.disconnect())
	}
	var fsync string
	if err := s.write.QueryRowContext(ctx, `SHOW fsync`).Scan(&fsync); err != nil {
		return errors.Join(explain(fmt.Errorf("open PostgreSQL: %w", err)), s.disconnect())
	}
	if fsync != "on" {
		s.options.Log.Warn("PostgreSQL does not wait for the disk (fsync is off): a power cut can lose what was acknowledged")
	}
	return nil
}

// sessionSettings keep what an operator set for other programs from changing what
// transactions mean here, and free the head of the ledger when a server is gone without
// a word, such as by a power cut: its lock would else stay for hours. In milliseconds
// and seconds.
var sessionSettings = map[string]string{
	"application_name":                    "rootkeep",
	"default_transaction_isolation":       "read committed",
	"default_transaction_read_only":       "off",
	"idle_in_transaction_session_timeout": "60000",
	"plan_cache_mode":                     "force_custom_plan", // one made while a table was empty reads all of it later
	"tcp_keepalives_idle":                 "30",
	"tcp_keepalives_interval":             "10",
	"tcp_keepalives_count":                "3",
}

// waitForDisk makes a commit wait for the disk if the server's settings say that it need
// not. Settings that wait for more, such as for a standby, stay.
func waitForDisk(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`)
	return err
}
