package approval

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// Bounds of what comes from a browser and of what is read back, bytes.
const (
	maxAssertion = 32 << 10
	maxKey       = 4 << 10
	maxKeyID     = 1023 // Web Authentication Level 3, section 4, Credential ID
	maxRecord    = 4 << 20
)

// Site is the server as security keys know it: the RP ID is its domain, the origin is
// scheme, host and port as browsers write them. Both come from the server's address.
type Site struct {
	RPID   string `json:"rp_id"`
	Origin string `json:"origin"`
}

// SiteOf is the site of a server's address: an origin as browsers write it names no port
// that goes without saying.
func SiteOf(u *url.URL) Site {
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"https": ":443", "http": ":80"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return Site{RPID: strings.ToLower(u.Hostname()), Origin: u.Scheme + "://" + host}
}

// Bytes are base64url without padding in JSON, as browsers write them.
type Bytes []byte

// MarshalText writes base64url.
func (b Bytes) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads base64url.
func (b *Bytes) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.Strict().DecodeString(string(text))
	return err
}

// Key is a security key as the server knows it: the ID of its credential, its public
// key in COSE form (RFC 9052), and the model that it says it is.
type Key struct {
	ID     Bytes  `json:"id"`
	Public Bytes  `json:"public_key"`
	AAGUID string `json:"aaguid"`
}

// Fingerprint is the SHA-256 of the public key.
func (k *Key) Fingerprint() Hash { return Sum(k.Public) }

// algorithms are those that security keys and passkeys sign with, and all that sign-in
// asks for. SHA-1 and secp256k1 are not among them.
var algorithms = []webauthncose.COSEAlgorithmIdentifier{
	webauthncose.AlgES256, webauthncose.AlgES384, webauthncose.AlgES512, webauthncose.AlgEdDSA,
	webauthncose.AlgRS256, webauthncose.AlgRS384, webauthncose.AlgRS512, webauthncose.AlgPS256, webauthncose.AlgPS384, webauthncose.AlgPS512,
}

// algorithm names the algorithm of the key, if it is one that is taken.
func (k *Key) algorithm() error {
	if len(k.ID) == 0 || len(k.ID) > maxKeyID || len(k.Public) > maxKey {
		return errors.New("security key: no ID, or more bytes than a key has")
	}
	parsed, err := webauthncose.ParsePublicKey(k.Public)
	if err != nil {
		return fmt.Errorf("security key: %w", err)
	}
	var n int64
	switch parsed := parsed.(type) {
	case webauthncose.EC2PublicKeyData:
		n = parsed.Algorithm
	case webauthncose.OKPPublicKeyData:
		n = parsed.Algorithm
	case webauthncose.RSAPublicKeyData:
		n = parsed.Algorithm
	}
	if !slices.Contains(algorithms, webauthncose.COSEAlgorithmIdentifier(n)) {
		return fmt.Errorf("security key: COSE algorithm %d is not taken", n)
	}
	return nil
}

// Signed is a statement with a good signature, and what the key said with it.
type Signed struct {
	Statement *Statement
	Count     uint32 // of the key's signatures; 0 for keys that do not count
	BackedUp  bool   // the key is kept by more than one device
}

// Verify checks that the key signed the statement, with user verification, on a page of
// the site: Web Authentication Level 3, section 7.2. assertion is the JSON that browsers
// give (AuthenticationResponseJSON). It asks nobody and no clock.
func Verify(statement, assertion []byte, k Key, at Site) (*Signed, error) {
	s, err := ParseStatement(statement)
	if err != nil {
		return nil, err
	}
	if err := k.algorithm(); err != nil {
		return nil, err
	}
	if at.RPID == "" || at.Origin == "" {
		return nil, errors.New("approval: the site's RP ID and origin are required")
	}
	parsed, err := parseAssertion(assertion)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(parsed.RawID, k.ID) {
		return nil, errors.New("assertion: made with another security key")
	}
	// The library compares origins by scheme, host and port; browsers write only one form.
	if signed := parsed.Response.CollectedClientData.Origin; signed != at.Origin {
		return nil, fmt.Errorf("assertion: signed on %q, want %q", signed, at.Origin)
	}
	challenge := s.Challenge()
	err = parsed.Verify(base64.RawURLEncoding.EncodeToString(challenge[:]), at.RPID, "", []string{at.Origin}, nil, nil,
		protocol.TopOriginExplicitVerificationMode, false, true, true, k.Public, protocol.SignaturePolicy{})
	if err != nil {
		return nil, fmt.Errorf("assertion: %w", detailed(err))
	}
	data := parsed.Response.AuthenticatorData
	return &Signed{s, data.Counter, data.Flags.HasBackupState()}, nil
}

// CredentialOf gives the ID of the credential that an assertion says it was made with.
func CredentialOf(assertion []byte) ([]byte, error) {
	parsed, err := parseAssertion(assertion)
	if err != nil {
		return nil, err
	}
	return parsed.RawID, nil
}

func parseAssertion(text []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(text) > maxAssertion {
		return nil, fmt.Errorf("assertion: %d bytes, at most %d", len(text), maxAssertion)
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(text)
	if err != nil {
		return nil, fmt.Errorf("assertion: %w", detailed(err))
	}
	return parsed, nil
}

// detailed gives the library's error with what it says for developers: its Error alone
// often only names the step.
func detailed(err error) error {
	var e *protocol.Error
	if errors.As(err, &e) && e.DevInfo != "" {
		return fmt.Errorf("%s: %s", e.Details, e.DevInfo)
	}
	return err
}

// RecordSchema names a saved approval.
const RecordSchema = "rootkeep/approval/1"

// Record is an approval, or a denial, with everything that is needed to check it: it is
// the payload of the ledger's entry, and the file that is checked offline. The texts are
// the canonical JSON that was hashed, to the byte.
type Record struct {
	Schema    string          `json:"schema"`
	Statement string          `json:"statement"` // what was signed
	Request   string          `json:"request"`   // request_sha256 in the statement
	Subject   string          `json:"subject"`   // subject_sha256 in the request
	Policy    string          `json:"policy"`    // policy_sha256 in both
	Assertion json.RawMessage `json:"assertion"` // as the browser gave it
	Key       Key             `json:"key"`
	Site      Site            `json:"site"`
}

// Bytes is the record as JSON for people and programs, indented.
func (r *Record) Bytes() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(r)
	return b.Bytes(), err
}

// ReadRecord reads a saved approval of at most 4 MiB. It checks nothing but its form.
func ReadRecord(in io.Reader) (*Record, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxRecord+1))
	if err != nil {
		return nil, fmt.Errorf("approval: %w", err)
	}
	if len(text) > maxRecord {
		return nil, fmt.Errorf("approval: more than %d bytes", maxRecord)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	r := &Record{}
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("approval: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("approval: more than one JSON value")
	}
	if r.Schema != RecordSchema {
		return nil, fmt.Errorf("approval: schema %q, want %s", r.Schema, RecordSchema)
	}
	return r, nil
}

// Checked is what a record proves.
type Checked struct {
	Statement *Statement
	Request   *Request
	Policy    *Policy
	Subject   []byte
}

// Check verifies the signature and that statement, request, subject and policy belong
// together. The key and the site are the record's own: whether the key is the approver's
// and the site the right one is for the caller to compare.
func (r *Record) Check() (*Checked, error) {
	signed, err := Verify([]byte(r.Statement), r.Assertion, r.Key, r.Site)
	if err != nil {
		return nil, err
	}
	s := signed.Statement
	request, err := ParseRequest([]byte(r.Request))
	if err != nil {
		return nil, err
	}
	if err := s.about(request); err != nil {
		return nil, err
	}
	policy, err := ParsePolicy([]byte(r.Policy))
	switch {
	case err != nil:
		return nil, err
	case Sum([]byte(r.Policy)) != request.Policy:
		return nil, fmt.Errorf("request %s: the policy is not the one whose SHA-256 was signed", request.ID)
	case Sum([]byte(r.Subject)) != request.Subject:
		return nil, fmt.Errorf("request %s: the subject is not the one whose SHA-256 was signed", request.ID)
	}
	if s.Decision == Override {
		err = request.overrides(s)
	} else {
		err = request.MayDecide(s.Approver, policy, func(string) bool { return true })
	}
	if err != nil {
		return nil, err
	}
	return &Checked{s, request, policy, []byte(r.Subject)}, nil
}
