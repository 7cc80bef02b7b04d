package anchor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/timestamp"
	"github.com/rootkeep/rootkeep/ledger"
)

const (
	attempts       = 4 // of one post
	attemptTimeout = 20 * time.Second
	maxAnswer      = 64 << 10 // bytes
	minSecret      = 16       // bytes
)

// Post sends to one address, and tries again what may go better: no answer, 429, 5xx.
type Post struct {
	Address string
	Client  *http.Client                               // nil: one that follows no redirect
	Sleep   func(context.Context, time.Duration) error // between attempts; nil is a timer
}

// errLater is an answer after which another try may go better.
type errLater struct{ error }

func (p *Post) send(ctx context.Context, header http.Header, body []byte) ([]byte, error) {
	client, sleep := p.Client, p.Sleep
	if client == nil {
		client = &http.Client{Timeout: attemptTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if sleep == nil {
		sleep = pause
	}
	for attempt := 1; ; attempt++ {
		answer, err := p.once(ctx, client, header, body)
		var later errLater
		if err == nil || attempt == attempts || !errors.As(err, &later) {
			return answer, err
		}
		if err := sleep(ctx, time.Second<<attempt); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Post) once(ctx context.Context, client *http.Client, header http.Header, body []byte) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, attemptTimeout)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the address does not parse")
	}
	r.Header = header.Clone()
	r.Header.Set("User-Agent", "rootkeep")
	answer, err := client.Do(r)
	if err != nil {
		// The error of net/http repeats the address, which may hold a token.
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, errLater{err}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, errLater{err}
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("an answer of more than %d KiB", maxAnswer>>10)
	case answer.StatusCode/100 == 2:
		return text, nil
	case answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500:
		return nil, errLater{fmt.Errorf("it answered %d", answer.StatusCode)}
	}
	return nil, fmt.Errorf("it answered %d", answer.StatusCode)
}

// Hook posts checkpoints to a receiver of webhooks. The body is the checkpoint itself.
// Rootkeep-Timestamp is the time in seconds since 1970, Rootkeep-Signature the word
// sha256= and, in hexadecimal, the HMAC-SHA-256 under the secret of the timestamp, a dot
// and the body. The receiver refuses old timestamps and compares in constant time.
type Hook struct {
	Post
	Secret []byte
	Now    func() time.Time
}

// Put posts a checkpoint. What it gives is what the receiver answered with 2xx.
func (h *Hook) Put(ctx context.Context, head ledger.Checkpoint, signed []byte) ([]byte, error) {
	if len(h.Secret) < minSecret {
		return nil, fmt.Errorf("the secret has %d bytes, want %d or more", len(h.Secret), minSecret)
	}
	at := strconv.FormatInt(h.Now().Unix(), 10)
	header := http.Header{
		"Content-Type": {"text/plain; charset=utf-8"}, "Rootkeep-Event": {"ledger.checkpoint"}, "Rootkeep-Ledger": {head.Origin},
		"Rootkeep-Timestamp": {at}, "Rootkeep-Signature": {Signature(h.Secret, at, signed)},
		"Idempotency-Key": {fmt.Sprintf("%d-%s", head.Size, hex.EncodeToString(head.Root[:8]))},
	}
	return h.send(ctx, header, signed)
}

// Signature is that of a webhook.
func Signature(secret []byte, timestamp string, body []byte) string {
	m := hmac.New(sha256.New, secret)
	fmt.Fprintf(m, "%s.%s", timestamp, body) // a hash takes every write
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// ReadSecret reads the secret of a webhook: the file's text without white space at its
// ends.
func ReadSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret of the webhook: %w", err)
	}
	secret := []byte(strings.TrimSpace(string(text)))
	if len(secret) < minSecret {
		return nil, fmt.Errorf("secret of the webhook: %s has %d bytes, want %d or more; hint: openssl rand -hex 32", path, len(secret), minSecret)
	}
	return secret, nil
}

// Stamper has checkpoints stamped by a time-stamping authority (RFC 3161). The stamp is
// on the SHA-256 of the signed checkpoint.
type Stamper struct {
	Post
	Roots *x509.CertPool
}

// Put asks for a stamp and gives it, checked.
func (s *Stamper) Put(ctx context.Context, _ ledger.Checkpoint, signed []byte) ([]byte, error) {
	digest := sha256.Sum256(signed)
	var random [8]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	nonce := new(big.Int).SetUint64(binary.BigEndian.Uint64(random[:]) >> 1)
	request, err := timestamp.Request(digest, nonce)
	if err != nil {
		return nil, err
	}
	answer, err := s.send(ctx, http.Header{"Content-Type": {timestamp.RequestType}, "Accept": {timestamp.ResponseType}}, request)
	if err != nil {
		return nil, err
	}
	stamp, err := timestamp.Check(answer, digest, s.Roots)
	if err != nil {
		return nil, err
	}
	if stamp.Nonce == nil || stamp.Nonce.Cmp(nonce) != 0 {
		return nil, errors.New("the stamp answers another request")
	}
	return answer, nil
}

// Check checks a stamp.
func (s *Stamper) Check(signed, proof []byte) (string, error) {
	stamp, err := timestamp.Check(proof, sha256.Sum256(signed), s.Roots)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("stamped at %s by %s", stamp.Time.Format(time.RFC3339), stamp.Authority), nil
}

// ReadRoots reads root certificates.
func ReadRoots(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("root certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("root certificates: %s holds no PEM certificate", path)
	}
	return pool, nil
}
