package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/rootkeep/rootkeep/internal/store/idempotency"
)

// keptHeaders are those of an answer that the same request gets again.
var keptHeaders = []string{"Content-Type", "Location", "ETag"}

const (
	longestKey  = 128
	mostAnswer  = 256 << 10 // bytes of a body that is kept
	keyHeader   = "Idempotency-Key"
	replayed    = "Idempotency-Replayed"
	outcomeText = "a request with this key is under way, or the server ended before it could keep the answer; hint: look whether it was done before you send it with another key"
)

// once answers a request with an Idempotency-Key: the first time by its handler, then by
// the answer that was kept. The key is bound to the actor, to the address and to what the
// request says: its body, and the version that it is about.
func (s *Server) once(w http.ResponseWriter, r *http.Request, v *visit) error {
	token := r.Header.Get(keyHeader)
	if len(token) > longestKey || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return Refuse(http.StatusBadRequest, "bad-key", "an Idempotency-Key has 1 to 128 printable ASCII characters without spaces")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return unread(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	said := sha256.New()
	fmt.Fprintf(said, "%q %q\n%s", r.URL.RawQuery, r.Header.Values("If-Match"), body)
	key := idempotency.Key{Actor: v.actor.ID, Route: r.Method + " " + r.URL.EscapedPath(), Token: token, Request: [sha256.Size]byte(said.Sum(nil))}
	known, err := idempotency.Begin(r.Context(), s.config.Store, key)
	switch {
	case errors.Is(err, idempotency.ErrOtherRequest):
		return Refuse(http.StatusUnprocessableEntity, "key-reused", "this Idempotency-Key was sent with another request: another body, query or If-Match")
	case errors.Is(err, idempotency.ErrNoAnswer):
		return Refuse(http.StatusConflict, "outcome-unknown", outcomeText)
	case err != nil:
		return err
	case known != nil:
		return replay(w, known)
	}
	held := &heldAnswer{header: w.Header().Clone()}
	if err := v.route.Handle(held, r); err != nil {
		held.header, held.status = w.Header().Clone(), 0
		held.body.Reset()
		s.fail(held, r, err)
	}
	// Kept before it is sent, and even if the client is gone: it will ask again.
	s.keep(context.WithoutCancel(r.Context()), key, held, v.route.Secret)
	held.send(w)
	return nil
}

// keep remembers the answer. If it cannot, the key stays without one, and whoever sends
// it again is told that the outcome is not known.
func (s *Server) keep(ctx context.Context, key idempotency.Key, held *heldAnswer, secret bool) {
	err := error(nil)
	if held.status == http.StatusServiceUnavailable || held.status == http.StatusTooManyRequests {
		err = idempotency.Forget(ctx, s.config.Store, key)
	} else {
		headers := map[string]string{}
		for _, name := range keptHeaders {
			if value := held.header.Get(name); value != "" {
				headers[name] = value
			}
		}
		text, _ := json.Marshal(headers) // strings
		a := idempotency.Answer{Status: held.status, Headers: string(text)}
		if !secret && held.body.Len() <= mostAnswer {
			a.Body, a.Whole = held.body.Bytes(), true
		}
		err = idempotency.End(ctx, s.config.Store, key, a)
	}
	if err != nil {
		s.config.Log.ErrorContext(ctx, "answer not kept", "id", RequestID(ctx), "error", err.Error())
	}
}

// replay sends a kept answer again.
func replay(w http.ResponseWriter, a *idempotency.Answer) error {
	if !a.Whole {
		return Refuse(http.StatusConflict, "answer-not-kept", "this was done before; its answer holds a secret or is large, and is not given twice")
	}
	headers := map[string]string{}
	if err := json.Unmarshal([]byte(a.Headers), &headers); err != nil {
		return err
	}
	for name, value := range headers {
		w.Header().Set(name, value)
	}
	w.Header().Set(replayed, "true")
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client may be gone
	return nil
}

// unread is the error of a body that could not be read.
func unread(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return Refuse(http.StatusBadRequest, "invalid", "the body could not be read")
}

// heldAnswer is an answer that is not sent yet.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header gives the headers.
func (h *heldAnswer) Header() http.Header { return h.header }

// WriteHeader sets the status.
func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

// Write adds to the body.
func (h *heldAnswer) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}

func (h *heldAnswer) send(w http.ResponseWriter) {
	clear(w.Header())
	for name, values := range h.header {
		w.Header()[name] = values
	}
	if h.status == 0 {
		h.status = http.StatusOK
	}
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body.Bytes()) // the client may be gone
}
