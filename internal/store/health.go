package store

import (
	"context"
	"fmt"
	"time"
)

// Health is what says whether a store is fit for work.
type Health struct {
	Kind    string        // SQLite or PostgreSQL
	Schema  int64         // version of the tables
	Entries int64         // of the ledger
	Newest  time.Time     // time of the newest entry, zero for an empty ledger
	Behind  time.Duration // how far the clock is behind the newest entry, 0 if it is not
}

// Health asks the database. An error means that it does not answer, that a change could
// not be made as things are, or that the head of the ledger is not the one that was
// signed; Behind is for the caller to judge: changes still get a time that is not before
// the newest entry's.
func (s *Store) Health(ctx context.Context) (Health, error) {
	h := Health{Kind: s.dialect.name}
	err := s.View(ctx, func(ctx context.Context, r *Reader) error {
		if err := r.Row(ctx, `SELECT MAX(version_id) FROM goose_db_version`).Scan(&h.Schema); err != nil {
			return fmt.Errorf("read the schema's version: %w", err)
		}
		head, err := s.Head(ctx, r)
		if err != nil {
			return err
		}
		if _, err := readEdge(ctx, r, head); err != nil {
			return err
		}
		h.Entries, h.Newest = head.Size, head.at
		h.Behind = max(0, head.at.Sub(s.Now()))
		return nil
	})
	if err == nil && s.fault.Load() != nil {
		// The last change could not be written: one without content finds out whether
		// that has passed.
		err = s.Update(ctx, func(context.Context, *Tx) error { return nil })
	}
	return h, err
}
