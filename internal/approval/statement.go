package approval

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
)

// StatementSchema names the canonical JSON of a statement.
const StatementSchema = "rootkeep/approval-statement/1"

// Decision is what an approver says.
type Decision string

// The decisions.
const (
	Approve Decision = "approve"
	Deny    Decision = "deny"
	// Override goes on without approvals. Whoever asked signs it; it never counts as one.
	Override Decision = "override"
)

// Bounds of what is signed.
const (
	maxStatement = 4 << 10 // bytes
	maxReason    = 1000    // bytes
	nonceBytes   = 32
	// SignWithin is how long an approver has between the page and the key.
	SignWithin = 10 * time.Minute
)

// Statement is what an approver signs: its members are in the order of their names.
type Statement struct {
	Account  rootkeep.AccountID `json:"account"`
	Action   string             `json:"action"`
	Approver string             `json:"approver"` // ID of the person
	Decision Decision           `json:"decision"`
	Nonce    string             `json:"nonce"`     // base64url of 32 bytes of chance, so that no statement is made twice
	NotAfter time.Time          `json:"not_after"` // the first moment at which it is not taken any more
	Policy   Hash               `json:"policy_sha256"`
	Reason   string             `json:"reason,omitempty"` // of an override; "" of others
	Request  string             `json:"request"`          // its ID
	Content  Hash               `json:"request_sha256"`
	Schema   string             `json:"schema"`
}

// NewStatement makes what the approver is to sign. nonce is 32 bytes of chance. It is
// good for SignWithin, and never longer than the request.
func NewStatement(r *Request, approver string, d Decision, nonce []byte, now time.Time) (*Statement, error) {
	return newStatement(r, approver, d, "", nonce, now)
}

// NewOverride makes what the requester is to sign in order to go on without approvals, for
// a reason. nonce and time are as of NewStatement.
func NewOverride(r *Request, reason string, nonce []byte, now time.Time) (*Statement, error) {
	return newStatement(r, r.Requester, Override, reason, nonce, now)
}

func newStatement(r *Request, approver string, d Decision, reason string, nonce []byte, now time.Time) (*Statement, error) {
	notAfter := cutoff(now).Add(SignWithin)
	if notAfter.After(r.Expires) {
		notAfter = r.Expires
	}
	s := &Statement{
		Account: r.Account, Action: r.Action, Approver: approver, Decision: d, Nonce: base64.RawURLEncoding.EncodeToString(nonce),
		NotAfter: notAfter, Policy: r.Policy, Reason: reason, Request: r.ID, Content: r.Hash(), Schema: StatementSchema,
	}
	return s, s.check()
}

// Bytes is the canonical JSON of the statement.
func (s *Statement) Bytes() []byte { return canonical(s) }

// Challenge is the SHA-256 of the statement: what the security key is asked to sign.
func (s *Statement) Challenge() Hash { return Sum(s.Bytes()) }

// ParseStatement reads the canonical JSON of a statement, and nothing else.
func ParseStatement(text []byte) (*Statement, error) {
	if len(text) > maxStatement {
		return nil, fmt.Errorf("statement: %d bytes, at most %d", len(text), maxStatement)
	}
	s := &Statement{}
	if err := Parse(text, "statement", s); err != nil {
		return nil, err
	}
	return s, s.check()
}

func (s *Statement) check() error {
	if s.Schema != StatementSchema {
		return fmt.Errorf("statement: schema %q, want %s", s.Schema, StatementSchema)
	}
	for name, text := range map[string]string{"approver": s.Approver, "request": s.Request} {
		if !id.MatchString(text) {
			return fmt.Errorf("statement: %s %q: want an ID", name, text)
		}
	}
	if _, err := rootkeep.ParseAccountID(string(s.Account)); err != nil {
		return fmt.Errorf("statement: %w", err)
	}
	nonce, err := base64.RawURLEncoding.Strict().DecodeString(s.Nonce)
	switch {
	case err != nil || len(nonce) != nonceBytes || bytes.ContainsAny([]byte(s.Nonce), "\r\n"):
		return fmt.Errorf("statement: nonce: want base64url of %d bytes", nonceBytes)
	case s.Decision != Approve && s.Decision != Deny && s.Decision != Override:
		return fmt.Errorf("statement: decision %q: want approve, deny or override", s.Decision)
	case s.Decision != Override && s.Reason != "":
		return fmt.Errorf("statement: a reason with the decision %q", s.Decision)
	case !whole(s.NotAfter):
		return fmt.Errorf("statement: not_after %s: want a moment of whole seconds, UTC", s.NotAfter)
	}
	if s.Decision == Override {
		if err := CheckText("statement: reason", s.Reason, maxReason); err != nil {
			return err
		}
	}
	return CheckText("statement: action", s.Action, 200)
}

// about is ErrStale if the statement is not about this version of this request.
func (s *Statement) about(r *Request) error {
	switch {
	case s.Request != r.ID:
		return fmt.Errorf("statement is about request %s, not %s", s.Request, r.ID)
	case s.Content != r.Hash():
		return fmt.Errorf("statement about %s: %w", r.ID, ErrStale)
	case s.Policy != r.Policy || s.Account != r.Account || s.Action != r.Action:
		return fmt.Errorf("statement about %s: policy, account or action is not that of the request", r.ID)
	}
	return nil
}
