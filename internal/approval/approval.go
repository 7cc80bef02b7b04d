// Package approval decides whether something that was asked for may be done: a request,
// the policy frozen into it and what approvers signed go in, a new state comes out. An
// approval is the signature of a security key over the SHA-256 of a statement, which
// anybody can check later without the server.
//
// What is hashed is canonical JSON (RFC 8785). The rules that decide are kept as ten
// invariants, each of which has a test of that name:
//
//  1. A required count below 1 is refused when a policy is read.
//  2. A person counts once over all groups.
//  3. Groups are told apart by ID; nested ones resolve, a group within itself is refused.
//  4. The requester, and whoever edited the request, never counts.
//  5. An edit clears all approvals.
//  6. The policy and its version are frozen into the request.
//  7. A decision is made once (with the store: one compare-and-set).
//  8. Time that runs out means expired, never approved.
//  9. Denied, expired, withdrawn, overridden and approved are final.
//  10. A request that nobody could approve is refused, and the error says who is missing.
//
// An override, with which the requester goes on without approvals, is none of them: it
// never counts as an approval, and leads to a state of its own.
package approval

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep"
)

// State is where a request stands.
type State string

// The states. All but Requested are final.
const (
	Requested State = "requested"
	Approved  State = "approved"
	Denied    State = "denied"
	Expired   State = "expired"
	Withdrawn State = "withdrawn"
	// Overridden is a request that went on without approvals, as only those for root can.
	Overridden State = "overridden"
)

// States lists those that a request of any kind can have, in the order in which pages
// show them.
func States() []State { return []State{Requested, Approved, Denied, Expired, Withdrawn} }

// ParseState reads a state.
func ParseState(s string) (State, error) {
	if v := State(s); slices.Contains(States(), v) {
		return v, nil
	}
	return "", fmt.Errorf("state %q: want requested, approved, denied, expired or withdrawn", s)
}

// Errors that a caller branches on.
var (
	// ErrFinal is a change of a request that is approved, denied, expired or withdrawn.
	ErrFinal = errors.New("the request is decided")
	// ErrStale is a statement about the request as it was before an edit.
	ErrStale = errors.New("the request was edited since; hint: read it again")
	// ErrLate is a statement that was signed when it was not taken any more.
	ErrLate = errors.New("the time to sign is over; hint: read the request again")
	// ErrMayNot is a decision of somebody who cannot make it.
	ErrMayNot = errors.New("may not decide this request")
	// ErrTwice is a second decision of one person about one version of a request.
	ErrTwice = errors.New("has decided this request already")
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// Sum hashes bytes.
func Sum(b []byte) Hash { return sha256.Sum256(b) }

// String is the hash in hexadecimal, as sha256sum prints it.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes it in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads hexadecimal.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("hash of %d letters, want %d", len(b), hex.EncodedLen(len(h)))
	}
	_, err := hex.Decode(h[:], b)
	return err
}

// Request is what was asked for, as the approvers sign it: its members are in the order
// of their names. Where it stands is not part of it.
type Request struct {
	Account   rootkeep.AccountID `json:"account"`
	Action    string             `json:"action"` // one line, such as "except RT-05"
	Created   time.Time          `json:"created"`
	Editors   []string           `json:"editors"` // in order, without the requester
	Expires   time.Time          `json:"expires"` // the first moment at which it cannot be approved any more
	ID        string             `json:"id"`
	Kind      string             `json:"kind"` // such as exception
	Policy    Hash               `json:"policy_sha256"`
	Requester string             `json:"requester"`
	Schema    string             `json:"schema"`
	Subject   Hash               `json:"subject_sha256"` // of the document that says what is asked for
	Version   int                `json:"version"`        // from 1, one more with every edit
}

// RequestSchema names the canonical JSON of a request.
const RequestSchema = "rootkeep/approval-request/1"

// Bytes is the canonical JSON of the request.
func (r *Request) Bytes() []byte { return canonical(r) }

// Hash is the SHA-256 of its canonical JSON.
func (r *Request) Hash() Hash { return Sum(r.Bytes()) }

// ParseRequest reads the canonical JSON of a request, and nothing else.
func ParseRequest(text []byte) (*Request, error) {
	r := &Request{}
	if err := Parse(text, "request", r); err != nil {
		return nil, err
	}
	return r, r.check()
}

func (r *Request) check() error {
	if r.Schema != RequestSchema {
		return fmt.Errorf("request: schema %q, want %s", r.Schema, RequestSchema)
	}
	for name, text := range map[string]string{"id": r.ID, "requester": r.Requester} {
		if !id.MatchString(text) {
			return fmt.Errorf("request: %s %q: want an ID", name, text)
		}
	}
	if _, err := rootkeep.ParseAccountID(string(r.Account)); err != nil {
		return fmt.Errorf("request %s: %w", r.ID, err)
	}
	switch {
	case !word.MatchString(r.Kind):
		return fmt.Errorf("request %s: kind %q", r.ID, r.Kind)
	case r.Version < 1:
		return fmt.Errorf("request %s: version %d, want 1 or more", r.ID, r.Version)
	case r.Editors == nil || !slices.IsSorted(r.Editors) || slices.Contains(r.Editors, r.Requester):
		return fmt.Errorf("request %s: editors are not in order, or hold the requester", r.ID)
	case !whole(r.Created) || !whole(r.Expires) || !r.Created.Before(r.Expires):
		return fmt.Errorf("request %s: created %s, expires %s: want two moments of whole seconds, UTC", r.ID, r.Created, r.Expires)
	}
	for _, e := range r.Editors {
		if !id.MatchString(e) {
			return fmt.Errorf("request %s: editor %q: want the ID of a person", r.ID, e)
		}
	}
	return CheckText("action", r.Action, 200)
}

// whole says whether a time is one that its JSON gives back: whole seconds, UTC, of this
// age.
func whole(t time.Time) bool {
	return t.Location() == time.UTC && t.Nanosecond() == 0 && t.Year() >= 2000 && t.Year() <= 9999
}

// cutoff is t without what is finer than a second, UTC.
func cutoff(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// Ask is what a new request is made of.
type Ask struct {
	ID        string
	Kind      string
	Account   rootkeep.AccountID
	Action    string
	Subject   []byte
	Requester string
}

// New makes a request that the policy decides. can are the persons who could approve it
// now: who may do so at the account and hold a key. It is a *Shortage if they do not
// suffice.
func New(a Ask, p *Policy, can []string, now time.Time) (*Request, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	created := cutoff(now)
	r := &Request{
		Account: a.Account, Action: a.Action, Created: created, Editors: []string{}, Expires: created.Add(time.Duration(p.Valid) * time.Second),
		ID: a.ID, Kind: a.Kind, Policy: Sum(p.Bytes()), Requester: a.Requester, Schema: RequestSchema, Subject: Sum(a.Subject), Version: 1,
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, r.enough(p, can)
}

// Edit gives the request as it is once a person changed what it asks for. Nobody who
// signed the old one signed this. It expires when the old one would have.
func (r *Request) Edit(state State, by, action string, subject []byte, p *Policy, can []string, now time.Time) (*Request, error) {
	if err := r.open(state, now); err != nil {
		return nil, err
	}
	if Sum(p.Bytes()) != r.Policy {
		return nil, fmt.Errorf("request %s: this is not the policy that was frozen into it", r.ID)
	}
	e := *r
	e.Action, e.Subject, e.Version = action, Sum(subject), r.Version+1
	if by != r.Requester && !slices.Contains(r.Editors, by) {
		e.Editors = append(slices.Clone(r.Editors), by)
		slices.Sort(e.Editors)
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	return &e, e.enough(p, can)
}

// open refuses a request that nothing can change any more.
func (r *Request) open(state State, now time.Time) error {
	switch {
	case state != Requested:
		return fmt.Errorf("request %s is %s: %w", r.ID, state, ErrFinal)
	case !now.Before(r.Expires):
		return fmt.Errorf("request %s expired %s: %w", r.ID, r.Expires.Format(time.RFC3339), ErrFinal)
	case now.Before(r.Created):
		return fmt.Errorf("request %s was made %s, after the %s of this clock; hint: set the clock", r.ID, r.Created.Format(time.RFC3339), cutoff(now).Format(time.RFC3339))
	}
	return nil
}

// Withdraw gives the state after the requester took the request back.
func (r *Request) Withdraw(state State, by string, now time.Time) (State, error) {
	if err := r.open(state, now); err != nil {
		return state, err
	}
	if by != r.Requester {
		return state, fmt.Errorf("request %s: only who made it withdraws it: %w", r.ID, ErrMayNot)
	}
	return Withdrawn, nil
}

// At gives the state at a time: a request that nobody decided is expired once its time
// has run out, whether or not somebody wrote that down.
func (r *Request) At(state State, now time.Time) State {
	if state == Requested && !now.Before(r.Expires) {
		return Expired
	}
	return state
}

// canonical is Encode for a value of this package that was checked: those always encode.
func canonical(v any) []byte {
	text, err := Encode(v)
	if err != nil {
		panic(err)
	}
	return text
}

// Encode is RFC 8785 for values whose members Go writes in the order of their names,
// whose numbers are small whole ones and whose texts passed checkText: of those,
// encoding/json escapes the quotation mark and the backslash, as the RFC does.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// maxDocument bounds a request, a policy or a statement, bytes.
const maxDocument = 1 << 20

// Parse reads canonical JSON: what is written otherwise is refused, so that two texts
// never say the same.
func Parse(text []byte, what string, into any) error {
	if len(text) > maxDocument {
		return fmt.Errorf("%s: %d bytes, at most %d", what, len(text), maxDocument)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if again, err := Encode(into); err != nil || !bytes.Equal(again, text) {
		return fmt.Errorf("%s: not canonical JSON (RFC 8785)", what)
	}
	return nil
}

// CheckText refuses a text that could look other than it is: control characters, line
// separators, marks that turn the direction of writing, and what is not UTF-8.
func CheckText(name, text string, longest int) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("%s is missing", name)
	case len(text) > longest:
		return fmt.Errorf("%s has %d bytes, at most %d", name, len(text), longest)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unseen):
		return fmt.Errorf("%s holds a character that cannot be seen, or is not UTF-8", name)
	}
	return nil
}

func unseen(c rune) bool {
	switch {
	case c < ' ', c >= 0x7f && c < 0xa0, c == 0xad, c == 0x061c, c == 0xfeff:
		return true
	case c >= 0x200b && c <= 0x200f && c != 0x200c && c != 0x200d: // these two shape Persian and Hindi letters
		return true
	}
	return c >= 0x2028 && c <= 0x202e || c >= 0x2060 && c <= 0x2069 || c >= 0xe0000 && c <= 0xe007f
}
