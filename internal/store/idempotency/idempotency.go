// Package idempotency keeps the answers to requests that carried an Idempotency-Key, so
// that the same request sent again is answered again instead of being done again.
package idempotency

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
)

// Kept is how long a key is remembered.
const Kept = 24 * time.Hour

// Errors of Begin.
var (
	// ErrOtherRequest is a key that was used for a request with another body.
	ErrOtherRequest = errors.New("the key was used for another request")
	// ErrNoAnswer is a key whose request has no answer: it is under way, or its server
	// ended before the answer was kept.
	ErrNoAnswer = errors.New("the request with this key has no answer")
)

// Key is what a request is remembered by.
type Key struct {
	Actor, Route, Token string
	Request             [32]byte // SHA-256 of what the request says: its body and what else counts
}

// Answer is what a request came to.
type Answer struct {
	Status  int
	Headers string // JSON
	Body    []byte
	Whole   bool // the body is kept
}

// Begin remembers a key. It gives the answer if the same request had one, and nil for a
// key that is new. Keys older than Kept are forgotten.
func Begin(ctx context.Context, s *store.Store, k Key) (*Answer, error) {
	var known *Answer
	err := s.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		known = nil
		if _, err := Expire(ctx, tx); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO idempotency (actor, route, token, request, status, headers, body, whole, at)
			VALUES ($1, $2, $3, $4, 0, '', $5, 0, $6) ON CONFLICT (actor, route, token) DO NOTHING`,
			k.Actor, k.Route, k.Token, k.Request[:], []byte{}, store.Micros(tx.Now()))
		if err != nil || n == 1 {
			return err
		}
		known, err = read(ctx, &tx.Reader, k)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("remember an idempotency key: %w", err)
	}
	return known, nil
}

func read(ctx context.Context, r *store.Reader, k Key) (*Answer, error) {
	var a Answer
	var request []byte
	var whole int64
	err := r.Row(ctx, `SELECT request, status, headers, body, whole FROM idempotency WHERE actor = $1 AND route = $2 AND token = $3`,
		k.Actor, k.Route, k.Token).Scan(&request, &a.Status, &a.Headers, &a.Body, &whole)
	switch {
	case errors.Is(err, sql.ErrNoRows): // forgotten in between
		return nil, ErrNoAnswer
	case err != nil:
		return nil, err
	case !bytes.Equal(request, k.Request[:]):
		return nil, ErrOtherRequest
	case a.Status == 0:
		return nil, ErrNoAnswer
	}
	a.Whole = whole == 1
	return &a, nil
}

// End keeps the answer.
func End(ctx context.Context, s *store.Store, k Key, a Answer) error {
	whole := 0
	if a.Whole {
		whole = 1
	}
	err := s.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.ExecOne(ctx, `UPDATE idempotency SET status = $1, headers = $2, body = $3, whole = $4 WHERE actor = $5 AND route = $6 AND token = $7 AND status = 0`,
			a.Status, a.Headers, append([]byte{}, a.Body...), whole, k.Actor, k.Route, k.Token)
	})
	if err != nil {
		return fmt.Errorf("keep the answer to an idempotency key: %w", err)
	}
	return nil
}

// Expire forgets the keys older than Kept and says how many. A server that gets no more
// requests with keys would otherwise keep the last ones, and their answers, for ever.
func Expire(ctx context.Context, tx *store.Tx) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM idempotency WHERE at < $1`, store.Micros(tx.Now().Add(-Kept)))
}

// Forget forgets a key whose request was refused before anything was done.
func Forget(ctx context.Context, s *store.Store, k Key) error {
	err := s.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM idempotency WHERE actor = $1 AND route = $2 AND token = $3 AND status = 0`, k.Actor, k.Route, k.Token)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget an idempotency key: %w", err)
	}
	return nil
}
