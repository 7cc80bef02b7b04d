package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Kinds of ceremonies. What was begun as one is not finished as another.
const (
	kindSignIn = "sign-in" // by a discoverable credential
	kindAgain  = "again"   // the key once more, within a session
	kindEnrol  = "enrol"   // a key, by a link
	kindAdd    = "add"     // a further key, within a session
)

// pending is what is kept of a ceremony until the browser comes back.
type pending struct {
	WebAuthn webauthn.SessionData `json:"webauthn"`
	Person   string               `json:"person,omitempty"`
	Session  string               `json:"session,omitempty"` // that it belongs to
}

// begun is what a page gets to go on with.
type begun struct {
	Ceremony string `json:"ceremony"`
	Options  any    `json:"options"` // {"publicKey": ...}
	Name     string `json:"name,omitempty"`
}

// refusals of ceremonies. None says more than the person at the browser needs.
var (
	errOver     = web.Refuse(http.StatusBadRequest, "ceremony-over", "this sign-in has expired or was used; start again")
	errKey      = web.Refuse(http.StatusForbidden, "key-refused", "the security key was not accepted: it may be unknown here, revoked, or used without its PIN or fingerprint")
	errCopy     = web.Refuse(http.StatusForbidden, "key-count", persons.ErrCount.Error())
	errLink     = web.Refuse(http.StatusForbidden, "link-spent", persons.ErrSpent.Error())
	errTooBusy  = &web.Refusal{Status: http.StatusServiceUnavailable, Kind: "busy", Detail: persons.ErrBusy.Error(), Retry: 60}
	errAnswered = web.Refuse(http.StatusBadRequest, "invalid", "the browser's answer does not parse")
)

// owner is a person as the library wants to see one.
type owner struct {
	person persons.Person
	keys   []persons.Key
}

// WebAuthnID is the user handle.
func (o owner) WebAuthnID() []byte { return o.person.Handle }

// WebAuthnName is what a key shows to tell accounts apart.
func (o owner) WebAuthnName() string {
	if o.person.Email != "" {
		return o.person.Email
	}
	return o.person.Name
}

// WebAuthnDisplayName is the person's name.
func (o owner) WebAuthnDisplayName() string { return o.person.Name }

// WebAuthnCredentials are the keys that are good.
func (o owner) WebAuthnCredentials() []webauthn.Credential {
	out := make([]webauthn.Credential, len(o.keys))
	for i, k := range o.keys {
		out[i] = webauthn.Credential{
			ID: k.Credential, PublicKey: k.PublicKey, AttestationType: k.AttestationType, AttestationFormat: k.AttestationFormat,
			Flags:         webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: k.BackupEligible, BackupState: k.BackedUp},
			Authenticator: webauthn.Authenticator{AAGUID: k.AAGUID, SignCount: k.SignCount},
		}
		for _, t := range k.Transports {
			out[i].Transport = append(out[i].Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return out
}

func (o owner) key(credential []byte) (persons.Key, bool) {
	for _, k := range o.keys {
		if string(k.Credential) == string(credential) {
			return k, true
		}
	}
	return persons.Key{}, false
}

// owner reads a person with the keys that are good.
func (s *SignIn) owner(ctx context.Context, find func(context.Context, *store.Reader) (persons.Person, error)) (owner, error) {
	var o owner
	err := s.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if o.person, err = find(ctx, r); err != nil {
			return err
		}
		o.keys, err = persons.GoodKeys(ctx, r, o.person.ID)
		return err
	})
	return o, err
}

func byID(id string) func(context.Context, *store.Reader) (persons.Person, error) {
	return func(ctx context.Context, r *store.Reader) (persons.Person, error) { return persons.Get(ctx, r, id) }
}

// begin keeps a ceremony and gives its handle.
func (s *SignIn) begin(ctx context.Context, kind string, p any) (string, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	var handle string
	err = s.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		handle, err = persons.BeginCeremony(ctx, tx, kind, data)
		return err
	})
	if errors.Is(err, persons.ErrBusy) {
		return "", errTooBusy
	}
	return handle, err
}

// take takes a ceremony: it is over, whatever comes of it, so no answer is good twice.
func (s *SignIn) take(ctx context.Context, kind, handle string, into any) error {
	var data []byte
	err := s.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		data, err = persons.TakeCeremony(ctx, tx, kind, handle)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return errOver
	case err != nil:
		return err
	}
	return json.Unmarshal(data, into)
}

// beginProof begins a proof of a key: of any, or of a person's in their session.
func (s *SignIn) beginProof(ctx context.Context, kind, person, session string) (begun, error) {
	var options *protocol.CredentialAssertion
	var data *webauthn.SessionData
	var err error
	if person == "" {
		options, data, err = s.party.BeginDiscoverableLogin()
	} else {
		var o owner
		if o, err = s.owner(ctx, byID(person)); err != nil {
			return begun{}, err
		}
		if len(o.keys) == 0 {
			return begun{}, web.Refuse(http.StatusForbidden, "no-key", "you have no security key yet; hint: an administrator gives you a link that enrols one")
		}
		options, data, err = s.party.BeginLogin(o)
	}
	if err != nil {
		return begun{}, fmt.Errorf("begin a proof of a key: %w", err)
	}
	handle, err := s.begin(ctx, kind, pending{*data, person, session})
	return begun{Ceremony: handle, Options: options}, err
}

// prove checks the answer of a key to the ceremony, and counts its use.
func (s *SignIn) prove(ctx context.Context, p pending, answer []byte) (persons.Person, persons.Key, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return persons.Person{}, persons.Key{}, errAnswered
	}
	find := byID(p.Person)
	if p.Person == "" {
		find = func(ctx context.Context, r *store.Reader) (persons.Person, error) {
			return persons.ByHandle(ctx, r, parsed.Response.UserHandle)
		}
	}
	o, err := s.owner(ctx, find)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return persons.Person{}, persons.Key{}, err
	}
	var credential *webauthn.Credential
	switch {
	case err != nil || o.person.State != persons.Active:
		return persons.Person{}, persons.Key{}, errKey
	case p.Person == "":
		_, credential, err = s.party.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return o, nil }, p.WebAuthn, parsed)
	default:
		credential, err = s.party.ValidateLogin(o, p.WebAuthn, parsed)
	}
	if err != nil {
		s.config.Log.WarnContext(ctx, "a security key was refused", "person", o.person.ID, "error", reason(err))
		return persons.Person{}, persons.Key{}, errKey
	}
	key, ok := o.key(credential.ID)
	if !ok {
		return persons.Person{}, persons.Key{}, errKey
	}
	flags := parsed.Response.AuthenticatorData.Flags
	return o.person, key, s.count(ctx, key, parsed.Response.AuthenticatorData.Counter, flags.HasBackupState())
}

// count keeps the key's count of signatures. One that went back is refused, and recorded.
func (s *SignIn) count(ctx context.Context, key persons.Key, got uint32, backedUp bool) error {
	err := s.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		return persons.KeyUsed(ctx, tx, key.ID, got, backedUp)
	})
	if !errors.Is(err, persons.ErrCount) {
		return err
	}
	s.config.Log.WarnContext(ctx, "a security key's count went back", "key", key.ID, "got", got)
	if err := s.config.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return persons.DoubtKey(ctx, tx, key.ID, got) }); err != nil {
		return err
	}
	return errCopy
}

// reason is what the library says of an error, for the log: its public text says little.
func reason(err error) string {
	var e *protocol.Error
	if errors.As(err, &e) {
		return e.Details + " " + e.DevInfo
	}
	return err.Error()
}

// beginKey begins the enrolment of a key.
func (s *SignIn) beginKey(ctx context.Context, kind string, o owner, session string) (begun, error) {
	var known []protocol.CredentialDescriptor
	for _, c := range o.WebAuthnCredentials() {
		known = append(known, c.Descriptor())
	}
	options, data, err := s.party.BeginRegistration(o, webauthn.WithExclusions(known))
	if err != nil {
		return begun{}, fmt.Errorf("begin the enrolment of a key: %w", err)
	}
	handle, err := s.begin(ctx, kind, pending{*data, o.person.ID, session})
	return begun{Ceremony: handle, Options: options, Name: o.person.Name}, err
}

// made checks the answer of a key that was asked for a credential, and gives it as what
// is kept.
func (s *SignIn) made(ctx context.Context, p pending, o owner, name string, answer []byte) (persons.Key, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return persons.Key{}, errAnswered
	}
	c, err := s.party.CreateCredential(o, p.WebAuthn, parsed)
	if err != nil {
		s.config.Log.WarnContext(ctx, "a new security key was refused", "person", o.person.ID, "error", reason(err))
		return persons.Key{}, web.Refuse(http.StatusForbidden, "key-refused", "the security key was not accepted: it must ask for its PIN or fingerprint, and vouch for itself correctly if it does")
	}
	k := persons.Key{
		Person: o.person.ID, Name: name, Credential: c.ID, PublicKey: c.PublicKey, AAGUID: c.Authenticator.AAGUID,
		AttestationType: c.AttestationType, AttestationFormat: c.AttestationFormat, Attestation: c.Attestation.Object,
		ClientData: c.Attestation.ClientDataJSON, SignCount: c.Authenticator.SignCount,
		BackupEligible: c.Flags.BackupEligible, BackedUp: c.Flags.BackupState,
	}
	for _, t := range c.Transport {
		if known(t) {
			k.Transports = append(k.Transports, string(t))
		}
	}
	return k, nil
}

// known says whether the transport is one of those that browsers name: the list comes
// from the client, unsigned, and goes back into options.
func known(t protocol.AuthenticatorTransport) bool {
	switch t {
	case protocol.USB, protocol.NFC, protocol.BLE, protocol.Hybrid, protocol.Internal, protocol.SmartCard:
		return true
	}
	return false
}

func byIdentity(i persons.Identity) func(context.Context, *store.Reader) (persons.Person, error) {
	return func(ctx context.Context, r *store.Reader) (persons.Person, error) {
		return persons.ByIdentity(ctx, r, i)
	}
}
